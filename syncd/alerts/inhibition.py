"""Inhibition and silences: what keeps an alert from being told, though its monitor speaks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from syncd.alerts.view import Condition, Signal
from syncd.store.episodes import Episode, Silence

_SOURCE_STALE, _REP_LEFT, _JOB_FAILING = "SourceStale", "RepLeft", "JobFailing"
_READS = frozenset({"pull", "delayed-pass", "sweep"})
"""Jobs that fail because a CRM cannot be read, which SourceStale tells."""


@dataclass(frozen=True, slots=True)
class Inhibitors:
    """What is known to be wrong already, and makes other alerts beside the point."""

    stale: frozenset[str]
    left: frozenset[str]

    def muting(self, monitor: str, signal: Signal) -> str | None:
        """What keeps a signal from firing or resolving now, such as `SourceStale salesforce`; None for nothing."""
        rep = signal.labels.get("rep")
        if rep in self.left and monitor != _REP_LEFT:
            return f"{_REP_LEFT} {rep}"
        hidden: list[str] = sorted(system.value for system in signal.systems if system.value in self.stale)
        if monitor == _JOB_FAILING and signal.labels.get("job") in _READS:
            hidden = sorted(self.stale)
        return f"{_SOURCE_STALE} {hidden[0]}" if hidden else None


def inhibitors(signals: Mapping[str, Iterable[Signal]], episodes: Iterable[Episode]) -> Inhibitors:
    """The inhibitors among what monitors say now, and among open alerts of those that were not asked."""
    known = tuple(episodes)
    found: dict[str, set[str]] = {_SOURCE_STALE: set(), _REP_LEFT: set()}
    for monitor, label in ((_SOURCE_STALE, "system"), (_REP_LEFT, "rep")):
        for signal in signals.get(monitor, ()):
            if signal.condition is Condition.FIRING and not signal.waits:
                found[monitor].add(signal.labels.get(label, ""))
        if monitor not in signals or monitor == _REP_LEFT:
            found[monitor] |= {
                episode.labels.get(label, "")
                for episode in known
                if episode.monitor == monitor and episode.state == "firing"
            }
    return Inhibitors(frozenset(found[_SOURCE_STALE]), frozenset(found[_REP_LEFT]))


def silencing(episode: Episode, silences: Iterable[Silence]) -> Silence | None:
    """The first silence in force that an alert falls under.

    Every matcher must equal a label of it, or its `monitor`, `severity` or `subject`; `*` and `?` stand for any text.
    """
    told = {**episode.labels, "monitor": episode.monitor, "severity": episode.severity, "subject": episode.subject}
    for silence in silences:
        if all(name in told and fnmatchcase(told[name], wanted) for name, wanted in silence.matchers.items()):
            return silence
    return None
