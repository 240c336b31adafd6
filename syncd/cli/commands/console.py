"""`syncd console`: web pages for people who do not use a shell."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from syncd.cli.session import read_settings
from syncd.errors import ConfigError

if TYPE_CHECKING:
    from syncd.jobs.context import Context
    from syncd.settings import Settings

EPILOG = """\b
Example:
  syncd console token ruth@acme.example --role approve >> console.tokens
  syncd console
"""


@click.group(invoke_without_command=True, epilog=EPILOG)
@click.pass_context
def console(ctx: click.Context) -> None:
    """Serve the console on a port of loopback until SIGTERM: read plans, approve them, explain, take alerts.

    Needs the extra `console`. Everybody signs in with a token.
    """
    if ctx.invoked_subcommand is not None:
        return
    missing = [name for name in ("flask", "waitress") if importlib.util.find_spec(name) is None]
    if missing:
        hint = "install syncd[console]"
        raise ConfigError("SYN810", f"the console needs {' and '.join(missing)}, not installed here", hint=hint)
    from syncd.clock import SystemClock
    from syncd.console.app import make_app, serve
    from syncd.entropy import SystemEntropy
    from syncd.telemetry import configure, get_log, own_journal

    settings = read_settings(ctx)
    configure(level="info", journal=own_journal(os.environ))
    log = get_log()
    app = make_app(settings, dict(os.environ), _opened, clock=SystemClock(), entropy=SystemEntropy(), log=log)
    before = signal.signal(signal.SIGTERM, lambda *_: _stop())
    log.event("console.started", listen=settings.console.listen)
    try:
        serve(app, settings.console.listen)
    except SystemExit:
        log.event("console.stopped")
    finally:
        signal.signal(signal.SIGTERM, before)


@console.command(
    "token", epilog="\b\nExample:\n  syncd console token ruth@acme.example --role approve >> console.tokens\n"
)
@click.argument("name")
@click.option(
    "--role", type=click.Choice(["view", "approve"]), default="view", show_default=True, help="What they may."
)
def token(name: str, role: str) -> None:
    """Make a token for NAME: the token on stderr, to hand over; the line for the file of console.tokens on stdout."""
    from syncd.console.people import new_line
    from syncd.entropy import SystemEntropy

    made, line = new_line(name, role, SystemEntropy())
    click.echo(line)
    click.echo(f"token for {name}, shown once: {made}", err=True)


def _opened(settings: Settings, environ: Mapping[str, str]) -> Context:
    from syncd.jobs.context import Context

    return Context.open(settings, environ=environ)


def _stop() -> None:
    raise SystemExit(0)
