"""The mirror of one world, row by row, read anew only where its bytes changed.

After each step every row of the database is compared, as the bytes it is, with what it was: whatever wrote it shows.
Only what differs is read through the store. Nothing here knows what is checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.store import mirror
from tests.simulation.world import World


@dataclass(slots=True)
class Mirrored:
    """What the mirror holds, deleted records too."""

    world: World
    held: dict[Ref, Record] = field(default_factory=dict)
    changes: Counter[tuple[System, Kind]] = field(default_factory=Counter)
    """How many rows of a kind were found to be other than before, so far."""
    _bytes: dict[tuple[str, str, str], tuple[Any, ...]] = field(default_factory=dict)

    def update(self) -> Mapping[Ref, Record]:
        """Look at every row; returns those that are not what they were."""
        with self.world.context.store.read() as conn:
            driver: Any = conn.connection.driver_connection
            now = {row[:3]: row for row in driver.execute("SELECT system, kind, id, * FROM records")}
            changed = [_ref(key) for key, row in now.items() if self._bytes.get(key) != row]
            read = mirror.get_records(conn, changed) if changed else {}
        for key in self._bytes.keys() - now.keys():
            del self.held[_ref(key)]
        self._bytes = now
        self.changes.update((ref.system, ref.kind) for ref in changed)
        self.held.update(read)
        return read

    def of(self, system: System, kind: Kind) -> dict[Ref, Record]:
        """The records of one kind."""
        return {ref: record for ref, record in self.held.items() if ref.system is system and ref.kind is kind}


def _ref(key: tuple[str, str, str]) -> Ref:
    return Ref(System(key[0]), Kind(key[1]), key[2])
