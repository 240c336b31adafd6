"""Configuring structlog once for a process, and the small logging port that rooms are handed."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Protocol, TextIO

import structlog

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


class _StructuredLog:
    def __init__(self, logger: Any) -> None:
        self._logger = logger

    def event(self, name: str, **facts: object) -> None:
        if name not in EVENTS:
            raise ValueError(f"{name!r} is not in the registry of events")
        self._logger.log(_LEVELS[EVENTS[name][0]], name, **facts)

    def bind(self, **facts: object) -> Log:
        return _StructuredLog(self._logger.bind(**facts))


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
    clock = clock or SystemClock()

    def stamped(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {"ts": iso(clock.now()), **event}

    def cleaned(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {name: redacted(value, name) for name, value in event.items()}

    target = stream or sys.stderr
    shared: list[Any] = [structlog.stdlib.add_log_level, stamped, cleaned]
    rendered = structlog.processors.JSONRenderer(ensure_ascii=False)

    def delivered(logger: object, method: str, event: MutableMapping[str, Any]) -> str:
        facts = dict(event)
        line = str(rendered(logger, method, event))
        if journal is None:
            return line
        try:
            journal.send(str(facts["level"]), str(facts["event"]), line, facts)
        except OSError:
            return line
        raise structlog.DropEvent

    structlog.configure(
        processors=[*shared, delivered],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(target),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processor=structlog.processors.JSONRenderer(ensure_ascii=False), foreign_pre_chain=shared
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(_LEVELS[level], logging.WARNING))


def get_log(**facts: object) -> Log:
    """The process's log, with facts that every event carries."""
    return _StructuredLog(structlog.get_logger(**facts))


def own_journal(environ: Mapping[str, str]) -> Journal | None:
    """The journal where our stderr is its stream, or that of the daemon that started us; None anywhere else."""
    parent = os.getppid() if "SYNCD_LEASE_EPOCH" in environ else None
    return Journal() if is_journal(environ, parent=parent) and os.path.exists(SOCKET) else None
