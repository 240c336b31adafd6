"""What happens to a record, whoever does it: derived properties, side effects, index lag, words for the journal.

The API's writes and a person's edits both end here.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncd.sandbox.hubspot.associations import LABELLED
from syncd.sandbox.hubspot.records import Entry, ObjectTable, Source
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.hubspot.values import stamp_text

CALCULATED = Source("CALCULATED")
COMPANIES = Source("COMPANIES")
LARGEST_MERGE = 250


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

    def write(self, table: ObjectTable, entry: Entry, values: Mapping[str, str], source: Source) -> None:
        """Write canonical values, and what HubSpot derives from them; the stamp moves even where nothing is new."""
        before = dict(entry.properties)
        quirks, now, lag = self._state.quirks, self._state.now, self._state.lag(table, entry)
        table.change(
            entry, values, source, now=now, lag=lag, rewrite=quirks.rewrite_in_history, depth=quirks.history_depth
        )
        derived = self._derived(table, before, entry, values)
        if derived:
            table.change(entry, derived, CALCULATED, now=now, lag=lag, depth=quirks.history_depth)
        if source.user is not None:
            entry.properties["hs_updated_by_user_id"] = str(source.user)
        self._link(table, entry, values)
        parts = [
            f"{name}: {before.get(name)} -> {value or None}"
            for name, value in values.items()
            if before.get(name, "") != value
        ]
        self._effects.append(f"{self._name(table, entry)} {'; '.join(parts) or 'saved, nothing changed'}")
        if table.kind.name == "companies" and "hubspot_owner_id" in values:
            self._pass_on(entry, before.get("hubspot_owner_id", ""))

    def create(self, table: ObjectTable, values: Mapping[str, str], source: Source, *, key: int | None = None) -> Entry:
        """A new record with the next free id, or with `key`, which must be free."""
        entry = self._new(table, values, source, key=key)
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

    def associate(
        self, table: ObjectTable, entry: Entry, other: str, other_id: int, types: frozenset[int] = frozenset()
    ) -> None:
        """Associate two records with those types (the plain one always); the primary type leaves the record it was on.

        It moves no stamp unless the switch says so (10.4).
        """
        name = table.kind.name
        usual, primary = LABELLED.get((name, other), (0, 0))
        first = primary in types and primary != usual
        more = types - {usual, primary}
        self._state.associations.link(name, entry.id, other, other_id, primary=first, types=more)
        self._associated(table, entry, other, other_id, "associated")

    def dissociate(
        self, table: ObjectTable, entry: Entry, other: str, other_id: int, types: frozenset[int] = frozenset()
    ) -> None:
        """Take an association away, or only labels of it."""
        if types:
            self._state.associations.unlabel(table.kind.name, entry.id, other, other_id, types)
        else:
            self._state.associations.unlink(table.kind.name, entry.id, other, other_id)
        self._associated(table, entry, other, other_id, "dissociated")

    def merged_ids(self, primary: Entry, secondary: Entry) -> list[str]:
        """The ids that a merged record has in `hs_merged_object_ids`."""
        entries = (primary, secondary)
        earlier = [old for entry in entries for old in entry.properties.get("hs_merged_object_ids", "").split(";")]
        losers = [secondary] if self._state.quirks.merges == "primary" else entries
        return list(dict.fromkeys([*filter(None, earlier), *(str(entry.id) for entry in losers)]))

    def merge(self, table: ObjectTable, primary: Entry, secondary: Entry) -> Entry:
        """A new record with the primary's values, filled up from the secondary; both old ids lead to it from now on.

        Where the switch says so the primary stays instead. History names the merge as its source, not who asked for it
        (3.5).
        """
        source = Source("MERGE_COMPANIES" if table.kind.name == "companies" else "MERGE_OBJECTS")
        values = {**secondary.properties, **primary.properties}
        for name in ("hs_object_id", "createdate", table.kind.stamp):
            values.pop(name)
        values["hs_merged_object_ids"] = ";".join(self.merged_ids(primary, secondary))
        if table.kind.name == "contacts":
            vids = (values.get("hs_calculated_merged_vids", ""), f"{secondary.id}:{self._state.now}")
            values["hs_calculated_merged_vids"] = ";".join(filter(None, vids))
        if self._state.quirks.merges == "primary":
            merged, losers = primary, [secondary]
            table.change(merged, values, source, now=self._state.now, lag=self._state.lag(table, merged))
        else:
            merged = self._new(table, values, source, created=min(primary.created, secondary.created))
            losers = [primary, secondary]
        for loser in losers:
            # A deal has one primary company, so the secondary's is dropped; a company may be that of many deals (2.4).
            keep = loser is primary or table.kind.name == "companies"
            table.archive(loser, now=self._state.now, lag=self._state.lag(table, loser), merged_into=merged.id)
            self._state.associations.move(table.kind.name, loser.id, merged.id, keep_primary=keep)
            self._effects.append(f"{self._name(table, loser)} merged into {merged.id}")
        if merged is not primary:
            self._effects.append(f"{self._name(table, merged)} created")
        self._state.refresh_primary_companies()
        return merged

    def _associated(self, table: ObjectTable, entry: Entry, other: str, other_id: int, verb: str) -> None:
        self._state.refresh_primary(table.kind.name, entry.id)
        self._state.refresh_primary(other, other_id)
        if self._state.quirks.association_moves_stamp:
            table.change(entry, {}, CALCULATED, now=self._state.now, lag=self._state.lag(table, entry))
        self._effects.append(f"{self._name(table, entry)} {verb} {other} {other_id}")

    def _pass_on(self, company: Entry, before: str) -> None:
        """Give a company's new owner to its contacts that had the old one or none, if the account is set so (3.4)."""
        owner = company.properties.get("hubspot_owner_id", "")
        if not self._state.quirks.company_owner_to_contacts or not owner or owner == before:
            return
        contacts = self._state.tables["contacts"]
        for key in self._state.associations.of("companies", company.id, "contacts"):
            contact = contacts.entries.get(key)
            if contact is None or contact.archived is not None:
                continue
            if contact.properties.get("hubspot_owner_id", "") in ("", before):
                self.write(contacts, contact, {"hubspot_owner_id": owner}, COMPANIES)

    def _new(
        self,
        table: ObjectTable,
        values: Mapping[str, str],
        source: Source,
        *,
        created: int | None = None,
        key: int | None = None,
    ) -> Entry:
        now = self._state.now
        key = table.next_id() if key is None else key
        properties = {"hs_object_id": str(key), "createdate": stamp_text(now if created is None else created)}
        properties |= {table.kind.stamp: stamp_text(now), "hs_object_source": source.type}
        if source.id is not None:
            properties["hs_object_source_id"] = source.id
        if source.user is not None:
            properties["hs_created_by_user_id"] = str(source.user)
        defaults = {
            name: value for name, value in self._placed(table).items() if name not in values and table.kind.pipeline
        }
        values = {**defaults, **values}
        entry = Entry(key, properties, now if created is None else created, now)
        table.add([entry], now=now, lag=self._state.quirks.lag_of(f"{table.kind.name}/{key}", key))
        table.change(entry, values, source, now=now, lag=0.0)
        derived = self._derived(table, {}, entry, values)
        if derived:
            table.change(entry, derived, CALCULATED, now=now, lag=0.0)
        self._link(table, entry, values)
        return entry

    def _placed(self, table: ObjectTable) -> dict[str, str]:
        """The pipeline that a new record is in unless it says so itself."""
        pipelines = self._state.pipelines_of.get(table.kind.name)
        return {table.kind.pipeline: next(iter(pipelines.rows))} if pipelines and pipelines.rows else {}

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

    def _name(self, table: ObjectTable, entry: Entry) -> str:
        return f"{table.kind.name} {entry.id}"
