"""`syncd status`: how syncd is, in one screen, without any CRM."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import click

from syncd.cli.looking import SILENT, look
from syncd.cli.output import FORMAT, show_json
from syncd.errors import ExitCode

if TYPE_CHECKING:
    from syncd.clock import Clock
    from syncd.settings import Settings
    from syncd.store.engine import Store


@click.command(epilog="\b\nExample:\n  syncd status --format json\n  syncd status --exit-code\n")
@click.option("--exit-code", is_flag=True, help="End with 3 where syncd is not ready, as /-/ready would say.")
@FORMAT
@click.pass_context
def status(ctx: click.Context, exit_code: bool, format_: str) -> int:
    """Say how syncd is: mode, mirror, last runs, open plans, alerts. Asks no CRM and needs no daemon."""
    gc.disable()  # it ends in half a second: looking for garbage among what it imports takes a tenth of one
    from syncd.report.status_text import status_text

    document = look(ctx, "status", {}, _directly)
    document["daemon"]["answers"] = document["daemon"]["listening"] and SILENT not in ctx.meta
    if format_ == "json":
        show_json(document)
    else:
        click.echo(status_text(document))
    return ExitCode.INVALID if exit_code and document["unready"] else ExitCode.OK


def _directly(settings: Settings, store: Store, clock: Clock) -> dict[str, Any]:
    from syncd.jobs.watching.status import status as job

    return job(settings, store, clock=clock)
