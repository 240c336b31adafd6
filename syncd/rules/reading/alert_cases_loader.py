"""The tests of monitors as written: items of `tests:` that have a `watch:` in place of an account.

Checks names and shapes; running them is not known here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType

from syncd.rules.alert_cases import AlertCase, AlertStep, ExpectedAlert
from syncd.rules.deriving.families import FAMILY_FIELDS
from syncd.rules.nodes import Mapping as MappingNode
from syncd.rules.nodes import Node, Scalar, Sequence
from syncd.rules.reading import plain_values
from syncd.rules.reading.options import Options, described
from syncd.rules.reading.pack_reading import Reading
from syncd.rules.suggestion import did_you_mean

ALERT_CASE_OPTIONS = ("name", "watch")
STEP_OPTIONS = ("now", "after", "accounts", "deals", "users", "gone", "stale", "acknowledge", "expect", "told")
EXPECTED_OPTIONS = ("alert", "about", "state", "severity")
STATES = ("pending", "firing", "resolved")
USER_STATES = ("active", "inactive")
_DERIVED = FAMILY_FIELDS | {
    *("open_opportunities", "open_pipeline", "open_stages", "won_amount_12m", "won_count_12m", "last_won_at"),
    *("owner_active", "owner_changed_at", "territory", "systems", "band", "salesforce_id", "hubspot_id"),
}
"""What is computed from accounts, deals and people, and so cannot be given beside them."""
_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def is_alert_case(item: Node) -> bool:
    """Whether an item of `tests:` is a test of monitors."""
    return isinstance(item, MappingNode) and any(entry.key.text == "watch" for entry in item)


def read_alert_cases(items: Iterable[Node], monitors: Collection[str], reading: Reading) -> tuple[AlertCase, ...]:
    """Every test of monitors, in the order written; two of one name are an error (SYN206)."""
    found: dict[str, AlertCase] = {}
    for item in items:
        options = Options(item, "a test of monitors", ALERT_CASE_OPTIONS, reading)
        options.require("name", "say in a few words what the test shows")
        steps = tuple(
            _step(node, monitors, reading, first=not index) for index, node in enumerate(options.items("watch"))
        )
        name = options.text("name") or f"the test in line {options.place.line}"
        case = AlertCase(name, options.place, steps)
        first = found.setdefault(name, case)
        if first is not case:
            message = f"two tests are called `{name[:80]}`, the first at {first.place}"
            reading.findings.error("SYN206", message, case.place, "give each its own name")
        if not steps:
            message = "a test of monitors has no steps"
            reading.findings.error("SYN243", message, options.place_of("watch"), "write watch: [{now: …, expect: []}]")
    return tuple(found.values())


def _step(item: Node, monitors: Collection[str], reading: Reading, *, first: bool) -> AlertStep:
    options = Options(item, "a step of a test", STEP_OPTIONS, reading)
    if first:
        options.require("now", "the first step says when it is: now: 2026-12-01T10:00:00Z")
    elif ("now" in options) == ("after" in options):
        message = "a step says when it is: `now`, or `after` the one before it"
        reading.findings.error("SYN241", message, item.place, "write after: 5min")
    return AlertStep(
        place=item.place,
        now=options.instant("now"),
        after=_seconds(options, reading),
        accounts=_records(options, "accounts", frozenset(reading.catalogue.account) - _DERIVED, reading),
        deals=_records(options, "deals", frozenset(reading.catalogue.opportunity) | {"account"}, reading),
        users=MappingProxyType(_users(options, reading)),
        gone=_texts(options, "gone"),
        stale=options.flag("stale") or False,
        acknowledge=_texts(options, "acknowledge"),
        expect=_expected(options, monitors, reading) if "expect" in options else None,
        told=_texts(options, "told") if "told" in options else None,
    )


def _seconds(options: Options, reading: Reading) -> float:
    span = options.span("after")
    if span is None:
        return 0.0
    if span.unit not in _UNITS:
        message = f"`after` is no span of clock time: `{span.count}{span.unit}`"
        reading.findings.error("SYN242", message, options.place_of("after"), "write 5min, 2h, 1d or 1w")
        return 0.0
    return (span.count * _UNITS[span.unit]).total_seconds()


def _records(options: Options, key: str, known: Collection[str], reading: Reading) -> Mapping[str, Mapping[str, str]]:
    """Raw values by name of the account or deal; a list of values is joined as a CRM joins them."""
    found: dict[str, Mapping[str, str]] = {}
    for name, node in options.entries(key):
        values = Options(node, f"`{name.text[:60]}` of a test", known, reading)
        if values.broken or not isinstance(node, MappingNode):
            continue
        texts: dict[str, str] = {}
        for entry in node:
            if isinstance(entry.value, Scalar):
                texts[entry.key.text] = entry.value.text
            elif isinstance(entry.value, Sequence):
                texts[entry.key.text] = ";".join(item.text for item in entry.value.items if isinstance(item, Scalar))
            else:
                message = f"`{entry.key.text[:60]}` is a value or a list of values, not {described(entry.value)}"
                reading.findings.error("SYN241", message, entry.value.place)
        found[name.text] = MappingProxyType(texts)
    return MappingProxyType(found)


def _users(options: Options, reading: Reading) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for name, node in options.entries("users"):
        email = plain_values.email(name.text)
        state = node.text if isinstance(node, Scalar) else None
        if email is None:
            reading.findings.error("SYN251", f"`{name.text[:80]}` is no e-mail", name.place)
        elif state not in USER_STATES:
            message = f"`{name.text[:60]}` is active or inactive, not {described(node)}"
            reading.findings.error("SYN242", message, node.place)
        else:
            found[name.text.lower()] = state == "active"
    return found


def _texts(options: Options, key: str) -> tuple[str, ...]:
    """A list of texts; here an empty one says something: nothing is expected."""
    return () if _is_empty(options, key) else options.texts(key)


def _is_empty(options: Options, key: str) -> bool:
    node = options.node(key)
    return isinstance(node, Sequence) and not node.items


def _expected(options: Options, monitors: Collection[str], reading: Reading) -> tuple[ExpectedAlert, ...]:
    """`AccountChurned Acme`, or a mapping that says more of it."""
    found: list[ExpectedAlert] = []
    for item in () if _is_empty(options, "expect") else options.items("expect"):
        if isinstance(item, Scalar):
            monitor, _, about = item.text.strip().partition(" ")
            alert = ExpectedAlert(monitor, about.strip())
        else:
            told = Options(item, "an expected alert", EXPECTED_OPTIONS, reading)
            told.require("alert", "name its monitor: alert: AccountChurned")
            alert = ExpectedAlert(
                told.text("alert") or "",
                told.text("about") or "",
                told.choice("state", STATES) or "firing",
                told.choice("severity", ("page", "ticket", "info")),
            )
        if alert.monitor and alert.monitor not in monitors:
            message = f"there is no monitor `{alert.monitor[:60]}`"
            reading.findings.error("SYN240", message, item.place, did_you_mean(alert.monitor, monitors))
        found.append(alert)
    return tuple(found)
