"""What the CRMs themselves say happened: reads, writes and owner changes, taken from the journals of the sandboxes.

It is the truth that syncd is checked against, so it asks nothing of syncd.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from syncd.model.refs import Kind, Ref, System
from syncd.sandbox.journal import Entry
from tests.simulation.people import NAMES, TEAMS, inactive
from tests.simulation.world import World

_KINDS = {name: (system, kind) for (system, kind), name in NAMES.items()}
_OBJECT = r"(?P<object>Account|Opportunity|companies|deals) (?P<id>\w+) "
_OWNER = re.compile(_OBJECT + r"(?:.*; )?(?:OwnerId|hubspot_owner_id): (?P<old>[^;]*?) -> (?P<new>[^;,]*?)(?:[;,].*)?")
_WRITTEN = re.compile(_OBJECT + r"saved, nothing changed")
_GONE = re.compile(_OBJECT + r"(?:deleted|archived|deleted for good|purged|merged into \w+)")
_MEMBER = re.compile(r"(?P<object>AccountTeamMember|OpportunityTeamMember) (?P<id>\w+) (?P<verb>created|deleted)")
_GRANTS = (
    "TeamMemberRole",
    "AccountAccessLevel",
    "OpportunityAccessLevel",
    "CaseAccessLevel",
    "ContactAccessLevel",
)
_LEFT = re.compile(r"User (\w+) IsActive: True -> False|owners (\w+) deactivated")
_IDS_READ = re.compile(r"FROM (\w+) WHERE Id IN \(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class Change:
    """An owner that changed in a CRM, by whom (`api` is syncd, `person` is anybody else), at which journal entry."""

    ref: Ref
    old: str | None
    new: str
    at: datetime
    number: int
    source: str


@dataclass(frozen=True, slots=True)
class Request:
    """A write that reached a CRM's door: what it asks for, whether a condition guarded it, whether it was done, and
    whether the answer said that it certainly was not (401, 412, …).
    """

    ref: Ref
    value: str
    at: datetime
    number: int
    guarded: bool
    done: bool
    refused: bool


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody's place in a team: `grants` are the role and what it lets them do, as (field, value)."""

    ref: Ref
    user: str
    grants: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, name: str, row: Mapping[str, Any]) -> Seat:
        """The seat that a row of a team's object is."""
        kind, parent = TEAMS[name]
        grants = tuple((field, str(row[field])) for field in _GRANTS if row.get(field) is not None)
        return cls(Ref(System.SALESFORCE, kind, row[parent]), row["UserId"], grants)


@dataclass(frozen=True, slots=True)
class Seating:
    """A seat that was `created` or `deleted` in Salesforce, or `asked` for by syncd; `with_owner` says that the same
    entry of the journal changed the owner of the team's record, which takes the team along.
    """

    seat: Seat
    verb: str
    number: int
    source: str
    with_owner: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """Records that syncd was shown, one by one or in a batch, in an answer that arrived."""

    refs: frozenset[Ref]
    at: datetime
    number: int


@dataclass(slots=True)
class SystemHistory:
    """One CRM's part; numbers are those of its journal and order everything in it."""

    system: System
    last: int = 0
    changes: list[Change] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    gone: list[tuple[Ref, int]] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    def take(self, entries: Iterable[Entry]) -> None:
        """Take new entries of the journal in."""
        for entry in entries:
            self.last = entry.number
            self._effects(entry)
            if entry.source != "api":
                continue
            wanted = dict(_wanted(self.system, entry))
            done = {ref for effect in entry.effects if (ref := _ref_of(effect)) is not None}
            guarded, refused = "if-unmodified-since" in entry.headers, 400 <= entry.status < 500
            self.requests += [
                Request(ref, value, entry.at, entry.number, guarded, ref in done, refused)
                for ref, value in wanted.items()
            ]
            self.strange += [f"{entry.method} {entry.path}: {effect}" for effect in _beyond(entry, set(wanted))]
            if _arrived(entry):
                refs = frozenset(_shown(self.system, entry))
                self.reads += [Read(refs, entry.at, entry.number)] if refs else []

    def _effects(self, entry: Entry) -> None:
        for effect in entry.effects:
            owner, gone = _OWNER.fullmatch(effect), _GONE.fullmatch(effect)
            if owner is not None:
                old, new = owner["old"].strip(), owner["new"].strip()
                ref = _ref(owner)
                before = None if old in ("None", "") else old
                self.changes.append(Change(ref, before, new, entry.at, entry.number, entry.source))
            elif gone is not None:
                self.gone.append((_ref(gone), entry.number))


class History:
    """Both CRMs' journals, read on as they grow."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.systems = {system: SystemHistory(system) for system in world.faces}
        self.seatings: list[Seating] = []
        """What happened in teams, in order."""
        self.leavers = {person for system in System for person in inactive(world, system)}
        """Who was ever inactive, by id in either CRM."""

    def update(self) -> None:
        """Read what is new."""
        for system, history in self.systems.items():
            entries = self._world.faces[system].journal.since(history.last)
            history.take(entries)
            for found in (_LEFT.match(effect) for entry in entries for effect in entry.effects):
                self.leavers |= set() if found is None else {found[1] or found[2]}
            if system is System.SALESFORCE:
                self.seatings += [seating for entry in entries for seating in self._seated(entry)]

    def _seated(self, entry: Entry) -> Iterator[Seating]:
        """What an entry asked for and did in teams."""
        if entry.source == "api" and entry.method == "POST" and entry.path.endswith("/composite/sobjects"):
            for row in json.loads(entry.body)["records"]:
                if row["attributes"]["type"] in TEAMS:
                    yield Seating(Seat.of(row["attributes"]["type"], row), "asked", entry.number, entry.source)
        moved = {ref for effect in entry.effects if (ref := _ref_of(effect)) is not None}
        for found in filter(None, map(_MEMBER.fullmatch, entry.effects)):
            row = self._world.salesforce.record(found["object"], found["id"])
            if row is not None:
                seat = Seat.of(found["object"], row)
                yield Seating(seat, found["verb"], entry.number, entry.source, seat.ref in moved)

    def left(self, person: str) -> bool:
        """Whether somebody, by an id in either CRM, was ever inactive in one of them."""
        users = [(row["Id"], row.get("Email")) for row in self._world.salesforce.records("User")]
        owners = [(row["id"], row.get("email")) for row in self._world.hubspot.records("owners")]
        emails = {str(one): str(email).lower() for one, email in (*users, *owners) if email}
        gone = {emails.get(one, one) for one in self.leavers}
        return emails.get(person, person) in gone

    def of(self, ref: Ref) -> SystemHistory:
        """The history of a record's CRM."""
        return self.systems[ref.system]

    def changes(self, source: str | None = None) -> Iterator[Change]:
        """The owner changes of both, by one source or by all."""
        for history in self.systems.values():
            yield from (change for change in history.changes if source in (None, change.source))

    def writes(self) -> int:
        """How many rows syncd asked the CRMs to write so far."""
        return sum(len(history.requests) for history in self.systems.values())


def _ref(found: re.Match[str]) -> Ref:
    system, kind = _KINDS[found["object"]]
    return Ref(system, kind, found["id"])


def _ref_of(effect: str) -> Ref | None:
    """The record whose owner a write of ours left as wanted."""
    found = _OWNER.fullmatch(effect) or _WRITTEN.fullmatch(effect)
    return None if found is None else _ref(found)


def _wanted(system: System, entry: Entry) -> Iterator[tuple[Ref, str]]:
    """The owners that a request asks for."""
    if system is System.SALESFORCE and entry.method == "PATCH":
        document = json.loads(entry.body)
        if entry.path.endswith("/composite/sobjects"):
            for row in document["records"]:
                yield _salesforce_ref(row["attributes"]["type"], row["id"]), row["OwnerId"]
        else:
            name, record_id = entry.path.rsplit("/", 2)[1:]
            yield _salesforce_ref(name, record_id), document["OwnerId"]
    elif system is System.HUBSPOT and entry.path.endswith("/batch/update"):
        kind = _hubspot_kind(entry.path)
        for row in json.loads(entry.body)["inputs"]:
            yield Ref(system, kind, row["id"]), row["properties"]["hubspot_owner_id"]


def _shown(system: System, entry: Entry) -> Iterator[Ref]:
    """The records that a read by id was about."""
    if system is System.HUBSPOT:
        if entry.path.endswith("/batch/read"):
            kind = _hubspot_kind(entry.path)
            yield from (Ref(system, kind, row["id"]) for row in json.loads(entry.body)["inputs"])
        return
    for query in entry.query.get("q", ()):
        found = _IDS_READ.search(query)
        if found is not None and found[1] in _KINDS:
            yield from (_salesforce_ref(found[1], one.strip(" '")) for one in found[2].split(","))


def _beyond(entry: Entry, wanted: set[Ref]) -> list[str]:
    """What a call of ours changed beside the owners it asked for; teams and shares go with an owner."""
    return [
        effect
        for effect in entry.effects
        if _ref_of(effect) not in wanted and not effect.startswith(("AccountTeamMember", "AccountShare", "Opportunity"))
    ]


def _arrived(entry: Entry) -> bool:
    """Whether the answer came to syncd as the CRM gave it."""
    broken = entry.fault is not None and entry.fault.replace("edit before", "").replace("edit after", "").strip(", ")
    return entry.status in (200, 207) and not broken


def _salesforce_ref(name: str, record_id: str) -> Ref:
    system, kind = _KINDS[name]
    return Ref(system, kind, record_id)


def _hubspot_kind(path: str) -> Kind:
    return Kind.OPPORTUNITY if "/deals/" in path or "/0-3/" in path else Kind.ACCOUNT
