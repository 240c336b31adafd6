"""`syncd metrics`: how syncd is, for Prometheus."""

from __future__ import annotations

from pathlib import Path

import click

from syncd.cli.session import settings_path
from syncd.errors import UsageError

EPILOG = """\b
Example:
  syncd metrics
  syncd metrics --textfile /var/lib/node_exporter/textfile/syncd.prom
"""


@click.command(epilog=EPILOG)
@click.option(
    "--textfile", type=click.Path(path_type=Path, dir_okay=False), help="Write them to this file, as a whole."
)
@click.pass_context
def metrics(ctx: click.Context, textfile: Path | None) -> None:
    """Print metrics in Prometheus' text format. Asks no CRM and needs no daemon."""
    from syncd.clock import SystemClock
    from syncd.jobs.watching.metrics import metrics_text, write_textfile
    from syncd.settings import load_settings
    from syncd.store.engine import Store

    settings, clock = load_settings(settings_path(ctx)), SystemClock()  # without the log: it has nothing to tell
    store = Store.open(settings.database.url, clock=clock)
    try:
        text = metrics_text(settings, store, clock=clock)
    finally:
        store.close()
    if textfile is None:
        click.echo(text, nl=False)
        return
    try:
        write_textfile(textfile, text)
    except OSError as error:
        raise UsageError("SYN004", f"{textfile}: {error.strerror}", hint="name a file that you may write") from error
