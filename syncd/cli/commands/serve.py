"""`syncd serve`: the daemon."""

from __future__ import annotations

import os

import click

from syncd.cli.session import settings_path

EPILOG = """\b
Example:
  syncd serve
SIGHUP reads settings and pack again (invalid ones are refused and the
last good ones stay); SIGTERM finishes the current call and ends.
"""


@click.command(epilog=EPILOG)
@click.pass_context
def serve(ctx: click.Context) -> int:
    """Run the daemon: pull, plan, write as the mode allows, watch, until SIGTERM."""
    from syncd.clock import SystemClock
    from syncd.entropy import SystemEntropy
    from syncd.jobs.daemon.service import Daemon
    from syncd.telemetry import configure, get_log, own_journal

    configure(level="info", journal=own_journal(os.environ))
    daemon = Daemon(
        settings_path(ctx), clock=SystemClock(), entropy=SystemEntropy(), environ=dict(os.environ), log=get_log()
    )
    return daemon.run()
