"""`syncd audit`: the first look at who owns what, with credentials alone."""

from __future__ import annotations

from pathlib import Path

import click

from syncd.cli.output import progress
from syncd.cli.session import read_settings
from syncd.cli.sheets import FORMATS, put_sheet

EPILOG = """\b
Example:
  syncd audit
  syncd audit --fresh --format html --out audit.html
  syncd audit --starter-pack ./pack
"""


@click.command(epilog=EPILOG)
@click.option("--system", type=click.Choice(["salesforce", "hubspot"]), help="Look at one CRM alone.")
@click.option("--fresh", is_flag=True, help="Read the CRMs anew even if there is a mirror.")
@click.option(
    "--starter-pack",
    "starter",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Infer a pack from today's owners into a new folder.",
)
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the result to this file.")
@click.pass_context
def audit(
    ctx: click.Context, system: str | None, fresh: bool, starter: Path | None, format_: str, out: Path | None
) -> None:
    """Show what is wrong with ownership today, with money and what to do first.

    Needs credentials only: no pack, no database. Where the configured mirror is complete it is looked at, else the CRMs
    are read into a temporary one. Nothing can be written.
    """
    from syncd.jobs.aids.audit import audit_context, audit_document, run_audit
    from syncd.jobs.aids.starter import write_starter_pack
    from syncd.model.refs import System
    from syncd.report.aids.audit_sheet import audit_sheet

    only = System(system) if system else None
    with audit_context(read_settings(ctx), system=only, fresh=fresh, show=progress()) as (context, temporary):
        audited = run_audit(context, temporary=temporary)
        document = audit_document(audited)
        if starter is not None:
            document["starter_pack"] = write_starter_pack(context, audited, starter)
    put_sheet(document, audit_sheet, format_, out)
