"""`syncd apply`: an approved plan into the CRMs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncd.cli.leading import lead
from syncd.cli.output import FORMAT, show_json

if TYPE_CHECKING:
    from syncd.jobs.context import Context
    from syncd.jobs.leadership import Leadership


@click.command(epilog="\b\nExample:\n  syncd apply 3f9a\n")
@click.argument("plan")
@FORMAT
@click.pass_context
def apply(ctx: click.Context, plan: str, format_: str) -> int:
    """Write PLAN, an id or its beginning: each row is compared, written, and read back.

    Exits 0 where every row has its owner, 7 where some have not, 4 where the plan is refused as a whole, 6 where a CRM
    could not be reached. Running it again goes on with what is left.
    """

    def work(context: Context, leader: Leadership) -> int:
        from syncd.jobs.plans import apply as job
        from syncd.report.plans.apply_text import apply_text

        report = job.apply(context, leader, plan)
        if format_ == "json":
            show_json(report.to_json())
        else:
            click.echo(apply_text(report.to_json()))
        return report.exit_code

    return lead(ctx, work)
