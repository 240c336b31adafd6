"""What goes wrong in a simulation: answers that fail, are broken or not the truth (F01 to F17), fields that appear
(F22), people and flows that edit in the middle of a write (F24), machines that stand still (F26), processes that die
or are told to stop (F27, F28), a database that is locked, full or gone in the middle of a commit (F30, F31, F35).

The names F01 to F39 are those of the reference on reliability. Nothing here knows what is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from syncd.model.refs import Ref, System
from tests.simulation.dice import Dice
from tests.simulation.misreadings import KINDS
from tests.simulation.people import NAMES, OWNER, People, active, live_rows, owner_of, plain, row_id
from tests.simulation.world import World

Entry = dict[str, Any]

WRITE: Mapping[System, Mapping[str, str]] = {
    System.SALESFORCE: {"method": "PATCH"},
    System.HUBSPOT: {"method": "POST", "path": "*/batch/update"},
}
_TEAMS: Mapping[str, str] = {"method": "POST", "path": "*/composite/sobjects"}
_STORE = ("store.before_commit", "store.after_commit")
_READING = ("pull.before_page", "pull.page_stored", "watch.committed", "watch.sent", *_STORE)
_WRITING = (
    "apply.before_claim",
    "apply.claimed",
    "apply.claimed",
    "apply.sent",
    "apply.sent",
    "teams.before_add",
    "teams.added",
    "apply.before_finish",
    "apply.finished",
    "approval.before_commit",
    "leads.planned",
    "leads.approved",
    "leads.applied",
    *_STORE,
)
_TELLING = ("notice.told", "notice.told", "watch.before_commit", "watch.committed", "watch.sent", *_STORE)
_RECOVERING = ("recovery.before_settle", "recovery.settled", "store.after_commit")
_POINTS: Mapping[str, tuple[tuple[str, ...], int]] = {
    "reading": (_READING, 40),
    "writing": (_WRITING, 80),
    "telling": (_TELLING, 30),
    "recovering": (_RECOVERING, 12),
}


def network_trouble(dice: Dice, system: System) -> list[Entry]:
    """One to three things that go wrong with a system's answers, each for a few calls."""
    return [_trouble(dice, system) for _ in range(dice.whole(1, 3))]


def _trouble(dice: Dice, system: System) -> Entry:
    fault = _fault(dice, system)
    write = _TEAMS if system is System.SALESFORCE and dice.chance(0.25) else WRITE[system]
    match: dict[str, Any] = dict(write) if dice.chance(0.6) else {}
    if dice.chance(0.7):
        match |= {"nth": dice.whole(1, 3 if match else 12), "times": dice.whole(1, 2)}
    else:
        match |= {"probability": round(dice.between(0.1, 0.5), 3), "seed": dice.whole(0, 10_000)}
    return {"match": match, **fault}


def _fault(dice: Dice, system: System) -> Entry:
    """What one answer is: mostly an error status or silence, sometimes broken in one of the stranger ways."""
    when = dice.one_of(("before", "after"))
    kind = dice.weighted((("status", 4.0), ("silence", 3.0), ("refusal", 2.0), ("broken", 2.0)))
    if kind == "status":
        return {"fault": f"status {dice.one_of((500, 502, 503, 504))} {when}"}
    if kind == "silence":
        return {"fault": dice.one_of((f"timeout 15 {when}", f"drop {when}", "refuse before", "stall 20", "drip 5"))}
    if kind == "refusal":
        return dict(dice.one_of(_REFUSALS[system]))
    return {"fault": dice.one_of(_BROKEN), "seed": dice.whole(0, 999)}


_REFUSALS: Mapping[System, Sequence[Entry]] = {
    System.SALESFORCE: (
        {"fault": "status 401 INVALID_SESSION_ID before"},
        {"fault": "status 403 REQUEST_LIMIT_EXCEEDED before"},
        {"fault": "status 409 before"},
        {"fault": "status 420 before"},
        {"fault": "status 429 before", "headers": {"Retry-After": "3"}},
        {"fault": "row UNABLE_TO_LOCK_ROW", "every": 2},
    ),
    System.HUBSPOT: (
        {"fault": "status 401 before"},
        {"fault": "status 403 before"},
        {"fault": "status 423 before"},
        {"fault": "status 429 before", "headers": {"Retry-After": "Fri, 20 Nov 2026 10:00:05 GMT"}},
        {"fault": "status 429 before"},
        {"fault": "status 530 before"},
    ),
}
"""F01 to F03 and F05: what a CRM says while it refuses; nothing was done."""
_LOST_PAGE = "status 400 INVALID_QUERY_LOCATOR before"
_BROKEN = (
    "html 503 before",
    "html 200 after",
    "empty 200",
    "truncate",
    "garble",
    "cut",
    "cut-headers",
    "cut-gzip",
    "length 7",
    "replay",
    "shuffle",
    "double",
)
"""F08 to F12: answers that are no answers, or those of another call."""


def meddling(dice: Dice, people: People, refs: Sequence[Ref]) -> dict[System, list[Entry]]:
    """People who give some of these records away just as they are written, or right after."""
    entries: dict[System, list[Entry]] = {}
    for ref in sorted({plain(dice.one_of(refs)) for _ in range(dice.whole(1, 2))}):
        command = people.new_owner(ref)
        if command is None:
            continue
        when = dice.one_of(("before", "after"))
        name = NAMES[ref.system, ref.kind]
        together = {**WRITE[ref.system], "contains": ref.id, "nth": 1}
        entry: Entry = {"match": together, "fault": f"edit {when}", "edit": command}
        mine = entries.setdefault(ref.system, [])
        mine.append(entry)
        if when == "after" and dice.chance(0.3):  # a flow that puts back what was there, once
            live = world_owner(people, ref)
            if live in active(people.world, ref.system):
                entry["edit"] = {**command, "set": {OWNER[ref.system]: live}}
        if ref.system is System.SALESFORCE:  # a row written alone has its id in the path
            alone = {"method": "PATCH", "path": f"*/sobjects/{name}/{ref.id}", "nth": 1}
            mine.append({**entry, "match": alone})
    return entries


def oddities(world: World, dice: Dice) -> None:
    """Answers that are whole and not the truth (F10, F16, F17), pages that expired (F15), fields that were added (F22).

    All of it is drawn from dice of its own, so that what else goes wrong in a step stays what it is.
    """
    for misreading in world.misreadings.values():
        if dice.chance(0.3):
            misreading.kind = dice.one_of(KINDS)
            misreading.behind = timedelta(minutes=dice.one_of((2, 8)))
    if dice.chance(0.12):
        lost: Entry = {"match": {"path": "*/query/*", "nth": dice.whole(1, 3)}, "fault": _LOST_PAGE}
        world.salesforce.faults.install([lost], keep=True)
    if dice.chance(0.06):
        number = dice.whole(0, 9999)
        added = {"name": f"Extra{number}__c", "type": "string", "length": 80}
        world.salesforce.edit({"object": "Account", "field": added})
        world.hubspot.edit({"object": "companies", "define": {"name": f"extra_{number}", "type": "string"}})


def world_owner(people: People, ref: Ref) -> str | None:
    """Who has a record now."""
    rows = live_rows(people.world, ref.system, ref.kind)
    return next((owner_of(row, ref) for row in rows if row_id(row) == ref.id), None)


def arm(world: World, dice: Dice, doing: str) -> None:
    """Choose what befalls the process while it is `reading`, `writing`, `telling` or `recovering`, and where: by name,
    or after some points. Mostly it dies there; else its machine stands still, it is told to stop, its database is
    locked or full from there on, or the connection to it breaks at a commit.
    """
    names, most = _POINTS[doing]
    calamity = dice.weighted(
        (("death", 7.0), ("stall", 1.0), ("lock", 0.7), ("full", 0.7), ("stop", 0.7), ("cut", 1.4))
    )
    instead: Mapping[str, Callable[[], None] | None] = {
        "death": None,
        "stall": lambda: world.clock.advance(timedelta(minutes=10)),
        "lock": world.lock_database,
        "full": world.fill_disk,
        "stop": world.tell_to_stop,
        "cut": world.cut_database,
    }
    if doing == "recovering":
        calamity = "death"
    if calamity == "cut":  # a connection is only missed where it is used
        world.reaper.arm(dice.whole(1, 12), dice.one_of(_STORE), instead=instead[calamity])
    elif dice.chance(0.75):
        world.reaper.arm(dice.whole(1, 4 if doing == "reading" else 2), dice.one_of(names), instead=instead[calamity])
    else:
        world.reaper.arm(dice.whole(1, most), instead=instead[calamity])
