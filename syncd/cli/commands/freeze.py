"""`syncd freeze` and `syncd unfreeze`: a file that stops all writes, read before every call to a CRM."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

import click

from syncd.cli.looking import FREEZE_FILE, control_path
from syncd.cli.session import read_settings, settings_path
from syncd.errors import UsageError

EPILOG = """\b
Example:
  syncd freeze --reason "quarter close"
  syncd freeze --reason "audit of the shares" --until 4h
"""


@click.command(epilog=EPILOG)
@click.option("--reason", required=True, help="Why, for those who find writes stopped.")
@click.option("--until", metavar="T", help="When it ends by itself: 30min, 4h, 2d, or 2026-12-01T10:00:00Z.")
@click.pass_context
def freeze(ctx: click.Context, reason: str, until: str | None) -> None:
    """Stop all writes before the next call. Needs no daemon, no database and no settings that are valid.

    Without --until it lasts until `syncd unfreeze`. One that lasts so is never replaced by one that ends by itself.
    """
    from syncd.cli.moments import moment_from
    from syncd.clock import SystemClock, iso
    from syncd.jobs.freezing import check_replaceable
    from syncd.jobs.freezing import freeze as write_freeze

    path, now = _freeze_file(ctx), SystemClock().now()
    ends = moment_from(until, now) if until is not None else None
    check_replaceable(path, now, ends)
    try:
        write_freeze(path, reason, who=getpass.getuser(), at=now, until=ends)
    except OSError as error:
        raise UsageError("SYN004", f"{path}: {error.strerror}", hint="run it as a user who may write there") from error
    lasts = f" until {iso(ends)}" if ends is not None else ""
    click.echo(f"writes are frozen{lasts} ({path}); `syncd unfreeze` allows them again")


@click.command(epilog="\b\nExample:\n  syncd unfreeze\n")
@click.pass_context
def unfreeze(ctx: click.Context) -> None:
    """Allow writes again."""
    from syncd.clock import SystemClock
    from syncd.jobs.freezing import frozen_reason

    path = _freeze_file(ctx)
    try:
        was = frozen_reason(path, SystemClock().now())
        path.unlink()
    except FileNotFoundError:
        click.echo("writes were not frozen")
        return
    except OSError as error:
        raise UsageError("SYN004", f"{path}: {error.strerror}", hint="run it as a user who may write there") from error
    told = (
        f"writes are allowed again (they were frozen: {was})" if was is not None else "the freeze had ended by itself"
    )
    click.echo(told)


def _freeze_file(ctx: click.Context) -> Path:
    """Where the settings have it; an error in another line of them must not keep anybody from stopping writes."""
    return control_path(settings_path(ctx), os.environ, FREEZE_FILE) or read_settings(ctx).control.freeze_file
