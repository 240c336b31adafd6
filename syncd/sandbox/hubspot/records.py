"""The store of the fake portal: records of one object type by id, their history, and the index that searches see.

The store is what lists and reads show at once; the index may know an older state of a record for a while. It knows
no wire and validates nothing.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from syncd.sandbox.hubspot.catalogue import DEFINITIONS
from syncd.sandbox.hubspot.definitions import ObjectKind, Option, Property, text_property
from syncd.sandbox.hubspot.values import stamp_text


@dataclass(frozen=True, slots=True)
class Source:
    """Who wrote a value, as property history names it (hubspot.md 3.5)."""

    type: str
    id: str | None = None
    user: int | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """A value a property had from `stamp` on."""

    value: str
    stamp: int
    source: Source

    def to_json(self) -> dict[str, object]:
        """The entry of `propertiesWithHistory`."""
        document: dict[str, object] = {
            "value": self.value,
            "timestamp": stamp_text(self.stamp),
            "sourceType": self.source.type,
        }
        if self.source.id is not None:
            document["sourceId"] = self.source.id
        if self.source.user is not None:
            document["updatedByUserId"] = self.source.user
        return document


IMPORTED = Source("IMPORT", "1")


@dataclass(slots=True)
class Entry:
    """One record. `properties` hold no empty values; instants are milliseconds; `history` starts at the first change.

    `archived` is when it went to the recycle bin, `merged_into` the id it lives on under.
    """

    id: int
    properties: dict[str, str]
    created: int
    updated: int
    archived: int | None = None
    merged_into: int | None = None
    history: dict[str, list[Version]] = field(default_factory=dict)

    def versions(self, name: str) -> list[Version]:
        """The history of a property, newest first; what was there from the start counts as imported."""
        if name in self.history:
            return list(reversed(self.history[name]))
        value = self.properties.get(name)
        return [] if value is None else [Version(value, self.created, IMPORTED)]


@dataclass(frozen=True, slots=True)
class View:
    """What the index knows of a record from `due` on; no `properties`: the index does not find it."""

    due: int
    updated: int
    properties: Mapping[str, str] | None


class ObjectTable:
    """The records of one object type. `revision` grows with every change; the token may not see `hidden_properties`."""

    def __init__(self, kind: ObjectKind) -> None:
        self.kind = kind
        self.definitions: dict[str, Property] = dict(DEFINITIONS[kind.name])
        self.entries: dict[int, Entry] = {}
        self.live: list[int] = []
        self.archived: list[int] = []
        self.stamps: list[tuple[int, int]] = []
        self.hidden_properties: set[str] = set()
        self.revision = 0
        self._views: dict[int, list[View]] = {}
        self._next = 1_001

    def __iter__(self) -> Iterator[Entry]:
        """All records, archived and merged ones included, by id."""
        return (self.entries[key] for key in sorted(self.entries))

    def define(self, name: str) -> None:
        """Add a text property of that name unless there is one."""
        self.definitions.setdefault(name, text_property(name))

    def rename(self, old: str, new: str) -> None:
        """Give a property another name, in its definition and in every record; KeyError where there is no such one."""
        if old not in self.definitions:
            raise KeyError(f"property {old}")
        self.definitions[new] = replace(self.definitions.pop(old), name=new)
        for entry in self.entries.values():
            if old in entry.properties:
                entry.properties[new] = entry.properties.pop(old)
            if old in entry.history:
                entry.history[new] = entry.history.pop(old)
        self.revision += 1

    def learn_option(self, name: str, value: str) -> None:
        """Add a value that was loaded to the options of an enumeration that has some."""
        definition = self.definitions[name]
        known = {option.value for option in definition.options}
        missing = [part for part in value.split(";") if part and part not in known]
        if known and missing:
            added = tuple(Option(part, part) for part in missing)
            self.definitions[name] = replace(definition, options=definition.options + added)

    def visible(self, name: str) -> bool:
        """Whether a property exists, is not archived, and the token may see it."""
        definition = self.definitions.get(name)
        return definition is not None and definition.archived is None and name not in self.hidden_properties

    def find_by(self, name: str, value: str) -> Entry | None:
        """The live record with that value of a property, upper and lower case alike; None for none."""
        wanted = value.strip().casefold()
        entries = (self.entries[key] for key in self.live)
        return next((entry for entry in entries if entry.properties.get(name, "").casefold() == wanted), None)

    def next_id(self) -> int:
        """An id that no record has had."""
        return self._next

    def add(self, entries: Iterable[Entry], *, now: int, lag: float = 0.0) -> None:
        """Take records in; the index finds them after `lag` seconds. KeyError with the id where one is taken."""
        added = list(entries)
        for entry in added:
            if entry.id in self.entries:
                raise KeyError(f"free id {self.kind.name}/{entry.id}")
            self.entries[entry.id] = entry
            self._next = max(self._next, entry.id + 1)
            if lag:
                self._views[entry.id] = [View(0, entry.updated, None)]
                self._show(entry, now, lag)
        self._arrange(added)
        self.revision += 1

    def find(self, record_id: str) -> Entry | None:
        """The record that an id leads to, through merges; archived ones too; None where there is none."""
        entry = self.entries.get(int(record_id)) if record_id.isdecimal() else None
        while entry is not None and entry.merged_into is not None:
            entry = self.entries.get(entry.merged_into)
        return entry

    def change(
        self,
        entry: Entry,
        values: Mapping[str, str],
        source: Source,
        *,
        now: int,
        lag: float,
        rewrite: bool = False,
        depth: int | None = None,
    ) -> None:
        """Write canonical values (empty text takes a property away) and stamp the record; stamps never go back.

        A value that is the same adds no history unless `rewrite` says so, but the stamp moves. `depth` is how many
        values of a property are remembered, where it is not the usual number of the object type.
        """
        self._remember(entry, lag)
        stamp = max(now, entry.updated)
        for name, value in values.items():
            if entry.properties.get(name, "") == value and not rewrite:
                continue
            versions = entry.history.setdefault(name, list(reversed(entry.versions(name))))
            versions.append(Version(value, stamp, source))
            del versions[: -(depth or self.kind.history_depth)]
            if value:
                entry.properties[name] = value
            else:
                entry.properties.pop(name, None)
        self._stamp(entry, stamp)
        self._show(entry, now, lag)
        self.revision += 1

    def archive(self, entry: Entry, *, now: int, lag: float, merged_into: int | None = None) -> None:
        """Put a live record into the recycle bin; its modification stamp stays (airbyte #19838)."""
        self._remember(entry, lag)
        entry.archived = now
        entry.merged_into = merged_into
        self.live.pop(bisect_left(self.live, entry.id))
        self.stamps.pop(bisect_left(self.stamps, (entry.updated, entry.id)))
        insort(self.archived, entry.id)
        self._show(entry, now, lag)
        self.revision += 1

    def restore(self, entry: Entry, *, now: int, lag: float) -> None:
        """Take a record out of the recycle bin under its id; this stamps it (hubspot.md 2.5)."""
        self._remember(entry, lag)
        entry.archived = None
        self.archived.pop(bisect_left(self.archived, entry.id))
        entry.updated = max(now, entry.updated)
        entry.properties[self.kind.stamp] = stamp_text(entry.updated)
        insort(self.live, entry.id)
        insort(self.stamps, (entry.updated, entry.id))
        self._show(entry, now, lag)
        self.revision += 1

    def purge(self, entry: Entry, *, now: int) -> None:
        """Delete a record for good; neither list shows it any more."""
        if entry.archived is None:
            self.archive(entry, now=now, lag=0.0)
        self.archived.pop(bisect_left(self.archived, entry.id))
        self.entries.pop(entry.id)
        self._views.pop(entry.id, None)
        self.revision += 1

    def restamp(self, entries: Iterable[Entry], stamp: int) -> None:
        """Give records one modification stamp without a change, as HubSpot's own batch jobs do (airbyte #43317)."""
        for entry in entries:
            self._stamp(entry, stamp)
        self.revision += 1

    def stale_views(self, now: int) -> dict[int, View]:
        """What the index knows of the records it is behind on; views whose successor is due are forgotten."""
        stale: dict[int, View] = {}
        for key, views in list(self._views.items()):
            due = [place for place, view in enumerate(views) if view.due <= now]
            del views[: due[-1]]
            if len(views) == 1:
                del self._views[key]
            else:
                stale[key] = views[0]
        return stale

    def _remember(self, entry: Entry, lag: float) -> None:
        """Before a change: keep what the index knows, if it will be behind."""
        if lag and entry.id not in self._views:
            known = dict(entry.properties) if entry.archived is None else None
            self._views[entry.id] = [View(0, entry.updated, known)]

    def _show(self, entry: Entry, now: int, lag: float) -> None:
        """After a change: when the index will know it, if it is behind."""
        views = self._views.get(entry.id)
        if views is not None:
            due = max(now + round(lag * 1000), views[-1].due)
            views.append(View(due, entry.updated, dict(entry.properties) if entry.archived is None else None))

    def _stamp(self, entry: Entry, stamp: int) -> None:
        if entry.archived is None:
            self.stamps.pop(bisect_left(self.stamps, (entry.updated, entry.id)))
            insort(self.stamps, (stamp, entry.id))
        entry.updated = stamp
        entry.properties[self.kind.stamp] = stamp_text(stamp)

    def _arrange(self, added: list[Entry]) -> None:
        """Put new records into the sorted lists."""
        live = [entry for entry in added if entry.archived is None]
        if len(live) == 1:
            insort(self.live, live[0].id)
            insort(self.stamps, (live[0].updated, live[0].id))
        else:
            self.live = sorted(self.live + [entry.id for entry in live])
            self.stamps = sorted(self.stamps + [(entry.updated, entry.id) for entry in live])
        self.archived = sorted(self.archived + [entry.id for entry in added if entry.archived is not None])
