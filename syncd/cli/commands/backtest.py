"""`syncd backtest`: what other rules would have done with the past."""

from __future__ import annotations

from pathlib import Path

import click

from syncd.cli.session import instant_option, open_context
from syncd.cli.sheets import FORMATS, put_sheet
from syncd.errors import UsageError

EPILOG = """\b
Example:
  syncd backtest --from 2026-07-01T00:00:00Z ./pack-2027
  syncd backtest --step 1d --crm-history --format html --out backtest.html
"""


@click.command(epilog=EPILOG)
@click.argument("pack", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--from", "start", metavar="T", help="Where to begin; default: 90 days before the end.")
@click.option("--to", "end", metavar="T", help="Where to end; default: now.")
@click.option("--step", default="7d", show_default=True, help="How often the rules are asked: 1d, 7d, 2w.")
@click.option(
    "--crm-history",
    is_flag=True,
    help="Ask the CRMs who owned what, where no change was seen, and which stages deals entered.",
)
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the result to this file.")
@click.pass_context
def backtest(
    ctx: click.Context,
    pack: Path | None,
    start: str | None,
    end: str | None,
    step: str,
    crm_history: bool,
    format_: str,
    out: Path | None,
) -> None:
    """Replay history under PACK (default: the settings' pack), step by step.

    Shows moves, flips, unworked companies, fairness and wins beside what really happened, and plainly what such a
    replay cannot prove. Nothing is written to a CRM.
    """
    from datetime import timedelta

    from syncd.jobs.aids.backtesting import backtest as tested
    from syncd.jobs.aids.backtesting import span_of
    from syncd.report.aids.backtest_sheet import backtest_sheet
    from syncd.rules.matching.time_window import parse_duration

    length = parse_duration(step)
    days = {"d": 1, "w": 7}.get(length.unit, 0) if length is not None else 0
    if length is None or not days:
        raise UsageError("SYN748", f"--step {step!r} is no number of days or weeks", hint="write 1d, 7d or 2w")
    since, until = instant_option("--from", start), instant_option("--to", end)
    with open_context(ctx) as context:
        span = span_of(since, until, timedelta(days=days * length.count), context.clock.now())
        document = tested(context, span, pack=pack, ask_crm=crm_history)
    put_sheet(document, backtest_sheet, format_, out)
