"""What the CRMs themselves say happened: reads, writes and changes of what syncd writes, out of their journals.

What syncd writes are fields: owners of accounts, opportunities, contacts and leads, the holder of a role, a text of its
own. It is the truth that syncd is checked against, so it asks nothing of syncd.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from syncd.connectors.wire import READ_TIMEOUT
from syncd.model.plans import OWNER_FIELD, Slot
from syncd.model.refs import Kind, Ref, System
from syncd.sandbox.journal import Entry
from tests.simulation.people import NAMES, TEAMS, inactive
from tests.simulation.world import World

_KINDS = {name: (system, kind) for (system, kind), name in NAMES.items()}
COLUMNS: Mapping[str, str] = {
    "OwnerId": OWNER_FIELD,
    "hubspot_owner_id": OWNER_FIELD,
    "CSM__c": "csm",
    "csm_owner": "csm",
    "Territory__c": "territory",
    "territory_path": "territory",
}
"""The columns of both CRMs that syncd may write, each with the field of a plan that it is."""
_OBJECT = r"(?P<object>Account|Opportunity|Contact|Lead|companies|deals|contacts) (?P<id>\w+) "
_EFFECT = re.compile(_OBJECT + r"(?P<rest>.*)", re.DOTALL)
_FIELD = re.compile(rf"(?:^|; )({'|'.join(COLUMNS)}): ([^;]*?) -> ([^;,]*)")
_NAMED = re.compile(r"(?:^|; )(\w+): ")
_HARMLESS = {"", "edit before", "edit after", "shuffle", "double"}
"""What may be scripted for a call and leaves its answer whole."""
_WITH_OWNERS = ("AccountTeamMember", "AccountShare", "OpportunityTeamMember", "OpportunityShare")
_NOTHING = "saved, nothing changed"
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
_LATE = re.compile(r", visible from (\S+Z)$")
_IDS_READ = re.compile(r"FROM (\w+) WHERE Id IN \(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class Change:
    """A field that changed in a CRM, by whom (`api` is syncd, the others are not), at which journal entry.

    `visible` is the second from which readers are shown it: later than `at` for a transaction that was open for long.
    """

    ref: Ref
    field: str
    old: str | None
    new: str | None
    at: datetime
    number: int
    source: str
    visible: datetime

    @property
    def slot(self) -> Slot:
        """The field of the record."""
        return self.ref, self.field


@dataclass(frozen=True, slots=True)
class Request:
    """A write that reached a CRM's door: what it asks for, the second after which its condition (if it has one) allows
    no edit, whether it was done, and whether the answer said that it certainly was not (401, 412, …).
    """

    ref: Ref
    field: str
    value: str | None
    at: datetime
    number: int
    since: datetime | None
    done: bool
    refused: bool

    @property
    def slot(self) -> Slot:
        """The field of the record."""
        return self.ref, self.field


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
    over_limit: list[str] = field(default_factory=list)
    """Answers 429 that nobody scripted: the CRM itself found a rate over its limit."""

    def take(self, entries: Iterable[Entry]) -> None:
        """Take new entries of the journal in."""
        for entry in entries:
            self.last = entry.number
            self._effects(entry)
            if entry.source != "api":
                continue
            if entry.status == 429 and not entry.fault:
                self.over_limit.append(f"{entry.method} {entry.path} at entry {entry.number}")
            wanted = dict(_wanted(self.system, entry)) if entry.body else {}
            done = {(ref, name) for effect in entry.effects for ref, name in _done(effect, wanted)}
            condition, refused = entry.headers.get("if-unmodified-since"), 400 <= entry.status < 500
            since = parsedate_to_datetime(condition) if condition else None
            self.requests += [
                Request(ref, name, value, entry.at, entry.number, since, (ref, name) in done, refused)
                for (ref, name), value in wanted.items()
            ]
            self.strange += [f"{entry.method} {entry.path}: {effect}" for effect in _beyond(entry, set(wanted))]
            if _arrived(entry):
                refs = frozenset(_shown(self.system, entry))
                self.reads += [Read(refs, entry.at, entry.number)] if refs else []

    def _effects(self, entry: Entry) -> None:
        for effect in entry.effects:
            self._end_open(effect, entry)
            gone = _GONE.fullmatch(effect)
            if gone is not None:
                self.gone.append((_ref(gone), entry.number))
                continue
            for (ref, name), old, new in _changed(effect):
                late = _LATE.search(effect)
                visible = datetime.fromisoformat(late[1]) if late is not None else entry.at
                self.changes.append(Change(ref, name, old, new, entry.at, entry.number, entry.source, visible))

    def _end_open(self, effect: str, entry: Entry) -> None:
        """A transaction that is open on a record ends when a person saves that record, changed or not (seed 50647)."""
        found = _EFFECT.fullmatch(effect)
        if found is None or entry.source == "api":
            return
        ref = _ref(found)
        for place, change in enumerate(self.changes):
            if change.ref == ref and change.visible > entry.at:
                self.changes[place] = replace(change, visible=entry.at)


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
        moved = {ref for effect in entry.effects for (ref, name), *_ in _changed(effect) if name == OWNER_FIELD}
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
        """The changes of both, by one source or by all."""
        for history in self.systems.values():
            yield from (change for change in history.changes if source in (None, change.source))

    def requests(self) -> Iterator[Request]:
        """What syncd asked both CRMs to write."""
        for history in self.systems.values():
            yield from history.requests

    def writes(self) -> int:
        """How many rows syncd asked the CRMs to write so far."""
        return sum(len(history.requests) for history in self.systems.values())


def _ref(found: re.Match[str]) -> Ref:
    system, kind = _KINDS[found["object"]]
    return Ref(system, kind, found["id"])


def _changed(effect: str) -> Iterator[tuple[Slot, str | None, str | None]]:
    """The fields that an effect changed, of those that syncd may write: from what, to what."""
    found = _EFFECT.fullmatch(effect)
    if found is not None:
        for column, old, new in _FIELD.findall(found["rest"]):
            yield (_ref(found), COLUMNS[column]), _given(old), _given(new)


def _given(text: str) -> str | None:
    """A value as the journals spell it: both of their words for an empty field are None."""
    return None if text.strip() in ("None", "") else text.strip()


def _done(effect: str, wanted: Iterable[Slot]) -> Iterator[Slot]:
    """The fields that a write of ours left as wanted."""
    found = _EFFECT.fullmatch(effect)
    if found is not None and found["rest"].startswith(_NOTHING):
        yield from (slot for slot in wanted if slot[0] == _ref(found))
    yield from (slot for slot, *_ in _changed(effect))


def _wanted(system: System, entry: Entry) -> Iterator[tuple[Slot, str | None]]:
    """The values that a request asks for, by field; a column that syncd has no business with is a field of its name."""
    if system is System.SALESFORCE and entry.method == "PATCH":
        document = json.loads(entry.body)
        if entry.path.endswith("/composite/sobjects"):
            rows = [(row["attributes"]["type"], row["id"], row) for row in document["records"]]
        else:
            rows = [(*entry.path.rsplit("/", 2)[1:], document)]
        for name, record_id, row in rows:
            ref = _salesforce_ref(name, record_id)
            yield from _asked(ref, {key: row[key] for key in row.keys() - {"attributes", "id"}})
    elif system is System.HUBSPOT and entry.path.endswith("/batch/update"):
        kind = _hubspot_kind(entry.path)
        for row in json.loads(entry.body)["inputs"]:
            yield from _asked(Ref(system, kind, row["id"]), row["properties"])


def _asked(ref: Ref, values: Mapping[str, Any]) -> Iterator[tuple[Slot, str | None]]:
    for column, value in values.items():
        yield (ref, COLUMNS.get(column, column)), value or None


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


def _beyond(entry: Entry, wanted: set[Slot]) -> Iterator[str]:
    """What a call of ours changed beside the fields it asked for; teams and shares go with an owner."""
    for effect in entry.effects:
        found = _EFFECT.fullmatch(effect)
        if found is None:
            if not effect.startswith(_WITH_OWNERS):
                yield effect
        elif not found["rest"].startswith(_NOTHING):
            names = {(_ref(found), COLUMNS.get(name, name)) for name in _NAMED.findall(found["rest"])}
            if not names or names - wanted:
                yield effect


def _arrived(entry: Entry) -> bool:
    """Whether the answer came to syncd whole, in whichever order its rows are."""
    faults = {*(entry.fault or "").split(", ")} - _HARMLESS
    return entry.status in (200, 207) and all(_is_late(fault) or _is_of_rows(fault) for fault in faults)


def _is_of_rows(fault: str) -> bool:
    """Whether a fault refuses rows of a batch: to a read it does nothing."""
    return fault.startswith("row ")


def _is_late(fault: str) -> bool:
    """Whether a fault only makes the answer to a read come late, and not too late for who waits for it."""
    kind, _, seconds = fault.partition(" ")
    return kind == "stall" and float(seconds) < READ_TIMEOUT


def _salesforce_ref(name: str, record_id: str) -> Ref:
    system, kind = _KINDS[name]
    return Ref(system, kind, record_id)


def _hubspot_kind(path: str) -> Kind:
    if "/contacts/" in path or "/0-1/" in path:
        return Kind.CONTACT
    return Kind.OPPORTUNITY if "/deals/" in path or "/0-3/" in path else Kind.ACCOUNT
