"""The console put together and served: Flask for the pages, waitress for the port of loopback."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from flask import Flask
from waitress.server import create_server

from syncd.clock import Clock
from syncd.console.actions import Opened
from syncd.console.guards import Door
from syncd.console.pages import Site, check_people
from syncd.console.people import read_people
from syncd.entropy import Entropy
from syncd.errors import ConfigError
from syncd.settings import Settings
from syncd.telemetry import Log

_THREADS = 4
_PATIENCE = 30


def make_app(
    settings: Settings, environ: Mapping[str, str], opened: Opened, *, clock: Clock, entropy: Entropy, log: Log
) -> Flask:
    """The pages behind their guards. ConfigError SYN811 and SYN812 where the file of people lets nobody in."""
    app = Flask("syncd.console")
    door = Door(settings, clock, entropy, lambda: read_people(settings, environ))
    check_people(door)
    door.fit(app)
    Site(settings, environ, opened, door, log).fit(app)
    return app


def serve(app: Flask, listen: str) -> None:
    """Serve until a signal ends the process; ConfigError SYN814 where the port cannot be had."""
    host, _, port = listen.rpartition(":")
    try:
        listener = socket.create_server((host, int(port)))
    except OSError as error:
        hint = "name another port with console.listen"
        raise ConfigError("SYN814", f"{listen}: {error.strerror}", where="console.listen", hint=hint) from error
    with listener:
        server = create_server(app, sockets=[listener], threads=_THREADS, channel_timeout=_PATIENCE, ident="syncd")
        try:
            server.run()
        finally:
            server.close()
