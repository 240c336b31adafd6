"""TerritoryComposition: many accounts came into a territory, or left it, since the last applied plan.

What is remembered of each record is the territory that it left from last and the one it was last counted into: they
move on only when an alert has told of it, so that slow changes add up and none is told twice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from syncd.alerts import options
from syncd.alerts.companies import accounts_in_words, amount, book_detail, in_words, total
from syncd.alerts.view import Evaluation, Monitor, MonitorView, Signal
from syncd.rules.facts import Facts

NAME = "TerritoryComposition"
_NONE = "(none)"
_LEAST = 5
_SHOWN = 10
_WON = "won_amount_12m"


@dataclass(slots=True)
class _Flow:
    """What came and went in one territory, by company or by the ref of a record that is gone."""

    came: dict[str, Facts] = field(default_factory=dict)
    left: dict[str, Facts | None] = field(default_factory=dict)
    moves: Counter[str] = field(default_factory=Counter)


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for each territory where at least `accounts`, and `share` of what it had, came or went."""
    if view.decisions is None:
        return Evaluation()
    rule = view.rule(NAME)
    share, least = options.share(rule, "share", Decimal("0.1")), options.count(rule, "accounts", _LEAST)
    now = {str(ref): (facts, _territory(facts, view)) for facts in view.accounts(NAME) for ref in facts.refs}
    seen = {key: _halves(state) for key, state in view.seen_by(NAME).items()}
    if NAME in view.rebased:
        return Evaluation((), {key: path for key, (_, path) in now.items()})
    flows = _flows(now, seen)
    had = Counter(home for home, _ in seen.values())
    told = {
        path
        for path, flow in flows.items()
        if path != _NONE and max(len(flow.came), len(flow.left)) >= max(Decimal(least), share * max(had[path], 1))
    }
    signals = tuple(_signal(path, flows[path], had[path], view) for path in sorted(told))
    return Evaluation(signals, _states(now, seen, told))


def _territory(facts: Facts, view: MonitorView) -> str:
    decision = (view.decisions or {}).get(facts.key)
    return decision.territory or _NONE if decision is not None else _NONE


def _halves(state: str) -> tuple[str, str]:
    """The territory that a record counts as leaving, and the one that it was last counted into."""
    home, tab, entered = state.partition("\t")
    return home, entered if tab else home


def _flows(now: Mapping[str, tuple[Facts, str]], seen: Mapping[str, tuple[str, str]]) -> Mapping[str, _Flow]:
    flows: dict[str, _Flow] = defaultdict(_Flow)
    for key, (facts, path) in now.items():
        home, entered = seen.get(key, (_NONE, _NONE))
        if home != path:
            flows[home].left[facts.key] = facts
            flows[home].moves[f"to {path}"] += 1
        if entered != path:
            flows[path].came[facts.key] = facts
            flows[path].moves[f"from {home}" if home != _NONE else "new"] += 1
    for key in seen.keys() - now.keys():
        flows[seen[key][0]].left[key] = None
        flows[seen[key][0]].moves["gone"] += 1
    return flows


def _states(
    now: Mapping[str, tuple[Facts, str]], seen: Mapping[str, tuple[str, str]], told: Iterable[str]
) -> dict[str, str]:
    told = frozenset(told)
    states: dict[str, str] = {}
    for key, (_, path) in now.items():
        home, entered = seen.get(key, (_NONE, _NONE))
        home = path if home in told or home == _NONE else home
        entered = path if path in told else entered
        states[key] = home if home == entered else f"{home}\t{entered}"
    for key in seen.keys() - now.keys():
        if seen[key][0] not in told:
            states[key] = "\t".join(dict.fromkeys(seen[key]))
    return states


def _signal(path: str, flow: _Flow, had: int, view: MonitorView) -> Signal:
    book = [facts for facts in (*flow.came.values(), *flow.left.values()) if facts is not None]
    won = total(amount(facts, _WON) for facts in book)
    return Signal(
        subject=path,
        labels={"territory": path},
        summary=f"{path} had {accounts_in_words(had)}: {len(flow.came):,} came and {len(flow.left):,} left since the"
        f" last applied plan, with {in_words(won, view)} won in the last 12 months",
        detail=book_detail(book, view, _WON, "won in the last 12 months by these accounts")
        | {
            "evidence": [f"{count:,} {how}" for how, count in flow.moves.most_common(_SHOWN)],
            "command": "syncd plan",
        },
    )


MONITOR = Monitor(NAME, evaluate, "info", edge=True, decides=True, options=frozenset({"share", "accounts"}))
