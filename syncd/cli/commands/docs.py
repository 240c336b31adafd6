"""`syncd docs`: a pack in plain English."""

from __future__ import annotations

from pathlib import Path

import click

from syncd.cli.session import pack_path, read_settings

EPILOG = """\b
Example:
  syncd docs ./pack
  syncd docs ./pack --format html --out territories.html
"""


@click.command(epilog=EPILOG)
@click.argument("pack", required=False, type=click.Path(path_type=Path))
@click.option("--format", "format_", type=click.Choice(["markdown", "html"]), default="markdown", show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the page to this file instead of stdout."
)
@click.pass_context
def docs(ctx: click.Context, pack: Path | None, format_: str, out: Path | None) -> None:
    """Tell PACK (default: the settings' pack) in plain English.

    Each territory: who is in it, who gets it and how one of several is picked; then exceptions, limits, people and
    lists. HTML is one file that needs no network.
    """
    from syncd.clock import SystemClock
    from syncd.jobs.files import replace_file
    from syncd.jobs.packs.packs import open_pack
    from syncd.report.packs.pack_html import render_pack_html
    from syncd.report.packs.pack_markdown import render_pack_markdown
    from syncd.report.packs.pack_view import pack_view

    root = pack_path(ctx, pack)
    settings = read_settings(ctx)
    loaded = open_pack(settings, root, now=SystemClock().now())
    view = pack_view(loaded, currency=settings.money.reporting_currency)
    page = render_pack_html(view) if format_ == "html" else render_pack_markdown(view)
    if out is None:
        click.echo(page, nl=False)
        return
    replace_file(out, page.encode("utf-8"))
    click.echo(f"wrote {out}", err=True)
