"""`syncd status`: how syncd is, in one screen, without any CRM."""

from __future__ import annotations

import gc

import click

from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import settings_path


@click.command(epilog="\b\nExample:\n  syncd status --format json\n")
@FORMAT
@click.pass_context
def status(ctx: click.Context, format_: str) -> None:
    """Say how syncd is: mode, mirror, last runs, open plans, alerts. Asks no CRM and needs no daemon."""
    gc.disable()  # it ends in half a second: looking for garbage among what it imports takes a tenth of one
    from syncd.clock import SystemClock
    from syncd.jobs.status import status as job
    from syncd.report.status_text import status_text
    from syncd.settings import load_settings
    from syncd.store.engine import Store

    settings, clock = load_settings(settings_path(ctx)), SystemClock()  # without the log: it has nothing to tell
    store = Store.open(settings.database.url, clock=clock)
    try:
        document = job(settings, store, clock=clock)
    finally:
        store.close()
    if format_ == "json":
        show_json(document)
    else:
        click.echo(status_text(document))
