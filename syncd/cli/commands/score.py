"""`syncd score`: what the pack's score makes of the book, and what history says of it."""

from __future__ import annotations

from pathlib import Path

import click

from syncd.cli.session import instant_option, open_context
from syncd.cli.sheets import FORMATS, put_sheet

EPILOG = """\b
Example:
  syncd score
  syncd score --by country --format html --out scores.html
  syncd score --what-if icp.points=40 --what-if size.weight=0.5
  syncd score --against main
"""


@click.command(epilog=EPILOG)
@click.argument("pack", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--what-if", "what_if", multiple=True, metavar="NAME.points=N", help="Who changes band if this changes.")
@click.option("--against", metavar="GITREF", help="Who changes band from the pack of this git revision.")
@click.option("--by", default="industry", show_default=True, metavar="FIELD", help="The segments of history.")
@click.option("--as-of", help="Score as of another instant; nothing is kept.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the result to this file.")
@click.pass_context
def score(
    ctx: click.Context,
    pack: Path | None,
    what_if: tuple[str, ...],
    against: str | None,
    by: str,
    as_of: str | None,
    format_: str,
    out: Path | None,
) -> None:
    """Show scores by band and component, and whether they fit the deals won.

    Win rate, days to win, deal size and conversion by segment are learnt from the deals of the mirror. The scores of
    the settings' pack are kept as a run, so that the next one can say who changed band; other questions keep nothing.
    """
    from syncd.jobs.aids.scoring import Asked
    from syncd.jobs.aids.scoring import score as scored
    from syncd.report.aids.score_sheet import score_sheet

    asked = Asked(pack, what_if, against, by, instant_option("--as-of", as_of))
    with open_context(ctx) as context:
        document = scored(context, asked)
    put_sheet(document, score_sheet, format_, out)
