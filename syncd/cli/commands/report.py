"""`syncd report`: the whole book on one page, to read and to forward."""

from __future__ import annotations

from pathlib import Path

import click

from syncd.cli.output import put
from syncd.cli.session import open_context
from syncd.errors import UsageError

EPILOG = """\b
Example:
  syncd report --out report.html
  syncd report --edition monthly --out november.html
  syncd report --format json
"""


@click.command(epilog=EPILOG)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file (default: stdout).")
@click.option(
    "--edition",
    type=click.Choice(["weekly", "monthly", "quarterly"]),
    default="weekly",
    show_default=True,
    help="How far back what moved, was won and was told is counted.",
)
@click.option("--format", "format_", type=click.Choice(["html", "json"]), default="html", show_default=True)
@click.option("--tell", is_flag=True, help="File it in report.folder and tell receivers, as the daemon does.")
@click.pass_context
def report(ctx: click.Context, out: Path | None, edition: str, format_: str, tell: bool) -> None:
    """Show the whole book on one page: territories, balance, attainment, coverage, moves, alerts, a map, data quality.

    One HTML file that needs no network. Every figure names the command that explains it. Asks no CRM.
    """
    from syncd.jobs.aids.editions import publish, rendered
    from syncd.jobs.aids.overview import overview_document

    if tell and (out is not None or format_ != "html"):
        raise UsageError("SYN792", "--tell files the HTML by itself", hint="leave --out and --format out")
    with open_context(ctx) as context:
        if tell:
            click.echo(f"wrote {publish(context, edition)}")
            return
        text = rendered(overview_document(context, edition), format_)
    put(text, out)
