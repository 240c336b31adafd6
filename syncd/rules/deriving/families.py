"""Families: what a company's fields say about its parents and children, all companies of the book together.

A parent that the book does not hold still joins its children. A ring of parents is one family; its head is the company
with the smallest key. Knows only facts, no systems or settings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from syncd.rules.deriving.field_values import id_value
from syncd.rules.deriving.opportunity_facts import counted, total
from syncd.rules.facts import Facts, Value

FAMILY_FIELDS = frozenset(
    {"ultimate_parent", "children", "family_employees", "family_open_pipeline", "has_customer_parent"}
)


@dataclass(frozen=True, slots=True)
class _Head:
    """The top of a company's line of parents, and whether a company above it was ever a customer.

    `known` is the highest one that the book holds, None above it; `ring` are the companies of a ring that ends it.
    """

    key: str
    below_customer: bool
    known: str | None
    ring: tuple[str, ...] = ()


def join_families(book: Iterable[Facts]) -> Iterator[Facts]:
    """The same facts, in the same order, with the fields that need the whole book.

    Fields that were given (they stand in `seen`) stay as they are.
    """
    companies = tuple(book)
    by_key = {facts.key: facts for facts in companies}
    known = _keys_by_id(by_key) if any(_names_another(facts) for facts in companies) else {}
    parents = _parents(companies, known)
    heads = _heads(parents, by_key)
    lines = _lines(companies, known, parents)
    tops = heads if lines is parents else _heads(lines, by_key)
    members: dict[str, list[Facts]] = defaultdict(list)
    children: dict[str, int] = defaultdict(int)
    for key, facts in by_key.items():
        members[heads[key].key].append(facts)
        if key in parents:
            children[parents[key]] += 1
    sums = {head: _sums(family) for head, family in members.items()}
    for facts in companies:
        head, top = heads[facts.key], tops[facts.key]
        values = dict(facts.values)
        found: dict[str, Value | None] = {
            "ultimate_parent": id_value(_ids(by_key[head.key])) if head.key in by_key else head.key,
            "children": counted(children.get(facts.key, 0)),
            "has_customer_parent": head.below_customer,
            **sums[head.key],
        }
        for name, value in found.items():
            if value is not None and name not in facts.seen:
                values[name] = value
        yield replace(
            facts,
            values=values,
            head=top.known if top.known != facts.key or facts.key in top.ring else None,
            notes=(*facts.notes, *_ring_note(facts.key, top)) if top.ring else facts.notes,
        )


def _ring_note(key: str, top: _Head) -> tuple[str, ...]:
    if key not in top.ring:
        return ()
    shown = ", ".join(top.ring[:5]) + (" …" if len(top.ring) > 5 else "")
    return (f"its parents form a ring ({shown}), of which {top.key} counts as the top",)


def _sums(family: list[Facts]) -> dict[str, Value]:
    return {
        "family_employees": total(each.values.get("employees") for each in family),
        "family_open_pipeline": total(each.values.get("open_pipeline") for each in family),
    }


def _ids(facts: Facts) -> Iterator[str]:
    """Every id that another record may name a company by."""
    if facts.refs:
        yield from (ref.id for ref in facts.refs)
    else:
        yield from facts.accounts
    for name in ("salesforce_id", "hubspot_id"):
        value = facts.values.get(name)
        if isinstance(value, frozenset):
            yield from value
        elif isinstance(value, str):
            yield value


def _keys_by_id(by_key: Mapping[str, Facts]) -> dict[str, str]:
    """The company key by every id that a record may name it by."""
    known: dict[str, str] = {}
    for key in sorted(by_key):
        for each in _ids(by_key[key]):
            found = id_value((each,))
            if isinstance(found, str):
                known.setdefault(found, key)
    return known


def _names_another(facts: Facts) -> bool:
    return "parent" in facts.values or "ultimate_parent" in facts.values


def _parents(companies: tuple[Facts, ...], known: Mapping[str, str]) -> dict[str, str]:
    """The parent's key by company key; an id that the book does not know stands for itself."""
    named = ((facts.key, _named(facts.values.get("parent"), known)) for facts in companies)
    return {key: parent for key, parent in named if parent is not None and parent != key}


def _named(value: Value | None, known: Mapping[str, str]) -> str | None:
    """The company that ids name: its key, or the first id where the book knows none of them."""
    ids = sorted(value) if isinstance(value, frozenset) else [value] if isinstance(value, str) else []
    return next((known[each] for each in ids if each in known), ids[0] if ids else None)


def _lines(companies: tuple[Facts, ...], known: Mapping[str, str], parents: Mapping[str, str]) -> Mapping[str, str]:
    """Who stands above whom where owners follow: the parent, or the ultimate parent where that was given."""
    given = {
        facts.key: _named(facts.values.get("ultimate_parent"), known)
        for facts in companies
        if "ultimate_parent" in facts.seen
    }
    if not given:
        return parents
    lines = {**parents, **{key: top for key, top in given.items() if top is not None}}
    return {key: above for key, above in lines.items() if above != key}


def _heads(parents: Mapping[str, str], by_key: Mapping[str, Facts]) -> dict[str, _Head]:
    """The head of every company's line of parents; each company is visited once, however deep the line."""
    heads: dict[str, _Head] = {}
    for start in sorted(by_key):
        line: list[str] = []
        on_line: set[str] = set()
        here = start
        while here not in heads and here not in on_line:
            line.append(here)
            on_line.add(here)
            if here not in parents:
                heads[here] = _Head(here, below_customer=False, known=here if here in by_key else None)
                line.pop()
                break
            here = parents[here]
        if here in on_line and here not in heads:
            ring = line[line.index(here) :]
            del line[len(line) - len(ring) :]
            for key in ring:
                customer = any(_is_customer(other, by_key) for other in ring if other != key)
                heads[key] = _Head(min(ring), customer, min(ring), tuple(sorted(ring)))
        for key in reversed(line):
            above = parents[key]
            head = heads[above]
            customer = head.below_customer or _is_customer(above, by_key)
            heads[key] = _Head(head.key, customer, head.known or key, head.ring)
    return heads


def _is_customer(key: str, by_key: Mapping[str, Facts]) -> bool:
    return key in by_key and "last_won_at" in by_key[key].values
