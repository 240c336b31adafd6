"""What goes wrong in a simulation: answers that fail before or after the work (F04), answers that never come (F07),
people who edit in the middle of a write (F24), and processes that die (F27).

The names F01 to F39 are those of the reference on reliability. Nothing here knows what is checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncd.model.refs import Ref, System
from tests.simulation.dice import Dice
from tests.simulation.people import NAMES, People
from tests.simulation.world import Reaper

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
    *_STORE,
)
_RECOVERING = ("recovery.before_settle", "recovery.settled", "store.after_commit")
_POINTS: Mapping[str, tuple[tuple[str, ...], int]] = {
    "reading": (_READING, 40),
    "writing": (_WRITING, 80),
    "recovering": (_RECOVERING, 12),
}


def network_trouble(dice: Dice, system: System) -> list[Entry]:
    """One to three things that go wrong with a system's answers, each for a few calls."""
    return [_trouble(dice, system) for _ in range(dice.whole(1, 3))]


def _trouble(dice: Dice, system: System) -> Entry:
    when = dice.one_of(("before", "after"))
    fault = dice.weighted(
        (
            (f"status {dice.one_of((500, 502, 503, 504))} {when}", 4.0),
            (f"timeout 15 {when}", 3.0),
            (f"drop {when}", 1.0),
            (f"html 503 {when}", 0.5),
        )
    )
    write = _TEAMS if system is System.SALESFORCE and dice.chance(0.25) else WRITE[system]
    match: dict[str, Any] = dict(write) if dice.chance(0.6) else {}
    if dice.chance(0.7):
        match |= {"nth": dice.whole(1, 3 if match else 12), "times": dice.whole(1, 2)}
    else:
        match |= {"probability": round(dice.between(0.1, 0.5), 3), "seed": dice.whole(0, 10_000)}
    return {"match": match, "fault": fault}


def meddling(dice: Dice, people: People, refs: Sequence[Ref]) -> dict[System, list[Entry]]:
    """People who give some of these records away just as they are written, or right after."""
    entries: dict[System, list[Entry]] = {}
    for ref in sorted({dice.one_of(refs) for _ in range(dice.whole(1, 2))}):
        command = people.new_owner(ref)
        if command is None:
            continue
        when = dice.one_of(("before", "after"))
        name = NAMES[ref.system, ref.kind]
        together = {**WRITE[ref.system], "contains": ref.id, "nth": 1}
        entry: Entry = {"match": together, "fault": f"edit {when}", "edit": command}
        mine = entries.setdefault(ref.system, [])
        mine.append(entry)
        if ref.system is System.SALESFORCE:  # a row written alone has its id in the path
            alone = {"method": "PATCH", "path": f"*/sobjects/{name}/{ref.id}", "nth": 1}
            mine.append({**entry, "match": alone})
    return entries


def arm(reaper: Reaper, dice: Dice, doing: str) -> None:
    """Choose where the process dies while it is `reading`, `writing` or `recovering`: by name, or after some points."""
    names, most = _POINTS[doing]
    if dice.chance(0.75):
        reaper.arm(dice.whole(1, 4 if doing == "reading" else 2), dice.one_of(names))
    else:
        reaper.arm(dice.whole(1, most))
