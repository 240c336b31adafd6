"""`syncd db`: the database itself."""

from __future__ import annotations

import click

from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import read_settings
from syncd.errors import ExitCode

EPILOG = """\b
Example:
  syncd db upgrade
  syncd db verify
"""


@click.group(epilog=EPILOG)
def db() -> None:
    """Upgrade and verify the database."""


@db.command(epilog="\b\nExample:\n  syncd db upgrade\n")
@click.pass_context
def upgrade(ctx: click.Context) -> None:
    """Make the database, or bring it to this version's schema."""
    from syncd.clock import SystemClock
    from syncd.store.engine import Store

    store = Store.open(read_settings(ctx).database.url, clock=SystemClock(), create=True)
    try:
        done = store.upgrade()
    finally:
        store.close()
    click.echo("the database is up to date" if not done else f"upgraded: {', '.join(done)}")


@db.command(epilog="\b\nExample:\n  syncd db verify\n")
@FORMAT
@click.pass_context
def verify(ctx: click.Context, format_: str) -> int:
    """Prove that the ledger was not altered: every row's hash, and the head."""
    from syncd.clock import SystemClock
    from syncd.store import ledger
    from syncd.store.engine import Store

    store = Store.open(read_settings(ctx).database.url, clock=SystemClock())
    try:
        with store.read() as conn:
            result = ledger.verify(conn)
    finally:
        store.close()
    if format_ == "json":
        show_json(
            {"format": 1, "ok": result.ok, "rows": result.rows, "first_bad": result.first_bad, "text": result.text}
        )
    else:
        click.echo(result.text)
    return ExitCode.OK if result.ok else ExitCode.INVALID
