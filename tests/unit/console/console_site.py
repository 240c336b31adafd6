"""A console over a small world, served by waitress on a port of loopback, and somebody who uses it over real HTTP."""

from __future__ import annotations

import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from waitress import wasyncore
from waitress.server import create_server

from syncd.console.app import make_app
from syncd.console.people import new_line
from syncd.entropy import SeededEntropy
from syncd.jobs.context import Context
from syncd.settings import Settings
from syncd.telemetry import get_log
from tests.unit.jobs.jobs_world import World

VIEWER, APPROVER = "vera@acme.example", "ruth@acme.example"


@dataclass
class Answer:
    """What came back: status, headers, the page, and where it was found after redirects."""

    status: int
    headers: Mapping[str, str]
    text: str
    url: str


@dataclass
class Visitor:
    """A browser without a screen: it keeps cookies and fills in forms."""

    base: str
    jar: CookieJar = field(default_factory=CookieJar)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self._ask(urllib.request.Request(self.base + path, headers=dict(headers or {})))

    def post(self, path: str, form: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Answer:
        data = urlencode(form, doseq=True).encode()
        return self._ask(urllib.request.Request(self.base + path, data=data, headers=dict(headers or {})))

    def enter(self, token: str, onward: str = "/") -> Answer:
        return self.post("/sign-in", {"token": token, "next": onward})

    def hidden(self, path: str) -> dict[str, str]:
        """The hidden fields of the last form of a page."""
        text = self.get(path).text
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text))

    def _ask(self, request: urllib.request.Request) -> Answer:
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        try:
            with opener.open(request, timeout=20) as found:
                return Answer(found.status, dict(found.headers), found.read().decode(), found.url)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read().decode(), error.url)


@dataclass
class Console:
    """The console as it runs: its address, and the token of each person."""

    base: str
    tokens: Mapping[str, str]
    people: Path
    world: World

    def visitor(self, who: str | None = None) -> Visitor:
        """Somebody, signed in if named."""
        found = Visitor(self.base)
        if who is not None:
            assert found.enter(self.tokens[who]).status == 200
        return found


@contextmanager
def served(world: World, folder: Path) -> Iterator[Console]:
    """The console of a world, for the length of a with-block."""
    lines, tokens = [], {}
    for number, (name, role) in enumerate(((VIEWER, "view"), (APPROVER, "approve"))):
        tokens[name], line = new_line(name, role, SeededEntropy(f"token {number}"))
        lines.append(line)
    people = folder / "people"
    people.write_text("# who may come in\n" + "\n".join(lines) + "\n")
    people.chmod(0o600)

    def app(environ: Mapping[str, str], start: object) -> object:
        return found.wsgi_app(environ, start)  # type: ignore[arg-type]

    sockets: dict[int, Any] = {}
    server = create_server(app, host="127.0.0.1", port=0, threads=2, map=sockets)
    port = server.effective_port
    world.extra += f'\n[console]\nlisten = "127.0.0.1:{port}"\ntokens = "file:{people}"\n'
    settings = world.settings()
    found = make_app(
        settings,
        world.environ,
        lambda asked, environ: opened(world, asked, environ),
        clock=world.clock,
        entropy=SeededEntropy("console"),
        log=get_log(),
    )
    ended = threading.Event()

    def loop() -> None:
        """Serve until told to end; `run` itself ends by a signal alone, and leaves its threads."""
        while not ended.is_set():
            wasyncore.loop(timeout=0.02, map=sockets, count=1)

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield Console(f"http://127.0.0.1:{port}", tokens, people, world)
    finally:
        ended.set()
        thread.join(timeout=5)
        server.task_dispatcher.shutdown(cancel_pending=True, timeout=5)
        wasyncore.close_all(sockets)


def opened(world: World, settings: Settings, environ: Mapping[str, str]) -> Context:
    """A context of the world, for one page."""
    return Context.open(settings, clock=world.clock, entropy=SeededEntropy(7), environ=environ)
