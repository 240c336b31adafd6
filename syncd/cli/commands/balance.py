"""`syncd balance`: how even books are, and the moves that would even them."""

from __future__ import annotations

from pathlib import Path

import click

from syncd.cli.session import open_context
from syncd.cli.sheets import FORMATS, put_sheet

EPILOG = """\b
Example:
  syncd balance
  syncd balance --by pipeline --budget 50 --curve
  syncd balance --by accounts --scope emea --save
"""
BY = ["potential", "workload", "pipeline", "accounts", "score"]


@click.command(epilog=EPILOG)
@click.option("--by", type=click.Choice(BY), default="potential", show_default=True, help="What is to be even.")
@click.option("--budget", type=click.IntRange(min=0), metavar="N", help="Move at most so many accounts (default 5 %).")
@click.option("--scope", metavar="TERRITORY", help="Only accounts of this territory and below.")
@click.option("--curve", is_flag=True, help="Show what smaller and larger budgets would come to.")
@click.option("--engine", type=click.Choice(["exact", "heuristic"]), help="Exact needs the extra `balance`.")
@click.option("--save", is_flag=True, help="Save the moves as a plan to be approved.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the result to this file.")
@click.pass_context
def balance(
    ctx: click.Context,
    by: str,
    budget: int | None,
    scope: str | None,
    curve: bool,
    engine: str | None,
    save: bool,
    format_: str,
    out: Path | None,
) -> None:
    """Show how even books are, and which moves would even them.

    An account moves only to another member of its own territory who may receive it, so the next plan keeps the move.
    What is held, protected, overridden or in a team stays. Live deals stay where others do as well.
    """
    from syncd.jobs.aids.balancing import Wanted
    from syncd.jobs.aids.balancing import balance as balanced
    from syncd.report.aids.balance_sheet import balance_sheet

    with open_context(ctx) as context:
        document = balanced(context, Wanted(by, budget, scope, curve, engine, save))
    put_sheet(document, balance_sheet, format_, out)
