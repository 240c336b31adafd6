"""Reading HubSpot: the list for a full walk, search for increments, the archived list for what is gone.

It translates between HubSpot's objects and the port; what to read when, and what to keep, is decided above it.
"""

from __future__ import annotations

import email.utils
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC
from typing import Final

from syncd.clock import Clock
from syncd.connectors.budget import RateBudget
from syncd.connectors.gate import Gate
from syncd.connectors.hubspot.client import (
    WHERE,
    HubspotAccess,
    HubspotClient,
    Json,
    bad,
    next_after,
    results_of,
)
from syncd.connectors.hubspot.companies import companies_of, inline_company
from syncd.connectors.hubspot.history import BATCH as HISTORY_BATCH
from syncd.connectors.hubspot.history import STAGE, owner_versions, stage_versions
from syncd.connectors.hubspot.mapping import OWNER, Columns, Stage, columns_of, stages_of, user_of
from syncd.connectors.hubspot.rights import rights_of
from syncd.connectors.hubspot.schema import SYNC_PROPERTY, PortalSchema
from syncd.connectors.hubspot.search import (
    SearchMark,
    SearchWalk,
    hits_of,
    identified,
    listed,
    refuse_loop,
    unknown_mark,
)
from syncd.connectors.port import Identity, OwnerVersion, Reading, Right, RowCount, StageVersion
from syncd.connectors.retry import RetryPolicy
from syncd.connectors.shape import decoding, id_of, object_of, objects, refuse_unfit
from syncd.connectors.wire import HttpResponse, Wire
from syncd.entropy import Entropy
from syncd.errors import BadDataError
from syncd.model.cursors import Page, Window
from syncd.model.fields import SystemMapping
from syncd.model.money import CurrencyRate
from syncd.model.plans import OWNER_FIELD, held_name
from syncd.model.records import Record, Team, User
from syncd.model.refs import Kind, Ref, System
from syncd.model.schemas import ObjectSchema

READ_BATCH: Final = 100
OWNERS_PAGE: Final = 500
_LIST, _SEARCH, _ARCHIVED = "list", "search", "archived"


class HubspotReader:
    """The port's Reader for one portal; made for one run."""

    system = System.HUBSPOT

    def __init__(
        self,
        access: HubspotAccess,
        mapping: SystemMapping,
        *,
        wire: Wire,
        clock: Clock,
        entropy: Entropy,
        budget: RateBudget,
        policy: RetryPolicy | None = None,
    ) -> None:
        self._gate = hubspot_gate(wire, budget)
        self._client = HubspotClient(access, self._gate, policy or RetryPolicy(clock, entropy), clock)
        self._mapping = mapping
        self._schema = PortalSchema(self._client)

    @property
    def calls(self) -> int:
        """HTTP calls made so far, retries included."""
        return self._gate.calls

    def identify(self) -> Identity:
        """The portal; the time is the server's Date header. A static token leads to no user."""
        portal = self._client.get(self._client.paths.account, check=lambda document: document.get("portalId"))
        date = self._client.server_date()
        if portal is None or date is None:
            raise BadDataError("SYN421", "the account details name no portal or no date", where=WHERE)
        with decoding(WHERE, "the account details"):
            now = email.utils.parsedate_to_datetime(date).astimezone(UTC)
            return Identity(System.HUBSPOT, id_of({"id": portal}), None, now)

    def check_schema(self, without: Collection[Kind] = ()) -> tuple[str, ...]:
        """Notes about the mapping; SchemaError naming every property that is missing or hidden from us."""
        kinds = self._kinds(without)
        refuse_unfit(WHERE, self._schema.unfit(kinds))
        return self._schema.notes(kinds)

    def unfit(self) -> Mapping[Kind, tuple[str, ...]]:
        """What the property lists do not show of each mapped kind."""
        return self._schema.unfit(self._kinds())

    def schemas(self, without: Collection[Kind] = ()) -> tuple[ObjectSchema, ...]:
        """What the property lists say of each mapped object."""
        return tuple(self._schema.object_schema(columns) for columns in self._kinds(without))

    def rights(self) -> tuple[Right, ...]:
        """The scopes that the mapping needs, and the properties it writes, with whether the token may."""
        return rights_of(self._client, self._schema, self._kinds())

    def unstamped(self) -> Mapping[Kind, tuple[str, ...]]:
        """Calculated properties, and the companies of deals."""
        return {columns.kind: self._schema.unstamped(columns) for columns in self._kinds(self.unfit())}

    def count(self, kind: Kind) -> RowCount:
        """How many objects the index has; a token is shown all or, without the scope, none."""
        columns = columns_of(self._mapping, kind)
        body = {"filterGroups": [], "properties": ["hs_object_id"], "limit": 1}
        total = self._client.search(self._client.paths.search(columns.object), body, check=hits_of).total
        return RowCount(total, total)

    def native_sync(self) -> str | None:
        """The property that HubSpot's Salesforce connector makes on companies, where it is there (hubspot.md 8.1)."""
        made = SYNC_PROPERTY in self._schema.properties("companies")
        return f"HubSpot's companies have the property {SYNC_PROPERTY}" if made else None

    def users(self) -> Iterator[User]:
        """Every owner, archived ones and queues included; one that is both is live."""
        live: set[str] = set()
        for archived in (False, True):
            for user in self._owners(archived):
                if user.ref.id not in live:
                    live.add(user.ref.id)
                    yield user

    def currency_rates(self) -> tuple[CurrencyRate, ...]:
        """None: HubSpot's rates are for its own reports, and no setting names them as a source."""
        return ()

    def changes(self, kind: Kind, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Objects by list or search, then all archived ones: archiving moves no stamp and leaves the index.

        A merge shows as a new record with `merged_from`; its losers just vanish (hubspot.md 2.4).
        """
        columns = columns_of(self._mapping, kind)
        stages = self._stages(columns)
        first = _LIST if window.lower is None else _SEARCH
        phase, _, mark = (resume or f"{first}:").partition(":")
        if phase not in (_LIST, _SEARCH, _ARCHIVED):
            raise unknown_mark(resume)
        if phase == _SEARCH:
            walk = SearchWalk.over(self._client, columns.object, columns.stamp, columns.properties, window)
            for raws, going_on in walk.pages(SearchMark.parse(mark)):
                token = f"{_ARCHIVED}:" if going_on is None else f"{_SEARCH}:{going_on}"
                yield Page(self._records(columns, raws, stages, self._companies), token)
        elif phase == _LIST:
            for raws, after in self._listed(columns, mark, archived=False):
                token = f"{_ARCHIVED}:" if after is None else f"{_LIST}:{after}"
                yield Page(self._records(columns, raws, stages, self._inline), token)
        for raws, after in self._listed(columns, mark if phase == _ARCHIVED else "", archived=True):
            last = None if after is None else f"{_ARCHIVED}:{after}"
            yield Page(self._records(columns, raws, stages, self._inline), last)

    def recent(self, kind: Kind, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Objects by search alone: the list of what is archived takes calls, and grows with every month."""
        columns = columns_of(self._mapping, kind)
        stages = self._stages(columns)
        walk = SearchWalk.over(self._client, columns.object, columns.stamp, columns.properties, window)
        for raws, going_on in walk.pages(SearchMark.parse(resume or "")):
            token = None if going_on is None else str(going_on)
            yield Page(self._records(columns, raws, stages, self._companies), token)

    def ids(self, kind: Kind) -> Iterator[tuple[str, ...]]:
        """The ids of all objects that are not archived."""
        columns = columns_of(self._mapping, kind)
        for raws, _ in listed(self._client, columns.object, ("hs_object_id",)):
            yield tuple(map(id_of, raws))

    def read(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, Reading]:
        """The records now, from the store.

        An id that was merged away has a deleted record that names the winner; an archived or unknown id has none.
        """
        columns = columns_of(self._mapping, kind)
        readings: dict[str, Reading] = {}
        wanted = list(dict.fromkeys(ids))
        with self._gate.purpose(writing=True):
            stages = self._stages(columns) if wanted else {}
            for start in range(0, len(wanted), READ_BATCH):
                batch = wanted[start : start + READ_BATCH]
                raws, missing = self._batch(columns, batch)
                records = self._records(columns, raws, stages, self._companies)
                readings.update(_readings(kind, batch, records, missing))
        return readings

    def owner_history(
        self, kind: Kind, ids: Sequence[str], field: str = OWNER_FIELD
    ) -> Mapping[str, tuple[OwnerVersion, ...]]:
        """The versions of the property of each object; at most 20 of them (hubspot.md 3.5)."""
        columns = columns_of(self._mapping, kind)
        name = OWNER if field == OWNER_FIELD else columns.fields.get(held_name(field))
        if name is None:
            return {}
        versions = ((known, owner_versions(raw, name)) for known, raw in self._with_history(columns, ids, name))
        return {known: found for known, found in versions if found}

    def stage_history(self, ids: Sequence[str]) -> Mapping[str, tuple[StageVersion, ...]]:
        """The versions of each deal's stage, oldest first; at most 20 of them (hubspot.md 3.5)."""
        columns = columns_of(self._mapping, Kind.OPPORTUNITY)
        if columns.fields.get("stage") != STAGE or not ids:
            return {}
        stages = self._stages(columns)
        versions = ((known, stage_versions(raw, stages)) for known, raw in self._with_history(columns, ids, STAGE))
        return {known: found for known, found in versions if found}

    def _with_history(self, columns: Columns, ids: Sequence[str], name: str) -> Iterator[tuple[str, Json]]:
        """Objects with one property and its versions, by id."""
        wanted = list(dict.fromkeys(ids))
        for start in range(0, len(wanted), HISTORY_BATCH):
            inputs = [{"id": known} for known in wanted[start : start + HISTORY_BATCH]]
            body = {"inputs": inputs, "properties": [name], "propertiesWithHistory": [name]}
            raws, _ = self._client.post(self._client.paths.batch_read(columns.object), body, check=_batch_page)
            yield from ((id_of(raw), raw) for raw in raws)

    def teams(self, kind: Kind, ids: Sequence[str] | None = None, *, restorable: bool | None = None) -> Iterator[Team]:
        """None: in HubSpot a change of owner drops nobody."""
        del kind, ids, restorable
        return iter(())

    def _owners(self, archived: bool) -> Iterator[User]:
        seen: set[str] = set()
        after: str | None = ""
        while after is not None:
            query = [("limit", str(OWNERS_PAGE)), ("archived", str(archived).lower())]
            query += [("after", after)] if after else []
            results, after = self._client.get(self._client.paths.owners, query, check=_owners_page)
            refuse_loop(after, seen)
            yield from results

    def _stages(self, columns: Columns) -> dict[str, Stage]:
        if columns.kind is not Kind.OPPORTUNITY:
            return {}
        path = self._client.paths.pipelines_of(columns.object)
        return self._client.get(path, check=lambda document: stages_of(results_of(document)))

    def _listed(self, columns: Columns, after: str, *, archived: bool) -> Iterator[tuple[Sequence[Json], str | None]]:
        associations = self._accounts if columns.linked else None
        return listed(
            self._client, columns.object, columns.properties, after=after, archived=archived, associations=associations
        )

    def _records(
        self,
        columns: Columns,
        raws: Sequence[Json],
        stages: Mapping[str, Stage],
        companies: Callable[[Columns, Sequence[Json]], Mapping[str, str | None]],
    ) -> tuple[Record, ...]:
        accounts = companies(columns, raws) if columns.linked and raws else {}
        return tuple(columns.record(raw, accounts.get(id_of(raw)), stages) for raw in raws)

    def _companies(self, columns: Columns, raws: Sequence[Json]) -> Mapping[str, str | None]:
        return companies_of(self._client, columns.object, self._accounts, [id_of(raw) for raw in raws])

    def _inline(self, columns: Columns, raws: Sequence[Json]) -> Mapping[str, str | None]:
        """The companies that came with the list; those with more than came inline are asked for."""
        found: dict[str, str | None] = {}
        cut: list[Json] = []
        for raw in raws:
            found[id_of(raw)], complete = inline_company(raw)
            cut += [] if complete else [raw]
        return {**found, **self._companies(columns, cut)} if cut else found

    def _kinds(self, without: Collection[Kind] = ()) -> list[Columns]:
        kinds = (kind for kind in self._mapping.kinds if kind is not Kind.USER and kind not in without)
        return [columns_of(self._mapping, kind) for kind in kinds]

    @property
    def _accounts(self) -> str:
        return columns_of(self._mapping, Kind.ACCOUNT).object

    def _batch(self, columns: Columns, ids: Sequence[str]) -> tuple[list[Json], set[str]]:
        body = {"inputs": [{"id": known} for known in ids], "properties": list(columns.properties)}
        return self._client.post(self._client.paths.batch_read(columns.object), body, check=_batch_page)


def hubspot_gate(wire: Wire, budget: RateBudget) -> Gate:
    """A gate that tells the budget what HubSpot says of the day's calls and the burst limit (hubspot.md 4.2)."""

    def note(response: HttpResponse) -> None:
        daily = response.header("X-HubSpot-RateLimit-Daily")
        budget.note_daily(daily, response.header("X-HubSpot-RateLimit-Daily-Remaining"))
        interval = response.header("X-HubSpot-RateLimit-Interval-Milliseconds")
        budget.note_interval(response.header("X-HubSpot-RateLimit-Max"), interval)

    return Gate(wire, budget, note)


def _owners_page(document: Json) -> tuple[list[User], str | None]:
    return [user_of(raw) for raw in results_of(document)], next_after(document)


def _batch_page(document: Json) -> tuple[list[Json], set[str]]:
    """The objects of a batch read, and the ids that are not there; any other error spoils the whole batch."""
    missing: set[str] = set()
    for error in objects(document.get("errors")):
        if error.get("category") != "OBJECT_NOT_FOUND":
            raise bad(f"a batch read failed in part: {str(error.get('message'))[:200]}")
        missing.update(map(str, object_of(error.get("context")).get("ids") or ()))
    return identified(document), missing


def _readings(
    kind: Kind, asked: Sequence[str], records: Sequence[Record], missing: set[str]
) -> Iterator[tuple[str, Reading]]:
    found = {record.ref.id: record for record in records}
    winners = {loser: record for record in records for loser in record.merged_from}
    strangers = [
        known for known, record in found.items() if known not in asked and not set(record.merged_from) & set(asked)
    ]
    if strangers:
        raise BadDataError("SYN423", f"asked for some records and was given {strangers[0]}", where=WHERE)
    for known in asked:
        ref = Ref(System.HUBSPOT, kind, known)
        if known in found:
            yield known, Reading(ref, found[known], found[known].stamp)
        elif known in winners:
            winner = winners[known]
            gone = Record(ref, winner.stamp, deleted=True, merged_into=winner.ref.id)
            yield known, Reading(ref, gone, winner.stamp)
        elif known in missing:
            yield known, Reading(ref, None)
        else:
            raise BadDataError("SYN423", f"a batch read says nothing of {known}", where=WHERE)
