"""What settings and CRMs say about reading packs. Stands apart from the loader: a pack that is kept needs no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from syncd.model.fields import FieldCatalogue
from syncd.model.money import MoneyTable
from syncd.model.refs import Kind

DEFAULT_CATALOGUE = FieldCatalogue()
DEFAULT_MONEY = MoneyTable()


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """What the settings and the CRMs say about reading any pack.

    `schema_values` are the values that the CRM's schema lists by kind and picklist field: these are taken literally.
    """

    catalogue: FieldCatalogue = DEFAULT_CATALOGUE
    money: MoneyTable = DEFAULT_MONEY
    shared_domains: frozenset[str] = frozenset()
    schema_values: Mapping[Kind, Mapping[str, frozenset[str]]] = field(default_factory=lambda: MappingProxyType({}))
