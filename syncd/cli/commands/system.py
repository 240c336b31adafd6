"""`syncd system`: which organization or portal a CRM's mirror belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncd.cli.leading import lead
from syncd.errors import ExitCode

if TYPE_CHECKING:
    from syncd.jobs.context import Context
    from syncd.jobs.leadership import Leadership


@click.group(epilog="\b\nExample:\n  syncd system rebind salesforce --reason 'moved to a new org'\n")
def system() -> None:
    """Bind a CRM's mirror to another organization."""


@system.command(epilog="\b\nExample:\n  syncd system rebind salesforce --reason 'moved to a new org'\n")
@click.argument("name", metavar="SYSTEM", type=click.Choice(["salesforce", "hubspot"]))
@click.option("--reason", required=True, help="Why, for the ledger.")
@click.pass_context
def rebind(ctx: click.Context, name: str, reason: str) -> int:
    """Forget SYSTEM's mirror, so that the next pull may fill it from another organization or portal.

    Its records, links, users and marks go; ledger and receipts stay. Refused while a write to it is in doubt. Then
    pull, look at the links, and `syncd adopt` takes a new baseline: until then nothing is written.
    """

    def work(context: Context, leader: Leadership) -> int:
        from syncd.jobs.upkeep.decommissioning import rebind as job
        from syncd.model.refs import System

        gone = job(context, leader, System(name), reason=reason)
        click.echo(f"{name} is bound to nothing now: {gone:,} records forgotten")
        click.echo("next:\n  syncd pull --full\n  syncd adopt")
        return ExitCode.OK

    return lead(ctx, work)
