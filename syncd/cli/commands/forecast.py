"""`syncd forecast`: where the period will end, by territory."""

from __future__ import annotations

from pathlib import Path

import click

from syncd.cli.session import open_context
from syncd.cli.sheets import FORMATS, put_sheet

EPILOG = """\b
Example:
  syncd forecast
  syncd forecast --crm-history
  syncd forecast --period 2027-Q1 --format html --out forecast.html
"""


@click.command(epilog=EPILOG)
@click.option("--period", metavar="PERIOD", help="Such as 2027-Q1, 2027-01 or 2027; without it the one under way.")
@click.option(
    "--crm-history", is_flag=True, help="Ask the CRMs for the stages that deals entered before syncd saw them."
)
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the result to this file.")
@click.pass_context
def forecast(ctx: click.Context, period: str | None, crm_history: bool, format_: str, out: Path | None) -> None:
    """Show pace, run-rate and the expected end of a period by territory, with intervals.

    Learnt from how earlier deals went by stage and time in it, age and season, and checked against periods that are
    over. What it says of
    a period under way is kept: AttainmentBelow tells it, and `early` of that monitor warns by it.
    """
    from syncd.jobs.aids.forecasting import forecast as forecasted
    from syncd.report.aids.forecast_sheet import forecast_sheet

    with open_context(ctx) as context:
        document = forecasted(context, period, crm_history=crm_history)
    put_sheet(document, forecast_sheet, format_, out)
