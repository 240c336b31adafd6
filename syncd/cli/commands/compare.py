"""`syncd compare`: two packs over one book."""

from __future__ import annotations

from pathlib import Path

import click

from syncd.cli.output import show_findings
from syncd.cli.session import instant_option, open_context, pack_path, read_settings, settings_path
from syncd.cli.sheets import FORMATS, put_sheet
from syncd.errors import UsageError

EPILOG = """\b
Example:
  syncd compare ./pack ./pack-2027
  syncd compare main..HEAD --format markdown
  syncd compare main ./pack --accounts accounts.csv
"""
FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command(epilog=EPILOG)
@click.argument("packs", nargs=-1, required=True, metavar="PACK_A PACK_B")
@click.option("--pack", type=click.Path(path_type=Path), help="The folder that git revisions are of.")
@click.option("--accounts", type=FILE, help="Compare over this export instead of the mirror.")
@click.option("--opportunities", type=FILE, help="Opportunities of the export.")
@click.option("--users", type=FILE, help="Users of the export.")
@click.option("--as-of", help="Decide as of another instant, such as 2027-01-01T00:00:00Z.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the result to this file.")
@click.pass_context
def compare(
    ctx: click.Context,
    packs: tuple[str, ...],
    pack: Path | None,
    accounts: Path | None,
    opportunities: Path | None,
    users: Path | None,
    as_of: str | None,
    format_: str,
    out: Path | None,
) -> None:
    """Show what moves, with money, between two packs over one book.

    PACK_A and PACK_B are folders or git revisions of the settings' pack; `A..B` names two revisions. Shows who gains
    and loses, balance, attainment and live relationships that break. Nothing is saved.
    """
    from syncd.clock import SystemClock
    from syncd.jobs.aids.comparing import compare_packs_over_export, compare_packs_over_mirror, named_packs
    from syncd.jobs.plans.export import ExportFiles
    from syncd.report.aids.compare_sheet import compare_sheet

    words = named_packs(packs)
    if (opportunities or users) and accounts is None:
        raise UsageError("SYN005", "--opportunities and --users go with --accounts", hint="add --accounts FILE.csv")
    instant = instant_option("--as-of", as_of)
    home = pack_path(ctx, pack) if pack is not None or settings_path(ctx) else Path("pack")
    if accounts is None:
        with open_context(ctx) as context:
            document, findings = compare_packs_over_mirror(context, words, home=home, as_of=instant)
    else:
        settings = read_settings(ctx)
        files = ExportFiles(accounts, opportunities, users)
        now = instant or SystemClock().now()
        document, findings = compare_packs_over_export(settings, words, files, home=home, now=now)
    show_findings(findings)
    put_sheet(document, compare_sheet, format_, out)
