"""A proposal as a plan like any other: one document, hashed, guarded, to be approved; about these accounts alone.

What the rules would change elsewhere is not in it: such accounts count as they are now. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from syncd.model.decisions import Decision, Outcome
from syncd.model.plans import Change, PlanStatus, SavedPlan, document_hash
from syncd.planning.proposing.builder import NOT_IN_PLAN, PlanInput, build_document

Finish = Callable[[PlanInput, Mapping[str, Any]], tuple[Mapping[str, Any], Sequence[Change]]]
"""Makes of the plan so far what the document says beside it, and the writes that it lacks."""


def proposal_plan(
    source: PlanInput,
    proposed: Mapping[str, Decision],
    finish: Finish,
    *,
    plan_id: str,
    lifetime: timedelta,
) -> SavedPlan:
    """The plan of a proposal, not saved yet; `proposed` are its decisions of role owner by company.

    The document says under `people` what `finish` has to say, and its summary counts only the proposal's accounts
    but as evaluated and kept, so that a share of the guard is one of the whole book.
    """
    limited = replace(source, decisions=tuple(_limited(source.decisions, proposed)))
    first = build_document(limited, plan_id=plan_id, lifetime=lifetime)
    told, more = finish(limited, first)
    document = first if not more else build_document(replace(limited, extra=more), plan_id=plan_id, lifetime=lifetime)
    others = sum(1 for each in limited.decisions if each.reason == NOT_IN_PLAN)
    document = _without_others(document, others) | {"people": dict(told)}
    return SavedPlan(
        plan_id=plan_id,
        hash=document_hash(document),
        kind=source.kind,
        status=PlanStatus.OFFERED,
        pack_revision=source.pack_revision,
        created_at=source.created_at,
        expires_at=source.created_at + lifetime,
        document=document,
    )


def _limited(decisions: Iterable[Decision], proposed: Mapping[str, Decision]) -> Iterable[Decision]:
    """The proposal's decisions, and all other accounts where they are now."""
    for decision in decisions:
        if decision.role != "owner":
            continue
        mine = proposed.get(decision.company)
        if mine is not None:
            yield mine
        else:
            yield replace(
                decision, outcome=Outcome.HELD, owner=decision.current_owner, reason=NOT_IN_PLAN, text="", turn=None
            )


def _without_others(document: Mapping[str, Any], others: int) -> dict[str, Any]:
    """The document with what it is not about counted as kept: it is where it was."""
    summary = dict(document["summary"])
    summary |= {"held": summary["held"] - others, "keep": summary["keep"] + others}
    return {**document, "summary": summary}
