"""Going round the duties of a lane: what is due is done, one after the other, the one that waited longest first.

What is due is asked of the database; how long ago this process tried is remembered beside it, so that a duty whose
child dies before it can write anything down, or whose last run bears a time to come, is not tried in a loop.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from syncd.clock import Clock
from syncd.jobs.daemon.due import Duty
from syncd.store import runs
from syncd.store.engine import Store

_LOOKS = (0.5, 15.0)
"""Seconds between two questions whether a duty is due: at least and at most, in between a 20th of its retry time."""


@dataclass(slots=True)
class Rounds:
    """The duties of a daemon, and when each was tried last. Each lane may be gone round by a thread of its own."""

    store: Store
    clock: Clock
    perform: Callable[[Duty], object]
    _duties: tuple[Duty, ...] = ()
    _tried: dict[str, float] = field(default_factory=dict)
    _looked: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take_up(self, duties: Iterable[Duty]) -> None:
        """Go round these duties from now on; what was tried lately stays known."""
        with self._lock:
            self._duties = tuple(duties)
            self._looked.clear()

    def go_round(self, lane: str) -> Duty | None:
        """Do the duty of the lane that is due and was not tried for longest; None where none is due."""
        with self._lock:
            mine = sorted((duty for duty in self._duties if duty.lane == lane), key=self._last_try)
        for duty in mine:
            if self._may_look(duty) and self._is_due(duty):
                with self._lock:
                    self._tried[duty.name] = self.clock.monotonic()
                self.perform(duty)
                return duty
        return None

    def _last_try(self, duty: Duty) -> float:
        return self._tried.get(duty.name, float("-inf"))

    def _may_look(self, duty: Duty) -> bool:
        """Whether it is time to ask about a duty: not too soon after it was asked about, or tried."""
        now, retry = self.clock.monotonic(), duty.rule.retry.total_seconds()
        least, most = _LOOKS
        with self._lock:
            if now - self._last_try(duty) < retry:
                return False
            if now - self._looked.get(duty.name, float("-inf")) < min(most, max(least, retry / 20)):
                return False
            self._looked[duty.name] = now
            return True

    def _is_due(self, duty: Duty) -> bool:
        with self.store.read() as conn:
            past = runs.past(conn, duty.job, duty.details)
            first = runs.first_start(conn)
        return duty.rule.is_due(past, self.clock.now(), first=first)
