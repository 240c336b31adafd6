"""`syncd approve`: a person's yes to one plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncd.cli.leading import lead

if TYPE_CHECKING:
    from syncd.jobs.context import Context
    from syncd.jobs.leadership import Leadership

EPILOG = """\b
Example:
  syncd approve 3f9a --why "Q1 carve, agreed with Mei"
  syncd approve 3f9a --why "new region" --limit changes.max
"""


@click.command(epilog=EPILOG)
@click.argument("plan")
@click.option("--why", required=True, help="Why; it stands in the ledger beside who.")
@click.option("--limit", "limits", multiple=True, help="A guard limit that this approval lifts; repeat for several.")
@click.pass_context
def approve(ctx: click.Context, plan: str, why: str, limits: tuple[str, ...]) -> int:
    """Approve PLAN, an id or its beginning. The approval binds to the plan's hash.

    Exits 4 where the plan cannot be approved any more and 5 where it is over a limit that is not named.
    """

    def work(context: Context, leader: Leadership) -> int:
        from syncd.jobs.plans import apply as job

        approved = job.approve(context, leader, plan, why=why, limits=limits)
        rows = len(approved.document["changes"])
        click.echo(f"plan {approved.plan_id} is approved by {context.actor}: {rows:,} rows, hash {approved.hash[:16]}")
        click.echo(f"next: syncd apply {approved.plan_id}  (until {approved.expires_at:%Y-%m-%d %H:%M} UTC)")
        return 0

    return lead(ctx, work)
