"""Commands that change something: done by a running daemon where there is one, else under a lease of our own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from syncd.cli.looking import SOCKET, control_path
from syncd.cli.main import ARGV
from syncd.cli.session import open_context, read_settings, settings_path

if TYPE_CHECKING:
    from syncd.jobs.context import Context
    from syncd.jobs.leadership import Leadership


def lead(ctx: click.Context, work: Callable[[Context, Leadership], int]) -> int:
    """Ask the daemon to do this command, or do `work` under a lease; the exit code.

    Raises LeaseHeldError where another process leads and cannot be asked.
    """
    if "SYNCD_LEASE_EPOCH" not in os.environ:
        from syncd.jobs.daemon.control import ask_daemon

        socket = control_path(settings_path(ctx), os.environ, SOCKET) or read_settings(ctx).control.socket
        code = ask_daemon(socket, ctx.meta[ARGV], lambda stream, text: click.echo(text, err=stream == "stderr"))
        if code is not None:
            return code
    from syncd.jobs.leadership import leadership
    from syncd.jobs.upkeep.erasing import replay

    with open_context(ctx) as context, leadership(context) as leader:
        replay(context)  # a backup that was restored holds again what was erased since
        return work(context, leader)
