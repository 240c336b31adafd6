"""Configuring structlog once for a process, and the small logging port that rooms are handed.

structlog takes a tenth of a second to import and most commands tell nothing, so it comes with the first line told.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol, TextIO

from syncd.clock import Clock, SystemClock, iso
from syncd.telemetry.events import EVENTS
from syncd.telemetry.journal import SOCKET, Journal, is_journal
from syncd.telemetry.redaction import redacted

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "off": 50}


class Log(Protocol):
    """Where events are told; the level of each stands in the registry."""

    def event(self, name: str, **facts: object) -> None:
        """Tell one event; ValueError for a name that is not in the registry."""
        ...

    def bind(self, **facts: object) -> Log:
        """The same log with facts that every event carries."""
        ...


@dataclass(frozen=True, slots=True)
class _Telling:
    """How events are told: from which level on, where, by which clock, and the journal, if there is one."""

    level: int
    stream: TextIO
    clock: Clock
    journal: Journal | None

    def set_up(self) -> None:
        """Make structlog tell events so."""
        import structlog

        rendered = structlog.processors.JSONRenderer(ensure_ascii=False)

        def delivered(logger: object, method: str, event: MutableMapping[str, Any]) -> str:
            facts = dict(event)
            line = str(rendered(logger, method, event))
            if self.journal is None:
                return line
            try:
                self.journal.send(str(facts["level"]), str(facts["event"]), line, facts)
            except OSError:
                return line
            raise structlog.DropEvent

        structlog.configure(
            processors=[*self.shared(), delivered],
            wrapper_class=structlog.make_filtering_bound_logger(self.level),
            # a line and its end at once: what children say goes to the same stream, from other threads
            logger_factory=structlog.WriteLoggerFactory(self.stream),
            cache_logger_on_first_use=False,
        )

    def shared(self) -> list[Any]:
        """What is done to our events and to lines of other libraries alike: level, time, and secrets taken out."""
        import structlog

        def stamped(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
            return {"ts": iso(self.clock.now()), **event}

        return [structlog.stdlib.add_log_level, stamped, _cleaned]


def _cleaned(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: redacted(value, name) for name, value in event.items()}


class _Process:
    """How the events of this process are told: None before `configure`; `pending` until structlog knows of it."""

    telling: _Telling | None = None
    pending = False


class _Lines(logging.Formatter):
    """Makes one JSON line of what another library logs."""

    def __init__(self, telling: _Telling) -> None:
        super().__init__()
        self._telling = telling
        self._formatter: logging.Formatter | None = None

    def format(self, record: logging.LogRecord) -> str:
        if self._formatter is None:
            import structlog

            self._formatter = structlog.stdlib.ProcessorFormatter(
                processor=structlog.processors.JSONRenderer(ensure_ascii=False),
                foreign_pre_chain=self._telling.shared(),
            )
        return self._formatter.format(record)


class _StructuredLog:
    def __init__(self, facts: Mapping[str, object]) -> None:
        self._facts = facts

    def event(self, name: str, **facts: object) -> None:
        if name not in EVENTS:
            raise ValueError(f"{name!r} is not in the registry of events")
        level = _LEVELS[EVENTS[name][0]]
        telling = _Process.telling
        if telling is not None and level < telling.level:
            return
        import structlog

        if telling is not None and _Process.pending:
            _Process.pending = False
            telling.set_up()
        structlog.get_logger(**self._facts).log(level, name, **facts)

    def bind(self, **facts: object) -> Log:
        return _StructuredLog({**self._facts, **facts})


def configure(
    *,
    level: str = "warning",
    stream: TextIO | None = None,
    clock: Clock | None = None,
    journal: Journal | None = None,
) -> None:
    """Send every event of at least `level` as one JSON line to `stream` (stderr), redacted last before rendering.

    With a `journal` the line is the message of an entry with fields, and goes to `stream` only where journald does not
    take it. `level` is debug, info, warning, error, or off for none. The standard library's loggers (urllib3,
    apscheduler, simple-salesforce) become lines on `stream` from WARNING on.
    """
    telling = _Telling(_LEVELS[level], stream or sys.stderr, clock or SystemClock(), journal)
    _Process.telling, _Process.pending = telling, True
    handler = logging.StreamHandler(telling.stream)
    handler.setFormatter(_Lines(telling))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(telling.level, logging.WARNING))


def get_log(**facts: object) -> Log:
    """The process's log, with facts that every event carries."""
    return _StructuredLog(facts)


def own_journal(environ: Mapping[str, str]) -> Journal | None:
    """The journal where our stderr is its stream, or that of the daemon that started us; None anywhere else."""
    parent = os.getppid() if "SYNCD_LEASE_EPOCH" in environ else None
    return Journal() if is_journal(environ, parent=parent) and os.path.exists(SOCKET) else None
