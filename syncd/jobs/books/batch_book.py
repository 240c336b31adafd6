"""The mirror as a book in which most companies are only counted: those that a batch settles by their columns.

Equal to reading the whole book and deciding it plainly. What a batch cannot settle is read in full, a few companies at
a time. Imported only where the extra `fast` is there; `unsuited_mirror` says where the whole book has to be read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from syncd.jobs.books.book import MirrorBook, directory_of, followers_of, freshness, memory_of
from syncd.jobs.books.column_book import ColumnBook
from syncd.jobs.books.company_records import records_among
from syncd.jobs.books.engines import AS_SETTLED, InFull
from syncd.jobs.books.family_book import ownership_among
from syncd.jobs.books.freed_memory import give_back
from syncd.jobs.books.written import written_fields
from syncd.jobs.context import Context
from syncd.jobs.stages import Stages
from syncd.model.normalisation import forget_texts
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref, System
from syncd.planning.proposing.proposals import differing_records
from syncd.rules.batch.book_columns import UnsoundColumnsError
from syncd.rules.batch.keeping import OWNER, Keeper, unsuited
from syncd.rules.batch.standing import Holding, Left, Standing
from syncd.rules.batch.territories import KnownTerritories
from syncd.rules.classes.territories import TerritoryAnswers
from syncd.rules.conditions import Condition, OpportunityTest, fields_read, walk
from syncd.rules.deciding.frame import Frame
from syncd.rules.deciding.kept import Kept
from syncd.rules.derivation import CompanyRecords, Derivation, OwnershipView, derive_alone
from syncd.rules.engine import Book
from syncd.rules.facts import Applied, Facts
from syncd.rules.pack import Pack
from syncd.store import mirror

_FEW = 2_000
"""So many companies are looked at one by one whatever their share of the book is."""
_AT_ONCE = 2_000
"""Of so many companies the records are held at a time."""


@dataclass(frozen=True, slots=True)
class BatchBook:
    """The mirror's book without the companies in `kept`, which keep their owners; `classes` are the pack's at `now`."""

    source: MirrorBook
    kept: tuple[Kept, ...]
    classes: TerritoryAnswers


def unsuited_mirror(context: Context, pack: Pack, derivation: Derivation) -> str | None:
    """Why no company of this pack and these settings can be settled by its columns, in words; None where many can."""
    if written_fields(context.settings):
        return "fields beside the owner are written"
    if context.settings.signals:
        return "side tables are joined to the book"
    if derivation.rates.rows:
        return "amounts are held to dated rates"
    if any(each.leeway is not None for each in pack.territories(OWNER)):
        return "a territory has leeway"
    if any("owner_changed_at" in fields_read(each) for each in _conditions(pack)):
        return "the pack reads when owners changed"
    return unsuited(pack)


def settle_mirror(
    context: Context,
    conn: Connection,
    pack: Pack,
    derivation: Derivation,
    now: datetime,
    stages: Stages,
    in_full: InFull = AS_SETTLED,
) -> BatchBook | None:
    """Settle what can be, and read the rest in full; None, with a note, where reading the whole book is as good."""
    users = {user.ref: user for user in mirror.users(conn) if user.ref.system in context.systems}
    directory = directory_of(users.values(), pack, context.written_systems)
    with stages.stage("bring the columns up to date"):
        columns = ColumnBook(context, conn, derivation, now)
        standings = columns.standings()
    stages.notes.extend(columns.notes)
    if columns.other_roles or _vanished(pack, standings):
        stages.notes.append("decided plainly: accounts are held by territories that the pack does not name")
        return None
    frame = Frame.of(pack, directory, now, memory_of(conn, pack, now))
    judge = _Judge(context, derivation, users, now)
    try:
        with stages.stage("settle by columns"):
            keeper, left = _settled(pack, frame, standings, judge, in_full)
    except UnsoundColumnsError as error:
        with stages.stage("make the columns anew"):
            standings = columns.made_anew(error)
            keeper, left = _settled(pack, frame, standings, judge, in_full)
    whole = sum(int(each.alive.sum()) for each in standings)
    if len(left) > max(_FEW, whole // in_full.one_in):
        stages.notes.append(f"decided plainly: {len(left):,} of {whole:,} companies have to be looked at")
        return None
    with stages.stage("read the others"):
        source = _read(context, conn, pack, derivation, frame, users, left, in_full.deals)
    stages.notes.append(f"decided in batches: {whole - len(left):,} of {whole:,} companies by their columns")
    places = {each.key: each.place for each in left if each.place is not None}
    return BatchBook(source, keeper.kept(), KnownTerritories(keeper.classes, frame.context, OWNER, places))


def _settled(
    pack: Pack, frame: Frame, standings: Sequence[Standing], judge: _Judge, in_full: InFull
) -> tuple[Keeper, list[Left]]:
    """A keeper that has settled what it can, and the other companies."""
    keeper = Keeper(pack, frame)
    reads = frozenset(name for each in _conditions(pack) for name in fields_read(each))
    reads_deals = any(isinstance(part, OpportunityTest) for each in _conditions(pack) for part in walk(each))
    left: list[Left] = []
    for each in standings:
        left += each.settle(
            keeper,
            judge.facts,
            reads,
            reads_deals=reads_deals,
            named=in_full.named,
            unremembered=in_full.unremembered,
        )
    return keeper, left


def _conditions(pack: Pack) -> Iterator[Condition]:
    for role in pack.roles:
        yield from (territory.when for territory in pack.territories(role))
    yield from (rule.when for rule in pack.protect)


def _vanished(pack: Pack, standings: Sequence[Standing]) -> bool:
    """Whether a territory was applied whose name the pack has no more: of those each company is counted."""
    known = {name for each in pack.territories(OWNER) for name in (each.name, each.was) if name}
    applied = {str(path).rpartition("/")[2] for each in standings for path in each.applied.values}
    return not applied <= known


class _Judge:
    """Says who holds companies, by deriving one that has nothing but its owners."""

    def __init__(self, context: Context, derivation: Derivation, users: Mapping[Ref, User], now: datetime) -> None:
        self._derivation = derivation
        self._written = context.written_systems
        self._users = users
        self._now = now

    def facts(self, holdings: Sequence[Holding]) -> Sequence[Facts | None]:
        """The facts of each holding; None where nobody known holds it, or a written system has another owner."""
        held = list(dict.fromkeys(_sorted(owners) for owners, _ in holdings))
        companies = (
            CompanyRecords(
                str(number),
                tuple(Record(Ref(system, Kind.ACCOUNT, "0"), self._now, {}, owner) for system, owner in owners),
            )
            for number, owners in enumerate(held)
        )
        view = OwnershipView(users=self._users)
        derived = (known.facts for _, known in derive_alone(companies, self._derivation, view, self._now))
        found = {owners: facts if self._is_held(facts) else None for owners, facts in zip(held, derived, strict=True)}
        return [self._applied(found[_sorted(owners)], territory) for owners, territory in holdings]

    def _applied(self, facts: Facts | None, territory: str | None) -> Facts | None:
        if facts is None or territory is None:
            return facts
        applied = {OWNER: Applied(territory, None, self._now)}
        return replace(facts, applied=applied, values={**facts.values, "territory": territory})

    def _is_held(self, facts: Facts) -> bool:
        owner = facts.current_owner
        if owner is None or OWNER not in facts.values:
            return False
        return not differing_records(facts, owner, self._written)


def _sorted(owners: Mapping[System, str | None]) -> tuple[tuple[System, str | None], ...]:
    return tuple(sorted(owners.items()))


def _read(
    context: Context,
    conn: Connection,
    pack: Pack,
    derivation: Derivation,
    frame: Frame,
    users: Mapping[Ref, User],
    left: Iterable[Left],
    besides: Collection[Ref],
) -> MirrorBook:
    """Some companies as a book, with the deals that are asked for besides; without what only families tell."""
    members = sorted((each.key, each.refs) for each in left)
    facts: list[Facts] = []
    deals: dict[Ref, Record] = {}
    for first in range(0, len(members), _AT_ONCE):
        companies = list(records_among(conn, dict(members[first : first + _AT_ONCE]), context.systems))
        view = ownership_among(context, conn, users, {each.key: each.accounts for each in companies})
        facts += (known.facts for _, known in derive_alone(companies, derivation, view, frame.context.now))
        deals |= {deal.ref: deal for each in companies for deal in each.opportunities if _is_open(deal)}
    deals |= {ref: deal for ref, deal in mirror.get_records(conn, besides).items() if not deal.deleted}
    as_of, stale = freshness(context, conn)
    still_open = tuple(deal for deal in deals.values() if _is_open(deal))
    book = Book(tuple(facts), frame.directory, memory=frame.memory)
    forget_texts()
    give_back()
    return MirrorBook(book, still_open, users, as_of, stale, followers_of(context, conn, pack))


def _is_open(deal: Record) -> bool:
    return deal.fields.get("is_closed") != "true"
