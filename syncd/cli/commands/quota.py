"""`syncd quota`: a target split over territories, or a file of quotas checked from below."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path

import click

from syncd.cli.output import put
from syncd.cli.session import open_context
from syncd.cli.sheets import FORMATS, put_sheet
from syncd.errors import UsageError

EPILOG = """\b
Example:
  syncd quota --period 2027 --target 12M
  syncd quota --period 2027 --target 12M --each quarter --out quotas.csv
  syncd quota --period 2027-Q1 --csv quotas.csv
"""
FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
METHODS = ["potential", "history", "capacity", "blend"]


@click.command(epilog=EPILOG)
@click.option("--period", metavar="PERIOD", help="Such as 2027, 2027-Q1 or 2027-01; without it the next fiscal year.")
@click.option("--target", metavar="AMOUNT", help="Such as 12M or 12M EUR; without it the sum of the pack's quotas.")
@click.option("--method", type=click.Choice(METHODS), default="blend", show_default=True, help="How it is split.")
@click.option("--csv", "file", type=FILE, help="Check the quotas of this file instead; the pack's own format.")
@click.option("--each", type=click.Choice(["quarter", "month"]), help="Part a year by the seasons that are learnt.")
@click.option("--round", "step", metavar="AMOUNT", help="Amounts are whole multiples of this, such as 1000.")
@click.option("--limit", default="10%", show_default=True, help="Required conversion may be so much above the usual.")
@click.option("--reps", is_flag=True, help="Also write quotas of reps into the CSV.")
@click.option("--format", "format_", type=click.Choice([*FORMATS, "csv"]), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file; *.csv is CSV.")
@click.pass_context
def quota(
    ctx: click.Context,
    period: str | None,
    target: str | None,
    method: str,
    file: Path | None,
    each: str | None,
    step: str | None,
    limit: str,
    reps: bool,
    format_: str,
    out: Path | None,
) -> None:
    """Split a target over territories, and check it from below.

    Shares follow potential, history, capacity with ramp, or all three alike; parts add up to the target exactly. From
    below come what is won, open deals by their chances, and accounts that nobody sells to yet. Nothing is saved.
    """
    from syncd.jobs.aids.quotas import Goal, quota_file
    from syncd.jobs.aids.quotas import quota as quotas
    from syncd.report.aids.quota_sheet import quota_sheet

    if file is not None and target is not None:
        raise UsageError("SYN776", "--csv and --target are two different questions", hint="ask one after the other")
    goal = Goal(period, target, method, file, each, _step(step), _limit(limit))
    with open_context(ctx) as context:
        document = quotas(context, goal)
    if format_ == "csv" or (format_ == "text" and out is not None and out.suffix == ".csv"):
        put(quota_file(document, reps=reps), out)
    else:
        put_sheet(document, quota_sheet, format_, out)


def _step(written: str | None) -> Decimal | None:
    if written is None:
        return None
    value = _number(written)
    if value is None or value < Decimal("0.01") or value != value.quantize(Decimal("0.01")):
        raise UsageError("SYN776", f"--round {written!r} is no amount", hint="write 1, 100 or 1000; at least 0.01")
    return value


def _limit(written: str) -> Decimal:
    value = _number(written.removesuffix("%"))
    if value is None or value < 0:
        raise UsageError("SYN776", f"--limit {written!r} is no share", hint="write 10% or 0.1")
    return value / 100 if written.endswith("%") else value


def _number(written: str) -> Decimal | None:
    try:
        value = Decimal(written.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
