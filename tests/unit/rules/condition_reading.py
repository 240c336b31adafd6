"""Conditions from YAML text, and whether they hold of an account of raw texts: what the tests of conditions share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from syncd.errors import Place
from syncd.model.fields import FieldCatalogue, FieldType
from syncd.model.money import MoneyTable
from syncd.model.refs import Kind
from syncd.rules.conditions import Condition, EvaluationContext, holds
from syncd.rules.derivation import Derivation, facts_from_raw
from syncd.rules.facts import Facts
from syncd.rules.findings import Findings
from syncd.rules.nodes import Node
from syncd.rules.pack import NamedList
from syncd.rules.parsing.condition_parser import ConditionScope, parse_condition
from syncd.rules.reading.yaml_reader import read_yaml

NOW = datetime(2026, 12, 1, 10, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
MONEY = MoneyTable("USD", {"EUR": Decimal("1.10")})
CUSTOM = {"tags": FieldType.SEVERAL, "renewal_date": FieldType.DATE, "nickname": FieldType.TEXT}
CATALOGUE = FieldCatalogue().extended(Kind.ACCOUNT, CUSTOM)
PLACE = Place("pack.yaml", 1, 1)
LISTS = {
    "strategic": NamedList("strategic", ("www.acme.com", "globex.com"), PLACE),
    "dach": NamedList("dach", ("DE", "Austria", "che"), PLACE),
    "stars": NamedList("stars", ("A*STAR", "missing"), PLACE),
}
SEGMENTS = {
    "enterprise": 'employees: ">= 1000"',
    "dach": "country: [DE, AT, CH]",
    "americas": "any: [{country: US}, {country: CA}]",
    "mine": "owner: anna@example.com",
}


def node_of(text: str) -> Node:
    """The node of a YAML text, which must be readable."""
    findings = Findings()
    root = read_yaml(text.encode(), "pack.yaml", findings).root
    assert root is not None
    assert not findings.items, findings.items
    return root


def scope_of(**changes: Any) -> ConditionScope:
    """A scope with the lists and segments above."""
    plain = ConditionScope(catalogue=CATALOGUE, lists=LISTS, money=MONEY)
    segments = {name: parse_condition(node_of(text), plain, Findings()) for name, text in SEGMENTS.items()}
    settings: dict[str, Any] = {
        "catalogue": CATALOGUE,
        "lists": LISTS,
        "money": MONEY,
        "segments": {name: segment for name, segment in segments.items() if segment is not None},
    }
    return ConditionScope(**{**settings, **changes})


def read(text: str, **scope: Any) -> tuple[Condition | None, Findings]:
    """A condition and what was found on the way."""
    findings = Findings()
    return parse_condition(node_of(text), scope_of(**scope), findings), findings


def condition_of(text: str, **scope: Any) -> Condition:
    """A condition that must be readable without an error."""
    condition, findings = read(text, **scope)
    assert condition is not None, [str(each) for each in findings.items]
    assert not findings.has_errors
    return condition


def codes(text: str, **scope: Any) -> list[str]:
    """The codes found, in the order of the text."""
    return [each.code for each in read(text, **scope)[1].items]


def facts_of(
    account: Mapping[str, str | tuple[str, ...]],
    opportunities: Sequence[Mapping[str, str]] = (),
    **derivation: Any,
) -> Facts:
    """The facts of one account of raw texts."""
    settings = {"catalogue": CATALOGUE, "money": MONEY, **derivation}
    return facts_from_raw("a", account, opportunities=opportunities, derivation=Derivation(**settings), now=NOW)


def says(
    text: str,
    account: Mapping[str, str | tuple[str, ...]],
    opportunities: Sequence[Mapping[str, str]] = (),
    **scope: Any,
) -> bool:
    """Whether a condition holds of an account."""
    context = EvaluationContext(NOW, scope.get("zone", ZoneInfo("UTC")))
    facts = facts_of(account, opportunities, zone=context.zone)
    return holds(condition_of(text, **scope), facts, context)
