"""`syncd freeze` and `syncd unfreeze`: a file that stops all writes, read before every call to a CRM."""

from __future__ import annotations

import getpass

import click

from syncd.cli.session import read_settings
from syncd.errors import UsageError


@click.command(epilog='\b\nExample:\n  syncd freeze --reason "quarter close"\n')
@click.option("--reason", required=True, help="Why, for those who find writes stopped.")
@click.pass_context
def freeze(ctx: click.Context, reason: str) -> None:
    """Stop all writes before the next call. Needs no daemon and no database."""
    from syncd.clock import SystemClock
    from syncd.jobs.freezing import freeze as write_freeze

    path = read_settings(ctx).control.freeze_file
    try:
        write_freeze(path, reason, who=getpass.getuser(), at=SystemClock().now())
    except OSError as error:
        raise UsageError("SYN004", f"{path}: {error.strerror}", hint="run it as a user who may write there") from error
    click.echo(f"writes are frozen ({path}); `syncd unfreeze` allows them again")


@click.command(epilog="\b\nExample:\n  syncd unfreeze\n")
@click.pass_context
def unfreeze(ctx: click.Context) -> None:
    """Allow writes again."""
    path = read_settings(ctx).control.freeze_file
    try:
        was = path.read_text(encoding="utf-8").strip()
        path.unlink()
    except FileNotFoundError:
        click.echo("writes were not frozen")
        return
    except OSError as error:
        raise UsageError("SYN004", f"{path}: {error.strerror}", hint="run it as a user who may write there") from error
    click.echo(f"writes are allowed again (they were frozen: {was})")
