"""Episodes: what becomes of open alerts when monitors have spoken, and who is told for which named reason.

Pure. One episode is one firing spell of one fingerprint; its key is the same for every telling of it, so that a
receiver that gets a notice twice can tell. Nobody is told of the end of what nobody was told of.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from syncd.alerts import flapping
from syncd.alerts.bodies import QUIET, SUPPRESSED, WAITS_FOR
from syncd.alerts.inhibition import inhibitors, silencing
from syncd.alerts.options import Handling
from syncd.alerts.view import Condition, Signal
from syncd.clock import iso, parse_instant
from syncd.store.episodes import Episode, Silence

FIRED, RESOLVED, FLAPPING = "fired", "resolved", "flapping"
UNTOLD, DUE, CAUGHT_UP = "untold", "due_at", "caught_up"
"""Marks in an episode's detail beside those of bodies: to be told when its suppression ends; from when on a pending one
may fire; begun in the first look after a long stop."""
_CLEAR_SINCE, _FLAPS = "clear_since", "flapping"
_KEPT = ("runbook", QUIET, UNTOLD, CAUGHT_UP, DUE, _FLAPS)


@dataclass(frozen=True, slots=True)
class Transition:
    """The next state of an episode; `reason` is what receivers are told, None where nobody is.

    `baseline` marks what stood when a baseline was taken: it fires, and only a digest tells of it.
    """

    episode: Episode
    reason: str | None = None
    baseline: bool = False


@dataclass(frozen=True, slots=True)
class Round:
    """The circumstances of one evaluation.

    `working` is whether it is the pack's working hours; `rebased` are the monitors that take a baseline; `catching_up`
    is whether this is the first look after a long stop. `histories` are those of conditions that came and went lately.
    """

    now: datetime
    working: bool = True
    rebased: frozenset[str] = frozenset()
    catching_up: bool = False
    silences: tuple[Silence, ...] = ()
    histories: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What changes, and the histories of conditions that came and went lately, by fingerprint."""

    steps: tuple[Transition, ...]
    histories: Mapping[str, str]


def fingerprint(monitor: str, labels: Mapping[str, str]) -> str:
    """What makes two signals the same alert: the monitor and its labels."""
    text = json.dumps([monitor, sorted(labels.items())], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def dedup_key(episode: Episode) -> str:
    """The key that a receiver sees once per episode, however often it is told."""
    return f"syncd:{episode.fingerprint}:{episode.id}"


def transitions(
    signals: Mapping[str, Iterable[Signal]],
    episodes: Iterable[Episode],
    around: Round,
    handling: Mapping[str, Handling],
) -> Outcome:
    """What changes, given what each monitor that was evaluated says; episodes of the others stay as they are.

    `signals` has an entry for every monitor that was evaluated, an empty one where it had nothing to say; `handling`
    has one for each of these. `episodes` are all that are pending or firing.
    """
    open_ = tuple(episodes)
    muting = inhibitors(signals, open_)
    histories = dict(around.histories)
    moved: dict[str, Transition] = {}
    for monitor in signals:
        by_key = {episode.fingerprint: episode for episode in open_ if episode.monitor == monitor}
        each = _Rules(handling[monitor], around, histories)
        spoken: set[str] = set()
        for signal in signals[monitor] if handling[monitor].enabled else ():
            key = fingerprint(monitor, signal.labels)
            if key in spoken:
                continue
            spoken.add(key)
            muted = muting.muting(monitor, signal)
            moved.update((key, step) for step in each.heard(signal, by_key.get(key), key, muted))
        for key, episode in by_key.items():
            if key not in spoken:
                moved.update((key, step) for step in each.unspoken(episode))
    steps = [_settled(moved.get(episode.fingerprint) or Transition(episode), around) for episode in open_]
    changed = [step for step, before in zip(steps, open_, strict=True) if step != Transition(before)]
    known = {episode.fingerprint for episode in open_}
    opened = [_settled(step, around) for key, step in moved.items() if key not in known]
    return Outcome((*changed, *opened), histories)


def ended(episode: Episode, now: datetime, tells: bool) -> Transition:
    """The end of an episode; told only where its beginning was."""
    over = replace(
        episode, state="resolved", resolved_at=now, detail=without(episode.detail, SUPPRESSED, WAITS_FOR, DUE)
    )
    was_told = episode.fired_at is not None and not episode.detail.get(QUIET) and not episode.detail.get(UNTOLD)
    return Transition(over, RESOLVED if tells and was_told else None)


def without(detail: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A detail without some of its marks."""
    return {name: value for name, value in detail.items() if name not in names}


@dataclass(frozen=True, slots=True)
class _Rules:
    """One monitor's rules applied to its signals, in one round."""

    rules: Handling
    around: Round
    histories: dict[str, str]

    def heard(self, signal: Signal, episode: Episode | None, key: str, muted: str | None) -> Iterator[Transition]:
        """What a signal makes of its episode, or of none."""
        if muted is not None or signal.condition is Condition.HOLDING:
            if episode is not None and muted is not None:
                yield Transition(_marked(episode, **{SUPPRESSED: muted}))
            return
        firing = signal.condition is Condition.FIRING
        began = self._flaps(key, episode, firing=firing)
        if firing and episode is None:
            opened = self._opened(signal, key)
            yield replace(opened, reason=FLAPPING) if began and opened.reason else opened
        elif firing and episode is not None:
            yield from self._still(signal, episode)
        elif episode is not None:
            yield from self._cleared(episode, began)

    def unspoken(self, episode: Episode) -> Iterator[Transition]:
        """An episode that its monitor says nothing about any more: over, unless it is for a person to say so."""
        rules = self.rules
        if not rules.enabled:
            yield ended(episode, self.around.now, rules.tells_end)
        elif not rules.latched:
            yield from self._cleared(episode, self._flaps(episode.fingerprint, episode, firing=False))
        elif episode.acknowledged_by is not None:
            yield ended(episode, self.around.now, rules.tells_end)
        elif episode.state == "pending":
            yield from self._ripened(episode, rules.waits)

    def _flaps(self, key: str, episode: Episode | None, *, firing: bool) -> bool:
        """Write the evaluation down; whether flapping begins with it."""
        if self.rules.latched or (episode is None and not firing and key not in self.histories):
            return False
        before = self.histories.get(key, "")
        held = episode is not None and _CLEAR_SINCE not in episode.detail
        after = flapping.recorded(before, firing=firing, before=held)
        self.histories.pop(key, None)
        if after:
            self.histories[key] = after
        return flapping.is_flapping(after) and not flapping.is_flapping(before)

    def _opened(self, signal: Signal, key: str) -> Transition:
        rules, now = self.rules, self.around.now
        stood = rules.monitor in self.around.rebased and not rules.latched
        severity = signal.severity or rules.severity
        detail = {**signal.detail, "runbook": rules.runbook}
        if stood:
            detail[QUIET] = "baseline"
        if self.around.catching_up:
            detail[CAUGHT_UP] = True
        if flapping.is_flapping(self.histories.get(key, "")):
            detail[_FLAPS] = True
        episode = Episode(
            id=None,
            fingerprint=key,
            monitor=rules.monitor,
            subject=signal.subject,
            labels={**rules.labels, **signal.labels},
            severity=severity,
            state="firing" if stood else "pending",
            started_at=now,
            fired_at=now if stood else None,
            summary=signal.summary,
            detail=detail,
        )
        if stood:
            return Transition(episode, baseline=True)
        waits = self._waits(signal)
        waiting = _marked(episode, **{DUE: iso(now + waits)})
        return next(self._ripened(waiting, waits), Transition(waiting))

    def _waits(self, signal: Signal) -> timedelta:
        return self.rules.waits if signal.waits is None else signal.waits

    def _ripened(self, episode: Episode, waits: timedelta) -> Iterator[Transition]:
        """A pending episode fires when it has held long enough and may open at this hour; else it says what for."""
        if self.around.now - episode.started_at < waits:
            return
        if self.rules.in_hours and not self.around.working and episode.severity != "page":
            yield Transition(_marked(episode, **{WAITS_FOR: "working hours"}))
            return
        detail = without(episode.detail, WAITS_FOR, DUE)
        yield Transition(replace(episode, state="firing", fired_at=self.around.now, detail=detail), FIRED)

    def _still(self, signal: Signal, episode: Episode) -> Iterator[Transition]:
        """A condition that goes on, with what the signal says now."""
        if self.rules.latched and episode.acknowledged_by is not None:
            yield ended(episode, self.around.now, self.rules.tells_end)
            return
        kept = {name: episode.detail[name] for name in _KEPT if name in episode.detail}
        if not flapping.is_flapping(self.histories.get(episode.fingerprint, "")):
            kept.pop(_FLAPS, None)
        told = replace(episode, summary=signal.summary, detail={**signal.detail, **kept})
        if episode.state == "pending":
            yield from self._ripened(told, self._waits(signal))
            return
        yield Transition(told)

    def _cleared(self, episode: Episode, began: bool) -> Iterator[Transition]:
        """A condition that is over: resolved, unless it has to stay over for a while, or only flaps."""
        rules, now = self.rules, self.around.now
        if episode.state == "firing" and flapping.is_flapping(self.histories.get(episode.fingerprint, "")):
            yield Transition(_marked(episode, **{_FLAPS: True}), FLAPPING if began else None)
            return
        calm = replace(episode, detail=without(episode.detail, _FLAPS))
        if episode.state == "pending" or not rules.keeps:
            yield ended(calm, now, rules.tells_end)
            return
        since = episode.detail.get(_CLEAR_SINCE)
        if since is None:
            yield Transition(_marked(calm, **{_CLEAR_SINCE: iso(now)}))
        elif now - parse_instant(since) >= rules.keeps:
            yield ended(calm, now, rules.tells_end)


def _marked(episode: Episode, **marks: Any) -> Episode:
    return replace(episode, detail={**episode.detail, **marks})


def _settled(step: Transition, around: Round) -> Transition:
    """A step with silences heeded: what would be told waits while one is in force, and is told when it ends."""
    episode = step.episode
    if episode.state != "firing":
        return step
    silence = silencing(episode, around.silences)
    if silence is None:
        inhibited = str(episode.detail.get(SUPPRESSED, "")).partition(" ")[0] in ("SourceStale", "RepLeft")
        calm = replace(episode, detail=without(episode.detail, *(() if inhibited else (SUPPRESSED,)), UNTOLD))
        late = bool(episode.detail.get(UNTOLD)) and step.reason is None
        return replace(step, episode=calm, reason=FIRED if late else step.reason)
    marks: dict[str, Any] = {SUPPRESSED: f"silence {silence.id}"}
    if step.reason is not None:
        marks[UNTOLD] = True
    told_before = step.reason == FLAPPING and episode.fired_at != around.now and not episode.detail.get(UNTOLD)
    if told_before:
        marks.pop(UNTOLD)
    return replace(step, episode=_marked(episode, **marks), reason=None)
