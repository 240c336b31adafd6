"""Which records are one company, on what evidence, and which pairs a person has to look at.

Linking itself is pure and lives in `identity`; the store keeps its result, and writes joins and splits to the ledger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import ColumnElement, Connection, bindparam, delete, select

from syncd.model.refs import Ref
from syncd.store import ledger
from syncd.store.tables import applied, company_links, link_candidates
from syncd.store.upserts import chunks, upsert
from syncd.store.versions import APPLIED, LINKS, raise_version

_STORED_LINKS = select(company_links.c.ref, company_links.c.company, company_links.c.evidence)


class Pair(Protocol):
    """Two records that may be one company, as `identity` finds them; `score` is 0 to 100."""

    @property
    def salesforce(self) -> Ref:
        """The one record."""
        ...

    @property
    def hubspot(self) -> Ref:
        """The other."""
        ...

    @property
    def score(self) -> int:
        """How alike they are."""
        ...

    @property
    def reason(self) -> str:
        """Why, in words."""
        ...


@dataclass(frozen=True, slots=True)
class LinkCandidate:
    """A pair and what became of it: `state` is `open`, `confirmed` or `rejected`, `decided_by` who said so."""

    salesforce: Ref
    hubspot: Ref
    score: int
    reason: str
    state: str = "open"
    decided_by: str | None = None


def save_links(
    conn: Connection, links: Mapping[Ref, str], evidence: Mapping[Ref, str], *, now: datetime, run_id: str | None = None
) -> tuple[int, int]:
    """Replace all links by `links` (company key by ref); returns how many companies were joined and how many split.

    A company is joined when its records came from more than one company, split when its records went to more than
    one; each is a row of the ledger, the very first linking is one row in all. Refs that are not in `links` any more
    are forgotten, which is no split. What was last applied to a company goes with its records to their new key.
    """
    before = {row.ref: (row.company, row.evidence) for row in conn.execute(_STORED_LINKS)}
    gone = [ref for ref in before if ref not in links]
    for batch in chunks(gone):
        conn.execute(delete(company_links).where(company_links.c.ref.in_(batch)))
    changed = [
        {"ref": ref, "company": company, "evidence": evidence.get(ref), "since": now}
        for ref, company in links.items()
        if before.get(ref) != (company, evidence.get(ref))
    ]
    for rows in chunks(changed):
        conn.execute(upsert(conn, company_links, ("ref",), ("company", "evidence", "since")), rows)
    if gone or changed:
        raise_version(conn, LINKS)
    old = {ref: company for ref, (company, _) in before.items()}
    joined = _scattered({ref: (company, old.get(ref, str(ref))) for ref, company in links.items()})
    split = _scattered({ref: (company, links[ref]) for ref, company in old.items() if ref in links})
    _carry_applied(conn, {ref: (old[ref], company) for ref, company in links.items() if ref in old})
    if before:
        _tell(conn, "company.joined", joined, now=now, run_id=run_id)
        _tell(conn, "company.split", split, now=now, run_id=run_id)
    elif joined:
        facts = {"companies": len(set(links.values())), "joined": len(joined)}
        ledger.append(conn, at=now, event="companies.linked", ref=None, actor=None, run_id=run_id, facts=facts)
    return len(joined), len(split)


def links(conn: Connection) -> Mapping[Ref, str]:
    """The company key of every linked record."""
    return dict(conn.execute(_LINKS).all())


_LINKS = select(company_links.c.ref, company_links.c.company)


def members(conn: Connection, keys: Iterable[str]) -> Mapping[str, tuple[Ref, ...]]:
    """The records that are linked to each of these companies; a company of none is left out."""
    found: dict[str, list[Ref]] = defaultdict(list)
    for batch in chunks(keys):
        query = select(company_links.c.company, company_links.c.ref).where(company_links.c.company.in_(batch))
        for company, ref in conn.execute(query):
            found[company].append(ref)
    return {company: tuple(refs) for company, refs in found.items()}


def link_evidence(conn: Connection) -> Mapping[Ref, str]:
    """What each joined record was joined by."""
    query = select(company_links.c.ref, company_links.c.evidence).where(company_links.c.evidence.is_not(None))
    return {ref: found for ref, found in conn.execute(query) if found is not None}


def save_candidates(conn: Connection, candidates: Iterable[Pair], *, now: datetime) -> None:
    """Replace the open candidates; what a person confirmed or rejected stays as decided."""
    found = {(pair.salesforce, pair.hubspot): pair for pair in candidates}
    stored = {(row.salesforce, row.hubspot): row.state for row in conn.execute(select(link_candidates))}
    for left, right in [pair for pair, state in stored.items() if state == "open" and pair not in found]:
        conn.execute(delete(link_candidates).where(_is_pair(left, right)))
    rows = [
        {
            "salesforce": left,
            "hubspot": right,
            "score": pair.score,
            "reason": pair.reason,
            "state": "open",
            "decided_by": None,
            "changed_at": now,
        }
        for (left, right), pair in found.items()
        if stored.get((left, right), "open") == "open"
    ]
    if rows:
        conn.execute(upsert(conn, link_candidates, ("salesforce", "hubspot"), ("score", "reason")), rows)


def candidates(conn: Connection, *, state: str | None = "open") -> tuple[LinkCandidate, ...]:
    """The candidates in one state, or in every one for None; best score first."""
    found = conn.execute(_CANDIDATES) if state is None else conn.execute(_CANDIDATES_IN, {"of": state})
    return tuple(
        LinkCandidate(row.salesforce, row.hubspot, row.score, row.reason, row.state, row.decided_by) for row in found
    )


_CANDIDATES = select(link_candidates).order_by(
    link_candidates.c.score.desc(), link_candidates.c.salesforce, link_candidates.c.hubspot
)
_CANDIDATES_IN = _CANDIDATES.where(link_candidates.c.state == bindparam("of"))


def decide_candidate(
    conn: Connection, salesforce: Ref, hubspot: Ref, *, confirmed: bool, who: str, now: datetime
) -> None:
    """Keep a person's word on a pair, whether it was a candidate or not, with a row of the ledger."""
    state = "confirmed" if confirmed else "rejected"
    row = {
        "salesforce": salesforce,
        "hubspot": hubspot,
        "score": 100 if confirmed else 0,
        "reason": "a person's word",
        "state": state,
        "decided_by": who,
        "changed_at": now,
    }
    decided = upsert(conn, link_candidates, ("salesforce", "hubspot"), ("state", "decided_by", "changed_at"))
    conn.execute(decided, row)
    facts: dict[str, str | int | None] = {"salesforce": str(salesforce), "hubspot": str(hubspot)}
    ledger.append(conn, at=now, event=f"link.{state}", ref=str(salesforce), actor=who, run_id=None, facts=facts)


def _is_pair(salesforce: Ref, hubspot: Ref) -> ColumnElement[bool]:
    return (link_candidates.c.salesforce == salesforce) & (link_candidates.c.hubspot == hubspot)


def _scattered(groups: Mapping[Ref, tuple[str, str]]) -> dict[str, list[Ref]]:
    """The companies whose records have more than one company on the other side of the change, with those records."""
    members: dict[str, list[Ref]] = defaultdict(list)
    others: dict[str, set[str]] = defaultdict(set)
    for ref, (company, other) in groups.items():
        members[company].append(ref)
        others[company].add(other)
    return {company: sorted(members[company], key=str) for company in sorted(members) if len(others[company]) > 1}


def _tell(conn: Connection, event: str, groups: Mapping[str, list[Ref]], *, now: datetime, run_id: str | None) -> None:
    for company, refs in groups.items():
        facts = {"company": company, "refs": ",".join(map(str, refs))}
        ledger.append(conn, at=now, event=event, ref=company, actor=None, run_id=run_id, facts=facts)


def _carry_applied(conn: Connection, moves: Mapping[Ref, tuple[str, str]]) -> None:
    """Copy what was applied to a company to the keys that its records have now, where nothing was applied yet.

    A company's key is its smallest ref: it changes when a record joins, and the memory of the rules must not.
    """
    moved = sorted({(new, str(ref), old) for ref, (old, new) in moves.items() if old != new})
    keys = sorted({old for _, _, old in moved} | {new for new, _, _ in moved})
    known: dict[str, list[dict[str, object]]] = defaultdict(list)
    for batch in chunks(keys):
        for row in conn.execute(select(applied).where(applied.c.company.in_(batch))).mappings():
            known[row["company"]].append(dict(row))
    for new, _, old in moved:
        if known[old] and not known[new]:
            known[new] = [{**row, "company": new} for row in known[old]]
            conn.execute(applied.insert(), known[new])
            raise_version(conn, APPLIED)
