"""What HubSpot's Salesforce connector keeps alike: objects, their fields, and which side wins (hubspot.md 8.1).

Values in, values out: it knows neither face.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit


class Rule(StrEnum):
    """Which side a mapped field follows; PREFER_SALESFORCE is the connector's own default."""

    TWO_WAY = "two_way"
    PREFER_SALESFORCE = "prefer_salesforce"
    ALWAYS_SALESFORCE = "always_salesforce"
    OFF = "off"


class OwnerRule(StrEnum):
    """Which side an owner follows: the latest change (the connector's own), or one side only."""

    LATEST = "latest"
    SALESFORCE = "salesforce"
    HUBSPOT = "hubspot"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class FieldPair:
    """A HubSpot property and the Salesforce field it is kept alike with; `rule` None takes that of the settings."""

    hubspot: str
    salesforce: str
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class ObjectPair:
    """A HubSpot object type and a Salesforce object; `link` is the property that holds the Salesforce id.

    `key` is a property and a field by which records are paired that no id links yet; None: by id only.
    """

    hubspot: str
    salesforce: str
    link: str
    fields: tuple[FieldPair, ...]
    key: tuple[str, str] | None = None


_COMPANY = (
    "name:Name phone:Phone website:Website city:BillingCity state:BillingState zip:BillingPostalCode "
    "country:BillingCountry numberofemployees:NumberOfEmployees annualrevenue:AnnualRevenue description:Description"
)
_PERSON = "firstname:FirstName lastname:LastName email:Email phone:Phone"


def _pairs(text: str) -> tuple[FieldPair, ...]:
    return tuple(FieldPair(one, other) for one, other in (pair.split(":") for pair in text.split()))


OBJECTS: tuple[ObjectPair, ...] = (
    ObjectPair("companies", "Account", "salesforceaccountid", _pairs(_COMPANY), ("domain", "Website")),
    ObjectPair("contacts", "Contact", "salesforcecontactid", _pairs(_PERSON), ("email", "Email")),
    ObjectPair("contacts", "Lead", "salesforceleadid", _pairs(f"{_PERSON} company:Company"), ("email", "Email")),
    ObjectPair("deals", "Opportunity", "hs_salesforceopportunityid", _pairs("dealname:Name amount:Amount")),
)
"""What is mapped from the start. Picklists are not: their values differ on the two sides until somebody maps them."""


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """How the connector is set up.

    `delay`: seconds from a change until it is carried over (up to 900, the connector's polling). `owners`,
    `field_rule`: which side wins. `create_companies`: a touched Account (Contact, Lead) without counterpart makes one
    in HubSpot; `create_accounts`: a touched company makes an Account where a contact of the inclusion list is
    associated with it. `inclusion`: the ids of those contacts; None: every contact. `first_sync`: switching on aligns
    all pairs at once, Salesforce's owner winning. `fields`: more mapped fields by HubSpot object, `[property, field,
    rule]`.
    """

    delay: float = 120.0
    owners: OwnerRule = OwnerRule.LATEST
    field_rule: Rule = Rule.PREFER_SALESFORCE
    create_companies: bool = True
    create_accounts: bool = False
    inclusion: frozenset[str] | None = None
    first_sync: bool = True
    fields: Mapping[str, tuple[FieldPair, ...]] | None = None

    def changed(self, values: Mapping[str, Any]) -> SyncSettings:
        """The settings with some of them from JSON; ValueError for an unknown name or value."""
        known = {entry.name for entry in fields(self)}
        unknown = set(values) - known
        if unknown:
            raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}; known are {', '.join(sorted(known))}")
        return replace(self, **{name: _read(name, value) for name, value in values.items()})

    def fields_of(self, pair: ObjectPair) -> tuple[FieldPair, ...]:
        """The mapped fields of a pair of objects, each with its rule."""
        more = (self.fields or {}).get(pair.hubspot, ())
        over = {one.hubspot for one in more}
        listed = (*(one for one in pair.fields if one.hubspot not in over), *more)
        return tuple(replace(one, rule=one.rule or self.field_rule) for one in listed)

    def to_json(self) -> dict[str, Any]:
        """The settings as the control endpoint shows them."""
        return {
            "delay": self.delay,
            "owners": self.owners.value,
            "field_rule": self.field_rule.value,
            "create_companies": self.create_companies,
            "create_accounts": self.create_accounts,
            "inclusion": None if self.inclusion is None else sorted(self.inclusion),
            "first_sync": self.first_sync,
            "fields": {
                name: [[one.hubspot, one.salesforce, one.rule] for one in listed]
                for name, listed in (self.fields or {}).items()
            },
        }


def _read(name: str, value: Any) -> Any:
    """A setting from JSON."""
    match name:
        case "owners":
            return OwnerRule(value)
        case "field_rule":
            return Rule(value)
        case "delay":
            return float(value)
        case "inclusion":
            return None if value is None else frozenset(map(str, value))
        case "fields":
            return {
                key: tuple(FieldPair(str(row[0]), str(row[1]), Rule(row[2]) if len(row) > 2 else None) for row in rows)
                for key, rows in dict(value).items()
            }
        case _:
            return bool(value)


def as_text(value: Any) -> str:
    """A value of either side as HubSpot writes it, so that two can be compared."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def alike(one: str, other: str) -> bool:
    """Whether two texts are one value: `100` and `100.0` are."""
    if one == other:
        return True
    try:
        return float(one) == float(other)
    except ValueError:
        return False


def as_json(value: str, numeric: bool) -> Any:
    """A HubSpot text as Salesforce's API takes it."""
    if not value:
        return None
    if not numeric:
        return value
    number = float(value)
    return int(number) if number.is_integer() else number


def key_of(value: str) -> str:
    """What two records are paired by: an e-mail, or the host of a website without its `www`."""
    text = value.strip().lower()
    if "@" in text:
        return text
    return (urlsplit(text if "//" in text else f"//{text}").hostname or "").removeprefix("www.")
