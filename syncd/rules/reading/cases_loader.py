"""The pack's own tests as written: raw values by field name, and what each case expects.

Checks names and shapes; running the cases is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from syncd.model.refs import Kind
from syncd.rules.nodes import Node, Scalar, Sequence
from syncd.rules.pack import Case
from syncd.rules.reading.options import Options, described
from syncd.rules.reading.pack_reading import Reading

CASE_OPTIONS = (
    "name",
    "now",
    "account",
    "lead",
    "opportunities",
    "ledger",
    "parent",
    "salesforce",
    "hubspot",
    "expect",
)
EXPECT_OPTIONS = ("territory", "owner", "outcome", "held", "rule", "role", "score", "band", "lifecycle")
LEDGER_OPTIONS = ("territory", "owner", "at", "noticed", "retrieved", "retrieved_from")

Values = dict[str, str | tuple[str, ...]]


def read_cases(items: Iterable[Node], reading: Reading) -> tuple[Case, ...]:
    """Every case, in the order written; two of one name are an error (SYN206)."""
    found: dict[str, Case] = {}
    for item in items:
        options = Options(item, "a test", CASE_OPTIONS, reading)
        if options.broken:
            continue
        case = _case(options, reading)
        first = found.setdefault(case.name, case)
        if first is not case:
            message = f"two tests are called `{case.name[:80]}`, the first at {first.place}"
            reading.findings.error("SYN206", message, case.place, "give each its own name")
    return tuple(found.values())


def _case(options: Options, reading: Reading) -> Case:
    options.require("name", "say in a few words what the test shows")
    if "lead" not in options:
        options.require("account", "write its values: {country: DE, employees: 500}")
    expect = (
        _values(options, "expect", EXPECT_OPTIONS, reading)
        if options.require("expect", "say what must come out")
        else {}
    )
    return Case(
        name=options.text("name") or f"the test in line {options.place.line}",
        place=options.place,
        expect=MappingProxyType({key: (value,) if isinstance(value, str) else value for key, value in expect.items()}),
        account=_raw(options, "account", Kind.ACCOUNT, reading),
        lead=_raw(options, "lead", Kind.LEAD, reading),
        opportunities=_opportunities(options, reading),
        ledger=MappingProxyType(_single(_values(options, "ledger", LEDGER_OPTIONS, reading))),
        salesforce=MappingProxyType(_single(_values(options, "salesforce", reading.catalogue.account, reading))),
        hubspot=MappingProxyType(_single(_values(options, "hubspot", reading.catalogue.account, reading))),
        parent=_raw(options, "parent", Kind.ACCOUNT, reading),
        now=options.instant("now"),
    )


def _raw(options: Options, key: str, kind: Kind, reading: Reading) -> Mapping[str, str | tuple[str, ...]] | None:
    if key not in options:
        return None
    return MappingProxyType(_values(options, key, reading.catalogue.of(kind), reading))


def _opportunities(options: Options, reading: Reading) -> tuple[Mapping[str, str], ...]:
    known = reading.catalogue.opportunity
    found: list[Mapping[str, str]] = []
    for item in options.items("opportunities") if _is_filled(options, "opportunities") else ():
        values = Options(item, "an opportunity of a test", known, reading)
        found.append(MappingProxyType(_single(_read(values, item, reading))))
    return tuple(found)


def _is_filled(options: Options, key: str) -> bool:
    node = options.node(key)
    return not (isinstance(node, Sequence) and not node.items)


def _values(options: Options, key: str, known: Iterable[str], reading: Reading) -> Values:
    node = options.node(key)
    if node is None:
        return {}
    return _read(Options(node, f"`{key}` of a test", tuple(known), reading), node, reading)


def _read(options: Options, node: Node, reading: Reading) -> Values:
    if options.broken or isinstance(node, Scalar | Sequence):
        return {}
    found: Values = {}
    for entry in node:
        value = entry.value
        if isinstance(value, Scalar):
            found[entry.key.text] = value.text
        elif isinstance(value, Sequence) and all(isinstance(item, Scalar) for item in value.items):
            found[entry.key.text] = tuple(item.text for item in value.items if isinstance(item, Scalar))
        else:
            message = f"`{entry.key.text[:60]}` is a value or a list of values, not {described(value)}"
            reading.findings.error("SYN241", message, value.place)
    return found


def _single(values: Values) -> dict[str, str]:
    return {key: value if isinstance(value, str) else ";".join(value) for key, value in values.items()}
