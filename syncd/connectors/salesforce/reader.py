"""Reading Salesforce: what the port asks, as queries (salesforce.md 2); the walk over changes is walking.py's.

It translates between SOQL and the port; what to read when, and what to keep, is decided above it.
"""

from __future__ import annotations

import email.utils
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from syncd.clock import Clock, parse_instant
from syncd.connectors.budget import RateBudget
from syncd.connectors.gate import Gate
from syncd.connectors.port import Identity, OwnerVersion, Reading, Right, RowCount, StageVersion
from syncd.connectors.retry import RetryPolicy
from syncd.connectors.salesforce.auth import SalesforceAccess
from syncd.connectors.salesforce.bulkrows import NO_BULK, BulkRows
from syncd.connectors.salesforce.client import WHERE, QueryPage, SalesforceClient
from syncd.connectors.salesforce.currencies import currency_rates
from syncd.connectors.salesforce.failures import NoObjectError
from syncd.connectors.salesforce.history import STAGE, STAGES, stage_versions, tracked_field
from syncd.connectors.salesforce.mapping import MANAGER_COLUMN, SALESFORCE_ID, Columns, columns_of, id_in, queue_of
from syncd.connectors.salesforce.rights import rights_of, row_count, unstamped
from syncd.connectors.salesforce.schema import Descriptions, object_schema, schema_notes, unfit
from syncd.connectors.salesforce.teams import TEAM_OBJECTS, TeamShape
from syncd.connectors.salesforce.walking import BULK_ABOVE, Walker, refuse_loop
from syncd.connectors.salesforce.wide import WideRows, chunks
from syncd.connectors.shape import decoding, refuse_unfit
from syncd.connectors.wire import HttpResponse, Wire
from syncd.entropy import Entropy
from syncd.errors import BadDataError, SchemaError
from syncd.model.cursors import Page, Window
from syncd.model.fields import SystemMapping
from syncd.model.money import CurrencyRate
from syncd.model.plans import OWNER_FIELD
from syncd.model.records import Record, Team, User
from syncd.model.refs import Kind, Ref, System, long_salesforce_id
from syncd.model.schemas import ObjectSchema


class SalesforceReader:
    """The port's Reader for one organization; made for one run."""

    system = System.SALESFORCE

    def __init__(
        self,
        access: SalesforceAccess,
        mapping: SystemMapping,
        *,
        wire: Wire,
        clock: Clock,
        entropy: Entropy,
        budget: RateBudget,
        policy: RetryPolicy | None = None,
        bulk_above: int = BULK_ABOVE,
    ) -> None:
        self._gate = salesforce_gate(wire, budget)
        self._client = SalesforceClient(access, self._gate, policy or RetryPolicy(clock, entropy), clock)
        self._descriptions = Descriptions(self._client)
        self._walker = Walker(self._client, clock, self._rows, self._bulk_rows, bulk_above)
        self._mapping = mapping
        self._team_shapes: dict[Kind, TeamShape | None] = {}

    @property
    def calls(self) -> int:
        """HTTP calls made so far, retries and token requests included."""
        return self._gate.calls

    def identify(self) -> Identity:
        """The organization and our user in it; the time is the server's Date header."""
        who, date = self._client.userinfo()
        organization, user = who.get("organization_id"), who.get("user_id")
        if not organization or date is None:
            raise BadDataError("SYN421", "the answer to userinfo names no organization or no date", where=WHERE)
        with decoding(WHERE, "the answer to userinfo"):
            now = email.utils.parsedate_to_datetime(date).astimezone(UTC)
            user_id = id_in(who, "user_id") if user else None
            return Identity(System.SALESFORCE, id_in(who, "organization_id"), user_id, now)

    def check_schema(self, without: Collection[Kind] = ()) -> tuple[str, ...]:
        """Notes about the mapping; SchemaError naming everything that is missing or hidden from us."""
        kinds = [columns_of(self._mapping, kind) for kind in self._mapping.kinds if kind not in without]
        refuse_unfit(WHERE, unfit(self._descriptions, kinds))
        return schema_notes(self._descriptions, kinds)

    def unfit(self) -> Mapping[Kind, tuple[str, ...]]:
        """What describe does not show of each mapped kind."""
        return unfit(self._descriptions, [columns_of(self._mapping, kind) for kind in self._mapping.kinds])

    def schemas(self, without: Collection[Kind] = ()) -> tuple[ObjectSchema, ...]:
        """What describe says of each mapped object, users apart."""
        kinds = (kind for kind in self._mapping.kinds if kind is not Kind.USER and kind not in without)
        return tuple(object_schema(self._descriptions, columns_of(self._mapping, kind)) for kind in kinds)

    def rights(self) -> tuple[Right, ...]:
        """Reading each mapped object, and writing its owner, as describe tells; then the powers that are not needed."""
        kinds = [columns_of(self._mapping, kind) for kind in self._mapping.kinds]
        return rights_of(self._client, self._descriptions, kinds)

    def unstamped(self) -> Mapping[Kind, tuple[str, ...]]:
        """Formulas, roll-ups, and fields of other records."""
        missing = self.unfit()
        kinds = (kind for kind in self._mapping.kinds if kind is not Kind.USER and kind not in missing)
        return {kind: unstamped(self._descriptions, columns_of(self._mapping, kind)) for kind in kinds}

    def count(self, kind: Kind) -> RowCount:
        """What COUNT() sees under our user's sharing, and what the organization has."""
        return row_count(self._client, columns_of(self._mapping, kind))

    def native_sync(self) -> str | None:
        """None: the HubSpot–Salesforce sync leaves its mark in HubSpot."""
        return None

    def users(self) -> Iterator[User]:
        """Every user, inactive ones and those of other types included; users are never deleted.

        Where leads are mapped, queues too: a lead's owner may be one, an account's never (salesforce.md 2.5).
        """
        columns = columns_of(self._mapping, Kind.USER)
        try:
            yield from self._users(columns)
        except SchemaError as error:
            if error.code != "SYN405":
                raise
            shown = tuple(name for name in columns.structure if name != MANAGER_COLUMN)
            yield from self._users(replace(columns, structure=shown))  # who manages whom is hidden from us
        if Kind.LEAD in self._mapping.kinds:
            for page in self._pages("SELECT Id, Name, Email FROM Group WHERE Type = 'Queue' ORDER BY Id"):
                yield from map(queue_of, page.rows)

    def _users(self, columns: Columns) -> Iterator[User]:
        for page in self._pages(f"SELECT {columns.select} FROM {columns.object} ORDER BY Id"):
            yield from map(columns.user, page.rows)

    def currency_rates(self) -> tuple[CurrencyRate, ...]:
        """The rates of CurrencyType and, with advanced currency management, of DatedConversionRate."""
        return currency_rates(lambda soql: (row for page in self._pages(soql) for row in page.rows))

    def changes(self, kind: Kind, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Rows by SystemModstamp, deleted and merged ones included; by a Bulk job where there are very many.

        Ties are ordered by Id and pages followed to the end, so none is lost. A query that takes Salesforce too long is
        asked again in halves of the window, down to a minute. CursorLostError where the pages have expired.
        """
        yield from self._walker.pages(columns_of(self._mapping, kind), window, resume)

    def recent(self, kind: Kind, window: Window, resume: str | None = None) -> Iterator[Page]:
        """The same: deleted rows come with the others."""
        yield from self.changes(kind, window, resume)

    def ids(self, kind: Kind) -> Iterator[tuple[str, ...]]:
        """The ids of all records that are not deleted."""
        columns = columns_of(self._mapping, kind)
        for page in self._pages(f"SELECT Id FROM {columns.object} ORDER BY Id"):
            with decoding(WHERE, f"an id of {columns.object}"):
                found = tuple(map(id_in, page.rows))
            yield found

    def read(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, Reading]:
        """The records now, by the ids as asked; one in the recycle bin says so, with its merge winner."""
        columns = columns_of(self._mapping, kind)
        long = {asked: long_salesforce_id(asked) for asked in ids if SALESFORCE_ID.fullmatch(asked)}
        wide = WideRows(columns, lambda soql: self._rows(soql, writing=True), more=("LastModifiedDate",))
        found = dict(_by_id(columns, wide.by_ids(sorted(set(long.values())))))
        strangers = found.keys() - set(long.values())
        if strangers:
            raise BadDataError("SYN423", f"asked for some records and was given {min(strangers)}", where=WHERE)
        return {asked: _reading(Ref(System.SALESFORCE, kind, long.get(asked, asked)), found) for asked in ids}

    def owner_history(
        self, kind: Kind, ids: Sequence[str], field: str = OWNER_FIELD
    ) -> Mapping[str, tuple[OwnerVersion, ...]]:
        """By the object's field history; nothing where the organization does not track the field, and of tasks."""
        tracked = tracked_field(columns_of(self._mapping, kind), field)
        if tracked is None:
            return {}
        known = sorted({long_salesforce_id(each) for each in ids if SALESFORCE_ID.fullmatch(each)})
        found: dict[str, tuple[OwnerVersion, ...]] = {}
        for chunk in chunks(tracked.select, known):
            try:
                rows = (row for page in self._pages(tracked.query(chunk)) for row in page.rows)
                found.update(tracked.versions(rows))
            except NoObjectError:
                return {}
        return found

    def stage_history(self, ids: Sequence[str]) -> Mapping[str, tuple[StageVersion, ...]]:
        """The stages of opportunities by OpportunityHistory."""
        if columns_of(self._mapping, Kind.OPPORTUNITY).fields.get("stage") != STAGE:
            return {}
        known = sorted({long_salesforce_id(each) for each in ids if SALESFORCE_ID.fullmatch(each)})
        found: dict[str, tuple[StageVersion, ...]] = {}
        for chunk in chunks(STAGES, known):
            query = f"{STAGES} WHERE OpportunityId IN ({chunk})"
            try:
                found.update(stage_versions(row for page in self._pages(query) for row in page.rows))
            except NoObjectError:
                return {}
        return found

    def teams(self, kind: Kind, ids: Sequence[str] | None = None, *, restorable: bool | None = None) -> Iterator[Team]:
        """The team of each record of a kind that has one; what members may do is told of named records only.

        Where the organization has no such teams the object does not exist, and there are none. AuthError or
        SchemaError where there are and we may not see them.
        """
        if kind not in TEAM_OBJECTS:
            return  # leads, contacts and tasks have no teams
        if ids is None:
            yield from self._all_teams(kind, restorable)
            return
        known = sorted({long_salesforce_id(each) for each in ids if SALESFORCE_ID.fullmatch(each)})
        shape = self._team_shape(kind) if known else None
        if shape is not None:
            for chunk in chunks(shape.select, known):
                where = f"{shape.select} WHERE {shape.parent} IN ({chunk}) ORDER BY {shape.parent}, UserId"
                yield from shape.gathered(row for page in self._pages(where, writing=True) for row in page.rows)

    def _all_teams(self, kind: Kind, restorable: bool | None) -> Iterator[Team]:
        """Every team with its users; describe is asked only where there is a team of which nobody knows."""
        bare = TeamShape(kind, (), restorable=False)
        rows: Iterator[Mapping[str, Any]] = (
            row for page in self._pages(f"{bare.select} ORDER BY {bare.parent}, UserId") for row in page.rows
        )
        try:
            for team in bare.teams(rows):
                if restorable is None:
                    shape = self._team_shape(kind)
                    restorable = shape is not None and shape.restorable
                yield replace(team, restorable=restorable)
        except NoObjectError:
            return  # such teams are switched off here

    def _team_shape(self, kind: Kind) -> TeamShape | None:
        """How teams of a kind look in this organization, asked once; None where they are switched off."""
        if kind not in self._team_shapes:
            try:
                described = self._descriptions.of(TEAM_OBJECTS[kind].name)
            except SchemaError as error:
                # describe answers 404 for an object that is not there, a query INVALID_TYPE
                if not isinstance(error, NoObjectError) and error.code != "SYN406":
                    raise
                self._team_shapes[kind] = None
            else:
                self._team_shapes[kind] = TeamShape.of(kind, described)
        return self._team_shapes[kind]

    def _rows(self, soql: str, *, writing: bool = False) -> Iterator[Mapping[str, Any]]:
        """All rows of a query, deleted ones included."""
        for page in self._pages(soql, deleted=True, writing=writing):
            yield from page.rows

    def _bulk_rows(self, columns: Columns) -> BulkRows | None:
        """How the rows of a kind come in Bulk CSV; None where it has a column that Bulk cannot select."""
        types = {column: self._descriptions.type_of(columns.object, column) for column in columns.names}
        if any(type_ is None or type_ in NO_BULK for type_ in types.values()):
            return None
        return BulkRows(columns, {name.lower(): type_ for name, type_ in types.items() if type_ is not None})

    def _pages(self, soql: str, *, deleted: bool = False, writing: bool = False) -> Iterator[QueryPage]:
        with self._gate.purpose(writing=writing):
            page = self._client.query(soql, deleted=deleted)
        yield page
        seen: set[str] = set()
        while page.next_url is not None:
            refuse_loop(page.next_url, seen)
            with self._gate.purpose(writing=writing):
                page = self._client.more(page.next_url)
            yield page


def salesforce_gate(wire: Wire, budget: RateBudget) -> Gate:
    """A gate that tells the budget what Salesforce says of the day's calls."""

    def note(response: HttpResponse) -> None:
        budget.note_limit_info(response.header("Sforce-Limit-Info"))

    return Gate(wire, budget, note)


def _by_id(columns: Columns, rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, tuple[Record, datetime]]]:
    for row in rows:
        record = columns.record(row)
        with decoding(WHERE, f"a row of {columns.object}"):
            modified_at = parse_instant(row["LastModifiedDate"])
        yield record.ref.id, (record, modified_at)


def _reading(ref: Ref, found: Mapping[str, tuple[Record, datetime]]) -> Reading:
    record, modified_at = found.get(ref.id, (None, None))
    return Reading(ref, record, modified_at)
