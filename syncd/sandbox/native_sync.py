"""HubSpot's own Salesforce connector between the two faces, on request (hubspot.md 8.1).

It follows both journals, waits as the real one does, and carries owners and mapped fields over: into Salesforce through
its API as the connector's own user, into HubSpot as the source `SALESFORCE`. What it writes it does not take for a
change, so that it makes no loop by itself; with somebody else who writes both sides it makes the loops of the real one.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from syncd.clock import iso, parse_instant
from syncd.sandbox.hubspot import HubspotPortal
from syncd.sandbox.journal import Entry
from syncd.sandbox.native_mapping import (
    OBJECTS,
    ObjectPair,
    OwnerRule,
    Rule,
    SyncSettings,
    alike,
    as_json,
    as_text,
    key_of,
)
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.wire import Request

SOURCE = "native-sync"
USERNAME = "hubspot.integration@sandbox.example"
_API = "/services/data/v67.0/sobjects"
_HUBSPOT = re.compile(r"(companies|contacts|deals) (\d+) (.*)", re.DOTALL)
_SALESFORCE = re.compile(r"(Account|Contact|Lead|Opportunity) (\w{18}) (.*)", re.DOTALL)
_NAMES = re.compile(r"(?:^|; )(\w+): ")
_LATE = re.compile(r"visible from (\S+Z)")
_NUMERIC = frozenset({"NumberOfEmployees", "AnnualRevenue", "Amount"})
_STANDARD = "Standard"


@dataclass(frozen=True, slots=True)
class _Event:
    """A change somebody made: on which side, to what, and when it could first be seen."""

    at: datetime
    hubspot: bool
    object: str
    record_id: str
    names: frozenset[str] | None
    """The fields that changed; None for all of them."""

    def touches(self, name: str) -> bool:
        """Whether a field was changed."""
        return self.names is None or name in self.names


@dataclass(frozen=True, slots=True)
class SyncError:
    """A record that could not be carried over, as the connector's Sync Health tab would show it."""

    at: datetime
    record: str
    kind: str
    message: str

    def to_json(self) -> dict[str, str]:
        """The error as the control endpoint shows it."""
        return {"at": iso(self.at), "record": self.record, "kind": self.kind, "message": self.message}


@dataclass(slots=True)
class _Memory:
    """What the connector remembers: how far it has read, what is due, who changed an owner last on each side."""

    read_hubspot: int = 0
    read_salesforce: int = 0
    waiting: list[_Event] = field(default_factory=list)
    owner_changes: dict[tuple[str, str], datetime] = field(default_factory=dict)
    links: dict[tuple[str, str], str] = field(default_factory=dict)


class NativeSync:
    """The connector between one portal and one org; off until `switch` turns it on. Safe between threads."""

    def __init__(self, salesforce: SalesforceOrg, hubspot: HubspotPortal) -> None:
        self.settings = SyncSettings()
        self.errors: list[SyncError] = []
        self.user_id = ""
        self.on = False
        self._salesforce = salesforce
        self._hubspot = hubspot
        self._memory = _Memory()
        self._lock = threading.RLock()
        self._running = False
        for reception in (salesforce.reception, hubspot.reception):
            reception.attendants.append(self.run_due)
            reception.switches[SOURCE] = self._control

    def switch(self, *, on: bool = True, **settings: Any) -> None:
        """Turn the connector on or off, with settings by name; ValueError for one that cannot be.

        On: its properties appear in HubSpot, its user in Salesforce, records are paired by the ids they hold, then by
        unique domain or e-mail, and all pairs are aligned unless `first_sync` says no.
        """
        with self._lock:
            self.settings = self.settings.changed(settings)
            if on and not self.on:
                self._install()
            if not on:
                self._hubspot.install_salesforce(installed=False)
            self.on = on

    def run_due(self) -> None:
        """Carry over every change whose time has come."""
        with self._lock:
            if self._running or not self.on:
                return
            self._running = True
            try:
                self._listen()
                self._work()
            finally:
                self._running = False

    def sync_now(self, hubspot_object: str, record_id: str) -> None:
        """Carry one HubSpot record over at once, as the Sync button does; it is made in Salesforce if need be."""
        with self._lock:
            event = _Event(self._hubspot.clock.now(), True, hubspot_object, record_id, None)
            self._follow_hubspot(event, by_hand=True)

    def _control(self, body: Any) -> dict[str, Any]:
        """The endpoint `/_sandbox/native-sync`: `{"on": …, setting: …}`, `{"sync": {object, id}}`; tells its state."""
        if isinstance(body, Mapping):
            settings = {key: value for key, value in body.items() if key not in ("on", "sync")}
            if "on" in body or settings:
                self.switch(on=bool(body.get("on", self.on)), **settings)
            if "sync" in body:
                self.sync_now(str(body["sync"]["object"]), str(body["sync"]["id"]))
        with self._lock:
            return {
                "on": self.on,
                "settings": self.settings.to_json(),
                "pairs": len(self._memory.links),
                "waiting": len(self._memory.waiting),
                "errors": [error.to_json() for error in self.errors],
            }

    # --- setting up

    def _install(self) -> None:
        """Make what the connector brings along, and pair the records there are."""
        if not self.user_id:
            row = {"Username": USERNAME, "Email": USERNAME, "FirstName": "HubSpot", "LastName": "Integration"}
            [self.user_id] = self._salesforce.load("User", [{**row, "IsActive": True, "UserType": _STANDARD}])
        self._hubspot.install_salesforce()
        self._memory = _Memory(self._hubspot.journal.last, self._salesforce.journal.last)
        self._running = True
        try:
            for pair in OBJECTS:
                self._pair_up(pair)
        finally:
            self._running = False

    def _pair_up(self, pair: ObjectPair) -> None:
        """Pair the records of two objects by the ids they hold, then by a key that one live record of each side has."""
        rows = {str(row["Id"]): row for row in self._salesforce.records(pair.salesforce) if not row.get("IsDeleted")}
        ours = [row for row in self._hubspot.records(pair.hubspot) if not row["archived"]]
        free = []
        for record in ours:
            linked = record["properties"].get(pair.link)
            if linked in rows:
                self._memory.links[pair.salesforce, linked] = record["id"]
            else:
                free.append(record)
        if pair.key is not None:
            taken = {row_id for name, row_id in self._memory.links if name == pair.salesforce}
            here = _unique((record["properties"].get(pair.key[0]), record["id"]) for record in free)
            there = _unique((row.get(pair.key[1]), key) for key, row in rows.items() if key not in taken)
            for key in sorted(here.keys() & there.keys()):
                self._link(pair, here[key], there[key])
        if self.settings.first_sync:
            for name, row_id in sorted(self._memory.links):
                if name == pair.salesforce:
                    event = _Event(self._salesforce.clock.now(), False, name, row_id, None)
                    self._carry_down(pair, self._memory.links[name, row_id], event)

    def _link(self, pair: ObjectPair, record_id: str, row_id: str) -> None:
        self._memory.links[pair.salesforce, row_id] = record_id
        self._set(pair, record_id, {pair.link: row_id})

    # --- following the journals

    def _listen(self) -> None:
        """Take what people and other software changed since the last look."""
        memory = self._memory
        ours = self._hubspot.journal.since(memory.read_hubspot)
        theirs = self._salesforce.journal.since(memory.read_salesforce)
        memory.read_hubspot = ours[-1].number if ours else memory.read_hubspot
        memory.read_salesforce = theirs[-1].number if theirs else memory.read_salesforce
        events = [*_events(ours, _HUBSPOT, hubspot=True), *_events(theirs, _SALESFORCE, hubspot=False)]
        for event in events:
            if event.touches("hubspot_owner_id" if event.hubspot else "OwnerId"):
                key = (event.object, event.record_id)
                memory.owner_changes[key] = max(event.at, memory.owner_changes.get(key, event.at))
        memory.waiting = sorted([*memory.waiting, *events], key=lambda event: event.at)

    def _work(self) -> None:
        """Carry over what is due."""
        memory, delay = self._memory, timedelta(seconds=self.settings.delay)
        latest = {True: self._hubspot.clock.now() - delay, False: self._salesforce.clock.now() - delay}
        due = [event for event in memory.waiting if event.at <= latest[event.hubspot]]
        memory.waiting = [event for event in memory.waiting if event.at > latest[event.hubspot]]
        for event in due:
            if event.hubspot:
                self._follow_hubspot(event)
            else:
                self._follow_salesforce(event)

    def _follow_hubspot(self, event: _Event, *, by_hand: bool = False) -> None:
        """Carry a HubSpot record's change over."""
        record = self._hubspot.record(event.object, event.record_id)
        if record is None or record["archived"]:
            return  # deleting in HubSpot deletes nothing in Salesforce
        linked = False
        for pair in OBJECTS:
            row_id = record["properties"].get(pair.link)
            if pair.hubspot == event.object and row_id:
                linked = True
                self._carry_up(pair, record, row_id, event)
        if not linked and event.object == "companies" and (by_hand or self._qualifies(record)):
            self._create_account(record)

    def _follow_salesforce(self, event: _Event) -> None:
        """Carry a Salesforce row's change over; a deleted row only marks its counterpart."""
        pair = next(one for one in OBJECTS if one.salesforce == event.object)
        row = self._salesforce.record(event.object, event.record_id)
        record_id = self._memory.links.get((event.object, event.record_id))
        gone = row is None or bool(row.get("IsDeleted"))
        if record_id is not None:
            record = self._hubspot.record(pair.hubspot, record_id)
            if record is not None and record["mergedInto"]:
                record_id = self._memory.links[event.object, event.record_id] = str(record["mergedInto"])
                record = self._hubspot.record(pair.hubspot, record_id)
            if record is None or record["archived"]:
                return
            marked = record["properties"].get("salesforcedeleted", "")
            if gone or marked == "true":
                self._set(pair, record_id, {"salesforcedeleted": "true" if gone else "false"})
            if not gone:
                self._carry_down(pair, record_id, event)
        elif not gone and row is not None and pair.key is not None and self.settings.create_companies:
            self._create_in_hubspot(pair, row)

    # --- carrying over

    def _carry_down(self, pair: ObjectPair, record_id: str, event: _Event) -> None:
        """Salesforce to HubSpot: fields by their rules, the owner if it is Salesforce's to say.

        An event that names no fields is the first sync: Salesforce's owner wins, and nothing is emptied.
        """
        row_id, first = event.record_id, event.names is None
        row, record = self._salesforce.record(pair.salesforce, row_id), self._hubspot.record(pair.hubspot, record_id)
        if row is None or record is None or record["archived"]:
            return
        down: dict[str, str] = {}
        up: dict[str, Any] = {}
        for one in self.settings.fields_of(pair):
            there, here = as_text(row.get(one.salesforce)), record["properties"].get(one.hubspot) or ""
            if one.rule is Rule.OFF or alike(there, here) or not event.touches(one.salesforce):
                continue
            if there or (one.rule is not Rule.PREFER_SALESFORCE and not first):
                down[one.hubspot] = there
            elif one.rule is not Rule.ALWAYS_SALESFORCE:
                up[one.salesforce] = as_json(here, one.salesforce in _NUMERIC)
        if first or (event.touches("OwnerId") and self._newer(event, record_id, pair.hubspot)):
            self._owner_down(row, record, down)
        self._send(pair, record_id, row_id, down, up)

    def _carry_up(self, pair: ObjectPair, record: Mapping[str, Any], row_id: str, event: _Event) -> None:
        """HubSpot to Salesforce; where Salesforce is preferred, its value comes back instead."""
        row = self._salesforce.record(pair.salesforce, row_id)
        if row is None or row.get("IsDeleted"):
            return
        down: dict[str, str] = {}
        up: dict[str, Any] = {}
        for one in self.settings.fields_of(pair):
            there, here = as_text(row.get(one.salesforce)), record["properties"].get(one.hubspot) or ""
            if one.rule in (Rule.OFF, Rule.ALWAYS_SALESFORCE) or alike(there, here):
                continue
            if not event.touches(one.hubspot):
                continue
            if one.rule is Rule.TWO_WAY or not there:
                up[one.salesforce] = as_json(here, one.salesforce in _NUMERIC)
            else:
                down[one.hubspot] = there
        if event.touches("hubspot_owner_id") and self._newer(event, row_id, pair.salesforce):
            self._owner_up(row, record, up, down)
        self._send(pair, str(record["id"]), row_id, down, up)

    def _newer(self, event: _Event, other_id: str, other_object: str) -> bool:
        """Whether nobody changed the other side's owner after this event; at the same instant Salesforce wins."""
        other = self._memory.owner_changes.get((other_object, other_id))
        return other is None or other < event.at or (other == event.at and not event.hubspot)

    def _owner_down(self, row: Mapping[str, Any], record: Mapping[str, Any], down: dict[str, str]) -> None:
        if self.settings.owners not in (OwnerRule.LATEST, OwnerRule.SALESFORCE):
            return
        owner = self._hubspot_owner(str(row.get("OwnerId")))
        if owner is not None and owner != (record["properties"].get("hubspot_owner_id") or ""):
            down["hubspot_owner_id"] = owner

    def _owner_up(
        self, row: Mapping[str, Any], record: Mapping[str, Any], up: dict[str, Any], down: dict[str, str]
    ) -> None:
        """An owner without an active user of that e-mail is put back to Salesforce's in HubSpot (8.1)."""
        if self.settings.owners not in (OwnerRule.LATEST, OwnerRule.HUBSPOT):
            return
        user = self._salesforce_user(record["properties"].get("hubspot_owner_id") or "")
        if user is None:
            back = self._hubspot_owner(str(row.get("OwnerId")))
            if back is not None and back != record["properties"].get("hubspot_owner_id"):
                down["hubspot_owner_id"] = back
        elif user != row.get("OwnerId"):
            up["OwnerId"] = user

    def _send(self, pair: ObjectPair, record_id: str, row_id: str, down: dict[str, str], up: dict[str, Any]) -> None:
        """Write what there is to write on both sides; a refused value stops the whole record."""
        wrong = next(
            (name for name, value in down.items() if not self._hubspot.accepts(pair.hubspot, name, value)), None
        )
        if wrong is not None:
            self._fail(f"{pair.hubspot} {record_id}", "picklist", f"{down[wrong]} is no option of {wrong}")
            return
        if up and self._call("PATCH", f"{_API}/{pair.salesforce}/{row_id}", up, f"{pair.salesforce} {row_id}") is None:
            return
        if up or down:
            self._set(pair, record_id, down)

    # --- making what is not there

    def _qualifies(self, record: Mapping[str, Any]) -> bool:
        """Whether a company may make an Account: a contact of the inclusion list is associated with it."""
        if not self.settings.create_accounts:
            return False
        contacts = {
            str(row["id"])
            for row in self._hubspot.records("contacts")
            if record["id"] in row.get("companies", ()) and not row["archived"]
        }
        return bool(contacts if self.settings.inclusion is None else contacts & self.settings.inclusion)

    def _create_account(self, record: Mapping[str, Any]) -> None:
        pair = OBJECTS[0]
        values = record["properties"]
        body = {
            one.salesforce: as_json(values[one.hubspot], one.salesforce in _NUMERIC)
            for one in self.settings.fields_of(pair)
            if values.get(one.hubspot)
        }
        body["OwnerId"] = self._salesforce_user(values.get("hubspot_owner_id") or "") or self.user_id
        made = self._call("POST", f"{_API}/{pair.salesforce}", body, f"companies {record['id']}")
        if made is not None:
            self._link(pair, str(record["id"]), str(made["id"]))

    def _create_in_hubspot(self, pair: ObjectPair, row: Mapping[str, Any]) -> None:
        values = {one.hubspot: as_text(row.get(one.salesforce)) for one in self.settings.fields_of(pair)}
        values = {name: value for name, value in values.items() if value} | {pair.link: str(row["Id"])}
        if pair.key is not None and pair.key[0] not in values:
            values[pair.key[0]] = key_of(as_text(row.get(pair.key[1])))
        owner = self._hubspot_owner(str(row.get("OwnerId")))
        if owner is not None and self.settings.owners is not OwnerRule.OFF:
            values["hubspot_owner_id"] = owner
        command = {"object": pair.hubspot, "create": values, "source": "SALESFORCE"}
        effects = self._hubspot.reception.edit(command, source=SOURCE)
        made = _HUBSPOT.fullmatch(effects[-1])
        if made is not None:
            self._memory.links[pair.salesforce, str(row["Id"])] = made[2]

    # --- people

    def _hubspot_owner(self, user_id: str) -> str | None:
        """The HubSpot owner of a Salesforce user; an active one becomes an owner when one is needed (8.1)."""
        user = self._salesforce.record("User", user_id)
        if user is None or not user.get("IsActive"):
            return None
        email = str(user.get("Email") or "").lower()
        found = next((row for row in self._hubspot.records("owners") if _is_live(row, email)), None)
        if found is None and email:
            names = {"firstName": user.get("FirstName") or "", "lastName": user.get("LastName") or ""}
            command = {"object": "owners", "create": {"email": email, **names}}
            self._hubspot.reception.edit(command, source=SOURCE)
            found = next(row for row in self._hubspot.records("owners") if _is_live(row, email))
        return None if found is None else str(found["id"])

    def _salesforce_user(self, owner_id: str) -> str | None:
        """The active standard user with the e-mail of a HubSpot owner."""
        owner = next((row for row in self._hubspot.records("owners") if row["id"] == owner_id), None)
        if owner is None:
            return None
        email = str(owner["email"]).lower()
        users = (row for row in self._salesforce.records("User") if str(row.get("Email") or "").lower() == email)
        active = (row for row in users if row.get("IsActive") and row.get("UserType", _STANDARD) == _STANDARD)
        return next((str(row["Id"]) for row in active), None)

    # --- writing

    def _set(self, pair: ObjectPair, record_id: str, values: Mapping[str, str]) -> None:
        """Write into HubSpot as the connector, with the time of the sync."""
        stamped = {**values, "salesforcelastsynctime": iso(self._hubspot.clock.now())}
        command = {"object": pair.hubspot, "id": record_id, "set": stamped, "source": "SALESFORCE"}
        self._hubspot.reception.edit(command, source=SOURCE)

    def _call(self, method: str, path: str, body: Mapping[str, Any], record: str) -> dict[str, Any] | None:
        """A call of Salesforce's API as the connector's user; None where it was refused, which is then an error."""
        reception = self._salesforce.reception
        with reception.lock:
            token = self._salesforce.model.sessions.issue(self.user_id)
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Sforce-Auto-Assign": "FALSE",
        }
        request = Request.of(method, path, headers, json.dumps(dict(body)).encode())
        response = reception.handle_from(SOURCE, request)
        document = json.loads(response.body) if response.body else {}
        if response.status < 400:
            return document if isinstance(document, dict) else {}
        first = document[0] if isinstance(document, list) and document else {}
        self._fail(record, str(first.get("errorCode", response.status)), str(first.get("message", "")))
        return None

    def _fail(self, record: str, kind: str, message: str) -> None:
        self.errors.append(SyncError(self._hubspot.clock.now(), record, kind, message))


def _events(entries: tuple[Entry, ...], pattern: re.Pattern[str], *, hubspot: bool) -> list[_Event]:
    """What was changed, out of a journal, the connector's own writes left out."""
    events = []
    for entry in entries:
        for effect in entry.effects if entry.source != SOURCE else ():
            match = pattern.fullmatch(effect)
            if match is not None:
                late = _LATE.search(match[3])
                at = parse_instant(late[1]) if late is not None else entry.at
                names = frozenset(_NAMES.findall(match[3]))
                events.append(_Event(at, hubspot, match[1], match[2], names))
    return events


def _unique(pairs: Any) -> dict[str, str]:
    """Keys that exactly one record has."""
    found: dict[str, list[str]] = {}
    for value, record_id in pairs:
        key = key_of(value) if value else ""
        if key:
            found.setdefault(key, []).append(str(record_id))
    return {key: ids[0] for key, ids in found.items() if len(ids) == 1}


def _is_live(row: Mapping[str, Any], email: str) -> bool:
    return not row["archived"] and str(row["email"]).lower() == email
