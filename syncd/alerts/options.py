"""The options that a pack gives a monitor, read from text: durations, shares and amounts of money.

An option that cannot be read is an InputError with its place; whoever evaluates goes on with the other monitors.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType

from syncd.errors import InputError
from syncd.model.money import MoneyTable, parse_money
from syncd.rules.matching.time_window import parse_duration
from syncd.rules.pack import MonitorRule
from syncd.rules.reading import plain_values
from syncd.rules.reading.suggestion import did_you_mean

SEVERITIES = ("page", "ticket", "info")
SHARED_OPTIONS = frozenset({"severity", "for", "keep_firing_for", "runbook"})
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
    `latched` episodes end only by a person's word. Of one with `tells_end` False nobody is told that it is over.
    """

    monitor: str
    severity: str
    runbook: str
    waits: timedelta = timedelta(0)
    keeps: timedelta = timedelta(0)
    latched: bool = False
    tells_end: bool = True
    enabled: bool = True


def runbook_of(monitor: str) -> str:
    """The page about a monitor's alerts: `docs/runbooks/account-churned.md`."""
    words = "".join(f"-{char.lower()}" if char.isupper() else char for char in monitor).lstrip("-")
    return f"docs/runbooks/{words}.md"


def handling_of(rule: MonitorRule, *, severity: str, latched: bool, own: frozenset[str]) -> Handling:
    """How the pack wants a monitor handled; InputError SYN801 for an option that is unknown or cannot be read."""
    known = SHARED_OPTIONS | own
    unknown = sorted({name.partition(".")[0] for name in rule.options} - known)
    if unknown:
        raise unreadable(rule, f"has no option `{unknown[0]}`", did_you_mean(unknown[0], known | {"when", "enabled"}))
    chosen = rule.options.get("severity", severity)
    if chosen not in SEVERITIES:
        raise unreadable(rule, f"has the severity `{chosen}`", "write page, ticket or info")
    return Handling(
        monitor=rule.name,
        severity=chosen,
        runbook=rule.options.get("runbook") or runbook_of(rule.name),
        waits=span(rule, "for"),
        keeps=span(rule, "keep_firing_for"),
        latched=latched,
        enabled=rule.enabled,
    )


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
    found = plain_values.share(text)
    if found is None:
        raise unreadable(rule, f"has `{name}: {text[:40]}`", "write a share such as 70%")
    return found


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
