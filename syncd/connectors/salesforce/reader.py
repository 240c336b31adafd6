"""Reading Salesforce: REST queryAll by SystemModstamp, pages followed as they come (salesforce.md 2).

It translates between SOQL and the port; what to read when, and what to keep, is decided above it.
"""

from __future__ import annotations

import email.utils
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote_plus

from syncd.clock import Clock, iso, parse_instant
from syncd.connectors.budget import RateBudget
from syncd.connectors.gate import Gate
from syncd.connectors.port import Identity, OwnerVersion, Reading
from syncd.connectors.retry import RetryPolicy
from syncd.connectors.salesforce.auth import SalesforceAccess
from syncd.connectors.salesforce.client import WHERE, QueryPage, SalesforceClient
from syncd.connectors.salesforce.failures import NoObjectError, QueryTimeoutError
from syncd.connectors.salesforce.history import SELECT as HISTORY
from syncd.connectors.salesforce.history import owner_versions
from syncd.connectors.salesforce.mapping import SALESFORCE_ID, Columns, columns_of, id_in
from syncd.connectors.salesforce.schema import schema_notes
from syncd.connectors.salesforce.teams import TEAM_OBJECTS, TeamShape
from syncd.connectors.shape import decoding
from syncd.connectors.wire import HttpResponse, Wire
from syncd.entropy import Entropy
from syncd.errors import BadDataError, CursorLostError, RetryableError, SchemaError
from syncd.model.cursors import Page, Window
from syncd.model.fields import SystemMapping
from syncd.model.records import Record, Team, User
from syncd.model.refs import Kind, Ref, System, long_salesforce_id

QUERY_BYTES: Final = 14_000
"""How long an encoded query may be: URI and headers together may have 16,384 bytes (salesforce.md 4.1)."""
IDS_PER_QUERY: Final = 500
_NARROWEST: Final = timedelta(minutes=1)
_BEFORE_SALESFORCE: Final = datetime(1999, 1, 1, tzinfo=UTC)


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
    ) -> None:
        self._gate = salesforce_gate(wire, budget)
        self._client = SalesforceClient(access, self._gate, RetryPolicy(clock, entropy), clock)
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

    def check_schema(self) -> tuple[str, ...]:
        """Notes about the mapping; SchemaError naming everything that is missing or hidden from us."""
        columns = [columns_of(self._mapping, kind) for kind in self._mapping.kinds]
        return schema_notes(self._client, columns)

    def native_sync(self) -> str | None:
        """None: the HubSpot–Salesforce sync leaves its mark in HubSpot."""
        return None

    def users(self) -> Iterator[User]:
        """Every user, inactive ones and those of other types included; users are never deleted."""
        columns = columns_of(self._mapping, Kind.USER)
        for page in self._pages(f"SELECT {columns.select} FROM {columns.object} ORDER BY Id"):
            yield from map(columns.user, page.rows)

    def changes(self, kind: Kind, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Rows by SystemModstamp, deleted and merged ones included.

        Ties are ordered by Id and pages followed to the end, so none is lost. A query that takes Salesforce too long is
        asked again in halves of the window, down to a minute. CursorLostError where the pages have expired.
        """
        columns = columns_of(self._mapping, kind)
        mark: _Mark | None = _Mark.parse(resume, window)
        seen: set[str] = set()
        while mark is not None:
            try:
                page = self._page_at(columns, mark)
            except QueryTimeoutError as error:
                mark = mark.halved(error)
                continue
            mark = mark.after(page, window)
            yield Page(tuple(map(columns.record, page.rows)), mark.text(window) if mark else None)
            _refuse_loop(mark.url if mark else None, seen)

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
        select = f"SELECT {columns.select}, LastModifiedDate FROM {columns.object} WHERE Id IN "
        found: dict[str, tuple[Record, datetime]] = {}
        for chunk in _chunks(select, sorted(set(long.values()))):
            for page in self._pages(f"{select}({chunk})", deleted=True, writing=True):
                found.update(_by_id(columns, page.rows))
        strangers = found.keys() - set(long.values())
        if strangers:
            raise BadDataError("SYN423", f"asked for some records and was given {min(strangers)}", where=WHERE)
        return {asked: _reading(Ref(System.SALESFORCE, kind, long.get(asked, asked)), found) for asked in ids}

    def owner_history(self, ids: Sequence[str]) -> Mapping[str, tuple[OwnerVersion, ...]]:
        """The owners of accounts by AccountHistory; nothing where the organization does not track them."""
        known = sorted({long_salesforce_id(each) for each in ids if SALESFORCE_ID.fullmatch(each)})
        found: dict[str, tuple[OwnerVersion, ...]] = {}
        for chunk in _chunks(HISTORY, known):
            query = f"{HISTORY} WHERE Field = 'Owner' AND AccountId IN ({chunk}) ORDER BY AccountId, CreatedDate DESC"
            try:
                found.update(owner_versions(row for page in self._pages(query) for row in page.rows))
            except NoObjectError:
                return {}
        return found

    def teams(self, kind: Kind, ids: Sequence[str] | None = None) -> Iterator[Team]:
        """The team of each record of a kind that has one; what members may do is told of named records only.

        Where the organization has no such teams the object does not exist, and there are none. AuthError or
        SchemaError where there are and we may not see them.
        """
        if ids is None:
            yield from self._all_teams(kind)
            return
        known = sorted({long_salesforce_id(each) for each in ids if SALESFORCE_ID.fullmatch(each)})
        shape = self._team_shape(kind) if known else None
        if shape is not None:
            for chunk in _chunks(shape.select, known):
                where = f"{shape.select} WHERE {shape.parent} IN ({chunk}) ORDER BY {shape.parent}, UserId"
                yield from shape.teams(row for page in self._pages(where, writing=True) for row in page.rows)

    def _all_teams(self, kind: Kind) -> Iterator[Team]:
        """Every team with its users; describe is asked only where there is a team, so that most pulls save the call."""
        bare = TeamShape(kind, (), restorable=False)
        rows: Iterator[Mapping[str, Any]] = (
            row for page in self._pages(f"{bare.select} ORDER BY {bare.parent}, UserId") for row in page.rows
        )
        try:
            for team in bare.teams(rows):
                shape = self._team_shape(kind)
                yield replace(team, restorable=shape is not None and shape.restorable)
        except NoObjectError:
            return  # such teams are switched off here

    def _team_shape(self, kind: Kind) -> TeamShape | None:
        """How teams of a kind look in this organization, asked once; None where they are switched off."""
        if kind not in self._team_shapes:
            try:
                described = self._client.describe(TEAM_OBJECTS[kind].name)
            except SchemaError as error:
                # describe answers 404 for an object that is not there, a query INVALID_TYPE
                if not isinstance(error, NoObjectError) and error.code != "SYN406":
                    raise
                self._team_shapes[kind] = None
            else:
                self._team_shapes[kind] = TeamShape.of(kind, described)
        return self._team_shapes[kind]

    def _page_at(self, columns: Columns, mark: _Mark) -> QueryPage:
        if mark.url is not None:
            return self._client.more(mark.url)
        bounds = [f"SystemModstamp < {iso(mark.upper)}"]
        if mark.lower is not None:
            bounds.insert(0, f"SystemModstamp >= {iso(mark.lower)}")
        where = " AND ".join(bounds)
        soql = f"SELECT {columns.select} FROM {columns.object} WHERE {where} ORDER BY SystemModstamp, Id"
        if len(quote_plus(soql)) > QUERY_BYTES:
            raise SchemaError(
                "SYN405", "the mapping names more fields than fit into one query", where=f"{WHERE} {columns.object}"
            )
        return self._client.query(soql, deleted=True)

    def _pages(self, soql: str, *, deleted: bool = False, writing: bool = False) -> Iterator[QueryPage]:
        with self._gate.purpose(writing=writing):
            page = self._client.query(soql, deleted=deleted)
        yield page
        seen: set[str] = set()
        while page.next_url is not None:
            _refuse_loop(page.next_url, seen)
            with self._gate.purpose(writing=writing):
                page = self._client.more(page.next_url)
            yield page


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where a walk stands: the part of the window being read, and its next page, None for its first."""

    lower: datetime | None
    upper: datetime
    url: str | None = None

    @classmethod
    def parse(cls, resume: str | None, window: Window) -> _Mark:
        """The mark that a resume token names; the beginning of the window without one."""
        if resume is None or "|" not in resume:
            return cls(window.lower, window.upper, resume)
        url, lower, upper = resume.split("|")
        return cls(parse_instant(lower) if lower else None, parse_instant(upper), url or None)

    def text(self, window: Window) -> str:
        """The resume token: the next page's URL, with its part of the window where that is not all of it."""
        if self.url is not None and self.upper == window.upper:
            return self.url
        return f"{self.url or ''}|{iso(self.lower) if self.lower else ''}|{iso(self.upper)}"

    def after(self, page: QueryPage, window: Window) -> _Mark | None:
        """What comes next: this part's next page, the rest of the window, or nothing."""
        if page.next_url is not None:
            return _Mark(self.lower, self.upper, page.next_url)
        return _Mark(self.upper, window.upper) if self.upper < window.upper else None

    def halved(self, error: QueryTimeoutError) -> _Mark:
        """The first half of this part, on whole seconds; the error where it is no wider than a minute."""
        start = self.lower or _BEFORE_SALESFORCE
        width = self.upper - start
        if width <= _NARROWEST:
            raise RetryableError(error.code, f"{error.summary}, even for one minute of changes", where=error.where)
        middle = (start + width / 2).replace(microsecond=0)
        return _Mark(self.lower, middle)


def salesforce_gate(wire: Wire, budget: RateBudget) -> Gate:
    """A gate that tells the budget what Salesforce says of the day's calls."""

    def note(response: HttpResponse) -> None:
        budget.note_limit_info(response.header("Sforce-Limit-Info"))

    return Gate(wire, budget, note)


def _refuse_loop(url: str | None, seen: set[str]) -> None:
    if url is None:
        return
    if url in seen:
        raise CursorLostError("SYN422", "the pages of a query go round in a loop", where=WHERE)
    seen.add(url)


def _chunks(select: str, ids: Sequence[str]) -> Iterator[str]:
    """Lists of quoted ids, each short enough for one query."""
    room = QUERY_BYTES - len(quote_plus(select)) - 200
    each = len(quote_plus("'',")) + 18
    count = max(1, min(IDS_PER_QUERY, room // each))
    for start in range(0, len(ids), count):
        yield ",".join(f"'{known}'" for known in ids[start : start + count])


def _by_id(columns: Columns, rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, tuple[Record, datetime]]]:
    for row in rows:
        record = columns.record(row)
        with decoding(WHERE, f"a row of {columns.object}"):
            modified_at = parse_instant(row["LastModifiedDate"])
        yield record.ref.id, (record, modified_at)


def _reading(ref: Ref, found: Mapping[str, tuple[Record, datetime]]) -> Reading:
    record, modified_at = found.get(ref.id, (None, None))
    return Reading(ref, record, modified_at)
