"""Fingerprints: what a planned row stood on, so that apply can tell whether it still stands.

DESIGN.md: the record's own rule fields, its present owner, the children listed, the winning rule's text and the chosen
rep's state. Pool loads are not in it, nor the fields that a write of ours moves (owner, territory). Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from syncd.clock import iso
from syncd.model.decisions import Decision
from syncd.model.fields import SELF_READING_FIELDS
from syncd.model.plans import OWNER_FIELD, canonical_json
from syncd.model.refs import Ref, System
from syncd.rules.conditions import FieldTest, OpportunityTest, fields_read, walk
from syncd.rules.facts import Directory, Facts, Value
from syncd.rules.pack import OwnersByLookup, Pack


@dataclass(frozen=True, slots=True)
class RepState:
    """A rep as the target of a write in one system: the id there, and whether that user may own records now."""

    id: str
    active: bool
    eligible: bool

    @property
    def may_own(self) -> bool:
        """Whether a write to this rep can succeed."""
        return self.active and self.eligible


def rep_state(directory: Directory, email: str, system: System, owner_id: str) -> RepState:
    """The state of a rep in one system; somebody the directory does not know there is inactive."""
    rep = directory.reps.get(email)
    if rep is None or rep.ids.get(system) != owner_id:
        known = directory.assume_active and rep is None
        return RepState(owner_id, active=known, eligible=known)
    fit = email not in directory.ambiguous
    return RepState(owner_id, active=system in rep.active_in and fit, eligible=system in rep.eligible_in)


@dataclass(frozen=True, slots=True)
class RuleReads:
    """What the decisions of a role read: fields of the account, and fields of its open opportunities.

    Account fields that our own writes move (owner, territory) are left out.
    """

    account: frozenset[str]
    opportunity: frozenset[str] = frozenset()


def rule_reads(pack: Pack, role: str = "owner") -> RuleReads:
    """What the decisions of a role read, by territories, look-ups, protect rules, `retrieve` and the lock."""
    return _rule_reads(_ThePack(pack), role)


@dataclass(frozen=True, slots=True, eq=False)
class _ThePack:
    """A pack by its identity: comparing two large ones would take longer than what is remembered of them."""

    pack: Pack

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ThePack) and other.pack is self.pack

    def __hash__(self) -> int:
        return id(self.pack)


@lru_cache(maxsize=4)
def _rule_reads(the: _ThePack, role: str) -> RuleReads:
    pack = the.pack
    conditions = [territory.when for territory in pack.territories(role)]
    conditions += [protect.when for protect in pack.protect if role in protect.roles]
    if pack.retrieve is not None and role == "owner":
        conditions.append(pack.retrieve.when)
    account = {"locked"}.union(*(fields_read(condition) for condition in conditions))
    account |= {each.owners.key for each in pack.territories(role) if isinstance(each.owners, OwnersByLookup)}
    account |= {"parent"} if any(each.follow_parent for each in pack.territories(role)) else set()
    opportunity: set[str] = set()
    for part in (part for condition in conditions for part in walk(condition)):
        if isinstance(part, OpportunityTest):
            opportunity |= {inner.field for inner in walk(part.condition) if isinstance(inner, FieldTest)}
    return RuleReads(frozenset(account) - SELF_READING_FIELDS, frozenset(opportunity))


def grading_reads(pack: Pack) -> frozenset[str]:
    """The account fields that the pack's `lifecycle` and `score` read."""
    conditions = [stage.when for stage in pack.lifecycle]
    found: set[str] = set()
    if pack.scoring is not None:
        conditions += [component.test for component in pack.scoring.components]
        found = {component.field for component in pack.scoring.components if component.field is not None}
    return frozenset(found.union(*(fields_read(condition) for condition in conditions)))


def rule_basis(decision: Decision) -> str:
    """The winning rule as a fingerprint holds it. An override names its owner; a pick may fall on another rep later."""
    if decision.reason == "override" and decision.owner is not None:
        return f"{decision.rule_text} -> {decision.owner.email}"
    return decision.rule_text


def account_fingerprint(
    ref: Ref,
    old: str | None,
    *,
    facts: Facts,
    reads: RuleReads,
    children: Sequence[tuple[Ref, str | None]],
    rule_text: str,
    target: RepState,
    field: str = OWNER_FIELD,
) -> str:
    """The fingerprint of an account's row. `children` are the records that follow, with their present owners.

    `field` is the role that the row writes, and `old` who has it, where it is not the owner.
    """
    return _digest(
        ({} if field == OWNER_FIELD else {"role": field})
        | {
            "ref": str(ref),
            "owner": old,
            "fields": _picked(facts.values, reads.account),
            "opportunities": [
                [each.key, _picked(each.values, reads.opportunity)]
                for each in sorted(facts.opportunities, key=lambda each: each.key)
                if each.is_open and reads.opportunity
            ],
            "children": sorted([str(child), owner] for child, owner in children),
            "rule": rule_text,
            "rep": [target.id, target.active, target.eligible],
        }
    )


def child_fingerprint(ref: Ref, old: str | None, *, parent: Ref, target: RepState) -> str:
    """The fingerprint of a record that follows `parent`; it is open, or it would not be listed."""
    rep = [target.id, target.active, target.eligible]
    return _digest({"ref": str(ref), "owner": old, "parent": str(parent), "rep": rep})


def loose_fingerprint(ref: Ref, old: str | None, *, target: RepState) -> str:
    """The fingerprint of a contact or task that is on no account; it is open, or it would not be listed."""
    return _digest({"ref": str(ref), "owner": old, "rep": [target.id, target.active, target.eligible]})


def text_fingerprint(ref: Ref, field: str, old: str | None, new: str | None) -> str:
    """The fingerprint of a row that writes a text of ours: it stands as long as syncd would write that very text."""
    return _digest({"ref": str(ref), "field": field, "held": old, "writes": new})


def undo_fingerprint(ref: Ref, old: str | None, new: str | None) -> str:
    """The fingerprint of a row that stands on a receipt, not on rules: only the compare before the write judges it."""
    return _digest({"ref": str(ref), "owner": old, "restores": new})


def _picked(values: Mapping[str, Value], names: frozenset[str]) -> dict[str, object]:
    return {name: _plain(values[name]) for name in names if name in values}  # the JSON of it is sorted


def _plain(value: Value) -> object:
    """A fact as JSON: equal values give equal text whatever their type's own spelling."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime):
        return iso(value)
    return sorted(value)


def _digest(basis: object) -> str:
    return hashlib.blake2b(canonical_json(basis).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
