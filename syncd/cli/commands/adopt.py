"""`syncd adopt`: today's owners as the baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncd.cli.leading import lead
from syncd.cli.output import FORMAT, show_json

if TYPE_CHECKING:
    from syncd.jobs.context import Context
    from syncd.jobs.leadership import Leadership


@click.command(epilog="\b\nExample:\n  syncd pull && syncd adopt\n")
@click.option("--again", is_flag=True, help="Take a new baseline; which owners people changed is forgotten.")
@FORMAT
@click.pass_context
def adopt(ctx: click.Context, again: bool, format_: str) -> int:
    """Record today's owners as the baseline from which changes by people are told apart.

    Until then nothing is written to a CRM. Shows what the rules say of today's owners.
    """

    def work(context: Context, leader: Leadership) -> int:
        from syncd.jobs.plans import apply as job

        adopted = job.adopt(context, leader, again=again)
        if format_ == "json":
            show_json(adopted.to_json())
            return 0
        click.echo(f"adopted the owners of {adopted.marked:,} records; the rules say of their companies:")
        for reason, count in sorted(adopted.reasons.items(), key=lambda item: (-item[1], item[0])):
            click.echo(f"  {count:>7,}  {reason}")
        click.echo("next: syncd plan")
        return 0

    return lead(ctx, work)
