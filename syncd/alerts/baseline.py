"""Baselines and digests: when monitors begin anew, and the one notice that tells of many findings.

A change counts only between two complete mirrors under one pack and mapping. Anything else would page people for what
nobody did: a rule edited, a CRM connected, a field mapped anew. The same holds for what piled up while syncd stood
still, and for one cause that fires an alert for every rep: it is told once, together.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from syncd.alerts.bodies import QUIET
from syncd.alerts.companies import MOST_LISTED, money, total
from syncd.alerts.episodes import CAUGHT_UP, FIRED, UNTOLD, Transition, dedup_key
from syncd.alerts.options import SEVERITIES, Handling, runbook_of
from syncd.alerts.view import MonitorView, Signal, Standing
from syncd.model.refs import System
from syncd.store.episodes import Episode

NAME = "BaselineFindings"
SUBJECT = "baseline"
HANDLING = Handling(NAME, "info", runbook_of(NAME), latched=True, tells_end=False, in_hours=True)
"""A digest is told once, waits for a person, and nobody is told of its end."""
MOST_TOLD = 20
"""More alerts of one monitor than this in one evaluation are told in one digest."""


def baseline_key(
    monitor: str,
    *,
    pack_revision: str,
    mapping_revision: str,
    bound: Mapping[System, str | None],
    plan: str | None = None,
) -> str:
    """What a monitor's baseline was taken under; another key means that a new one is taken.

    `plan` is the plan that was applied last, for the monitor that compares with it.
    """
    systems = sorted((system.value, account) for system, account in bound.items())
    text = json.dumps([monitor, pack_revision, mapping_revision, systems, plan])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def standing_of(steps: Iterable[Transition], *, first: frozenset[str]) -> tuple[Standing, ...]:
    """What stood when a baseline was taken, of monitors that tell of conditions; new where it is not their first."""
    return tuple(
        Standing(
            step.episode.monitor,
            step.episode.subject,
            step.episode.summary,
            _money(step),
            step.episode.monitor not in first,
        )
        for step in steps
        if step.baseline
    )


def digest(standing: Sequence[Standing], keys: Iterable[str], view: MonitorView) -> tuple[Signal, ...]:
    """The digest of everything that stood when the baselines `keys` were taken together; none for nothing."""
    if not standing:
        return ()
    counts = Counter(each.monitor for each in standing)
    new = sum(1 for each in standing if each.is_new)
    kinds = ", ".join(f"{count:,} {monitor}" for monitor, count in sorted(counts.items()))
    ordered = sorted(standing, key=lambda each: (not each.is_new, -each.money, each.monitor, each.subject))
    evidence = [
        f"{each.monitor}: {_named(each)}" + (" (new since the last baseline)" if each.is_new else "")
        for each in ordered[:MOST_LISTED]
    ]
    if len(ordered) > MOST_LISTED:
        evidence.append(f"and {len(ordered) - MOST_LISTED:,} more")
    signal = Signal(
        subject=SUBJECT,
        labels={"baseline": hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:16]},
        summary=f"a new baseline was taken; {_many(len(standing), 'finding')} stood already: {kinds}"
        + (f"; {new:,} of them are new" if new else ""),
        detail={
            "who": [],
            "money": money(total(each.money for each in standing), view, "open pipeline and wins of the findings"),
            "evidence": evidence,
            "findings_total": len(standing),
            "findings_new": new,
            "command": "syncd alerts",
        },
    )
    return (signal,)


def collapsed(
    steps: Iterable[Transition], view: MonitorView, *, catching_up: bool
) -> tuple[tuple[Transition, ...], tuple[Signal, ...]]:
    """The steps, with what is told together made quiet, and the digests that tell of it instead.

    Together go: whatever a long stop left to be told, and more than MOST_TOLD alerts of one monitor. Pages never do,
    and a digest is as severe as the worst that it tells of.
    """
    told = tuple(steps)
    fired = Counter(step.episode.monitor for step in told if step.reason == FIRED and step.episode.severity != "page")
    groups: dict[str, list[Episode]] = {}
    kept: list[Transition] = []
    for step in told:
        group = _group(step, fired, catching_up=catching_up)
        if group is None:
            kept.append(step)
            continue
        groups.setdefault(group, []).append(step.episode)
        detail = dict(step.episode.detail)
        if step.reason == FIRED:
            detail[QUIET] = group
            detail.pop(UNTOLD, None)
        kept.append(Transition(replace(step.episode, detail=detail)))
    return tuple(kept), tuple(_together(group, groups[group], view) for group in sorted(groups))


def _group(step: Transition, fired: Counter[str], *, catching_up: bool) -> str | None:
    """With which others a step is told: `catch-up`, its monitor's name, or None for alone."""
    if step.reason is None or step.episode.severity == "page" or step.episode.monitor == NAME:
        return None
    if catching_up or (step.reason == FIRED and step.episode.detail.get(CAUGHT_UP)):
        return "catch-up"
    return step.episode.monitor if step.reason == FIRED and fired[step.episode.monitor] > MOST_TOLD else None


def _together(group: str, episodes: Sequence[Episode], view: MonitorView) -> Signal:
    over = [episode for episode in episodes if episode.state == "resolved"]
    begun = [episode for episode in episodes if episode.state != "resolved"]
    worst = min((episode.severity for episode in episodes), key=SEVERITIES.index)
    kinds = ", ".join(f"{count:,} {name}" for name, count in sorted(Counter(each.monitor for each in begun).items()))
    ended = f"{_many(len(over), 'alert')} ended" if over else ""
    if group == "catch-up":
        began = f"{_many(len(begun), 'alert')} began ({kinds})" if begun else ""
        summary = f"while syncd stood still {' and '.join(filter(None, (began, ended)))}"
    else:
        summary = f"{len(begun):,} alerts {group} began at once: one cause, or a threshold that is too narrow"
    lines = [f"{each.monitor}: {each.summary}" for each in begun] + [
        f"{each.monitor} is over: {each.summary}" for each in over
    ]
    keys = sorted(f"{each.fingerprint} {each.started_at}" for each in episodes)
    return Signal(
        subject=group,
        labels={"digest": hashlib.sha256("\n".join(keys).encode()).hexdigest()[:16]},
        summary=summary,
        detail={
            "who": [],
            "money": money(total(_episode_money(each) for each in begun), view, "money of the alerts that began"),
            "evidence": lines[:MOST_LISTED]
            + ([f"and {len(lines) - MOST_LISTED:,} more"] if len(lines) > MOST_LISTED else []),
            "findings_total": len(episodes),
            "ended": [dedup_key(each) for each in over if each.id is not None],
            "command": "syncd alerts",
        },
        severity=worst,
    )


def _named(standing: Standing) -> str:
    """The finding's text, behind what it is about where the text does not say that itself."""
    return standing.text if standing.subject in standing.text else f"{standing.subject} {standing.text}"


def _many(number: int, one: str) -> str:
    return f"{number:,} {one}{'s' if number != 1 else ''}"


def _money(step: Transition) -> Decimal:
    return _episode_money(step.episode)


def _episode_money(episode: Episode) -> Decimal:
    told = episode.detail.get("money")
    return Decimal(told["amount"]) if told else Decimal(0)
