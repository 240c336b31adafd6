"""Evaluation: every monitor asked of one view, what becomes of alerts, and what is told. Pure: views in, steps out.

A monitor whose rule cannot be read keeps no other from speaking; one whose data cannot be trusted is not asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from syncd.alerts import baseline
from syncd.alerts.episodes import Round, Transition, transitions
from syncd.alerts.monitors import MONITORS
from syncd.alerts.monitors.mirror_shrank import shrunken
from syncd.alerts.options import Handling, handling_of
from syncd.alerts.view import Evaluation, Monitor, MonitorView, Signal, Standing
from syncd.errors import Finding, InputError, Place, Severity
from syncd.store.episodes import Episode


@dataclass(frozen=True, slots=True)
class Findings:
    """What the monitors said, how to handle it, and what to remember of it. `asked` are those that were evaluated.

    `standing` is what edge monitors found when they took a baseline; `problems` are findings about monitors' rules.
    """

    signals: Mapping[str, tuple[Signal, ...]]
    handling: Mapping[str, Handling]
    states: Mapping[str, Mapping[str, str]]
    standing: tuple[Standing, ...]
    problems: tuple[Finding, ...]

    @property
    def asked(self) -> frozenset[str]:
        """The monitors that were evaluated."""
        return frozenset(self.signals)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of alerts: the steps to save, in order, and the histories of those that came and went lately."""

    steps: tuple[Transition, ...]
    histories: Mapping[str, str]


def evaluate(view: MonitorView, *, data: bool) -> Findings:
    """Ask every monitor that can be asked; those of data only with `data`, and where their mirrors are fresh."""
    signals: dict[str, tuple[Signal, ...]] = {}
    handling: dict[str, Handling] = {}
    states: dict[str, Mapping[str, str]] = {}
    standing: list[Standing] = []
    problems = list(view.pack_findings)
    for monitor in MONITORS:
        if not _can_be_asked(monitor, view, data=data):
            continue
        try:
            rules, found = _ask(monitor, replace(view, pack_findings=tuple(problems)))
        except InputError as error:
            problems.append(finding_of(error))
            continue
        signals[monitor.name] = tuple(each for each in found.signals if not _is_ignored(each, rules))
        handling[monitor.name] = rules
        standing += found.standing if rules.enabled else ()
        states[monitor.name] = found.states or {}
    return Findings(signals, handling, states, tuple(standing), tuple(problems))


def judge(
    found: Findings,
    episodes: tuple[Episode, ...],
    around: Round,
    view: MonitorView,
    *,
    first: frozenset[str],
    keys: Iterable[str],
) -> Verdict:
    """The steps of all alerts, given what the monitors said and which alerts are open.

    `first` are the monitors that never had a baseline, `keys` those of the baselines that are taken now.
    """
    open_ = tuple(episode for episode in episodes if episode.monitor != baseline.NAME)
    digests = tuple(episode for episode in episodes if episode.monitor == baseline.NAME)
    outcome = transitions(found.signals, open_, around, found.handling)
    standing = (*found.standing, *baseline.standing_of(outcome.steps, first=first))
    steps, gathered = baseline.collapsed(outcome.steps, view, catching_up=around.catching_up)
    new = baseline.digest(standing, keys, view)
    # Digests are judged after the rest: what they tell of is known only then. Open ones may wait for working hours.
    later = replace(around, histories={}, rebased=frozenset())
    told = transitions({baseline.NAME: (*new, *gathered)}, digests, later, {baseline.NAME: baseline.HANDLING})
    older = _superseded(digests, {step.episode.fingerprint for step in told.steps}, around) if new else ()
    return Verdict((*steps, *told.steps, *older), outcome.histories)


def untrusted(view: MonitorView) -> MonitorView:
    """The view without systems whose mirror shrank: nothing that was read from them says anything."""
    try:
        return replace(view, fresh=view.fresh - shrunken(view))
    except InputError:
        return view  # the rule is reported when MirrorShrank is asked


def finding_of(error: InputError) -> Finding:
    """An error about a rule as a finding with its place."""
    place = None
    if error.where:
        path, _, rest = error.where.partition(":")
        line, _, column = rest.partition(":")
        if line.isdigit():
            place = Place(path, int(line), int(column) if column.isdigit() else 1)
    return Finding(error.code, Severity.ERROR, error.summary, place, error.hint)


def _can_be_asked(monitor: Monitor, view: MonitorView, *, data: bool) -> bool:
    if not monitor.reads_book:
        return True
    if not data or (monitor.decides and view.decisions is None):
        return False
    return view.fresh.issuperset(view.systems) or not (monitor.whole or monitor.name in view.rebased)


def _ask(monitor: Monitor, view: MonitorView) -> tuple[Handling, Evaluation]:
    rules = handling_of(monitor, view.rule(monitor.name))
    # One that is switched off still remembers what it would see, so that switching it on again tells no old news.
    return rules, monitor.evaluate(view)


def _is_ignored(signal: Signal, rules: Handling) -> bool:
    names = {signal.subject.lower(), *(text.lower() for text in signal.labels.values())}
    return not rules.ignored.isdisjoint(names)


def _superseded(episodes: Iterable[Episode], known: set[str], around: Round) -> tuple[Transition, ...]:
    """Older digests of baselines end, told to nobody, when a newer one is there."""
    return tuple(
        Transition(replace(episode, state="resolved", resolved_at=around.now))
        for episode in episodes
        if episode.monitor == baseline.NAME
        and episode.subject == baseline.SUBJECT
        and episode.acknowledged_by is None
        and episode.fingerprint not in known
    )
