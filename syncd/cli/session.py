"""From a command's options to settings and a context: which settings file counts, and what is told on stderr."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncd.errors import UsageError

if TYPE_CHECKING:  # imported at run time only by the commands that need them: --help stays quick
    from syncd.jobs.context import Context
    from syncd.settings import Settings

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def settings_path(ctx: click.Context) -> Path | None:
    """The settings file: --config, SYNCD_CONFIG, ./config.toml, /etc/syncd/config.toml, in that order, or None."""
    named = ctx.obj.get("config") or os.environ.get("SYNCD_CONFIG")
    if named:
        return Path(named)
    return next((path for path in (Path("config.toml"), Path("/etc/syncd/config.toml")) if path.is_file()), None)


def tell_events(*, verbose: bool) -> None:
    """Events on stderr: all of them under --verbose and for the daemon's children, errors in a journal, else none.

    A person at a terminal is told what went wrong in words, not in JSON.
    """
    from syncd.telemetry import configure, own_journal

    journal = own_journal(os.environ)
    if verbose or "SYNCD_LEASE_EPOCH" in os.environ:
        configure(level="info", journal=journal)
    else:
        configure(level="error" if "JOURNAL_STREAM" in os.environ else "off", journal=journal)


def read_settings(ctx: click.Context) -> Settings:
    """The settings of this call; ConfigError SYN100 where they are invalid."""
    from syncd.settings import load_settings

    tell_events(verbose=ctx.obj.get("verbose", False))
    return load_settings(settings_path(ctx))


@contextmanager
def open_context(ctx: click.Context) -> Iterator[Context]:
    """A context for the length of a with-block, closed at its end."""
    from syncd.jobs.context import Context

    context = Context.open(read_settings(ctx))
    try:
        yield context
    finally:
        context.close()


def instant_option(option: str, text: str | None) -> datetime | None:
    """The instant that an option names, a day's beginning in UTC; None where it is not given.

    UsageError SYN005 for what is neither.
    """
    from syncd.clock import parse_instant

    try:
        return parse_instant(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text) if text else None
    except ValueError as error:
        hint = "write a day, such as 2027-01-01 (its beginning in UTC), or an instant: 2027-01-01T08:00:00Z"
        raise UsageError("SYN005", f"{option} {text!r} is no instant", hint=hint) from error


def pack_path(ctx: click.Context, given: Path | None) -> Path:
    """The pack a command means: the one named, else the settings'."""
    return given if given is not None else read_settings(ctx).pack.path
