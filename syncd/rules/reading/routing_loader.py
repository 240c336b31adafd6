"""The sections `retrieve` and `routing`: what comes back when nobody works it, and the way of a lead.

Reads and checks what is written; who gets what is not known here.
"""

from __future__ import annotations

from syncd.rules.matching.wording import entries_written
from syncd.rules.matching.working_hours import parse_hours
from syncd.rules.nodes import Entry, Mapping, Node
from syncd.rules.reading import plain_values
from syncd.rules.reading.options import Options, read_name
from syncd.rules.reading.pack_reading import Reading
from syncd.rules.reading.sections import Sections
from syncd.rules.routing_rules import LeadRouting, LeadStep, Retrieve, Sla

RETRIEVE_OPTIONS = ("when", "to", "grace", "cool_off", "budget")
ROUTING_OPTIONS = ("leads", "sla")
STEP_OPTIONS = ("match", "territory", "pool")
SLA_OPTIONS = ("first_touch", "hours", "then")
SLA_HOURS = ("business", "always")
SLA_THEN = ("reassign", "alert")


def read_retrieve(entries: list[Entry], reading: Reading) -> Retrieve | None:
    """The section `retrieve`, or None where the pack has none, or after an error."""
    if not entries:
        return None
    node = Mapping(tuple(entries), entries[0].key.place)
    options = Options(node, "`retrieve`", RETRIEVE_OPTIONS, reading)
    asked = options.require("when", "write its condition, as in {last_activity_at: {not_since: 90d}}")
    when = reading.condition(options.node("when"), reading.scope()) if asked else None
    pool = _pool_of(options, reading) if options.require("to", "write to: {pool: triage}") else None
    grace, cool_off = options.span("grace"), options.span("cool_off")
    budget = options.whole("budget")
    if when is None or pool is None:
        return None
    return Retrieve(node.place, when, pool, grace, cool_off, budget, entries_written(node))


def read_routing(entries: list[Entry], sections: Sections, reading: Reading) -> LeadRouting | None:
    """The section `routing`, or None where the pack has none."""
    if not entries:
        return None
    node = Mapping(tuple(entries), entries[0].key.place)
    options = Options(node, "`routing`", ROUTING_OPTIONS, reading)
    steps: tuple[LeadStep, ...] = ()
    if options.require("leads", "write leads: [{match: account}, {territory: true}, {pool: triage}]"):
        items = list(sections.inserted(options.items("leads")))
        steps = tuple(step for item in items if (step := _step(item, reading)) is not None)
    _warn_doubled(steps, reading)
    return LeadRouting(node.place, steps, _sla(options, reading))


def _pool_of(options: Options, reading: Reading) -> str | None:
    node = options.node("to")
    target = Options(node, "`to`", ("pool",), reading) if node is not None else None
    if target is None or not target.require("pool", "write to: {pool: triage}"):
        return None
    return _pool(target, reading)


def _pool(options: Options, reading: Reading) -> str | None:
    named = options.scalar("pool")
    name = read_name(named, reading) if named is not None else None
    if name is not None:
        reading.refer("pool", name, options.place_of("pool"))
    return name


def _step(item: Node, reading: Reading) -> LeadStep | None:
    options = Options(item, "a step of `leads`", STEP_OPTIONS, reading)
    given = [key for key in STEP_OPTIONS if key in options]
    if options.broken:
        return None
    if len(given) != 1:
        hint = "write {match: account}, {territory: true} or {pool: triage}"
        reading.findings.error("SYN294", "a step of `leads` says one thing", options.place, hint)
        return None
    if given == ["pool"]:
        pool = _pool(options, reading)
        return LeadStep("pool", options.place, pool) if pool is not None else None
    if given == ["match"]:
        return LeadStep("account", options.place) if options.choice("match", ("account",)) else None
    flag = options.flag("territory")
    if flag is False:
        message = "`territory: false` says nothing"
        reading.findings.error("SYN294", message, options.place_of("territory"), "write true, or remove the step")
    return LeadStep("territory", options.place) if flag else None


def _warn_doubled(steps: tuple[LeadStep, ...], reading: Reading) -> None:
    """A step that stands twice can do nothing the second time."""
    seen: set[tuple[str, str | None]] = set()
    for step in steps:
        if (step.match, step.pool) in seen:
            reading.findings.warning("SYN294", "this step of `leads` stands twice", step.place, "remove it")
        seen.add((step.match, step.pool))


def _sla(options: Options, reading: Reading) -> Sla | None:
    node = options.node("sla")
    if node is None:
        return None
    sla = Options(node, "`sla`", SLA_OPTIONS, reading)
    first = sla.span("first_touch") if sla.require("first_touch", "write `first_touch: 15min`") else None
    hours = sla.read("hours", _sla_hours, "no hours: write business, always, or Mon-Fri 09:00-17:00 Europe/Berlin")
    then = sla.choice("then", SLA_THEN)
    return Sla(sla.place, first, hours or "always", then or "alert") if first is not None else None


def _sla_hours(text: str) -> str | None:
    return text if text in SLA_HOURS or (plain_values.hours(text) and parse_hours(text)) else None
