"""Balancing by exact optimisation: HiGHS, from the extra `balance`. Knows the problem in numbers and nothing else.

Problems of up to COLUMNS columns are solved as they are. Of larger ones HiGHS solves the relaxation, in which what
leaves a book is a sum that any of its receivers may get in part: no solution is better than that, so it says how good
the one that the search found is at least.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec

from syncd.planning.aids.balance_problem import STEPS, Problem, Solution, alike, spread_out
from syncd.planning.aids.balance_search import search

EXACT = "exact optimisation (HiGHS)"
BOUNDED = "search, beside the bound that HiGHS proves"
COLUMNS = 12_000
"""So many ways of moving units that differ are solved exactly; a few more would take minutes."""
SECONDS = 20.0
_GAP = 0.001


def available() -> bool:
    """Whether the extra is installed."""
    return find_spec("highspy") is not None


@dataclass
class Model:
    """A linear programme, written row by row."""

    costs: list[float] = field(default_factory=list)
    highest: list[float] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    rows: list[tuple[float, float, dict[int, float]]] = field(default_factory=list)

    def column(self, cost: float, highest: float = math.inf, *, whole: bool = False) -> int:
        """A new column from 0 to `highest`; its number."""
        self.costs.append(cost)
        self.highest.append(highest)
        self.whole.append(whole)
        return len(self.costs) - 1

    def row(self, low: float, high: float, terms: dict[int, float]) -> None:
        """A new row: the sum of the terms lies between two numbers."""
        self.rows.append((low, high, terms))

    def solved(self, seconds: float) -> tuple[Sequence[float], float, bool] | None:
        """The values of the columns, what none can be under, and whether the values hold all rows; None without any."""
        import highspy

        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(self.costs), len(self.rows)
        model.col_cost_, model.col_lower_, model.col_upper_ = self.costs, [0.0] * len(self.costs), self.highest
        model.row_lower_ = [low for low, _, _ in self.rows]
        model.row_upper_ = [high for _, high, _ in self.rows]
        starts: list[int] = [0]
        index: list[int] = []
        values: list[float] = []
        for _, _, terms in self.rows:
            index += terms.keys()
            values += terms.values()
            starts.append(len(index))
        matrix = model.a_matrix_
        matrix.format_, matrix.start_, matrix.index_, matrix.value_ = (
            highspy.MatrixFormat.kRowwise,
            starts,
            index,
            values,
        )
        if any(self.whole):
            kinds = highspy.HighsVarType
            model.integrality_ = [kinds.kInteger if each else kinds.kContinuous for each in self.whole]
        solver = highspy.Highs()
        for name, value in (("output_flag", False), ("threads", 1), ("random_seed", 0), ("mip_rel_gap", _GAP)):
            solver.setOptionValue(name, value)
        solver.setOptionValue("time_limit", seconds)
        solver.passModel(model)
        solver.run()
        info, status = solver.getInfo(), solver.getModelStatus()
        proved = status == highspy.HighsModelStatus.kOptimal
        fits = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        if not proved and not (fits and any(self.whole)):
            return None
        bound = info.mip_dual_bound if any(self.whole) else info.objective_function_value
        return list(solver.getSolution().col_value), bound, fits


def optimum(problem: Problem, budget: int, *, seconds: float = SECONDS) -> Solution:
    """The best solution within a budget, or the search's with a bound; `balance` must be installed.

    Never worse than the search: where HiGHS has no better one in time, the search's is returned with HiGHS's bound.
    """
    first = search(problem, budget)
    groups = list(alike(problem.units).items())
    if sum(len(kind[1]) for (kind, _), _ in groups) > COLUMNS:
        bound = _relaxed(problem, budget, seconds)
        return replace(first, engine=BOUNDED if bound is not None else first.engine, bound=bound)
    model = Model()
    ways = [
        [model.column(price, len(places), whole=True) for price in kind[2]] if kind[1] else []
        for (kind, _), places in groups
    ]
    spent: dict[int, float] = {}
    taken: dict[int, dict[int, float]] = defaultdict(dict)
    arrives: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for columns, ((kind, weight), places) in zip(ways, groups, strict=True):
        owner, options, _, uses, size = kind
        if columns:
            model.row(0, len(places), dict.fromkeys(columns, 1.0))
        for column, option, limits in zip(columns, options, uses, strict=True):
            spent[column] = size
            arrives[option][column] += weight
            arrives[owner][column] -= weight
            for limit in limits:
                taken[limit][column] = size
    model.row(0, budget, spent)
    for limit, terms in taken.items():
        model.row(0, problem.limits[limit], terms)
    _distances(model, problem, arrives)
    found = model.solved(seconds)
    if found is None:
        return first
    values, bound, fits = found
    best = replace(first, bound=bound)
    if fits:
        chosen = (
            (
                places,
                {option: round(values[column]) for column, option in zip(columns, kind[1], strict=True)},
            )
            for columns, ((kind, _), places) in zip(ways, groups, strict=True)
        )
        exact = Solution(spread_out(problem, chosen), EXACT, bound)
        if exact.moved(problem) <= budget and exact.keeps_limits(problem):
            return exact if exact.cost(problem) <= best.cost(problem) else replace(best, engine=EXACT)
    return best


def _distances(model: Model, problem: Problem, arrives: dict[int, dict[int, float]]) -> None:
    """Each holder's distance from the target costs in steps; a slope that grows fills the nearer ones first."""
    for holder, (load, target) in enumerate(zip(problem.loads, problem.targets, strict=True)):
        terms = dict(arrives.get(holder, {}))
        for width, slope in STEPS:
            most = width * problem.scales[holder] if problem.scales[holder] else math.inf
            terms |= {model.column(slope, most): -1.0, model.column(slope, most): 1.0}
        model.row(target - load, target - load, terms)


def _relaxed(problem: Problem, budget: int, seconds: float) -> float | None:
    """What no solution can be under: units leave in part, and their sum goes in any parts to those who may get it.

    The cheapest price of a unit stands for all its prices, and limits are left out: both make it only lower.
    """
    model = Model()
    spent: dict[int, float] = {}
    leaving: dict[tuple[int, ...], dict[int, float]] = defaultdict(dict)
    arrives: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for (kind, weight), places in alike(problem.units).items():
        owner, options, prices, _, size = kind
        if options and weight > 0 and problem.loads[owner] > 0:
            column = model.column(min(prices), len(places))
            spent[column] = size
            leaving[tuple(sorted({owner, *options}))][column] = weight
            arrives[owner][column] -= weight
    for receivers, terms in leaving.items():
        parts = {holder: model.column(0.0) for holder in receivers}
        for holder, column in parts.items():
            arrives[holder][column] += 1.0
        model.row(0.0, 0.0, {**terms, **dict.fromkeys(parts.values(), -1.0)})
    model.row(0, budget, spent)
    _distances(model, problem, arrives)
    found = model.solved(seconds)
    return found[1] if found is not None else None


def both(problem: Problem, budgets: Iterable[int], *, exact: bool, seconds: float) -> list[Solution]:
    """A solution for each budget, all within the time of one."""
    asked = list(budgets)
    if not exact:
        return [search(problem, budget) for budget in asked]
    return [optimum(problem, budget, seconds=seconds / max(len(asked), 1)) for budget in asked]
