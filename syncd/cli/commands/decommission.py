"""`syncd decommission`: the end of an installation, or of one of its machines' use, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncd.cli.leading import lead
from syncd.errors import ExitCode

if TYPE_CHECKING:
    from syncd.jobs.context import Context
    from syncd.jobs.leadership import Leadership

EPILOG = """\b
Example:
  systemctl disable --now syncd
  syncd decommission --reason 'replaced by the new CRM'
"""


@click.command(epilog=EPILOG)
@click.option("--reason", required=True, help="Why, for the ledger.")
@click.option("--forget", is_flag=True, help="Also drop the mirror: records, users, teams and links.")
@click.pass_context
def decommission(ctx: click.Context, reason: str, forget: bool) -> int:
    """Take syncd out of service: writes frozen, plans closed, nothing left under way, and what is left to do told.

    Owners stay in the CRMs as they are. Refused while a write is in doubt: its record is read first. Ledger and
    receipts are kept as the proof of what was done; `--forget` drops the copies of CRM data.
    """

    def work(context: Context, leader: Leadership) -> int:
        from syncd.jobs.upkeep.decommissioning import decommission as job

        done = job(context, leader, reason=reason, forget=forget)
        click.echo(
            f"out of service: {done.plans:,} plans closed, {done.rows:,} unsent writes dropped; writes are frozen"
        )
        if forget:
            click.echo(f"{done.records:,} records of the mirror dropped")
        for step in done.left_to_do:
            click.echo(f"left to do: {step}")
        return ExitCode.OK

    return lead(ctx, work)
