"""From the mirror to the book that rules decide about: companies, who owns them, who may, and what was last applied."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from syncd.jobs.books.book_cache import book_cache, book_key
from syncd.jobs.books.freed_memory import give_back
from syncd.jobs.books.signals import Signals, read_signals
from syncd.jobs.books.written import Holders, held_fields, mapped_roles, written_fields
from syncd.jobs.context import Context
from syncd.jobs.mapping import field_order, follows, read_kinds
from syncd.model.normalisation import forget_texts
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref, System, long_salesforce_id
from syncd.planning.ownership import OwnershipHistory, person_changes, role_changes
from syncd.rules.collector import without_collector
from syncd.rules.derivation import CompanyRecords, Derivation, OwnershipView, derive_book
from syncd.rules.deriving.signals import with_signals
from syncd.rules.engine import Book
from syncd.rules.facts import Applied, Directory, Facts, Rep
from syncd.rules.matching.time_window import local_day, local_midnight
from syncd.rules.memory import Assignment, Memory, Retrieval
from syncd.rules.pack import Pack
from syncd.rules.scoring import graded
from syncd.store import companies, mirror, outbox, ownership, picking
from syncd.store.book_rows import book_records

_PRESENT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class MirrorBook:
    """The book, and what planning needs beside it.

    `signals` are the side tables that were joined to it,
    `followers` are the contacts and open tasks that may follow their account, `held` what the fields hold that syncd
    writes beside the owner.
    """

    book: Book
    open_opportunities: tuple[Record, ...]
    users: Mapping[Ref, User]
    as_of: Mapping[System, datetime]
    stale: frozenset[System]
    followers: tuple[Record, ...] = ()
    held: Mapping[Ref, Mapping[str, str]] = field(default_factory=dict)
    signals: Signals = field(default_factory=Signals)


def derivation_of(context: Context, pack: Pack, rates_on: date) -> Derivation:
    """How records become facts: the settings' field order and rates of a day, the pack's zone and defaults."""
    order, single = field_order(context.settings)
    rates = context.rates()
    return Derivation(
        catalogue=context.catalogue(),
        order=order,
        field_order=single,
        leading=System(context.settings.leading_system),
        money=rates.on(rates_on),
        zone=pack.zone,
        default_country=pack.default_country,
        fill_missing_country=pack.fill_missing_country,
        shared_domains=frozenset(context.settings.identity.shared_domains),
        rates=rates,
        pack_revision=pack.revision,
    )


def mirror_book(context: Context, pack: Pack, now: datetime) -> MirrorBook:
    """The whole mirror as a book, at `now`."""
    with context.store.read() as conn:
        return read_book(context, conn, pack, now)


def read_book(
    context: Context, conn: Connection, pack: Pack, now: datetime, *, rates_on: date | None = None
) -> MirrorBook:
    """The same inside a transaction of the caller's, so that a plan sees one state of the mirror.

    Amounts are converted by the rates of `now`, or of another day, but where a company is held to an older table.

    A system that is configured no longer has no say, though its records are still there: nobody reads it any more.
    """
    with without_collector():
        return _read_book(context, conn, pack, now, rates_on or now.date())


def _read_book(context: Context, conn: Connection, pack: Pack, now: datetime, rates_on: date) -> MirrorBook:
    users = {user.ref: user for user in mirror.users(conn) if user.ref.system in context.systems}
    contents: dict[Ref, str] = {}
    opportunities, still_open = _deals(context, conn, contents)
    members: dict[str, list[Record]] = defaultdict(list)
    links = companies.links(conn)
    for system in context.systems:
        for record, content in book_records(conn, system, Kind.ACCOUNT):
            members[links.get(record.ref, str(record.ref))].append(record)
            contents[record.ref] = content
    view = _ownership(context, conn, users, members, links)
    fields = written_fields(context.settings)
    held = held_fields((account for found in members.values() for account in found), fields)
    holders = Holders.of(context.settings, users)
    records = _companies(members, opportunities, contents, holders)
    derivation, signals = derivation_of(context, pack, rates_on), read_signals(context, conn, pack.zone)
    derived = _derived(context, derivation, records, view, holders, now)
    facts = tuple(graded(pack, with_signals(derived, signals.tables, derivation.reader()), now))
    known, stale = freshness(context, conn)
    directory = directory_of(users.values(), pack, context.written_systems)
    book = Book(facts, directory, memory=memory_of(conn, pack, now))
    return MirrorBook(book, tuple(still_open), users, known, stale, followers_of(context, conn, pack), held, signals)


def freshness(context: Context, conn: Connection) -> tuple[Mapping[System, datetime], frozenset[System]]:
    """When each system's mirror was last complete, and the systems whose mirror is stale or never was."""
    status = mirror.mirror_status(conn, counted=False)
    as_of = {system: status[system].as_of for system in context.systems if system in status}
    known = {system: instant for system, instant in as_of.items() if instant is not None}
    clock = context.clock.now()  # as of another instant the mirror is no older than it is
    stale = frozenset(
        system for system in context.systems if system not in known or clock - known[system] > context.stale_after
    )
    return known, stale


def _deals(
    context: Context, conn: Connection, contents: dict[Ref, str]
) -> tuple[dict[Ref, list[Record]], Sequence[Record]]:
    """The opportunities by account, and those that are not closed; what each says is put into `contents`."""
    opportunities: dict[Ref, list[Record]] = defaultdict(list)
    still_open: list[Record] = []
    for system in context.systems:
        for record, content in book_records(conn, system, Kind.OPPORTUNITY):
            contents[record.ref] = content
            if record.account:
                opportunities[Ref(system, Kind.ACCOUNT, record.account)].append(record)
            if record.fields.get("is_closed") != "true":
                still_open.append(record)
    return opportunities, still_open


def _companies(
    members: dict[str, list[Record]],
    opportunities: dict[Ref, list[Record]],
    contents: dict[Ref, str],
    holders: Holders,
) -> Iterator[CompanyRecords]:
    """The records of each company, in the order of their keys; they are let go one company after the other."""
    for key in sorted(members):
        accounts = members.pop(key)
        deals = tuple(deal for account in accounts for deal in opportunities.pop(account.ref, ()))
        refs = (record.ref for records in (accounts, deals) for record in records)
        content = tuple(text for ref in refs for text in (ref.system.value, ref.id, contents.pop(ref)))
        yield CompanyRecords(key, holders.told(accounts), deals, content)


def _derived(
    context: Context,
    derivation: Derivation,
    records: Iterable[CompanyRecords],
    view: OwnershipView,
    holders: Holders,
    now: datetime,
) -> Iterable[Facts]:
    """The facts; those of companies that are as they were come from the state folder, where the settings name one."""
    cache = book_cache(context.settings, context.log)
    if cache is None:
        facts = tuple(derive_book(records, derivation, view, now))
        _let_go()
        return facts
    key = book_key(derivation, view.users.values(), (sorted(holders.roles.items()), holders.order))
    known = cache.find(key)
    facts = tuple(derive_book(records, derivation, view, now, known=known))
    _let_go()
    if abs(now - context.clock.now()) < _PRESENT:  # what holds at another instant would only push out what holds now
        cache.keep(key, known, (each.key for each in facts))
    return facts


def _let_go() -> None:
    """What deriving remembered of texts: those who come next compare values."""
    forget_texts()
    give_back()


def followers_of(context: Context, conn: Connection, pack: Pack) -> tuple[Record, ...]:
    """The contacts and open tasks of accounts, of kinds that the pack lets follow; none is read where none may."""
    words = {Kind.CONTACT: pack.cascade.contacts, Kind.TASK: pack.cascade.open_tasks}
    return tuple(
        record
        for system in context.systems
        for kind in read_kinds(context.settings, system)
        if words.get(kind, "stay") != "stay"
        for record in mirror.records(conn, system, kind)
        if record.account and record.fields.get("is_closed") != "true" and follows(context.settings, record)
    )


def memory_of(conn: Connection, pack: Pack, now: datetime) -> Memory:
    """What receipts charged: rotations, the accounts given since the week began, and retrievals."""
    today = local_day(now, pack.zone)
    monday = local_midnight(today - timedelta(days=today.weekday()), pack.zone)
    return Memory(
        rotations=picking.rotations(conn),
        assignments=tuple(
            Assignment(row.role, row.owner, row.territory, row.at) for row in picking.assignments_since(conn, monday)
        ),
        retrievals={
            company: Retrieval(
                row.noticed_at, row.noticed_owner, row.retrieved_at, row.from_owner, row.to_owner, row.territory
            )
            for company, row in picking.retrievals(conn).items()
        },
    )


def _ownership(
    context: Context,
    conn: Connection,
    users: Mapping[Ref, User],
    members: Mapping[str, list[Record]],
    links: Mapping[Ref, str],
) -> OwnershipView:
    changes = ownership.owner_changes(conn)
    history = OwnershipHistory(ownership.marks(conn), changes, outbox.open_refs(conn))
    accounts = [account for found in members.values() for account in found]
    applied = {
        company: {
            role: Applied(row.territory, row.owner, row.at, row.pack_revision, row.rates_as_of, row.amounts)
            for role, row in roles.items()
        }
        for company, roles in ownership.applied(conn).items()
    }
    changed_at = {
        company: max(instants)
        for company, accounts in members.items()
        if (instants := [changes[account.ref].at for account in accounts if account.ref in changes])
    }
    return OwnershipView(
        users=users,
        applied=applied,
        person_changes=person_changes(accounts, links, history),
        owner_changed_at=changed_at,
        team_holds=_team_holds(context, conn, members),
        role_changes=role_changes(
            accounts,
            links,
            [
                OwnershipHistory(
                    ownership.marks(conn, field=role),
                    ownership.owner_changes(conn, field=role),
                    outbox.open_refs(conn, role),
                    role,
                )
                for role in mapped_roles(context.settings)
            ],
        ),
    )


def _team_holds(context: Context, conn: Connection, members: Mapping[str, list[Record]]) -> dict[str, str]:
    if System.SALESFORCE not in context.written_systems:
        return {}
    return team_holds(mirror.teams(conn, System.SALESFORCE), members)


def team_holds(teams: mirror.TeamsView, members: Mapping[str, Sequence[Record]]) -> dict[str, str]:
    """Companies whose Salesforce owner cannot be changed without losing an account team (salesforce.md 3.4)."""
    holds: dict[str, str] = {}
    for company, accounts in members.items():
        for account in accounts:
            if account.ref.system is not System.SALESFORCE:
                continue
            if not teams.readable:
                holds[company] = "may have a team that cannot be read"
            elif (team := teams.members.get(account.ref.id)) and not team.restorable:
                count = len(team.members)
                holds[company] = f"has {count} team member{'s' if count != 1 else ''} whom we may not put back"
    return holds


def directory_of(users: Iterable[User], pack: Pack, written: frozenset[System]) -> Directory:
    """Everybody by e-mail, across the systems; a pack's `salesforce:` and `hubspot:` on a rep win over the e-mail.

    Of several users of one system with one e-mail those count that may own accounts: portal and service users often
    have a person's e-mail. Two such are ambiguous.
    """
    by_email: dict[str, list[User]] = defaultdict(list)
    by_name: dict[tuple[System, str], User] = {}
    for user in users:
        if user.email:
            by_email[user.email].append(user)
        by_name[user.ref.system, user.ref.id] = user
        if user.login:
            by_name[user.ref.system, user.login.lower()] = user
    reps: dict[str, Rep] = {}
    ambiguous: set[str] = set()
    for email in sorted(set(by_email) | set(pack.reps)):
        chosen: dict[System, User] = {}
        for system in System:
            named = getattr(pack.reps.get(email), system.value, None)
            if named:
                name = long_salesforce_id(named) if system is System.SALESFORCE else named
                match = by_name.get((system, name)) or by_name.get((system, named.lower()))
                found = [match] if match else []
            else:
                found = _likeliest([user for user in by_email.get(email, ()) if user.ref.system is system])
                if sum(user.active and user.eligible for user in found) > 1:
                    ambiguous.add(email)
            if found:
                chosen[system] = min(found, key=lambda user: user.ref)
        if chosen:
            reps[email] = Rep(
                email,
                next(iter(chosen.values())).name,
                {system: user.ref.id for system, user in chosen.items()},
                frozenset(system for system, user in chosen.items() if user.active),
                frozenset(system for system, user in chosen.items() if user.eligible),
            )
    return Directory(reps, written, False, frozenset(ambiguous))


def _likeliest(namesakes: list[User]) -> list[User]:
    """Of one system's users with one e-mail: those that may own accounts, else those that are active, else all."""
    active = [user for user in namesakes if user.active]
    return [user for user in active if user.eligible] or active or namesakes
