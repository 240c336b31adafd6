"""The mirror's book in memory, brought up to what the mirror says now: after a pull only what changed is read again.

What it cannot follow (an apply, other users, a pack that needs the whole book at once) is for its owner to read anew:
`follow` says so and changes nothing. Equal to reading the whole mirror. Knows nothing of plans; needs no extra.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import itemgetter

from sqlalchemy import Connection

from syncd.jobs.books.book import MirrorBook, derivation_of, followers_of, freshness, read_book
from syncd.jobs.books.company_records import records_of
from syncd.jobs.books.family_book import ownership_among
from syncd.jobs.books.written import mapped_roles
from syncd.jobs.context import Context
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref, System
from syncd.rules.derivation import derive_book
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import local_day
from syncd.rules.pack import Pack
from syncd.store import dossier, mirror, outbox
from syncd.store.book_state import (
    BookState,
    accounts_of_deals,
    book_state,
    changed_since,
    follows,
    joined,
    opportunities_of,
    owners_changed_since,
)
from syncd.store.mirror import TeamsView
from syncd.store.versions import APPLIED, LINKS, MARKS, RECORDS

_SMALL, _SHARE = 2_000, 8
"""The mirror is read anew where more than 2,000 companies, and more than an eighth of the book, changed."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a pull changed: the rows that hold other facts than before, with those they held; None for a new company.

    A row whose company is gone is dead from now on.
    """

    before: Mapping[int, Facts | None]
    dead: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Beside:
    """What facts depend on beside the records."""

    state: BookState
    teams: TeamsView | None
    under_way: frozenset[Ref]
    joined: Mapping[str, str] = field(default_factory=dict)


class LiveMirror:
    """The book of one mirror as one pack derives it; `now` is the instant of the last look at it.

    `facts` has a row for each company that the book ever held; those in `dead` are no more.
    """

    def __init__(self, context: Context, conn: Connection, pack: Pack, now: datetime) -> None:
        self._context = context
        self._zone = pack.zone
        self.now = now
        self.source: MirrorBook = read_book(context, conn, replace(pack, scoring=None, lifecycle=()), now)
        self.facts: list[Facts] = list(self.source.book.facts)
        self.dead: set[int] = set()
        self._rows = {each.key: row for row, each in enumerate(self.facts)}
        self._homes = {ref: each.key for each in self.facts for ref in each.refs}
        self._deals = accounts_of_deals(conn)
        self._open: dict[str, list[Record]] = defaultdict(list)
        for deal in self.source.open_opportunities:
            home = self._homes.get(Ref(deal.ref.system, Kind.ACCOUNT, deal.account)) if deal.account else None
            if home is not None:
                self._open[home].append(deal)
        self._dated = {each.key for each in self.facts if _is_dated(each)}
        self._closing = sorted(each for facts in self.facts for each in _closings_after(facts, now))
        self._beside = self._look(conn)

    def open_deals(self, companies: Iterable[str]) -> tuple[Record, ...]:
        """The opportunities of these companies that are not closed."""
        return tuple(deal for key in companies for deal in self._open.get(key, ()))

    def follow(self, conn: Connection, pack: Pack, now: datetime, users_now: Sequence[User]) -> Moved | None:
        """Bring the book up to what the mirror says now; None, with nothing changed, where it has to be read anew.

        `users_now` are all users of the mirror.
        """
        beside = self._look(conn)
        keys = self._changed(conn, beside, now, users_now)
        if keys is None:
            return None
        context, users = self._context, self.source.users
        companies = list(records_of(conn, keys, context.systems))
        view = ownership_among(context, conn, users, {each.key: each.accounts for each in companies})
        derivation = derivation_of(context, pack, now.date())
        found = {each.key: each for each in derive_book(companies, derivation, view, now)}
        moved = self._take(keys, found)
        for each in companies:
            self._open[each.key] = [deal for deal in each.opportunities if deal.fields.get("is_closed") != "true"]
            self._deals.update({deal.ref: deal.account for deal in each.opportunities})
        as_of, stale = freshness(context, conn)
        self.source = replace(self.source, as_of=as_of, stale=stale, followers=followers_of(context, conn, pack))
        self.now, self._beside = now, beside
        del self._closing[: bisect_right(self._closing, now, key=itemgetter(0))]
        return moved

    def _take(self, keys: Iterable[str], found: Mapping[str, Facts]) -> Moved:
        before: dict[int, Facts | None] = {}
        dead: set[int] = set()
        for key in sorted(keys):
            facts, row = found.get(key), self._rows.get(key)
            if row is not None and row not in self.dead:
                for ref in self.facts[row].refs:
                    if self._homes.get(ref) == key:
                        del self._homes[ref]
                before[row] = self.facts[row]
            self._dated.discard(key)
            self._open.pop(key, None)
            if facts is None:
                if row is not None and row not in self.dead:
                    dead.add(row)
                continue
            if row is None:
                row = self._rows[key] = len(self.facts)
                self.facts.append(facts)
                before[row] = None
            elif row in self.dead:
                self.dead.discard(row)
                before[row] = None
            self.facts[row] = facts
            if _is_dated(facts):
                self._dated.add(key)
            for closing in _closings_after(facts, self.now):
                place = bisect_left(self._closing, closing)
                if closing not in self._closing[place : place + 1]:
                    self._closing.insert(place, closing)
        for facts in found.values():
            self._homes.update(dict.fromkeys(facts.refs, facts.key))
        self.dead |= dead
        return Moved(before, frozenset(dead))

    def _look(self, conn: Connection) -> _Beside:
        """What facts depend on beside the records, as it is now."""
        context = self._context
        teams = mirror.teams(conn, System.SALESFORCE) if System.SALESFORCE in context.written_systems else None
        state = book_state(conn)
        known = getattr(self, "_beside", None)
        same = known is not None and known.state.versions.get(LINKS) == state.versions.get(LINKS)
        return _Beside(state, teams, outbox.open_refs(conn), known.joined if known and same else joined(conn))

    def _changed(self, conn: Connection, beside: _Beside, now: datetime, users_now: Sequence[User]) -> set[str] | None:
        """The companies whose facts may be others now; None where that cannot be told, or are too many."""
        context, before, most = self._context, self._beside, max(_SMALL, len(self.facts) // _SHARE)
        users = {user.ref: user for user in users_now if user.ref.system in context.systems}
        same_versions = all(
            before.state.versions.get(each) == beside.state.versions.get(each) for each in (RECORDS, MARKS, APPLIED)
        )
        if users != self.source.users or not same_versions or not follows(conn, before.state, beside.state):
            return None
        if mapped_roles(context.settings) or now < self.now:
            return None
        accounts = changed_since(conn, before.state.change, Kind.ACCOUNT, most)
        deals = changed_since(conn, before.state.change, Kind.OPPORTUNITY, most)
        teams = _other_teams(before.teams, beside.teams)
        if accounts is None or deals is None or teams is None:
            return None
        refs: set[Ref] = {*accounts, *teams, *(before.under_way ^ beside.under_way)}
        refs |= {Ref.parse(each) for each in owners_changed_since(conn, before.state.owner_change)}
        refs |= {
            Ref(deal.system, Kind.ACCOUNT, account)
            for deal, account in [
                *opportunities_of(conn, deals),
                *((deal, self._deals.get(deal)) for deal in deals),
            ]
            if account
        }
        refs = {ref for ref in refs if ref.kind is Kind.ACCOUNT}
        found = {home for ref in refs if (home := self._homes.get(ref)) is not None}
        found |= set(dossier.company_keys(conn, refs).values())
        if before.joined is not beside.joined:
            found |= _parted(before.joined, beside.joined)
        found |= self._expired(now)
        return found if len(found) <= most else None

    def _expired(self, now: datetime) -> set[str]:
        """The companies of which time may have changed what their deals come to."""
        if local_day(now, self._zone) != local_day(self.now, self._zone):
            return set(self._dated)
        first, last = (bisect_right(self._closing, each, key=itemgetter(0)) for each in (self.now, now))
        return {key for _, key in self._closing[first:last]} & self._dated


def _is_dated(facts: Facts) -> bool:
    return any(not each.is_open for each in facts.opportunities)


def _closings_after(facts: Facts, now: datetime) -> Iterator[tuple[datetime, str]]:
    """The instants ahead at which deals that are closed already will count as won or lost, and whose they are."""
    for deal in facts.opportunities:
        date = deal.values.get("close_date")
        if not deal.is_open and isinstance(date, datetime) and date > now:
            yield date, facts.key


def _other_teams(before: TeamsView | None, now: TeamsView | None) -> list[Ref] | None:
    """The accounts whose team is another; None where who can be seen at all changed."""
    if before is None or now is None:
        return [] if before is now else None
    if before.readable != now.readable:
        return None
    if before.members == now.members:
        return []
    ids = before.members.keys() | now.members.keys()
    differing = [each for each in ids if before.members.get(each) != now.members.get(each)]
    return [Ref(System.SALESFORCE, Kind.ACCOUNT, each) for each in differing]


def _parted(old: Mapping[str, str], new: Mapping[str, str]) -> set[str]:
    """The companies that lost or gained a record."""
    changed = dict(old.items() ^ new.items()).keys()
    return {home for ref in changed for home in (old.get(ref, ref), new.get(ref, ref))}
