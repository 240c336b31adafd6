"""Conditions from the nodes of a pack: every problem becomes a finding at its place, nothing raises.

It knows the shape of conditions; what a matcher looks like is matcher_parser's, what a value means is literals'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from zoneinfo import ZoneInfo

from syncd.errors import Place
from syncd.model.fields import FieldCatalogue
from syncd.model.money import MoneyTable
from syncd.model.refs import Kind
from syncd.rules.conditions import Condition
from syncd.rules.findings import Findings
from syncd.rules.matchers import Matcher
from syncd.rules.nodes import Node
from syncd.rules.pack import NamedList


@dataclass(frozen=True, slots=True)
class ConditionScope:
    """What a condition may name, and what it is about.

    `ancestors` are the conditions that hold where this one is read (a territory's parents): they fix the country for
    states. `forbidden` fields may not be read here, in segments neither. `unreadable` are segments and lists that exist
    but have been reported as broken: naming one gives no condition and no second finding. `schema_values` are the raw
    values that the CRM's schema lists for picklists.
    """

    kind: Kind = Kind.ACCOUNT
    catalogue: FieldCatalogue = field(default_factory=FieldCatalogue)
    segments: Mapping[str, Condition] = field(default_factory=lambda: MappingProxyType({}))
    lists: Mapping[str, NamedList] = field(default_factory=lambda: MappingProxyType({}))
    money: MoneyTable = field(default_factory=MoneyTable)
    default_country: str | None = None
    ancestors: tuple[Condition, ...] = ()
    forbidden: frozenset[str] = frozenset()
    zone: ZoneInfo = ZoneInfo("UTC")
    shared_domains: frozenset[str] = frozenset()
    unreadable: frozenset[str] = frozenset()
    schema_values: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))


def parse_condition(node: Node, scope: ConditionScope, findings: Findings) -> Condition | None:
    """The condition that a node writes; None after an error finding. Reports every problem, never raises."""
    ...


def parse_matcher_cell(
    text: str, field: str, scope: ConditionScope, place: Place, findings: Findings
) -> Matcher | None:
    """A cell of a territory table: one matcher or several joined by ` | `, `@list`, `(missing)`."""
    ...


def parse_row(cells: Mapping[str, tuple[str, Place]], scope: ConditionScope, findings: Findings) -> Condition | None:
    """The condition of a table row: its cells by field, empty ones not tested; a row that tests nothing is Always."""
    ...
