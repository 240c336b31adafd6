"""Alerts about what keeps alerts from being kept: the database cannot be written, or no watch comes to its end.

Episodes and notices live in the database, so these go to the receivers of pages directly, with nothing stored: once
when it has lasted a minute, once when it has been over for five. What is known of them is lost with the process; then a
receiver may be told twice.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from syncd.alerts.notices import notice_body
from syncd.alerts.receivers.delivery import DeliveryError, Receiver
from syncd.clock import Clock
from syncd.store.episodes import Episode
from syncd.telemetry import Log

NAME: Final = "StorageFailing"
LASTS: Final = 60.0
"""Seconds that it has to last before anybody is told."""
CALM: Final = 300.0
"""Seconds without a failure after which it is over."""
_AGAIN: Final = 60.0
_RUNBOOK: Final = "docs/runbooks/storage-failing.md"


@dataclass(slots=True)
class Emergency:
    """One daemon's memory of it. `receivers` opens those of the present settings. Safe between threads."""

    clock: Clock
    log: Log
    receivers: Callable[[], Iterable[Receiver]]
    _since: tuple[float, datetime] | None = None
    _last: float = 0.0
    _words: str = ""
    _told: set[str] = field(default_factory=set)
    _tried: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def failed(self, words: str) -> None:
        """Note that storing or watching has just failed, and how."""
        with self._lock:
            self._last, self._words = self.clock.monotonic(), words
            if self._since is None:
                self._since = self._last, self.clock.now()

    def look(self) -> None:
        """Tell whoever is to be told by now; blocks while receivers are called, so it has a thread of its own."""
        with self._lock:
            if self._since is None:
                return
            now, (began, at) = self.clock.monotonic(), self._since
            over, known = now - self._last >= CALM, frozenset(self._told)
            waits = not over and (self._last - began < LASTS or now - self._last >= LASTS)
            words = self._words
        if over and not known:
            self._end()
        elif not waits and now - self._tried >= _AGAIN:
            self._tell(self._episode(at, words, over=over), "resolved" if over else "fired", known)

    def _tell(self, episode: Episode, reason: str, known: frozenset[str]) -> None:
        body = notice_body(episode, reason, self.clock.now())
        missed = False
        for receiver in self.receivers():
            if not receiver.route.takes(body) or (receiver.name in known) == (reason == "fired"):
                continue
            try:
                receiver.deliver(body)
            except DeliveryError as error:
                missed = True
                self.log.event("notice.failed", receiver=receiver.name, reason=error.reason, about=NAME)
            else:
                with self._lock:
                    (self._told.add if reason == "fired" else self._told.discard)(receiver.name)
        with self._lock:
            self._tried = self.clock.monotonic() if missed else float("-inf")
        if reason == "resolved" and not missed:
            self._end()

    def _end(self) -> None:
        with self._lock:
            self._since = None
            self._told.clear()

    def _episode(self, since: datetime, words: str, *, over: bool) -> Episode:
        key = hashlib.sha256(f"{NAME} {since.isoformat()}".encode()).hexdigest()[:32]
        return Episode(
            id=None,
            fingerprint=key,
            monitor=NAME,
            subject="database",
            labels={"monitor": NAME, "severity": "page"},
            severity="page",
            state="resolved" if over else "firing",
            started_at=since,
            fired_at=since,
            resolved_at=self.clock.now() if over else None,
            summary=f"what syncd finds out cannot be kept, and no other alert can be told: {words}",
            detail={"command": "syncd doctor", "runbook": _RUNBOOK, "evidence": [words]},
        )
