"""`syncd import`: a pack from an export of Salesforce territories."""

from __future__ import annotations

from pathlib import Path

import click

from syncd.cli.output import show_findings
from syncd.cli.session import read_settings
from syncd.errors import UsageError

EPILOG = """\b
Example:
  syncd import Territory2.csv ObjectTerritory2AssignmentRule.csv \\
    ObjectTerritory2AssignmentRuleItem.csv RuleTerritory2Association.csv \\
    UserTerritory2Association.csv User.csv --out pack --country US
"""


@click.command("import", epilog=EPILOG)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The new folder of the pack.")
@click.option("--country", help="The country of states whose rule names none.")
@click.option("--model", help="The id of the territory model, where the files hold several.")
@click.pass_context
def import_territories(
    ctx: click.Context, files: tuple[Path, ...], out: Path, country: str | None, model: str | None
) -> None:
    """Make a pack from CSV FILES exported of a Salesforce territory model.

    Data Loader exports them, one file an object; they are recognised by their columns. What cannot be carried over is
    told with its row, and its territory gives nobody anything.
    """
    from syncd.clock import SystemClock
    from syncd.jobs.importing.pack import import_territories as run

    missing = next((path for path in files if not path.is_file()), None)
    if missing is not None:
        raise UsageError("SYN002", f"there is no file {missing}", hint="name the CSV files")
    settings = read_settings(ctx)
    done = run(settings, files, out, now=SystemClock().now(), home=country, model=model)
    show_findings(done.findings)
    click.echo(
        f"wrote {out}: {done.territories} territories, {done.inexact} of them wider than in Salesforce,"
        f" {done.left_out} left out"
    )
    click.echo("note: an account that fits several territories was in all of them; here the first takes it", err=True)
    click.echo(f"next: syncd check {out} && syncd docs {out}", err=True)
