"""The line to the CRMs that applying and recovering share: who reads, who writes, the clock, and the word to stop.

Nothing here decides what is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from syncd.clock import Clock
from syncd.connectors.port import OwnerVersion, Reader, Reading, Writer
from syncd.entropy import Entropy
from syncd.errors import CrmError, LeaseHeldError, RateLimitedError, RefusedError
from syncd.model.plans import OutboxRow
from syncd.model.refs import Kind, Ref, System
from syncd.planning.writing.applied import Stop
from syncd.store.engine import Store
from syncd.telemetry.log import Log

T = TypeVar("T")

MAX_WAIT = timedelta(minutes=15)
"""How long one apply waits for rate limits in all; then it stops and the rest stays approved."""

_UNTOLD_WAIT = 30.0
_SHORTEST_WAIT = 1.0
_KEEP_ALIVE = 10.0


@dataclass(slots=True)
class Line:
    """What applying works with. `may_write` raises RefusedError while writes are frozen and LeaseHeldError once the
    lease is another's; it is asked right before every call that writes. `halt` is told when something must be looked
    at by a person before anything more is written. `waited` counts rate-limit waits, in seconds.
    """

    store: Store
    readers: Mapping[System, Reader]
    writers: Mapping[System, Writer]
    clock: Clock
    entropy: Entropy
    epoch: int
    run_id: str
    may_write: Callable[[], None]
    log: Log
    halt: Callable[[str], None] = lambda _: None
    waited: float = 0.0
    _calls_before: int = field(init=False)

    def __post_init__(self) -> None:
        self._calls_before = self._all_calls()

    @property
    def calls(self) -> int:
        """HTTP calls since the line was made."""
        return self._all_calls() - self._calls_before

    def _all_calls(self) -> int:
        return sum(reader.calls for reader in self.readers.values()) + sum(
            writer.calls for writer in self.writers.values()
        )

    def read(self, system: System, kind: Kind, rows: Sequence[OutboxRow]) -> Mapping[Ref, Reading]:
        """The records of some rows as the CRM's store holds them now, after any wait that a rate limit asks for.

        Raises CrmError where they cannot be read.
        """
        return self.read_refs(system, kind, [row.ref for row in rows])

    def read_refs(self, system: System, kind: Kind, refs: Sequence[Ref]) -> Mapping[Ref, Reading]:
        """The same for records that are named by their refs."""
        reader = self.readers[system]
        readings = self._patiently(lambda: reader.read(kind, [ref.id for ref in refs]))
        return {Ref(system, kind, known): reading for known, reading in readings.items()}

    def owner_histories(self, refs: Sequence[Ref], field: str) -> Mapping[Ref, tuple[OwnerVersion, ...]]:
        """Who held a field of some records of one system and kind, newest first; no call where none is asked about.

        Those of which the CRM keeps no history are left out. Raises CrmError where it cannot be asked.
        """
        if not refs:
            return {}
        system, kind, reader = refs[0].system, refs[0].kind, self.readers[refs[0].system]
        histories = self._patiently(lambda: reader.owner_history(kind, [ref.id for ref in refs], field))
        return {Ref(system, kind, known): versions for known, versions in histories.items()}

    def own_id(self, system: System) -> str | None:
        """The id of the user that we are there, where the CRM says so. Raises CrmError where it cannot be asked."""
        return self._patiently(self.readers[system].identify).user_id

    def _patiently(self, ask: Callable[[], T]) -> T:
        while True:
            try:
                return ask()
            except RateLimitedError as error:
                self.wait_out(error)

    def wait_out(self, error: RateLimitedError) -> None:
        """Wait as a rate limit asks; the error again once the apply has waited long enough in all."""
        wait = _UNTOLD_WAIT if error.wait is None else max(error.wait, _SHORTEST_WAIT)
        if self.waited + wait > MAX_WAIT.total_seconds():
            raise error
        self.log.event("call.limited", wait=wait)
        self.waited += wait
        self.pause(wait)

    def back_off(self, attempt: int) -> None:
        """Wait between two attempts at the same rows: 1, 4, 16 s at most, with jitter."""
        self.pause(self.entropy.uniform(0.5, 1.0) * 4 ** (attempt - 1))

    def pause(self, seconds: float) -> None:
        """Wait, keeping the lease alive on the way; shorter where writing was forbidden meanwhile."""
        while seconds > 0:
            step = min(seconds, _KEEP_ALIVE)
            self.clock.sleep(step)
            seconds -= step
            try:
                self.may_write()
            except (RefusedError, LeaseHeldError):
                return


def stopped_by(error: CrmError, system: System) -> Stop:
    """The stop that an error of one CRM means; the other goes on."""
    return Stop(error.code, error.summary, error.exit_code, system.value)
