"""`syncd db`: the database itself: its schema, its backups, its retention and its proof."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncd.cli.leading import lead
from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import open_context, read_settings
from syncd.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from syncd.jobs.context import Context
    from syncd.jobs.leadership import Leadership

EPILOG = """\b
Example:
  syncd db upgrade
  syncd db backup /var/backups/syncd-2026-11-22.db
  syncd db verify
"""


@click.group(epilog=EPILOG)
def db() -> None:
    """Upgrade, back up, restore and verify the database."""


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


@db.command(epilog="\b\nExample:\n  syncd db backup /var/backups/syncd.db\n")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--noted", is_flag=True, help="Another tool made a backup: only note when, for the metric of its age.")
@click.pass_context
def backup(ctx: click.Context, file: Path | None, noted: bool) -> None:
    """Copy the SQLite database to FILE, while syncd runs, and check the copy.

    FILE must not be there yet. On PostgreSQL use pg_dump: the command is told.
    """
    from syncd.clock import SystemClock
    from syncd.jobs.upkeep.backup import back_up, note_backup

    if (file is None) != noted:
        raise UsageError("SYN005", "db backup takes either a FILE or --noted", hint="see syncd db backup --help")
    url = read_settings(ctx).database.url
    if file is None:
        note_backup(url, clock=SystemClock())
        click.echo("noted: a backup was made now")
        return
    size = back_up(url, file, clock=SystemClock())
    click.echo(f"wrote {file} ({size / 1024 / 1024:,.1f} MB); it is whole and checked")


@db.command(epilog="\b\nExample:\n  systemctl stop syncd\n  syncd db restore /var/backups/syncd.db\n")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--in-place", is_flag=True, help="Another tool restored the database already: only mark it.")
@click.pass_context
def restore(ctx: click.Context, file: Path | None, in_place: bool) -> None:
    """Put a backup in the place of the database, and go on from it safely.

    The world went on since the backup was made: rows in flight are read before anything is sent, plans need a new
    approval, everything is pulled anew, and `syncd adopt` takes a new baseline before anything is written. The
    daemon must be stopped. The old database is kept beside the new one.
    """
    from syncd.clock import SystemClock
    from syncd.jobs.upkeep import backup as job
    from syncd.jobs.upkeep.erasing import replay

    if (file is None) != in_place:
        raise UsageError("SYN005", "db restore takes either a FILE or --in-place", hint="see syncd db restore --help")
    url, who = read_settings(ctx).database.url, f"uid:{os.getuid()}"
    aside = None
    if file is None:
        done = job.restore_in_place(url, clock=SystemClock(), who=who)
    else:
        done, aside = job.restore(url, file, clock=SystemClock(), who=who)
    in_doubt = f"{done.rows:,} writes in doubt that are read first"
    with open_context(ctx) as context:
        erased = replay(context)
    if erased:
        click.echo(f"erased again: {erased:,} of the list of erasures")
    click.echo(f"restored: {done.plans:,} plans closed, {in_doubt}, {done.notices:,} old notices dropped")
    if aside is not None:
        click.echo(f"the old database is {aside}; remove it when nothing is missing")
    click.echo("next:\n  syncd pull\n  syncd adopt\n  systemctl start syncd")


@db.command(epilog="\b\nExample:\n  syncd db housekeeping\n")
@click.pass_context
def housekeeping(ctx: click.Context) -> int:
    """Drop what is past its retention: the daemon does so every night.

    Records gone for good 30 days, payloads of the ledger 400 days, plans that nobody approved 30 days. Receipts and the
    ledger's chain are kept.
    """

    def work(context: Context, leader: Leadership) -> int:
        from syncd.jobs.upkeep.housekeeping import keep_house

        gone = {name: count for name, count in keep_house(context, leader).items() if count}
        told = ", ".join(f"{count:,} {name}" for name, count in gone.items())
        click.echo(f"dropped: {told}" if told else "nothing is past its retention")
        return ExitCode.OK

    return lead(ctx, work)


@db.command(epilog="\b\nExample:\n  syncd db verify\n")
@FORMAT
@click.pass_context
def verify(ctx: click.Context, format_: str) -> int:
    """Prove that the file is whole and that the ledger was not altered: every row's hash, and the head."""
    from syncd.clock import SystemClock
    from syncd.jobs.upkeep.backup import verify as job
    from syncd.store import ledger
    from syncd.store.engine import Store

    url = read_settings(ctx).database.url
    store = Store.open(url, clock=SystemClock())
    try:
        result = job(url, store)
        with store.read() as conn:
            head = ledger.head(conn) if result.ok else None
    finally:
        store.close()
    if format_ == "json":
        told = {"ok": result.ok, "rows": result.rows, "first_bad": result.first_bad, "text": result.text}
        show_json({"format": 1, **told, "head": None if head is None else {"seq": head[0], "hash": head[1]}})
    else:
        click.echo(result.text)
    return ExitCode.OK if result.ok else ExitCode.INVALID
