"""The audit's checks of the data: duplicates, parts of the market that nobody covers, and the quality of each field."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from syncd.model.fields import FieldType
from syncd.model.normalisation import domain
from syncd.model.normalisation.company_names import company_name_key
from syncd.model.records import Record
from syncd.model.refs import System
from syncd.planning.aids.audit import (
    AuditBook,
    AuditFinding,
    Example,
    amount,
    called,
    examples_of,
    grouped,
    imbalance,
    inactive_deal_owners,
    inactive_owners,
    money_of,
    orphans,
    owners_differ,
    unworked,
)
from syncd.planning.aids.measures import Share
from syncd.rules.facts import Facts

CORE_FIELDS = ("country", "state", "industry", "employees", "annual_revenue", "domain", "last_activity_at")
"""Fields that are looked at although no account may have a value: most rules need one of them."""
_ALSO_READ = frozenset(
    {FieldType.PICKLIST, FieldType.NUMBER, FieldType.MONEY, FieldType.POSTAL_CODE, FieldType.BOOLEAN}
)
_NOT_READ = frozenset({"crm_lifecycle", "crm_score", "score", "lifecycle", "band", "children"})
_COUNTRY = re.compile(r"[A-Z]{2}")
_STATE = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")
_SMALLEST_GROUP = 10
_SIZES = ((50, "fewer than 50"), (200, "50 to 199"), (1000, "200 to 999"))


def audit(book: AuditBook) -> tuple[AuditFinding, ...]:
    """What every check found, those that found nothing too: of owners first, then of the data, fields last."""
    owners = (inactive_owners, inactive_deal_owners, orphans, owners_differ, unworked, imbalance)
    return (*(check(book) for check in owners), coverage(book), duplicates(book), *field_quality(book))


def size_of(facts: Facts) -> str | None:
    """The size of a company in words, None where its number of employees is missing."""
    employees = facts.values.get("employees")
    if not isinstance(employees, Decimal):
        return None
    return next((word for edge, word in _SIZES if employees < edge), "1,000 and more")


def segments_of(facts: Facts) -> Iterator[tuple[str, str]]:
    """The parts of the market that a company is in, each a dimension and a value as people read it."""
    for name in ("country", "state", "industry", "segment"):
        value, seen = facts.values.get(name), facts.seen.get(name)
        if isinstance(value, str):
            yield name, value if name in ("country", "state") or seen is None else " ".join(seen.raw.split())
    size = size_of(facts)
    if size is not None:
        yield "employees", size


def coverage(book: AuditBook) -> AuditFinding:
    """Parts of the market whose companies have far more often no active owner than companies have in general."""
    bare = {facts.key for facts in book.facts if not facts.owner_active}
    usual = len(bare) / len(book.facts) if book.facts else 0.0
    parts: dict[tuple[str, str], list[Facts]] = defaultdict(list)
    spelled: dict[tuple[str, str], str] = {}
    for facts in book.facts:
        for name, word in segments_of(facts):
            spelled.setdefault((name, word.casefold()), word)
            parts[name, word.casefold()].append(facts)
    gaps: list[tuple[str, list[Facts], int]] = []
    for key, members in parts.items():
        without = [facts for facts in members if facts.key in bare]
        ends = Share(len(without), len(members)).interval
        if len(members) >= _SMALLEST_GROUP and ends is not None and ends[0] > max(2 * usual, 0.3):
            gaps.append((f"{key[0]} {spelled[key]}", without, len(members)))
    gaps.sort(key=lambda gap: (-len(gap[1]), gap[0]))
    told, kept = set[str](), list[tuple[str, list[Facts], int]]()
    for gap in gaps:  # a city of a country that is a gap itself says nothing new
        new = [facts for facts in gap[1] if facts.key not in told]
        if len(new) * 10 > len(gap[1]):
            kept.append(gap)
            told.update(facts.key for facts in gap[1])
    concerned = [facts for facts in book.facts if facts.key in told]
    named = {name.casefold() for name, _, _ in kept}
    pipeline, won = money_of(concerned)
    return AuditFinding(
        "coverage",
        "Parts of the market that nobody covers",
        "companies",
        len(concerned),
        len(book.facts),
        pipeline,
        won,
        "Name somebody for each of these parts, if only a triage pool: new accounts there have no owner either.",
        examples_of(
            Example(facts.key, called(facts), _where(facts, named), amount(facts, "open_pipeline"))
            for facts in concerned
        ),
        tuple((f"{name} ({size:,} in all)", len(found), money_of(found)[0]) for name, found, size in kept),
    )


def _where(facts: Facts, gaps: Container[str]) -> str:
    """The gaps that a company is in, in words."""
    inside = (f"{name} {word}" for name, word in segments_of(facts))
    return ", ".join(part for part in inside if part.casefold() in gaps)


def duplicates(book: AuditBook) -> AuditFinding:
    """Accounts of one CRM that share a domain, or a name and country, and are not parent and child."""
    sets: dict[tuple[System, str], list[Record]] = defaultdict(list)
    for record in book.accounts:
        web = record.fields.get("domain") or record.fields.get("website")
        site = domain(web, book.shared_domains) if web else None
        if site:
            sets[record.ref.system, f"domain {site}"].append(record)
            continue
        name = company_name_key(record.fields.get("name", ""))
        country = record.fields.get("country", "").strip().casefold()
        if name and country:
            sets[record.ref.system, f"name {name} in {country}"].append(record)
    found: list[tuple[Record, Facts, str]] = []
    groups: list[tuple[str, list[Facts], int]] = []
    for (system, why), members in sorted(sets.items(), key=lambda pair: (pair[0][0].value, pair[0][1])):
        alike = _unrelated(members)
        if len(alike) < 2:
            continue
        pairs = [(record, facts) for record in alike if (facts := book.company_of(record.ref)) is not None]
        found += [(record, facts, f"{len(alike)} accounts in {system.value} with the {why}") for record, facts in pairs]
        groups.append((f"{why} ({system.value})", [facts for _, facts in pairs], len(alike)))
    pipeline, won = money_of(facts for _, facts, _ in found)
    groups.sort(key=lambda group: (-group[2], group[0]))
    return AuditFinding(
        "duplicate",
        "Accounts that may be one company twice",
        "accounts",
        len(found),
        len(book.accounts),
        pipeline,
        won,
        "Merge the pairs with open deals on both sides first, in the CRM; set the parent where they are a family.",
        examples_of(
            Example(str(record.ref), called(facts), said, amount(facts, "open_pipeline"))
            for record, facts, said in found
        ),
        tuple((name, count, money_of(companies)[0]) for name, companies, count in groups),
    )


def _unrelated(members: list[Record]) -> list[Record]:
    """Those that are neither parent nor child of another of them, nor children of one parent."""
    ids = {record.ref.id for record in members}
    parents = Counter(record.account for record in members if record.account)
    family = {record.account for record in members if record.account in ids}
    return [
        record
        for record in members
        if record.ref.id not in family and record.account not in ids and parents[record.account or ""] < 2
    ]


def field_quality(book: AuditBook) -> Iterator[AuditFinding]:
    """For each field that rules might read: how many companies miss it, cannot be read, or differ between the CRMs."""
    filled = {name for facts in book.facts for name in facts.seen}
    names = [name for name in CORE_FIELDS if name in book.fields]
    names += sorted(
        name
        for name, type_ in book.fields.items()
        if name in filled and name not in names and type_ in _ALSO_READ and name not in _NOT_READ
    )
    stated = _with_states(book)
    for name in names:
        yield _quality(book, name, stated)


def _with_states(book: AuditBook) -> frozenset[str]:
    """The countries where at least half of the companies have a state: in the others a missing one is no gap."""
    counts: dict[str, list[bool]] = defaultdict(list)
    for facts in book.facts:
        country = facts.values.get("country")
        if isinstance(country, str):
            counts[country].append("state" in facts.seen)
    return frozenset(country for country, told in counts.items() if 2 * sum(told) >= len(told))


def _quality(book: AuditBook, name: str, stated: frozenset[str]) -> AuditFinding:
    missing, unreadable, differing = list[Facts](), list[tuple[Facts, str]](), list[tuple[Facts, str]]()
    of = 0
    for facts in book.facts:
        seen = facts.seen.get(name)
        if name == "state" and facts.values.get("country") not in stated and seen is None:
            continue
        of += 1
        if seen is None:
            missing.append(facts)
        elif _unreadable(facts, name, book.fields[name], book.now):
            unreadable.append((facts, seen.raw))
        elif seen.others and (told := _other_value(book, facts, name)):
            differing.append((facts, told))
    pairs = [("missing", facts) for facts in missing]
    pairs += [("cannot be read", facts) for facts, _ in unreadable]
    pairs += [("differs between the CRMs", facts) for facts, _ in differing]
    pipeline, won = money_of(facts for _, facts in pairs)
    said = [(facts, f"cannot be read: {raw!r}") for facts, raw in unreadable] + differing
    said += [(facts, "missing") for facts in missing] if not said else []
    return AuditFinding(
        "data-quality",
        f"Data quality of {name}",
        "companies",
        len(pairs),
        of,
        pipeline,
        won,
        _first_for(name, missing=len(missing), unreadable=len(unreadable), differing=len(differing)),
        examples_of(Example(facts.key, called(facts), text, amount(facts, "open_pipeline")) for facts, text in said),
        grouped(pairs),
        subject=name,
    )


def _unreadable(facts: Facts, name: str, type_: FieldType, now: datetime) -> bool:
    value = facts.values.get(name)
    if value is None:
        return True
    if name == "last_activity_at" and isinstance(value, datetime):
        return value > now  # an activity that is still to come says nothing of the past
    if isinstance(value, str) and type_ is FieldType.COUNTRY:
        return _COUNTRY.fullmatch(value) is None
    return isinstance(value, str) and type_ is FieldType.STATE and _STATE.fullmatch(value) is None


def _other_value(book: AuditBook, facts: Facts, name: str) -> str | None:
    """What the CRMs say where they do not mean the same; None where they do, or where one cannot be read."""
    seen, country = facts.seen[name], facts.values.get("country")
    where = country if isinstance(country, str) else None
    for system, raw in seen.others:
        other = book.read(name, raw, where)
        if other is not None and other != facts.values.get(name):
            first = seen.system.value if seen.system is not None else "here"
            return f"{seen.raw} in {first}, {raw} in {system.value}"
    return None


def _first_for(name: str, **counts: int) -> str:
    worst = max(counts, key=lambda kind: counts[kind])
    if not counts[worst]:
        return f"Nothing to do: rules may rely on {name}."
    advice: Mapping[str, str] = {
        "missing": f"Fill {name} from an enrichment source before a rule relies on it, or write what `missing` means.",
        "unreadable": f"Make {name} a picklist in the CRM; until then a rule sees these values as text or as missing.",
        "differing": f"Decide whose {name} counts (`fields_from` in the settings), and mend the other CRM.",
    }
    return advice[worst]
