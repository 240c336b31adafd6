"""What happens to a record, whoever does it: validation, derived properties, index lag, words for the journal.

The API's writes and a person's edits both end here.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncd.sandbox.hubspot.records import Entry, ObjectTable, Source
from syncd.sandbox.hubspot.refusals import PropertyProblem
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.hubspot.values import canonical, stamp_text

CALCULATED = Source("CALCULATED")
_LARGEST_MERGE = 250


class RecordChanges:
    """Changes records and notes the effects, one line a record, until `take_effects`.

    `companies 1001 hubspot_owner_id: 77001 -> 77002`, `companies 1001 archived`, …
    """

    def __init__(self, state: PortalState) -> None:
        self._state = state
        self._effects: list[str] = []

    def take_effects(self) -> tuple[str, ...]:
        """What changed since the last call, in words."""
        effects, self._effects = tuple(self._effects), []
        return effects

    def note(self, effect: str) -> None:
        """Note an effect on something that is no record."""
        self._effects.append(effect)

    def checked(self, table: ObjectTable, name: str, text: str) -> str | PropertyProblem:
        """A value by the API in canonical form, or what HubSpot says against it."""
        definition = table.definitions.get(name)
        if definition is None or not table.visible(name):
            return PropertyProblem(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        if definition.read_only:
            return PropertyProblem(
                name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.'
            )
        if name == "hubspot_owner_id" and text and not self._may_own(text):
            return PropertyProblem(name, "INVALID_OWNER_ID", f"Owner with id {text} does not exist or is not active")
        if (
            name == "dealstage"
            and text
            and not any(s.id == text for p in self._state.pipelines.rows.values() for s in p.stages)
        ):
            return PropertyProblem(name, "INVALID_OPTION", f"{text} was not one of the allowed options for {name}")
        try:
            return canonical(definition, text)
        except ValueError:
            code = "INVALID_DATE" if definition.type == "datetime" else f"INVALID_{definition.type.upper()}"
            return PropertyProblem(name, code, f"{text} was not a valid {definition.type}.")

    def write(self, table: ObjectTable, entry: Entry, values: Mapping[str, str], source: Source) -> None:
        """Write canonical values, and what HubSpot derives from them; the stamp moves even where nothing is new."""
        before = dict(entry.properties)
        state, now, lag = self._state, self._state.now, self._state.lag(table, entry)
        table.change(entry, values, source, now=now, lag=lag, rewrite=state.quirks.rewrite_in_history)
        derived = self._derived(table, before, entry, values)
        if derived:
            table.change(entry, derived, CALCULATED, now=now, lag=lag)
        self._link(table, entry, values)
        parts = [
            f"{name}: {before.get(name)} -> {value or None}"
            for name, value in values.items()
            if before.get(name, "") != value
        ]
        self._effects.append(f"{self._name(table, entry)} {'; '.join(parts) or 'saved, nothing changed'}")

    def create(self, table: ObjectTable, values: Mapping[str, str], source: Source) -> Entry:
        """A new record with the next free id."""
        entry = self._new(table, values, source)
        self._effects.append(f"{self._name(table, entry)} created")
        return entry

    def archive(self, table: ObjectTable, entry: Entry) -> None:
        """Put a record into the recycle bin."""
        table.archive(entry, now=self._state.now, lag=self._state.lag(table, entry))
        self._effects.append(f"{self._name(table, entry)} archived")

    def restore(self, table: ObjectTable, entry: Entry) -> None:
        """Take a record out of the recycle bin."""
        table.restore(entry, now=self._state.now, lag=self._state.lag(table, entry))
        self._effects.append(f"{self._name(table, entry)} restored")

    def purge(self, table: ObjectTable, entry: Entry) -> None:
        """Delete a record for good."""
        table.purge(entry, now=self._state.now)
        self._effects.append(f"{self._name(table, entry)} purged")

    def merge(self, table: ObjectTable, primary: Entry, secondary: Entry) -> Entry:
        """A new record with the primary's values, filled up from the secondary; both old ids lead to it from now on.

        History names the merge as its source, not who asked for it (3.5).
        """
        source = Source("MERGE_COMPANIES" if table.kind.name == "companies" else "MERGE_OBJECTS")
        values = {**secondary.properties, **primary.properties}
        for name in ("hs_object_id", "createdate", table.kind.stamp):
            values.pop(name)
        earlier = [
            old
            for entry in (primary, secondary)
            for old in entry.properties.get("hs_merged_object_ids", "").split(";")
            if old
        ]
        ids = dict.fromkeys([*earlier, str(primary.id), str(secondary.id)])
        values["hs_merged_object_ids"] = ";".join(list(ids)[:_LARGEST_MERGE])
        merged = self._new(table, values, source, created=min(primary.created, secondary.created))
        for loser in (primary, secondary):
            # A deal has one primary company, so the secondary's is dropped; a company may be that of many deals (2.4).
            keep = loser is primary or table.kind.name == "companies"
            table.archive(loser, now=self._state.now, lag=self._state.lag(table, loser), merged_into=merged.id)
            self._state.associations.move(table.kind.name, loser.id, merged.id, keep_primary=keep)
            self._effects.append(f"{self._name(table, loser)} merged into {merged.id}")
        self._effects.append(f"{self._name(table, merged)} created")
        self._state.refresh_primary_companies()
        return merged

    def _new(
        self, table: ObjectTable, values: Mapping[str, str], source: Source, *, created: int | None = None
    ) -> Entry:
        now = self._state.now
        key = table.next_id()
        properties = {"hs_object_id": str(key), "createdate": stamp_text(now if created is None else created)}
        properties[table.kind.stamp] = stamp_text(now)
        entry = Entry(key, properties, now if created is None else created, now)
        table.add([entry], now=now, lag=self._state.quirks.lag_of(f"{table.kind.name}/{key}", key))
        table.change(entry, values, source, now=now, lag=0.0)
        derived = self._derived(table, {}, entry, values)
        if derived:
            table.change(entry, derived, CALCULATED, now=now, lag=0.0)
        self._link(table, entry, values)
        return entry

    def _derived(
        self, table: ObjectTable, before: Mapping[str, str], entry: Entry, values: Mapping[str, str]
    ) -> dict[str, str]:
        """What HubSpot sets by itself: with a new owner its date and team, with a new deal stage what it means."""
        derived: dict[str, str] = {}
        owner = entry.properties.get("hubspot_owner_id", "")
        if "hubspot_owner_id" in values and before.get("hubspot_owner_id", "") != owner:
            row = self._state.owners.get(owner)
            derived["hubspot_owner_assigneddate"] = stamp_text(self._state.now) if owner else ""
            derived["hubspot_team_id"] = row.main_team if row is not None else ""
        if table.kind.name == "deals" and {"dealstage", "pipeline"} & values.keys():
            derived |= self._state.pipelines.derived(entry.properties)
        return {name: value for name, value in derived.items() if entry.properties.get(name, "") != value}

    def _link(self, table: ObjectTable, entry: Entry, values: Mapping[str, str]) -> None:
        """Keep the parent association in step with the property."""
        parent = values.get("hs_parent_company_id", "")
        if table.kind.name == "companies" and parent.isdecimal():
            self._state.associations.link_parent(entry.id, int(parent))

    def _may_own(self, owner_id: str) -> bool:
        owner = self._state.owners.get(owner_id)
        return owner is not None and (not owner.archived or self._state.quirks.archived_owners_accepted)

    def _name(self, table: ObjectTable, entry: Entry) -> str:
        return f"{table.kind.name} {entry.id}"
