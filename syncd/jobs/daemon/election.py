"""Becoming the one who leads: at once, after a leader who died, or after one who stands still.

On SQLite a second daemon is a mistake and is told so. On PostgreSQL it stands by: the advisory lock of a leader that
dies is free within seconds, and a lease that nobody renewed for its whole length, by our own monotonic clock, has run
out whatever the clocks of two machines say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from syncd.clock import Clock
from syncd.errors import LeaseHeldError, StorageError
from syncd.jobs.leadership import COMMAND_TTL, SHARED_TTL, TTL, holder_is_gone, holder_name
from syncd.store import lease
from syncd.store.engine import Store
from syncd.store.leader_lock import LeaderLock

ASKS_EVERY = 2.0
"""Seconds between two tries of a daemon that stands by."""
_MARGIN = 1.0


@dataclass(slots=True)
class Candidate:
    """A daemon that wants to lead. `lock` is None on SQLite."""

    store: Store
    clock: Clock
    lock: LeaderLock | None
    _seen: tuple[int, object] | None = None
    _since: float = field(default=0.0)

    @property
    def ttl(self) -> timedelta:
        """How long a lease of ours stands without being renewed."""
        return TTL if self.lock is None else SHARED_TTL

    def stand(self) -> lease.Lease:
        """The lease, if it can be had now. Raises LeaseHeldError SYN701 where another leads and may live.

        StorageError SYN617 behind a pooler, SYN608 where the server cannot be reached.
        """
        if self.lock is None:
            with self.store.write() as conn:
                return lease.acquire(conn, self._name(), now=self.clock.now(), ttl=self.ttl, gone=holder_is_gone)
        unmoved = self._unmoved()
        if not self.lock.take():
            if unmoved is None:
                raise LeaseHeldError("SYN701", "another daemon leads", hint="this one stands by")
            self.lock.evict()
            if not self.lock.take():
                raise LeaseHeldError("SYN701", "another daemon was quicker", hint="this one stands by")
        try:
            return self._acquire(unmoved)
        except StorageError as error:
            if error.code != "SYN606" or unmoved is None:
                raise
            self.lock.evict()  # a transaction of the leader that stands still
            return self._acquire(unmoved)

    def holds(self) -> bool:
        """Whether the lock, where there is one, is still ours."""
        return self.lock is None or self.lock.holds()

    def close(self) -> None:
        """Give the lock back."""
        if self.lock is not None:
            self.lock.close()

    def _acquire(self, unmoved: int | None) -> lease.Lease:
        with self.store.write() as conn:
            now = self.clock.now()
            return lease.acquire(conn, self._name(), now=now, ttl=self.ttl, gone=holder_is_gone, unmoved=unmoved)

    def _unmoved(self) -> int | None:
        """The epoch of a lease that we saw stand unrenewed for longer than it lasts; None where there is none."""
        with self.store.read() as conn:
            held = lease.current(conn)
        if held is None:
            self._seen = None
            return None
        mark = (held.epoch, held.until)
        if mark != self._seen:
            self._seen, self._since = mark, self.clock.monotonic()
        lasts = SHARED_TTL if held.holder.endswith(lease.DAEMON) else COMMAND_TTL
        stood = self.clock.monotonic() - self._since
        return held.epoch if stood > lasts.total_seconds() + _MARGIN else None

    def _name(self) -> str:
        return holder_name(daemon=True)
