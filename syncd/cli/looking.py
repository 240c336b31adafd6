"""Looking without waiting: the running daemon is asked first, else the database is opened.

Somebody who was just woken asks these. The daemon's socket is found without reading the settings as a whole, which
takes ten times as long; what the daemon does not answer at once is looked up here, with nothing left out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from syncd.cli.session import settings_path

if TYPE_CHECKING:
    from syncd.clock import Clock
    from syncd.settings import Settings
    from syncd.store.engine import Store

SILENT: Final = "syncd.silent"
"""What a click context holds where a daemon listens that does not answer."""
SOCKET, FREEZE_FILE = "socket", "freeze_file"
_UNSET: Final = {SOCKET: "/run/syncd/control.sock", FREEZE_FILE: "syncd.freeze"}
"""The settings under `[control]`, and what they are where nobody sets them."""


def look(
    ctx: click.Context,
    name: str,
    arguments: Mapping[str, Any],
    directly: Callable[[Settings, Store, Clock], dict[str, Any]],
) -> dict[str, Any]:
    """The document that the daemon of these settings gives; without one, that of `directly` over the open database."""
    from syncd.jobs.daemon.looks import ask

    config = settings_path(ctx)
    socket = None if "SYNCD_LEASE_EPOCH" in os.environ else control_path(config, os.environ, SOCKET)
    try:
        told = ask(socket, config, name, arguments) if socket is not None and socket.exists() else None
    except TimeoutError:
        told = None
        ctx.meta[SILENT] = True
    if told is not None:
        return told
    from syncd.clock import SystemClock
    from syncd.settings import load_settings
    from syncd.store.engine import Store

    settings, clock = load_settings(config), SystemClock()  # without the log: it has nothing to tell
    store = Store.open(settings.database.url, clock=clock)
    try:
        return directly(settings, store, clock)
    finally:
        store.close()


def control_path(config: Path | None, environ: Mapping[str, str], key: str) -> Path | None:
    """A path under `[control]` as the settings have it, whatever else is wrong with them.

    None for a file that cannot be read or is no TOML: reading the settings as a whole tells why.
    """
    import tomllib

    try:
        document = tomllib.loads(config.read_bytes().decode("utf-8-sig")) if config is not None else {}
        named = environ.get(f"SYNCD_CONTROL__{key.upper()}") or document.get("control", {}).get(key, _UNSET[key])
        folder = environ.get("SYNCD_CONFIG_FOLDER") or (config.resolve().parent if config is not None else ".")
        return Path(folder) / named
    except (OSError, ValueError, AttributeError, TypeError):
        return None
