"""How syncd behaves toward those around it: whom it tells (I18 to I20), what it takes back (I15), what it asks of CRMs
(I16), what it leaves open or lying about (I22, I25), and what it says of itself (I27).

The truth is the receivers' inbox, the CRMs' journals and the machine; of syncd's store only what it promises.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from syncd.alerts.bodies import QUIET, SUPPRESSED
from syncd.alerts.episodes import FIRED, RESOLVED, UNTOLD
from syncd.jobs.watching.status import status
from syncd.model.plans import RowState, SavedPlan
from syncd.store import episodes, mirror, outbox
from syncd.store.tables import notices
from tests.simulation.history import History
from tests.simulation.violation import ViolationError
from tests.simulation.world import World

OF_DATA = frozenset({"AccountChurned", "RepLeft", "Unassigned", "OwnerInactive", "TerritoryComposition"})
"""Monitors that speak of what was read from CRMs and of nothing else."""
_OF_ITSELF = ("NotificationsFailing", "desk")
"""No receiver is told that it takes no notices; here there is no other."""
_BACK = frozenset({RowState.CONFIRMED, RowState.SKIPPED_ALREADY})


@dataclass(slots=True)
class Conduct:
    """Checks one world."""

    world: World
    history: History
    files: int = field(default_factory=lambda: _open_files())
    _told: dict[int, tuple[str, str]] = field(default_factory=dict)

    def after_step(self) -> None:
        """What must hold at any time; raises ViolationError."""
        self.i16_within_limits()
        self.i18_told_once()

    def at_rest(self) -> None:
        """What must hold once everything has come to rest; raises ViolationError."""
        self.after_step()
        self.i20_no_alert_lost()
        self.i22_no_secret_at_rest()
        self.i27_says_how_it_is()

    def i16_within_limits(self) -> None:
        """No CRM ever had to say that calls come too fast, but where the course made it say so."""
        for system, history in self.history.systems.items():
            if history.over_limit:
                raise ViolationError("I16 within limits", f"{system.value}: {history.over_limit[0]}")

    def i18_told_once(self) -> None:
        """A receiver that drops what it has by its key hears each episode's beginning and end once, in that order."""
        told: dict[str, list[str]] = {}
        for body in self.world.bells.unique():
            told.setdefault(str(body["dedup_key"]), []).append(str(body["reason"]))
        subjects: Counter[tuple[str, ...]] = Counter()
        for body in self.world.bells.unique():
            if body["reason"] == FIRED:
                account = str(body["labels"].get("account", ""))  # two companies may have one name
                subjects[str(body["monitor"]), str(body["subject"]), account, str(body["since"])] += 1
        for key, reasons in told.items():
            counted = Counter(reasons)
            if counted[FIRED] > 1 or counted[RESOLVED] > 1:
                raise ViolationError("I18 fired exactly once", f"{key} was told as {reasons}")
            if RESOLVED in reasons and (FIRED not in reasons or reasons.index(RESOLVED) < reasons.index(FIRED)):
                raise ViolationError("I19 resolved after fired", f"{key} was told as {reasons}")
        double = next((one for one, count in subjects.items() if count > 1), None)
        if double is not None:
            raise ViolationError("I18 fired exactly once", f"{double} was told of twice, by two keys")

    def i19_nothing_from_stale_data(self, before: Mapping[int, str], since: datetime) -> None:
        """While every mirror is stale no alert about data begins or ends.

        `before` are the open ones before a watch that began at `since`; a receiver that hangs may end it much later.
        """
        context = self.world.context
        with context.store.read() as conn:
            known = mirror.mirror_status(conn)
        fresh = [one for one in known.values() if one.as_of and since - one.as_of <= context.stale_after + _GRACE]
        if fresh or not known:
            return
        after = self.firing()
        moved = {key: name for key, name in (before.items() ^ after.items()) if name in OF_DATA}
        if moved:
            raise ViolationError("I19 nothing from stale data", f"{sorted(moved.values())} moved on a stale mirror")

    def firing(self) -> dict[int, str]:
        """The monitor of each open alert."""
        with self.world.context.store.read() as conn:
            return {one.id: one.monitor for one in episodes.open_episodes(conn) if one.id and one.state == "firing"}

    def i20_no_alert_lost(self) -> None:
        """Each alert that is to be told has arrived, and nothing waits to be told."""
        arrived = {(str(body["dedup_key"]).rpartition(":")[2], body["reason"]) for body in self.world.bells.unique()}
        arrived |= {(str(key).rpartition(":")[2], RESOLVED) for key in self.world.bells.ended()}
        with self.world.context.store.read() as conn:
            known = episodes.list_episodes(conn)
            waiting = conn.execute(select(notices).where(notices.c.state != "sent")).mappings().all()
        if waiting:
            raise ViolationError("I20 no alert lost", f"a notice is still {waiting[0]['state']}: {waiting[0]['topic']}")
        for_the_morning = _to_be_told(known)
        for one in known:
            silent = {QUIET, UNTOLD, SUPPRESSED} & one.detail.keys()
            if one.fired_at is None or silent or (one.monitor, one.subject) == _OF_ITSELF:
                continue
            if (str(one.id), FIRED) not in arrived:
                raise ViolationError("I20 no alert lost", f"{one.monitor} {one.subject} fired, and nobody was told")
            if one.state == "resolved" and (str(one.id), RESOLVED) not in arrived and one.id not in for_the_morning:
                raise ViolationError("I20 no alert lost", f"{one.monitor} {one.subject} is over, and nobody was told")

    def i15_undone(self, undo: SavedPlan, taken_back: Collection[str]) -> None:
        """What an undo wrote is what stood there before the plan that it takes back, and no row is left out in silence.

        `taken_back` are the plans it is about.
        """
        with self.world.context.store.read() as conn:
            back = {(row.ref, row.field): row for row in outbox.rows(conn, undo.plan_id)}
            done = [row for plan_id in taken_back for row in outbox.rows(conn, plan_id)]
        for row in done:
            mine = back.get((row.ref, row.field))
            if mine is not None and mine.state in _BACK and mine.new != row.old:
                raise ViolationError("I15 undo restores", f"{row} was taken back to {mine.new}")

    def i22_no_secret_at_rest(self) -> None:
        """No secret stands in the database or in what receivers were told."""
        held = b"".join(path.read_bytes() for path in self.world.folder.glob("syncd.db*"))
        told = repr(self.world.bells.inbox)
        for secret in self.world.secrets:
            if secret.encode() in held or secret in told:
                raise ViolationError("I22 no secret at rest", "a secret stands in the database or in a notice")

    def i25_files_are_closed(self) -> None:
        """What the processes of a course opened is closed when the last of them is gone."""
        left = _open_files()
        if left > self.files:
            raise ViolationError("I25 files are closed", f"{left} files are open, {self.files} were before")

    def i27_says_how_it_is(self) -> None:
        """At rest the status says of each system that it is not stale, and that nothing is in doubt."""
        document: Mapping[str, Any] = status(self.world.settings, self.world.context.store, clock=self.world.clock)
        for name, one in document["systems"].items():
            if one.get("stale"):
                raise ViolationError("I27 says how it is", f"{name} is called stale right after a pull: {one}")


def _to_be_told(known: Iterable[episodes.Episode]) -> set[int]:
    """The alerts whose end a digest will tell that waits for the working hours of the pack, and has not fired yet."""
    keys = [str(key) for one in known if one.state == "pending" for key in one.detail.get("ended", ())]
    return {int(key.rpartition(":")[2]) for key in keys}


_GRACE = timedelta(minutes=1)


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
