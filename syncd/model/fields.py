"""The field catalogue: which fields rules may read, of which type, and how settings map them to a CRM's fields.

RULES.md section 3 is the source. Custom fields come from settings and join the catalogue under their own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from syncd.model.refs import Kind, System


class FieldType(StrEnum):
    """The types of RULES.md section 2; the type decides the normalisation and the matchers."""

    TEXT = "text"
    PICKLIST = "picklist"
    EMAIL = "email"
    DOMAIN = "domain"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    COUNTRY = "country"
    STATE = "state"
    POSTAL_CODE = "postal_code"
    SYSTEM_ID = "system_id"
    BOOLEAN = "boolean"
    SEVERAL = "several"


_T = FieldType

ACCOUNT_FIELDS: Mapping[str, FieldType] = MappingProxyType(
    {
        "name": _T.TEXT,
        "domain": _T.DOMAIN,
        "website": _T.TEXT,
        "phone": _T.TEXT,
        "industry": _T.PICKLIST,
        "employees": _T.NUMBER,
        "annual_revenue": _T.MONEY,
        "country": _T.COUNTRY,
        "state": _T.STATE,
        "city": _T.TEXT,
        "postal_code": _T.POSTAL_CODE,
        "segment": _T.PICKLIST,
        "tier": _T.PICKLIST,
        "type": _T.PICKLIST,
        "parent": _T.SYSTEM_ID,
        "created_at": _T.DATE,
        "last_activity_at": _T.DATE,
        "locked": _T.BOOLEAN,
        "systems": _T.SEVERAL,
        "salesforce_id": _T.SYSTEM_ID,
        "hubspot_id": _T.SYSTEM_ID,
        "owner": _T.EMAIL,
    }
)
OPPORTUNITY_FIELDS: Mapping[str, FieldType] = MappingProxyType(
    {
        "account": _T.SYSTEM_ID,
        "name": _T.TEXT,
        "stage": _T.PICKLIST,
        "is_closed": _T.BOOLEAN,
        "is_won": _T.BOOLEAN,
        "amount": _T.MONEY,
        "close_date": _T.DATE,
        "type": _T.PICKLIST,
        "record_type": _T.PICKLIST,
        "probability": _T.NUMBER,
        "forecast_category": _T.PICKLIST,
        "pipeline": _T.PICKLIST,
        "created_at": _T.DATE,
        "last_activity_at": _T.DATE,
        "owner": _T.EMAIL,
    }
)
LEAD_FIELDS: Mapping[str, FieldType] = MappingProxyType(
    {
        "email": _T.EMAIL,
        "name": _T.TEXT,
        "company": _T.TEXT,
        "domain": _T.DOMAIN,
        "country": _T.COUNTRY,
        "state": _T.STATE,
        "postal_code": _T.POSTAL_CODE,
        "industry": _T.PICKLIST,
        "employees": _T.NUMBER,
        "lead_source": _T.PICKLIST,
        "campaign": _T.PICKLIST,
        "status": _T.PICKLIST,
        "score": _T.NUMBER,
        "created_at": _T.DATE,
        "owner": _T.EMAIL,
    }
)
LEAD_SIGNS: Mapping[str, FieldType] = MappingProxyType(
    {
        "converted": _T.BOOLEAN,
        "lifecycle": _T.PICKLIST,
        "last_activity_at": _T.DATE,
        "first_touch": _T.DATE,
    }
)
"""What is read of a lead beside its rule fields: whether it still is one, and whether somebody worked it."""
DERIVED_FIELDS: Mapping[str, FieldType] = MappingProxyType(
    {
        "lifecycle": _T.PICKLIST,
        "score": _T.NUMBER,
        "band": _T.PICKLIST,
        "crm_lifecycle": _T.PICKLIST,
        "crm_score": _T.NUMBER,
        "open_opportunities": _T.NUMBER,
        "open_pipeline": _T.MONEY,
        "open_stages": _T.SEVERAL,
        "won_amount_12m": _T.MONEY,
        "won_count_12m": _T.NUMBER,
        "last_won_at": _T.DATE,
        "ultimate_parent": _T.SYSTEM_ID,
        "children": _T.NUMBER,
        "family_employees": _T.NUMBER,
        "family_open_pipeline": _T.MONEY,
        "has_customer_parent": _T.BOOLEAN,
        "owner_active": _T.BOOLEAN,
        "owner_changed_at": _T.DATE,
        "territory": _T.TEXT,
    }
)
SELF_READING_FIELDS = frozenset({"territory", "owner", "owner_active", "owner_changed_at"})
"""Fields that a territory's `when` may not read: a rule must not read its own result."""


@dataclass(frozen=True, slots=True)
class FieldCatalogue:
    """Every field that rules may name, by kind, custom fields included."""

    account: Mapping[str, FieldType] = field(
        default_factory=lambda: MappingProxyType({**ACCOUNT_FIELDS, **DERIVED_FIELDS})
    )
    opportunity: Mapping[str, FieldType] = field(default_factory=lambda: OPPORTUNITY_FIELDS)
    lead: Mapping[str, FieldType] = field(default_factory=lambda: LEAD_FIELDS)

    def of(self, kind: Kind) -> Mapping[str, FieldType]:
        """The fields of one kind; KeyError for a kind that rules do not read."""
        return {Kind.ACCOUNT: self.account, Kind.OPPORTUNITY: self.opportunity, Kind.LEAD: self.lead}[kind]

    def extended(self, kind: Kind, custom: Mapping[str, FieldType]) -> FieldCatalogue:
        """The catalogue with custom fields of one kind added."""
        merged = MappingProxyType({**self.of(kind), **custom})
        return FieldCatalogue(
            account=merged if kind is Kind.ACCOUNT else self.account,
            opportunity=merged if kind is Kind.OPPORTUNITY else self.opportunity,
            lead=merged if kind is Kind.LEAD else self.lead,
        )


@dataclass(frozen=True, slots=True)
class KindMapping:
    """How one kind is read from one system: the CRM's object and, for each rule field, the CRM's field name."""

    kind: Kind
    object: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SystemMapping:
    """All kinds of one system."""

    system: System
    kinds: Mapping[Kind, KindMapping]
