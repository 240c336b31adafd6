"""Which records are one company: by id map, by cross-reference field, by unique domain; else candidates for a person.

Two records of one system are never joined; they are duplicates or a hierarchy, which a person settles. A company's key
is the smallest of its refs as text. Stronger evidence goes first, and a linked record is linked once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from syncd.identity.likeness import Look, contradicts, score
from syncd.model import normalisation
from syncd.model.records import Record
from syncd.model.refs import Ref, System, long_salesforce_id

CROSS_REFERENCE = "cross_reference"
"""The record field under which a connector delivers the id of the same company in the other system."""
EVIDENCE_FIELDS = ("name", "domain", "website", "phone", "country", "postal_code", "city", CROSS_REFERENCE)
"""Every field that linking reads, here and in likeness."""
_LARGEST_BLOCK = 40
_LOWEST_SCORE = 85


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two records that may be one company, for a person to confirm; `score` is 0 to 100."""

    salesforce: Ref
    hubspot: Ref
    score: int
    reason: str


@dataclass(frozen=True, slots=True)
class Linking:
    """Every live record's company key, what each joined record was joined by, and who might belong together."""

    links: Mapping[Ref, str]
    evidence: Mapping[Ref, str]
    candidates: tuple[Candidate, ...]


@dataclass(slots=True)
class _Pairs:
    """The joins found so far; the first evidence for a record stays."""

    rejected: frozenset[tuple[Ref, Ref]] = frozenset()
    by_ref: dict[Ref, Ref] = field(default_factory=dict)
    evidence: dict[Ref, str] = field(default_factory=dict)

    def join(self, left: Ref, right: Ref, reason: str) -> None:
        if left in self.by_ref or right in self.by_ref or (left, right) in self.rejected:
            return
        self.by_ref[left], self.by_ref[right] = right, left
        self.evidence[left] = self.evidence[right] = reason


def link_accounts(
    accounts: Iterable[Record],
    *,
    id_map: Sequence[tuple[str, str]] = (),
    shared_domains: frozenset[str] = frozenset(),
    rejected: frozenset[tuple[Ref, Ref]] = frozenset(),
    merged: Mapping[Ref, Ref] = MappingProxyType({}),
) -> Linking:
    """Link the live accounts of Salesforce and HubSpot.

    `id_map` holds pairs of a Salesforce and a HubSpot id; `rejected` pairs (Salesforce first) are never joined and are
    no candidates. `merged` are records that are gone and what each was merged into: whatever names one means that.
    Free-mail and shared domains link nothing. The result does not depend on the order of the records.
    """
    live = sorted((record for record in accounts if not record.deleted), key=lambda record: str(record.ref))
    left = {record.ref.id: record for record in live if record.ref.system is System.SALESFORCE}
    right = {record.ref.id: record for record in live if record.ref.system is System.HUBSPOT}
    for loser, winner in merged.items():
        side = left if winner.system is System.SALESFORCE else right
        if winner.id in side:
            side.setdefault(loser.id, side[winner.id])
    pairs = _Pairs(rejected)
    for salesforce_id, hubspot_id in sorted(id_map):
        one, other = left.get(long_salesforce_id(salesforce_id)), right.get(hubspot_id)
        if one and other:
            pairs.join(one.ref, other.ref, "id-map")
    _join_by_cross_reference(live, left, right, pairs)
    looks = {record.ref: Look.of(record, _domain(record, shared_domains)) for record in live}
    _join_by_domain(live, looks, pairs)
    links = {record.ref: min(str(record.ref), str(pairs.by_ref.get(record.ref, record.ref))) for record in live}
    free = [looks[record.ref] for record in live if record.ref not in pairs.by_ref]
    found = (one for one in _candidates(free) if (one.salesforce, one.hubspot) not in rejected)
    return Linking(links, dict(pairs.evidence), tuple(found))


def _domain(record: Record, shared: frozenset[str]) -> str | None:
    text = record.fields.get("domain") or record.fields.get("website")
    return normalisation.domain(text, shared) if text else None


def _join_by_cross_reference(
    live: Sequence[Record], left: Mapping[str, Record], right: Mapping[str, Record], pairs: _Pairs
) -> None:
    """Join by a mapped field that names the other record; two records that name the same one join nothing."""
    named: list[tuple[Ref, Ref]] = []
    for record in live:
        text = record.fields.get(CROSS_REFERENCE)
        if not text:
            continue
        if record.ref.system is System.SALESFORCE and text in right:
            named.append((record.ref, right[text].ref))
        elif record.ref.system is System.HUBSPOT and (other := left.get(long_salesforce_id(text))):
            named.append((other.ref, record.ref))
    unique = set(named)
    lefts = Counter(here for here, _ in unique)
    rights = Counter(there for _, there in unique)
    for here, there in sorted(unique):
        if lefts[here] == 1 and rights[there] == 1:
            pairs.join(here, there, "cross-reference")


def _join_by_domain(live: Sequence[Record], looks: Mapping[Ref, Look], pairs: _Pairs) -> None:
    """Join where a domain stands on exactly one record of each side, those joined already counted.

    Where their names say otherwise they are candidates instead: companies of one group share its website.
    """
    sides: dict[str, dict[System, list[Ref]]] = defaultdict(lambda: defaultdict(list))
    for record in live:
        if domain := looks[record.ref].domain:
            sides[domain][record.ref.system].append(record.ref)
    for domain, by_system in sorted(sides.items()):
        one, other = by_system[System.SALESFORCE], by_system[System.HUBSPOT]
        if len(one) == 1 and len(other) == 1 and not contradicts(looks[one[0]], looks[other[0]]):
            pairs.join(one[0], other[0], f"domain {domain}")


def _candidates(free: Sequence[Look]) -> list[Candidate]:
    """Unjoined records that share a domain, a phone, a name or the beginning of one, scored by all of it."""
    blocks: dict[tuple[str, str], tuple[list[Look], list[Look]]] = defaultdict(lambda: ([], []))
    for look in free:
        for key in set(look.keys()):
            blocks[key][look.ref.system is System.HUBSPOT].append(look)
    found: dict[tuple[Ref, Ref], Candidate] = {}
    for (kind, _), (lefts, rights) in sorted(blocks.items()):
        if len(lefts) > _LARGEST_BLOCK or len(rights) > _LARGEST_BLOCK:
            continue
        alone = kind == "domain" and len(lefts) == len(rights) == 1
        for one in lefts:
            for other in rights:
                if (one.ref, other.ref) in found:
                    continue
                points, reason = score(one, other)
                points = max(points, _LOWEST_SCORE) if alone else points  # nobody else has this domain
                if points >= _LOWEST_SCORE:
                    found[one.ref, other.ref] = Candidate(one.ref, other.ref, points, reason)
    return sorted(found.values(), key=lambda item: (-item.score, item.salesforce, item.hubspot))
