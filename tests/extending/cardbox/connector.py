"""The connector of Cardbox: the port's Reader and Writer. It runs in HubSpot's place, since Cardbox is no System."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from syncd.clock import Clock, parse_instant
from syncd.connectors.budget import RateBudget
from syncd.connectors.canonical import canonical_fields
from syncd.connectors.gate import Gate
from syncd.connectors.port import (
    Identity,
    OwnerVersion,
    OwnerWrite,
    Reading,
    Right,
    RowCount,
    StageVersion,
    WriteOutcome,
    WriteResult,
)
from syncd.connectors.retry import Remedy, RetryPolicy
from syncd.connectors.rows import all_rows, checked
from syncd.connectors.shape import flag, id_of, json_object, object_of, objects, refuse_unfit
from syncd.connectors.wire import HttpResponse, Wire, WireError
from syncd.entropy import Entropy
from syncd.errors import BadDataError, CursorLostError, SchemaError
from syncd.model.cursors import Page, Window
from syncd.model.fields import KindMapping, SystemMapping
from syncd.model.money import CurrencyRate
from syncd.model.plans import OWNER_FIELD
from syncd.model.records import Record, Team, User
from syncd.model.refs import Kind, Ref, System
from syncd.model.schemas import FieldSchema, ObjectSchema
from tests.extending.cardbox.client import WHERE, CardboxAccess, CardboxClient, Json

READ_BATCH = 100
DEFAULT_MAPPING = SystemMapping(
    System.HUBSPOT,
    {
        Kind.ACCOUNT: KindMapping(
            Kind.ACCOUNT,
            "accounts",
            {
                "name": "title",
                "industry": "trade",
                "employees": "heads",
                "annual_revenue": "turnover",
                "postal_code": "post_code",
                "city": "town",
                "country": "land",
                "created_at": "opened",
                "website": "web",
            },
        ),
        Kind.OPPORTUNITY: KindMapping(
            Kind.OPPORTUNITY,
            "deals",
            {
                "name": "title",
                "amount": "worth",
                "close_date": "due",
                "stage": "step",
                "probability": "odds",
                "is_won": "won",
                "is_closed": "over",
            },
        ),
    },
)


class _Connected:
    """A box, and the one way to it."""

    system = System.HUBSPOT

    def __init__(
        self,
        access: CardboxAccess,
        mapping: SystemMapping,
        *,
        wire: Wire,
        clock: Clock,
        entropy: Entropy,
        budget: RateBudget,
    ) -> None:
        self._gate = Gate(wire, budget, lambda answer: None)
        self._client = CardboxClient(access, self._gate, RetryPolicy(clock, entropy), clock)
        self._mapping = mapping

    @property
    def calls(self) -> int:
        """HTTP calls made so far."""
        return self._gate.calls


class CardboxReader(_Connected):
    """The port's Reader."""

    def identify(self) -> Identity:
        """The box, our person in it, and its time."""
        return self._client.get("me", check=_identity)

    def check_schema(self, without: Collection[Kind] = ()) -> tuple[str, ...]:
        """SchemaError for mapped fields that are not shown to us; no notes."""
        refuse_unfit(WHERE, {kind: names for kind, names in self.unfit().items() if kind not in without})
        return ()

    def unfit(self) -> Mapping[Kind, tuple[str, ...]]:
        """The mapped fields that are not shown to us."""
        found: dict[Kind, tuple[str, ...]] = {}
        for kind, mapped in self._mapping.kinds.items():
            shown = self._fields(mapped)
            missing = tuple(f"{mapped.object}.{name}" for name in mapped.fields.values() if name not in shown)
            if missing:
                found[kind] = missing
        return found

    def schemas(self, without: Collection[Kind] = ()) -> tuple[ObjectSchema, ...]:
        """The fields of each mapped box; Cardbox names no types."""
        return tuple(
            ObjectSchema(kind, mapped.object, {name: FieldSchema("text") for name in self._fields(mapped)})
            for kind, mapped in self._mapping.kinds.items()
            if kind not in without
        )

    def rights(self) -> tuple[Right, ...]:
        """One: a token may do everything, and Cardbox does not tell."""
        return (Right("token", "read cards, write owners", None, writing=True),)

    def unstamped(self) -> Mapping[Kind, tuple[str, ...]]:
        """Nothing: each change of a card moves its turn."""
        return {}

    def count(self, kind: Kind) -> RowCount:
        """Cardbox keeps no count: the feed is counted."""
        return RowCount(sum(map(len, self.ids(kind))))

    def native_sync(self) -> str | None:
        """None: nobody syncs with Cardbox."""
        return None

    def users(self) -> Iterator[User]:
        """Everybody, those who left included."""
        yield from self._client.get("people", check=lambda document: [_user(raw) for raw in _results(document)])

    def currency_rates(self) -> tuple[CurrencyRate, ...]:
        """None."""
        return ()

    def changes(self, kind: Kind, window: Window, resume: str | None = None) -> Iterator[Page]:
        """The feed from the window's lower bound on; what changes meanwhile comes at its end, so nothing is missed."""
        query = {} if window.lower is None else {"since": window.lower.isoformat()}
        for rows, after in self._feed(kind, query, resume):
            yield Page(tuple(self._record(kind, raw) for raw in rows), after)

    def recent(self, kind: Kind, window: Window, resume: str | None = None) -> Iterator[Page]:
        """The same: the feed costs nothing besides its pages."""
        return self.changes(kind, window, resume)

    def ids(self, kind: Kind) -> Iterator[tuple[str, ...]]:
        """The ids of all cards that are not gone."""
        for rows, _ in self._feed(kind, {"live": "1"}, None):
            yield tuple(map(id_of, rows))

    def read(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, Reading]:
        """The cards as they are now; a card that another has swallowed is a deleted record that names it."""
        wanted = list(dict.fromkeys(ids))
        path = f"{self._kind(kind).object}/batch/read"
        readings: dict[str, Reading] = {}
        for start in range(0, len(wanted), READ_BATCH):
            batch = wanted[start : start + READ_BATCH]
            rows, unknown = self._client.post(path, {"ids": batch}, check=_cards)
            found = {record.ref.id: record for record in (self._record(kind, raw) for raw in rows)}
            if {*found, *unknown} != set(batch):
                raise BadDataError("SYN423", "asked for some cards and was told of others", where=WHERE)
            readings.update((known, self._reading(kind, known, found.get(known))) for known in batch)
        return readings

    def owner_history(
        self, kind: Kind, ids: Sequence[str], field: str = OWNER_FIELD
    ) -> Mapping[str, tuple[OwnerVersion, ...]]:
        """Nothing: Cardbox forgets."""
        del kind, ids, field
        return {}

    def stage_history(self, ids: Sequence[str]) -> Mapping[str, tuple[StageVersion, ...]]:
        """Nothing: Cardbox forgets."""
        del ids
        return {}

    def teams(self, kind: Kind, ids: Sequence[str] | None = None, *, restorable: bool | None = None) -> Iterator[Team]:
        """None: a card has one owner and nobody beside."""
        del kind, ids, restorable
        return iter(())

    def _feed(
        self, kind: Kind, query: Mapping[str, str], resume: str | None
    ) -> Iterator[tuple[list[Json], str | None]]:
        path, after, seen = f"{self._kind(kind).object}/feed", resume, set[str]()
        while True:
            asked = {**query, **({"after": after} if after else {})}
            rows, after = self._client.get(path, asked, check=_page)
            if after in seen:
                raise CursorLostError("SYN422", "the feed goes round in a loop", where=WHERE)
            yield rows, after
            if after is None:
                return
            seen.add(after)

    def _fields(self, mapped: KindMapping) -> frozenset[str]:
        return self._client.get(f"{mapped.object}/fields", check=_names)

    def _kind(self, kind: Kind) -> KindMapping:
        if kind not in self._mapping.kinds:
            raise SchemaError("SYN406", f"no box is mapped to {kind.value}", where=WHERE)
        return self._mapping.kinds[kind]

    def _record(self, kind: Kind, raw: Json) -> Record:
        values = object_of(raw.get("values"))
        named = {name: values.get(field) for name, field in self._kind(kind).fields.items()}
        return Record(
            Ref(self.system, kind, id_of(raw)),
            parse_instant(raw["changed"]),
            canonical_fields(kind, named),
            owner=raw["owner"],
            account=raw["account"],
            deleted=flag(raw["gone"]),
            merged_into=raw["into"],
            merged_from=tuple(raw["swallowed"]),
        )

    def _reading(self, kind: Kind, known: str, record: Record | None) -> Reading:
        ref = Ref(self.system, kind, known)
        gone = record is None or (record.deleted and record.merged_into is None)
        return Reading(ref, None) if record is None or gone else Reading(ref, record, record.stamp)


class CardboxWriter(_Connected):
    """The port's Writer."""

    batch_size = 50

    def write_owners(self, kind: Kind, writes: Sequence[OwnerWrite]) -> tuple[WriteResult, ...]:
        """One call; one result a row. What certainly did nothing and does not pass is raised."""
        checked(writes, kind, self.batch_size)
        if not writes:
            return ()
        rows = [{"id": write.ref.id, "owner": write.new} for write in writes]
        with self._gate.purpose(writing=True):
            try:
                answer = self._client.write(f"{self._mapping.kinds[kind].object}/batch/update", {"rows": rows})
            except WireError as error:
                outcome = WriteOutcome.UNKNOWN if error.sent else WriteOutcome.RETRY
                return tuple(all_rows(writes, outcome, error.kind.upper(), str(error)))
        if 400 <= answer.status < 500:
            return tuple(self._refused(writes, answer))
        answered = _answered(answer)
        return tuple(_result(write, answered.get(write.ref.id)) for write in writes)

    def add_members(self, kind: Kind, teams: Sequence[Team]) -> tuple[WriteResult, ...]:
        """Nothing: there are no teams."""
        del kind, teams
        return ()

    def _refused(self, writes: Sequence[OwnerWrite], answer: HttpResponse) -> list[WriteResult]:
        failure = self._client.failure(answer)
        if failure.remedy in (Remedy.STOP, Remedy.REFRESH):
            raise failure.error
        return all_rows(writes, WriteOutcome.RETRY, str(answer.status), failure.error.summary)


def _answered(answer: HttpResponse) -> dict[str, Json]:
    """What a good answer says of each row; nothing where it cannot be read, so that every row is read again."""
    document = (json_object(answer.body) if 200 <= answer.status < 300 else None) or {}
    rows: Any = document.get("results")
    return {str(row.get("id")): row for row in rows if isinstance(row, dict)} if isinstance(rows, list) else {}


def _result(write: OwnerWrite, said: Json | None) -> WriteResult:
    if said is None:
        return WriteResult(write.ref, WriteOutcome.UNKNOWN, "NO_RESULT", "the answer does not name the row")
    if "code" in said:
        return WriteResult(write.ref, WriteOutcome.REJECTED, str(said["code"]), str(said.get("say")))
    if said.get("owner") != write.new:
        return WriteResult(write.ref, WriteOutcome.UNKNOWN, "OTHER_OWNER", f"the owner is {said.get('owner')}")
    return WriteResult(write.ref, WriteOutcome.ACCEPTED)


def _identity(document: Json) -> Identity:
    return Identity(System.HUBSPOT, document["box"], document["person"], parse_instant(document["now"]))


def _results(document: Json) -> list[Json]:
    if document["results"] is None:
        raise TypeError("no results")
    return objects(document["results"])


def _page(document: Json) -> tuple[list[Json], str | None]:
    after = document["next"]
    if after is not None and not isinstance(after, str):
        raise TypeError("no cursor")
    return _results(document), after


def _cards(document: Json) -> tuple[list[Json], list[str]]:
    return _results(document), [str(known) for known in document["unknown"]]


def _names(document: Json) -> frozenset[str]:
    return frozenset(map(str, document["results"]))


def _user(raw: Json) -> User:
    return User(Ref(System.HUBSPOT, Kind.USER, id_of(raw)), raw["email"].lower(), raw["name"], flag(raw["active"]))
