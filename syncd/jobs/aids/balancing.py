"""The job behind `balance`: today's books, moves that would even them, and a plan of these moves to be approved."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from syncd.clock import iso
from syncd.errors import InputError, UsageError
from syncd.jobs.aids.dealings import deals_by_company
from syncd.jobs.context import Context
from syncd.jobs.people.proposing import Look, propose
from syncd.planning.aids import balance_optimum as optimum
from syncd.planning.aids.balance_book import BY_RULES, Balancing, balancing, weigher
from syncd.planning.aids.balance_document import (
    curve_of,
    default_budget,
    fixed_document,
    moves_document,
    reps_document,
    solution_document,
    spreads_document,
    territories_document,
)
from syncd.planning.aids.balance_problem import Solution
from syncd.planning.aids.potential import potentials
from syncd.planning.people.table import Table
from syncd.planning.proposing.reasons import BALANCE
from syncd.rules.collector import without_collector
from syncd.rules.suggestion import did_you_mean

FORMAT = 1
ENGINES = ("exact", "heuristic")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a balancing: the metric, at most so many accounts moved, a territory, an engine.

    `engine` None takes the exact one where its extra is installed. `save` keeps the moves as a plan to be approved.
    """

    by: str = "potential"
    budget: int | None = None
    scope: str | None = None
    curve: bool = False
    engine: str | None = None
    save: bool = False
    seconds: float = optimum.SECONDS


def balance(context: Context, wanted: Wanted) -> dict[str, Any]:
    """The document of a balancing; with `save` it names the plan.

    Raises UsageError SYN770 for a territory that there is not and SYN771 for the exact engine without its extra,
    InputError SYN772 for scores of a pack without, and what `deliberate` raises.
    """
    exact = _exact(wanted.engine)
    look = Look.at(context)
    table, pack, now = look.table(), look.pack, look.thought.now
    _check_scope(table, wanted.scope)
    if wanted.by == "score" and pack.scoring is None:
        hint = "write score: {components: …, bands: …}, or balance by another metric"
        raise InputError("SYN772", "the pack has no `score`", where=str(context.settings.pack.path), hint=hint)
    with context.store.read() as conn:
        deals = deals_by_company(context, conn, pack)
    with without_collector():
        learnt = potentials(tuple(look.thought.facts.values()), deals, now, by_band=pack.scoring is not None)
        yearly = {key: each.yearly for key, each in learnt.items()}
        found = balancing(table, weigher(wanted.by, yearly), wanted.scope)
        budget = default_budget(found.problem.units) if wanted.budget is None else wanted.budget
        (solution,) = optimum.both(found.problem, [budget], exact=exact, seconds=wanted.seconds)
    document: dict[str, Any] = {
        "format": FORMAT,
        "kind": "balance",
        "now": iso(now),
        "pack_revision": pack.revision,
        "currency": context.settings.money.reporting_currency,
        "by": wanted.by,
        "scope": wanted.scope,
        "budget": budget,
        "movable": sum(unit.size for unit in found.problem.units),
        "fixed": fixed_document(found.fixed),
        "moved_by_rules": sum(count for why, count in found.fixed.items() if why.startswith(BY_RULES)),
        **solution_document(found, solution),
        "spreads": spreads_document(found, solution, yearly),
        "reps": reps_document(found, solution),
        "territories": territories_document(found, yearly),
        "companies": moves_document(found, solution),
        "plan": None,
        "not_saved": None,
    }
    if wanted.curve:
        document["curve"] = curve_of(found.problem, budget, exact=exact, seconds=wanted.seconds)
    if wanted.save:
        document["plan"], document["not_saved"] = _saved(look, found, solution, wanted.by, document)
    return document


def _exact(engine: str | None) -> bool:
    """Whether to optimise exactly."""
    if engine == "exact" and not optimum.available():
        hint = "pip install 'syncd[balance]', or --engine heuristic"
        raise UsageError("SYN771", "exact optimisation needs the extra `balance`", hint=hint)
    return optimum.available() if engine is None else engine == "exact"


def _check_scope(table: Table, scope: str | None) -> None:
    known = sorted({name for path in table.paths.values() for name in (path[-1].name, path[-1].path)})
    if scope is not None and scope not in known:
        hint = did_you_mean(scope, known) or "name a territory of role owner"
        raise UsageError("SYN770", f"there is no territory {scope!r} in the pack", hint=hint)


def _saved(
    look: Look, found: Balancing, solution: Solution, by: str, document: dict[str, Any]
) -> tuple[str | None, str | None]:
    """The id of the plan that carries the moves out; None where none can be written now, and then why most cannot."""
    told = {key: document[key] for key in ("by", "scope", "budget", "engine", "moves", "before", "after")}
    saved = propose(look, BALANCE, found.decided(solution, by), lambda _source, _document: (told, ()))
    plan: str | None = saved["plan_id"]
    blocked = Counter(each["text"] for each in saved["decisions"] if each["outcome"] != "change")
    return plan, next((text for text, _ in blocked.most_common(1)), None) if plan is None else None
