"""The audit: what a first look at the CRMs finds, without a pack. Pure; each check is a function of the audit's book.

Checks of owners stand here, with the values that all checks share; those of the data stand in `audit_data`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from syncd.model.fields import FieldType
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref, System
from syncd.rules.facts import Facts, Value

EXAMPLES = 5
"""So many examples a finding has: those with the most money first."""
UNWORKED_AFTER = timedelta(days=90)
_FAIR_BOOK = 5
"""Who holds fewer accounts than this carries no book: managers and testers do not make the others look overloaded."""


@dataclass(frozen=True)
class AuditBook:
    """What is audited: companies, the records they are made of, open deals, and people.

    `deals` are open opportunities by ref with their amount in the reporting currency. `links` is the company's key of
    each account. `read` normalises a raw value of a field, so that two spellings of one value are no difference.
    """

    facts: tuple[Facts, ...]
    accounts: tuple[Record, ...]
    deals: tuple[Record, ...]
    users: Mapping[Ref, User]
    links: Mapping[Ref, str]
    fields: Mapping[str, FieldType]
    read: Callable[[str, str, str | None], Value | None]
    now: datetime
    shared_domains: frozenset[str] = frozenset()

    @cached_property
    def by_key(self) -> Mapping[str, Facts]:
        """The facts by company key."""
        return {facts.key: facts for facts in self.facts}

    def company_of(self, account: Ref) -> Facts | None:
        """The company that an account belongs to."""
        return self.by_key.get(self.links.get(account, str(account)))

    def user_of(self, system: System, owner: str | None) -> User | None:
        """The user of an owner's id."""
        return self.users.get(Ref(system, Kind.USER, owner)) if owner else None


@dataclass(frozen=True, slots=True)
class Example:
    """One record or company of a finding: how people call it, what is wrong with it, and its money."""

    ref: str
    name: str
    said: str
    money: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """What one check found: `count` of `of` things, the open pipeline and the year's wins of the companies concerned.

    `first` is the first thing to do. `groups` are parts of it (owners, fields, values), each with a count and money.
    """

    check: str
    title: str
    unit: str
    count: int
    of: int
    money: Decimal
    won: Decimal
    first: str
    examples: tuple[Example, ...] = ()
    groups: tuple[tuple[str, int, Decimal], ...] = field(default=())
    subject: str | None = None


def amount(facts: Facts, name: str) -> Decimal:
    """A number of a company, 0 where it has none."""
    value = facts.values.get(name)
    return value if isinstance(value, Decimal) else Decimal(0)


def called(facts: Facts) -> str:
    """What people call a company: its name, else its key."""
    seen = facts.seen.get("name")
    return seen.raw if seen is not None else facts.key


def money_of(companies: Iterable[Facts]) -> tuple[Decimal, Decimal]:
    """The open pipeline and the last twelve months' wins of companies, each company once."""
    once = {facts.key: facts for facts in companies}
    pipeline = sum((amount(facts, "open_pipeline") for facts in once.values()), Decimal(0))
    won = sum((amount(facts, "won_amount_12m") for facts in once.values()), Decimal(0))
    return pipeline, won


def examples_of(found: Iterable[Example]) -> tuple[Example, ...]:
    """The examples to show: the most money first."""
    return tuple(sorted(found, key=lambda each: (-each.money, each.name.casefold(), each.ref))[:EXAMPLES])


def grouped(pairs: Iterable[tuple[str, Facts]]) -> tuple[tuple[str, int, Decimal], ...]:
    """Counts and open pipeline by name, the largest count first."""
    counts: Counter[str] = Counter()
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for name, facts in pairs:
        counts[name] += 1
        sums[name] += amount(facts, "open_pipeline")
    return tuple((name, count, sums[name]) for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair)))


def owner_word(user: User | None, owner: str | None) -> str:
    """An owner as people know them."""
    if user is None:
        return f"user {owner}" if owner else "nobody"
    return user.email or user.name or user.ref.id


def inactive_owners(book: AuditBook) -> AuditFinding:
    """Accounts whose owner is an inactive user, or one that the CRM no longer shows."""
    found: list[tuple[Record, Facts, str, str]] = []
    for record in book.accounts:
        facts = book.company_of(record.ref)
        if facts is None or not record.owner:
            continue
        user = book.user_of(record.ref.system, record.owner)
        if user is None or not user.active:
            word = "cannot be seen any more" if user is None else "is inactive"
            found.append((record, facts, owner_word(user, record.owner), word))
    pipeline, won = money_of(facts for _, facts, _, _ in found)
    return AuditFinding(
        "inactive-owner",
        "Accounts whose owner has left",
        "accounts",
        len(found),
        len(book.accounts),
        pipeline,
        won,
        "Name a successor for each of these owners, the one with the most pipeline first; `plan` moves the accounts.",
        examples_of(
            Example(str(record.ref), called(facts), f"owner {who}, who {word}", amount(facts, "open_pipeline"))
            for record, facts, who, word in found
        ),
        grouped((who, facts) for _, facts, who, _ in found),
    )


def inactive_deal_owners(book: AuditBook) -> AuditFinding:
    """Open deals whose owner is an inactive user: nobody is told of their next step."""
    amounts = {deal.key: deal.values.get("amount") for facts in book.facts for deal in facts.opportunities}
    found: list[tuple[Record, Facts, str, Decimal]] = []
    for deal in book.deals:
        user = book.user_of(deal.ref.system, deal.owner)
        facts = book.company_of(Ref(deal.ref.system, Kind.ACCOUNT, deal.account)) if deal.account else None
        if facts is None or not deal.owner or (user is not None and user.active):
            continue
        value = amounts.get(str(deal.ref))
        found.append((deal, facts, owner_word(user, deal.owner), value if isinstance(value, Decimal) else Decimal(0)))
    counts: Counter[str] = Counter()
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for _, _, who, money in found:
        counts[who] += 1
        sums[who] += money
    return AuditFinding(
        "inactive-deal-owner",
        "Open deals whose owner has left",
        "deals",
        len(found),
        len(book.deals),
        sum(sums.values(), Decimal(0)),
        money_of(facts for _, facts, _, _ in found)[1],
        "Give these deals to the owner of their account today: a forecast that nobody works is no forecast.",
        examples_of(
            Example(str(deal.ref), deal.fields.get("name", str(deal.ref)), f"{who}, at {called(facts)}", money)
            for deal, facts, who, money in found
        ),
        tuple((who, counts[who], sums[who]) for who in sorted(counts, key=lambda each: (-sums[each], each))),
    )


def orphans(book: AuditBook) -> AuditFinding:
    """Accounts that no person owns: no owner at all, or a queue or a user who may not own accounts."""
    found: list[tuple[Record, Facts, str]] = []
    for record in book.accounts:
        facts = book.company_of(record.ref)
        if facts is None:
            continue
        user = book.user_of(record.ref.system, record.owner)
        if not record.owner:
            found.append((record, facts, f"no owner in {record.ref.system.value}"))
        elif user is not None and user.active and not user.eligible:
            found.append((record, facts, f"with {owner_word(user, record.owner)}, no person who may own accounts"))
    pipeline, won = money_of(facts for _, facts, _ in found)
    return AuditFinding(
        "orphan",
        "Accounts without an owner",
        "accounts",
        len(found),
        len(book.accounts),
        pipeline,
        won,
        "Write a catch-all territory with a triage pool, so that nothing stays without an owner for longer than a day.",
        examples_of(
            Example(str(record.ref), called(facts), said, amount(facts, "open_pipeline"))
            for record, facts, said in found
        ),
        grouped((said, facts) for _, facts, said in found),
    )


def owners_differ(book: AuditBook) -> AuditFinding:
    """Companies that both CRMs hold, with another owner in each."""
    both, found = 0, []
    for facts in book.facts:
        owners = {
            system: owner_word(book.user_of(system, owner), owner) for system, owner in sorted(facts.owner_ids.items())
        }
        both += len(owners) > 1
        if len({word.casefold() for word in owners.values()}) > 1:
            found.append((facts, ", ".join(f"{word} in {system.value}" for system, word in owners.items())))
    pipeline, won = money_of(facts for facts, _ in found)
    return AuditFinding(
        "owners-differ",
        "Companies with different owners in the two CRMs",
        "companies",
        len(found),
        both,
        pipeline,
        won,
        "Decide which CRM leads (`leading_system`) and whether the native sync writes owners (`owner_writer`).",
        examples_of(Example(facts.key, called(facts), said, amount(facts, "open_pipeline")) for facts, said in found),
        grouped((said, facts) for facts, said in found),
    )


def books_of(facts: Iterable[Facts]) -> dict[str, list[Facts]]:
    """Each active owner's companies, by e-mail."""
    held: dict[str, list[Facts]] = defaultdict(list)
    for each in facts:
        if each.current_owner is not None and each.owner_active:
            held[each.current_owner.email].append(each)
    return dict(held)


def imbalance(book: AuditBook) -> AuditFinding:
    """Active owners with far more accounts than their peers.

    Far more: over half as many again as the median of those who carry a book, and further from it than chance explains
    (three times the square root of the median).
    """
    held = {who: found for who, found in books_of(book.facts).items() if len(found) >= _FAIR_BOOK}
    median = _median([len(found) for found in held.values()])
    edge = max(1.5 * median, median + 3 * median**0.5)
    over = {who: found for who, found in held.items() if len(held) >= 3 and len(found) > edge}
    pipeline, won = money_of(facts for found in over.values() for facts in found)
    ordered = sorted(over, key=lambda who: (-len(over[who]), who))
    return AuditFinding(
        "imbalance",
        "Owners who carry far more accounts than their peers",
        "owners",
        len(over),
        len(held),
        pipeline,
        won,
        "Set `capacity` for these people and look at `balance` before the next assignment; cap new accounts at once.",
        examples_of(
            Example(who, who, f"{len(over[who]):,} accounts; the median is {median:,.0f}", money_of(over[who])[0])
            for who in ordered
        ),
        tuple((who, len(over[who]), money_of(over[who])[0]) for who in ordered),
    )


def unworked(book: AuditBook) -> AuditFinding:
    """Owned companies where nothing happened for 90 days and no deal is open; younger ones are left in peace."""
    since, found, owned = book.now - UNWORKED_AFTER, [], 0
    for facts in book.facts:
        if facts.current_owner is None or not facts.owner_active:
            continue
        owned += 1
        active, created = facts.values.get("last_activity_at"), facts.values.get("created_at")
        if isinstance(active, datetime) and active >= since:
            continue
        if amount(facts, "open_opportunities") or (isinstance(created, datetime) and created >= since):
            continue
        said = f"last activity {active:%Y-%m-%d}" if isinstance(active, datetime) else "no activity on record"
        found.append((facts, f"{facts.current_owner.email}, {said}"))
    pipeline, won = money_of(facts for facts, _ in found)
    return AuditFinding(
        "unworked",
        "Owned accounts that nobody works",
        "companies",
        len(found),
        owned,
        pipeline,
        won,
        "Ask each owner for the ten they keep; write `retrieve` so that the rest goes to people who will call them.",
        examples_of(Example(facts.key, called(facts), said, amount(facts, "won_amount_12m")) for facts, said in found),
        grouped((facts.current_owner.email, facts) for facts, _ in found if facts.current_owner is not None),
    )


def _median(numbers: Sequence[int]) -> float:
    ordered, half = sorted(numbers), len(numbers) // 2
    if not ordered:
        return 0.0
    return float(ordered[half]) if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
