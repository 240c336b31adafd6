"""The options that a pack gives a monitor, read from text: durations, shares and amounts of money.

An option that cannot be read is an InputError with its place; whoever evaluates goes on with the other monitors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType

from syncd.alerts.view import Monitor
from syncd.errors import InputError
from syncd.model.money import MoneyTable, parse_money
from syncd.rules.matching.time_window import parse_duration
from syncd.rules.pack import MonitorRule
from syncd.rules.reading import plain_values
from syncd.rules.suggestion import did_you_mean

SEVERITIES = ("page", "ticket", "info")
SHARED_OPTIONS = frozenset({"severity", "for", "keep_firing_for", "runbook", "labels", "ignore", "hours"})
_MOST_PERCENT = 1000
_UNITS = MappingProxyType(
    {
        "min": timedelta(minutes=1),
        "h": timedelta(hours=1),
        "d": timedelta(days=1),
        "w": timedelta(weeks=1),
    }
)


@dataclass(frozen=True, slots=True)
class Handling:
    """How a monitor's signals become episodes.

    `waits` is how long a condition holds before it fires, `keeps` how long it must be over before it is resolved.
    `latched` episodes end only by a person's word. Of one with `tells_end` False nobody is told that it is over. One
    with `in_hours` opens only in the pack's working hours, pages apart. `labels` are the pack's own, `ignored` the
    subjects that it leaves out.
    """

    monitor: str
    severity: str
    runbook: str
    waits: timedelta = timedelta(0)
    keeps: timedelta = timedelta(0)
    latched: bool = False
    tells_end: bool = True
    enabled: bool = True
    in_hours: bool = False
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    ignored: frozenset[str] = frozenset()


def runbook_of(monitor: str) -> str:
    """The page about a monitor's alerts: `docs/runbooks/account-churned.md`."""
    words = "".join(f"-{char.lower()}" if char.isupper() else char for char in monitor).lstrip("-")
    return f"docs/runbooks/{words}.md"


def handling_of(monitor: Monitor, rule: MonitorRule) -> Handling:
    """How the pack wants a monitor handled; InputError SYN801 for an option that is unknown or cannot be read."""
    known = SHARED_OPTIONS | monitor.options
    unknown = sorted({name.partition(".")[0] for name in rule.options} - known)
    if unknown:
        hint = did_you_mean(unknown[0], known | {"when", "except", "enabled"})
        raise unreadable(rule, f"has no option `{unknown[0]}`", hint)
    nested = sorted(name for name in rule.options if ("." in name) != (name.partition(".")[0] == "labels"))
    if nested:
        name = nested[0].partition(".")[0]
        raise unreadable(
            rule, f"has a `{name}` that cannot be read", "write labels as {team: revops}, others as a value"
        )
    severity = _choice(rule, "severity", SEVERITIES, monitor.severity)
    hours = _choice(rule, "hours", ("working", "any"), "working" if monitor.reads_book else "any")
    return Handling(
        monitor=rule.name,
        severity=severity,
        runbook=rule.options.get("runbook") or runbook_of(rule.name),
        waits=span(rule, "for", monitor.waits),
        keeps=span(rule, "keep_firing_for", monitor.keeps),
        latched=monitor.edge,
        enabled=rule.enabled,
        in_hours=hours == "working",
        labels=MappingProxyType(
            {name.partition(".")[2]: text for name, text in rule.options.items() if name.startswith("labels.")}
        ),
        ignored=names(rule, "ignore"),
    )


def _choice(rule: MonitorRule, name: str, allowed: tuple[str, ...], default: str) -> str:
    chosen = rule.options.get(name, default)
    if chosen not in allowed:
        raise unreadable(rule, f"has `{name}: {chosen[:40]}`", f"write {' or '.join(allowed)}")
    return chosen


def choice(rule: MonitorRule, name: str, allowed: tuple[str, ...]) -> str:
    """An option that is one of a few words; the first of them where it is not given."""
    return _choice(rule, name, allowed, allowed[0])


def names(rule: MonitorRule, name: str) -> frozenset[str]:
    """An option that lists names, in lower case."""
    parts = (part.strip().lower() for part in rule.options.get(name, "").split(","))
    return frozenset(part for part in parts if part)


def count(rule: MonitorRule, name: str, default: int) -> int:
    """An option that is a whole number of at least 1."""
    text = rule.options.get(name)
    if text is None:
        return default
    found = plain_values.whole(text)
    if found is None or found < 1:
        raise unreadable(rule, f"has `{name}: {text[:40]}`", "write a whole number from 1 on")
    return found


def flag(rule: MonitorRule, name: str, *, default: bool) -> bool:
    """An option that is on or off."""
    text = rule.options.get(name)
    found = default if text is None else plain_values.flag(text)
    if found is None:
        raise unreadable(rule, f"has `{name}: {text}`", "write true or false")
    return found


def thresholds(rule: MonitorRule, name: str, default: tuple[str, str], *, rising: bool) -> tuple[Decimal, Decimal]:
    """The share `name` at which a monitor fires, and `resolve`, at which it is over: on the other side of it.

    `rising` fires at or above the first, else below it. Where only the first is given and passes the default of the
    second, both are the same.
    """
    fires = share(rule, name, Decimal(default[0]))
    resolves = share(rule, "resolve", Decimal(default[1]))
    wrong = resolves > fires if rising else resolves < fires
    if wrong and "resolve" not in rule.options:
        return fires, fires
    if wrong:
        word = "at most" if rising else "at least"
        raise unreadable(rule, f"resolves beyond the share it fires at, `{name}`", f"let `resolve` be {word} `{name}`")
    return fires, resolves


def span(rule: MonitorRule, name: str, default: timedelta = timedelta(0)) -> timedelta:
    """An option such as `15min`, `2h` or `1d`."""
    text = rule.options.get(name)
    if text is None:
        return default
    found = parse_duration(text)
    if found is None or found.unit not in _UNITS:
        raise unreadable(rule, f"has `{name}: {text[:40]}`", "write a duration such as 15min, 2h or 1d")
    return found.count * _UNITS[found.unit]


def share(rule: MonitorRule, name: str, default: Decimal) -> Decimal:
    """An option such as `70%`, as a fraction."""
    text = rule.options.get(name)
    if text is None:
        return default
    found = plain_values.number(text.removesuffix("%").rstrip()) if text.endswith("%") else None
    if found is None or not 0 <= found <= _MOST_PERCENT:
        raise unreadable(rule, f"has `{name}: {text[:40]}`", "write a share such as 70%")
    return found / 100


def amount(rule: MonitorRule, name: str, money: MoneyTable) -> Decimal:
    """An option such as `100k EUR`, in the reporting currency; 0 where it is not given."""
    text = rule.options.get(name)
    if text is None:
        return Decimal(0)
    parsed = parse_money(text)
    converted = money.convert(*parsed) if parsed is not None else None
    if converted is None:
        raise unreadable(rule, f"has `{name}: {text[:40]}`", f"write an amount with a rate into {money.reporting}")
    return converted


def unreadable(rule: MonitorRule, problem: str, hint: str) -> InputError:
    """The error about one option, with the rule's place."""
    where = str(rule.place) if rule.place is not None else None
    return InputError("SYN801", f"the monitor {rule.name} {problem}", where=where, hint=hint)
