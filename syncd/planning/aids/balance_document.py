"""A balancing as a document: how even books are, what moves, and what more moves would buy. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from syncd.planning.aids.audit import amount, called
from syncd.planning.aids.balance_book import Balancing, workload
from syncd.planning.aids.balance_optimum import both
from syncd.planning.aids.balance_problem import Problem, Solution
from syncd.planning.aids.measures import spread_of
from syncd.rules.facts import Facts

CURVE = (Decimal(0), *map(Decimal, ("0.05", "0.1", "0.25", "0.5", "0.75", "1", "2")))
"""The budgets of the trade-off curve, as shares of the one that is asked for."""
NO_BAND = "(no band)"
_MOVES_SHOWN = 2000
_SHARE = Decimal("0.001")


def curve_of(problem: Problem, budget: int, *, exact: bool, seconds: float) -> list[dict[str, Any]]:
    """What each budget of moves comes to, from none to twice the one that is asked for."""
    budgets = sorted({int(budget * share) for share in CURVE})
    return [
        {"budget": each, "moves": solution.moved(problem), **apart_document(problem, solution)}
        for each, solution in zip(budgets, both(problem, budgets, exact=exact, seconds=seconds), strict=True)
    ]


def apart_document(problem: Problem, solution: Solution) -> dict[str, Any]:
    """What lies in wrong books once a solution is carried out: the amount, and its share of all."""
    apart, whole = problem.apart(solution.loads(problem)), sum(problem.loads)
    return {
        "apart": f"{Decimal(apart).quantize(Decimal('0.01')):f}",
        "share": round(apart / whole, 4) if whole else 0.0,
    }


def solution_document(balancing: Balancing, solution: Solution) -> dict[str, Any]:
    """How good a solution is: what it gains of what the best one could gain, at least, where a bound is known."""
    problem = balancing.problem
    cost, before = solution.cost(problem), Solution((-1,) * len(problem.units), "").cost(problem)
    gained = None
    if solution.bound is not None:
        possible = before - min(solution.bound, cost)
        gained = round((before - cost) / possible, 4) if possible > 0 else 1.0
    return {
        "engine": solution.engine,
        "moves": solution.moved(problem),
        "before": apart_document(problem, Solution((-1,) * len(problem.units), "")),
        "after": apart_document(problem, solution),
        "gained_at_least": gained,
    }


def metrics_of(yearly: Mapping[str, Decimal]) -> dict[str, Callable[[Facts], Decimal]]:
    """What spreads are shown of, by name."""
    return {
        "accounts": lambda _: Decimal(1),
        "potential": lambda facts: yearly.get(facts.key, Decimal(0)),
        "workload": workload,
        "pipeline": lambda facts: amount(facts, "open_pipeline"),
        "score": lambda facts: amount(facts, "score"),
    }


def spreads_document(balancing: Balancing, solution: Solution, yearly: Mapping[str, Decimal]) -> list[dict[str, Any]]:
    """By metric: the spread over reps before and after the moves, and over territories, which moves leave as it is."""
    to = {company: email for company, _, email in balancing.moves(solution)}
    table, found = balancing.table, []
    people = frozenset(balancing.emails)
    for name, measure in metrics_of(yearly).items():
        before: dict[str, Decimal] = dict.fromkeys(balancing.emails, Decimal(0))
        after, areas = dict(before), defaultdict[str, Decimal](Decimal)
        for key, decision in table.decisions.items():
            value = measure(table.facts[key])
            if decision.territory is not None:
                areas[decision.territory] += value
            owner = decision.owner.email if decision.owner is not None else None
            if owner in people and owner is not None:
                before[owner] += value
                after[to.get(key, owner)] += value
        found.append(
            {
                "metric": name,
                "reps_before": spread_of(list(before.values())).document(),
                "reps_after": spread_of(list(after.values())).document(),
                "territories": spread_of(list(areas.values())).document(),
            }
        )
    return found


def reps_document(balancing: Balancing, solution: Solution) -> list[dict[str, Any]]:
    """By rep: share, load and accounts before and after, and bands; the largest distance from the share first."""
    table, problem = balancing.table, balancing.problem
    to = {company: email for company, _, email in balancing.moves(solution)}
    counts, bands = [Counter[str](), Counter[str]()], [defaultdict[str, Counter[str]](Counter) for _ in range(2)]
    for key, decision in table.decisions.items():
        if decision.owner is None:
            continue
        band = _band(table.facts[key])
        for side, email in enumerate((decision.owner.email, to.get(key, decision.owner.email))):
            counts[side][email] += 1
            bands[side][email][band] += 1
    rows: list[dict[str, Any]] = []
    for place, (email, load) in enumerate(zip(balancing.emails, solution.loads(problem), strict=True)):
        rows.append(
            {
                "rep": email,
                "share": _money(problem.targets[place]),
                "before": {
                    "load": _money(problem.loads[place]),
                    "accounts": counts[0][email],
                    "bands": dict(sorted(bands[0][email].items())),
                },
                "after": {
                    "load": _money(load),
                    "accounts": counts[1][email],
                    "bands": dict(sorted(bands[1][email].items())),
                },
            }
        )
    distance = {each["rep"]: abs(Decimal(each["before"]["load"]) - Decimal(each["share"])) for each in rows}
    return sorted(rows, key=lambda each: (-distance[each["rep"]], each["rep"]))


def territories_document(balancing: Balancing, yearly: Mapping[str, Decimal]) -> list[dict[str, Any]]:
    """By territory: what it holds of every metric; the most potential first."""
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for key, decision in balancing.table.decisions.items():
        if decision.territory is not None:
            for name, measure in metrics_of(yearly).items():
                sums[decision.territory][name] += measure(balancing.table.facts[key])
    ordered = sorted(sums, key=lambda path: (-sums[path]["potential"], path))
    return [{"territory": path, **{name: f"{value:f}" for name, value in sums[path].items()}} for path in ordered]


def moves_document(balancing: Balancing, solution: Solution) -> list[dict[str, Any]]:
    """The accounts that move, the heaviest first."""
    table = balancing.table
    moves: Iterable[tuple[str, str, str]] = balancing.moves(solution)
    ordered = sorted(moves, key=lambda each: (-balancing.weights[each[0]], each[0]))
    return [
        {
            "company": company,
            "name": called(table.facts[company]),
            "territory": table.decisions[company].territory,
            "from": giver,
            "to": email,
            "weight": f"{balancing.weights[company]:f}",
            "open_pipeline": f"{amount(table.facts[company], 'open_pipeline'):f}",
        }
        for company, giver, email in ordered[:_MOVES_SHOWN]
    ]


def fixed_document(fixed: Mapping[str, int]) -> list[dict[str, Any]]:
    """Why other accounts stay, the most first."""
    return [
        {"reason": why, "accounts": count} for why, count in sorted(fixed.items(), key=lambda each: (-each[1], each))
    ]


def default_budget(units: Sequence[object]) -> int:
    """How many accounts may move where nobody says it: 5 % of those that could, at least 10."""
    return max(10, len(units) // 20)


def _band(facts: Facts) -> str:
    return (facts.grade.band if facts.grade is not None else None) or NO_BAND


def _money(value: float) -> str:
    return f"{Decimal(value).quantize(Decimal('0.01')):f}"
