"""A pack as its readers look at it: each territory in sentences, then exceptions, people and limits. Renders nothing.

Everything is said from the loaded pack, so that a page can never say what the engine does not do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from syncd.model.normalisation.titles import country_title
from syncd.report.packs.condition_prose import Words, amount, called, clauses, joined, span
from syncd.report.packs.pack_sections import (
    HOW,
    exceptions,
    grades,
    limits,
    lists,
    people,
    pools,
    routing,
    segments,
    several,
    where,
)
from syncd.report.wording import counted, plain
from syncd.rules.pack import (
    Cap,
    Effective,
    NoOwners,
    Owners,
    OwnersByEmail,
    OwnersByLookup,
    OwnersByPair,
    OwnersByPool,
    OwnersByQueue,
    Pack,
    Territory,
    Unassigned,
)

_PER = {"year": "fiscal year", "quarter": "fiscal quarter", "month": "month"}
_MEASURES = {
    "accounts": "the number of accounts",
    "open_pipeline": "open pipeline",
    "won_amount_12m": "what was won in the last 12 months",
    "annual_revenue": "the accounts' annual revenue",
    "score": "the accounts' scores",
}


_BEGINNINGS = ("a member", "nobody", "one of", "the ", "whoever")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with paragraphs and points below it."""

    title: str
    points: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TerritoryView:
    """One territory: who is in it (clauses that must all hold), who gets it, and what else is said of it."""

    name: str
    path: str
    place: str
    who: tuple[str, ...]
    gets: str
    more: tuple[str, ...]
    note: str | None = None
    children: tuple[TerritoryView, ...] = field(default=())

    def walk(self) -> Iterator[TerritoryView]:
        """This one and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class PackView:
    """The whole pack: `roles` are the trees by role, the owner's first."""

    name: str
    revision: str
    facts: tuple[str, ...]
    roles: tuple[tuple[str, tuple[TerritoryView, ...]], ...]
    sections: tuple[Section, ...]

    @property
    def count(self) -> int:
        """How many territories there are, of all roles."""
        return sum(1 for _, roots in self.roles for root in roots for _ in root.walk())


def pack_view(pack: Pack, *, currency: str) -> PackView:
    """The pack in sentences; amounts are in `currency`, which the settings report in."""
    words = Words(currency, {name: len(each.entries) for name, each in pack.lists.items()})
    roles = sorted(pack.roles, key=lambda role: role != "owner")
    sections = (
        Section("Segments", tuple(segments(pack, words))),
        Section("Exceptions", tuple(exceptions(pack, words))),
        Section("Scores and stages", tuple(grades(pack, words))),
        Section("Leads", tuple(routing(pack))),
        Section("Limits", tuple(limits(pack, currency))),
        Section("Pools", tuple(pools(pack))),
        Section("People", tuple(people(pack))),
        Section("Lists", tuple(lists(pack))),
    )
    return PackView(
        plain(pack.name),
        pack.revision,
        tuple(_facts(pack)),
        tuple((role, tuple(_territory(root, pack, words) for root in pack.roles[role])) for role in roles),
        tuple(section for section in sections if section.points),
    )


def _facts(pack: Pack) -> Iterator[str]:
    count = sum(1 for role in pack.roles for _ in pack.territories(role))
    territories, tests = counted(count, "territory", "territories"), counted(len(pack.tests), "test")
    yield f"{territories}, {tests}, time zone {pack.zone.key}."
    yield (
        "Territories are tried from top to bottom; the first whose conditions hold is entered, and the deepest one"
        " entered takes the account."
    )
    yield "An account that one of a territory's people owns already stays with them, unless the territory says else."
    if pack.default_country is not None:
        country = plain(country_title(pack.default_country))
        yield f"A state that a rule names without its country is one of {country}."
        if pack.fill_missing_country:
            yield f"An account with a state or a postal code and no country is read as one of {country}."
    if pack.manage is not None or pack.manage_from is not None:
        which = joined(pack.manage) if pack.manage is not None else "all territories"
        since = f" from {pack.manage_from}" if pack.manage_from is not None else ""
        yield f"Changes are written in {which}{since} only; the rest is planned and reported."
    cascade = pack.cascade
    moved = {"open opportunities": cascade.open_opportunities, "contacts": cascade.contacts}
    moved |= {"open tasks": cascade.open_tasks, "leads": cascade.leads}
    follow = [name for name, word in moved.items() if word != "stay"]
    yield (
        f"When an account moves, its {joined(follow)} follow." if follow else "When an account moves, nothing follows."
    )
    if pack.respect_people_for is not None:
        yield f"A change that a person made by hand is left alone for {span(pack.respect_people_for)}."
    for role in sorted(pack.cleared_roles):
        yield f"Of the role {plain(role)}: an account that none of its territories takes loses whoever has it."
    if pack.write:
        yield f"Also written to the CRM: {joined(pack.write)}."


def _territory(territory: Territory, pack: Pack, words: Words) -> TerritoryView:
    return TerritoryView(
        name=territory.name,
        path=territory.path,
        place=where(territory.place),
        who=tuple(clauses(territory.when, words)),
        gets=_gets(territory, pack),
        more=tuple(_options(territory, pack)),
        note=plain(territory.note) if territory.note else None,
        children=tuple(_territory(child, pack, words) for child in territory.children),
    )


def _gets(territory: Territory, pack: Pack) -> str:
    """Who gets the accounts of a territory, and how one of several is picked."""
    owners = territory.owners
    rest = "Accounts that none of the territories below takes: " if territory.children else ""
    match owners:
        case NoOwners():
            return "Nobody itself: each account goes on to one of the territories below."
        case Unassigned():
            said = "nobody. The owner stays as it is, and the account is listed as unassigned"
        case OwnersByEmail(members) if len(members) == 1:
            said = f"{plain(members[0])}"
        case _:
            picked = _picked(territory, pack)
            said = _owners(owners, pack) + (f": {picked}" if picked else "")
    if not rest and said.startswith(_BEGINNINGS):
        said = said[0].upper() + said[1:]
    return f"{rest}{said}."


def _owners(owners: Owners, pack: Pack) -> str:
    match owners:
        case OwnersByEmail(members):
            return f"one of {several(members)}" if len(members) > 1 else joined(map(plain, members))
        case OwnersByPool(name):
            pool = pack.pools.get(name)
            size = f" ({counted(len(pool.members), 'member')})" if pool is not None else ""
            return f"a member of the pool “{name}”{size}"
        case OwnersByLookup(file, key, column, table):
            entries = counted(len(table), "entry", "entries")
            return f"the {plain(column)} that {plain(file)} names for the account's {called(key)} ({entries})"
        case OwnersByPair(role, file, _, table):
            return f"whoever {plain(file)} pairs with its {role} ({len(table):,} pairs)"
        case OwnersByQueue(queue):
            return f"the queue “{plain(queue)}”"
        case Unassigned():
            return "nobody"
        case NoOwners():
            return "one of the territories below"


def _picked(territory: Territory, pack: Pack) -> str:
    owners = territory.owners
    if isinstance(owners, OwnersByLookup | OwnersByPair | OwnersByQueue):
        return ""
    pool = pack.pools.get(owners.pool) if isinstance(owners, OwnersByPool) else None
    several = len(pool.members) > 1 if pool is not None else isinstance(owners, OwnersByEmail)
    method = territory.assign or (pool.assign if pool is not None else None) or ("balanced" if several else "first")
    said = HOW.get(method, f"by `{method}`")
    if method == "balanced":
        said += f", measured by {_MEASURES.get(territory.balance_by, territory.balance_by)}"
    return f"{said} ({method})"


def _options(territory: Territory, pack: Pack) -> Iterator[str]:
    if not territory.keep:
        yield "Owning the account already is not enough: an account that arrives is given out anew."
    if territory.cap is not None:
        yield f"Limit: {_cap(territory.cap)}."
    if territory.overflow is not None:
        yield f"If none of them can take it: {_owners(territory.overflow, pack)}."
    if territory.follow_parent:
        yield "A child account takes the owner of its ultimate parent."
    if territory.leeway is not None:
        share = amount(territory.leeway * 100)
        yield f"An account that is here already stays while its numbers are within {share} % of the edges above."
    if territory.effective is not None:
        yield f"In effect {_window(territory.effective)} only; outside it this territory and all below are skipped."
    if territory.quota is not None:
        quota = territory.quota
        yield f"Quota: {amount(quota.amount)} {quota.currency} for each {_PER[quota.per]}."
    if territory.was is not None:
        yield f"It was called “{territory.was}” before."
    if territory.labels:
        yield (
            "Labels: "
            + joined(f"{plain(name)} {plain(value)}" for name, value in sorted(territory.labels.items()))
            + "."
        )


def _cap(cap: Cap) -> str:
    parts = [f"at most {counted(cap.total, 'account')} for each person"] if cap.total is not None else []
    parts += [f"{cap.day:,} new ones a day"] if cap.day is not None else []
    parts += [f"{cap.week:,} new ones a week"] if cap.week is not None else []
    parts += [f"{most:,} in band {band}" for band, most in sorted(cap.band.items())]
    return joined(parts)


def _window(effective: Effective) -> str:
    since = f"from {effective.from_}" if effective.from_ is not None else ""
    until = f"until {effective.until}" if effective.until is not None else ""
    return f"{since} {until}".strip()
