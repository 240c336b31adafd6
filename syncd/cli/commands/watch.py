"""`syncd watch`: the monitors, once."""

from __future__ import annotations

import click

from syncd.cli.session import open_context


@click.command(epilog="\b\nExample:\n  syncd watch && syncd alerts\n")
@click.pass_context
def watch(ctx: click.Context) -> None:
    """Evaluate the monitors against mirror and ledger, and send the notices that are due."""
    from syncd.jobs.watching.watch import watch as job

    with open_context(ctx) as context:
        click.echo(job(context).line())
