"""Proposals for the roles beside the owner: whoever a decision names is written to the field that settings map. Pure.

A role that no setting maps is decided and shown, and written nowhere. No team is dropped and no record follows.
"""

from __future__ import annotations

from syncd.model.decisions import Decision, Outcome, Owner
from syncd.model.plans import Change
from syncd.model.refs import Ref, System
from syncd.planning.proposing.fingerprints import RepState, account_fingerprint, rule_basis
from syncd.planning.proposing.proposals import (
    Bench,
    LeftOut,
    Proposal,
    as_blocked,
    as_decided,
    as_held,
    as_not_managed,
    hindrance,
    is_managed,
    refused,
    stale_source,
    stale_table,
    target_of,
    unfit_text,
)
from syncd.rules.facts import Facts

CLEARED = "cleared"
"""The reason of a decision that empties a role's field: RULES.md section 4, `otherwise: clear`."""
NOBODY = RepState("", active=True, eligible=True)
"""The target of a row that empties a field."""
_NO_TERRITORY = "no-territory"


def propose_role(decision: Decision, facts: Facts, bench: Bench) -> Proposal:
    """The proposal of one decision of a role that is not `owner`.

    What no territory of the role takes keeps its values, also where two systems differ.
    """
    systems = bench.fields.get(decision.role, frozenset()) & bench.writers
    if decision.outcome not in (Outcome.CHANGE, Outcome.KEEP) or decision.reason == _NO_TERRITORY or not systems:
        return as_decided(decision)
    if decision.owner is None and decision.reason != CLEARED:
        return as_decided(decision)
    differing = [
        ref for ref in facts.refs if ref.system in systems and differs(decision, ref, bench.holds(ref, decision.role))
    ]
    if decision.outcome is Outcome.KEEP and not differing:
        return as_decided(decision)
    if not is_managed(bench.pack, decision.territory, bench.today):
        return as_not_managed(decision)
    if not differing:
        return _nothing_to_write(decision, facts, systems)
    source = stale_source(facts, bench, decision.role)
    if source is not None:
        return as_held(decision, "system-stale", f"the decision reads from {source.value}, whose mirror is stale")
    table = stale_table(facts, bench, decision.role)
    if table is not None:
        return as_held(decision, "signal-stale", f"the decision reads from the side table {table}, which is stale")
    fought_over = [text for ref in differing if (text := bench.flapping_roles.get((ref, decision.role))) is not None]
    if fought_over:
        return as_held(decision, "ownership-flapping", f"held: {fought_over[0]}")
    return _written(decision, facts, differing, bench)


def differs(decision: Decision, ref: Ref, present: str | None) -> bool:
    """Whether a record's field holds another user than decided; a holder without an id in its system differs."""
    if decision.owner is None:
        return present is not None
    return present is None or present != decision.owner.ids.get(ref.system)


def role_fingerprint(
    ref: Ref, present: str | None, decision: Decision, facts: Facts, bench: Bench, target: RepState
) -> str:
    """The fingerprint of the row that writes a role's holder to one record."""
    return account_fingerprint(
        ref,
        present,
        facts=facts,
        reads=bench.reads_of(decision.role),
        children=(),
        rule_text=rule_basis(decision),
        target=target,
        field=decision.role,
    )


def _nothing_to_write(decision: Decision, facts: Facts, systems: frozenset[System]) -> Proposal:
    if any(ref.system in systems for ref in facts.refs):
        text = "every system that is written has this holder"
        return Proposal(decision, Outcome.KEEP, "kept", text, decision.owner)
    named = ", ".join(sorted({ref.system.value for ref in facts.refs})) or "no system"
    text = f"the account is only in {named}, where no field holds the {decision.role}"
    return as_held(decision, "system-not-written", text)


def _written(decision: Decision, facts: Facts, differing: list[Ref], bench: Bench) -> Proposal:
    changes: list[Change] = []
    left_out: list[LeftOut] = []
    for ref in sorted(differing):
        target = _target(decision.owner, ref.system, bench)
        if target is None and decision.owner is not None:
            return as_held(decision, "owner-not-in-system", unfit_text(decision.owner, ref.system, bench))
        present = bench.holds(ref, decision.role)
        fingerprint = role_fingerprint(ref, present, decision, facts, bench, target or NOBODY)
        new = target.id if target is not None else None
        row = Change(ref, present, new, decision.company, fingerprint, field=decision.role)
        refusal = refused(row, bench)
        if refusal is not None:
            return as_blocked(decision, refusal)
        kept_back = hindrance(row.slot, bench)
        if kept_back is None:
            changes.append(row)
        else:
            left_out.append(kept_back)
    if not changes:
        return as_held(decision, left_out[0].reason, left_out[0].text, tuple(left_out))
    changes += _awaited(decision, facts, bench)
    return _change(decision, tuple(changes), tuple(left_out))


def _awaited(decision: Decision, facts: Facts, bench: Bench) -> list[Change]:
    """The rows that the native sync writes after ours, where settings map the role in that system too: never sent."""
    rows: list[Change] = []
    systems = bench.fields.get(decision.role, frozenset()) & bench.expected
    for ref in sorted(ref for ref in facts.refs if ref.system in systems):
        present = bench.holds(ref, decision.role)
        target = _target(decision.owner, ref.system, bench)
        if not differs(decision, ref, present) or (target is None and decision.owner is not None):
            continue
        fingerprint = role_fingerprint(ref, present, decision, facts, bench, target or NOBODY)
        new = target.id if target is not None else None
        rows.append(Change(ref, present, new, decision.company, fingerprint, field=decision.role, expected=True))
    return rows


def _target(owner: Owner | None, system: System, bench: Bench) -> RepState | None:
    return None if owner is None else target_of(owner, system, bench)


def _change(decision: Decision, changes: tuple[Change, ...], left_out: tuple[LeftOut, ...]) -> Proposal:
    """A change as decided, or `align` where the rules keep the holder and another system has to follow."""
    if decision.outcome is Outcome.KEEP:
        systems = ", ".join(sorted({change.ref.system.value for change in changes if not change.expected}))
        text = f"{systems} is brought into line with the {decision.role} that the rules keep ({decision.reason})"
        return Proposal(decision, Outcome.CHANGE, "align", text, decision.owner, changes, left_out)
    return Proposal(decision, Outcome.CHANGE, decision.reason, decision.text, decision.owner, changes, left_out)
