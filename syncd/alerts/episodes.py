"""Episodes: what becomes of open alerts when monitors have spoken, and who is told for which named reason.

Pure. One episode is one firing spell of one fingerprint; its key is the same for every telling of it, so that a
receiver that gets a notice twice can tell.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from syncd.alerts.options import Handling
from syncd.alerts.view import Condition, Signal
from syncd.clock import iso, parse_instant
from syncd.store.episodes import Episode

FIRED, RESOLVED = "fired", "resolved"
_CLEAR_SINCE = "clear_since"
_SOURCE_STALE, _REP_LEFT, _ATTAINMENT_BELOW = "SourceStale", "RepLeft", "AttainmentBelow"


@dataclass(frozen=True, slots=True)
class Transition:
    """The next state of an episode; `reason` is what receivers are told, None where nobody is."""

    episode: Episode
    reason: str | None = None


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
    now: datetime,
    handling: Mapping[str, Handling],
) -> tuple[Transition, ...]:
    """What changes, given what each monitor that was evaluated says; episodes of the others stay as they are.

    `signals` has an entry for every monitor that was evaluated, an empty one where it had nothing to say; `handling`
    has one for each of these. `episodes` are all that are pending or firing.
    """
    open_ = tuple(episodes)
    inhibitors = _inhibitors(signals, open_)
    found: list[Transition] = []
    for monitor in signals:
        rules = handling[monitor]
        by_key = {episode.fingerprint: episode for episode in open_ if episode.monitor == monitor}
        spoken: set[str] = set()
        for signal in signals[monitor] if rules.enabled else ():
            key = fingerprint(monitor, signal.labels)
            if key in spoken:
                continue
            spoken.add(key)
            heard = replace(signal, condition=Condition.HOLDING) if inhibitors.mute(monitor, signal) else signal
            found += _heard(heard, by_key.get(key), key, now, rules)
        for key, episode in by_key.items():
            if key not in spoken:
                found += _unspoken(episode, now, rules)
    return tuple(found)


def _heard(signal: Signal, episode: Episode | None, key: str, now: datetime, rules: Handling) -> Iterator[Transition]:
    if episode is None:
        if signal.condition is Condition.FIRING:
            yield _opened(signal, key, now, rules)
    elif signal.condition is Condition.HOLDING:
        return
    elif signal.condition is Condition.CLEAR:
        yield from _cleared(episode, now, rules)
    elif episode.state == "pending" and now - episode.started_at >= _waits(signal, rules):
        yield Transition(_told(replace(episode, state="firing", fired_at=now), signal), FIRED)
    elif rules.latched:
        yield from _acknowledged(episode, now, rules)
    elif (fresher := _told(episode, signal)) != episode:
        yield Transition(fresher)


def _opened(signal: Signal, key: str, now: datetime, rules: Handling) -> Transition:
    fires = not _waits(signal, rules)
    episode = Episode(
        id=None,
        fingerprint=key,
        monitor=rules.monitor,
        subject=signal.subject,
        labels=dict(signal.labels),
        severity=signal.severity or rules.severity,
        state="firing" if fires else "pending",
        started_at=now,
        fired_at=now if fires else None,
        summary=signal.summary,
        detail={**signal.detail, "runbook": rules.runbook},
    )
    return Transition(episode, FIRED if fires else None)


def _waits(signal: Signal, rules: Handling) -> timedelta:
    return rules.waits if signal.waits is None else signal.waits


def _unspoken(episode: Episode, now: datetime, rules: Handling) -> Iterator[Transition]:
    """An episode that its monitor says nothing about any more: over, unless it is for a person to say so."""
    if rules.latched and rules.enabled:
        yield from _acknowledged(episode, now, rules)
    elif rules.enabled:
        yield from _cleared(episode, now, rules)
    else:
        yield ended(episode, now, rules.tells_end)


def _acknowledged(episode: Episode, now: datetime, rules: Handling) -> Iterator[Transition]:
    if episode.acknowledged_by is not None:
        yield ended(episode, now, rules.tells_end)


def _cleared(episode: Episode, now: datetime, rules: Handling) -> Iterator[Transition]:
    if episode.state == "pending" or not rules.keeps:
        yield ended(episode, now, rules.tells_end)
        return
    since = episode.detail.get(_CLEAR_SINCE)
    if since is None:
        yield Transition(replace(episode, detail={**episode.detail, _CLEAR_SINCE: iso(now)}))
    elif now - parse_instant(since) >= rules.keeps:
        yield ended(episode, now, rules.tells_end)


def ended(episode: Episode, now: datetime, tells: bool) -> Transition:
    """The end of an episode; told only where it had fired."""
    over = replace(episode, state="resolved", resolved_at=now)
    return Transition(over, RESOLVED if tells and episode.fired_at is not None else None)


def _told(episode: Episode, signal: Signal) -> Episode:
    """The episode with what the signal says now."""
    kept: dict[str, Any] = {"runbook": episode.detail.get("runbook")}
    return replace(episode, summary=signal.summary, detail={**signal.detail, **kept})


@dataclass(frozen=True, slots=True)
class _Inhibitors:
    """What is known to be wrong already, and makes other alerts beside the point (reliability.md 3.2)."""

    stale: frozenset[str]
    left: frozenset[str]

    def mute(self, monitor: str, signal: Signal) -> bool:
        """Whether a signal neither fires nor resolves now."""
        if monitor == _ATTAINMENT_BELOW and signal.labels.get("rep") in self.left:
            return True
        return any(system.value in self.stale for system in signal.systems)


def _inhibitors(signals: Mapping[str, Iterable[Signal]], episodes: tuple[Episode, ...]) -> _Inhibitors:
    found: dict[str, set[str]] = {_SOURCE_STALE: set(), _REP_LEFT: set()}
    for monitor, label in ((_SOURCE_STALE, "system"), (_REP_LEFT, "rep")):
        for signal in signals.get(monitor, ()):
            if signal.condition is Condition.FIRING and not signal.waits:
                found[monitor].add(signal.labels.get(label, ""))
        if monitor not in signals or monitor == _REP_LEFT:
            found[monitor] |= {
                episode.labels.get(label, "")
                for episode in episodes
                if episode.monitor == monitor and episode.state == "firing"
            }
    return _Inhibitors(frozenset(found[_SOURCE_STALE]), frozenset(found[_REP_LEFT]))
