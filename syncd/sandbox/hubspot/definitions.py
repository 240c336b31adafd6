"""The object types of the fake portal and the properties it knows from the start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """A CRM object type. `names` are all that paths may call it; `stamp` is its modification property (2.2)."""

    name: str
    singular: str
    names: tuple[str, ...]
    stamp: str
    defaults: tuple[str, ...]
    history_depth: int = 20


KINDS: tuple[ObjectKind, ...] = (
    ObjectKind("companies", "company", ("companies", "company", "0-2"), "hs_lastmodifieddate", ("name", "domain")),
    ObjectKind(
        "deals",
        "deal",
        ("deals", "deal", "0-3"),
        "hs_lastmodifieddate",
        ("dealname", "amount", "closedate", "pipeline", "dealstage"),
    ),
    ObjectKind(
        "contacts",
        "contact",
        ("contacts", "contact", "0-1"),
        "lastmodifieddate",
        ("firstname", "lastname", "email"),
        history_depth=45,
    ),
    ObjectKind("leads", "lead", ("leads", "lead", "0-136"), "hs_lastmodifieddate", ("hs_lead_name",)),
    ObjectKind("tickets", "ticket", ("tickets", "ticket", "0-5"), "hs_lastmodifieddate", ("subject", "content")),
)
KIND_BY_NAME = {alias: kind for kind in KINDS for alias in kind.names}


@dataclass(frozen=True, slots=True)
class Property:
    """The definition of a property; `read_only` ones refuse writes by the API."""

    name: str
    type: str
    field_type: str
    label: str
    read_only: bool = False
    reference: str | None = None


_FIELD_TYPES = {
    "string": "text",
    "number": "number",
    "datetime": "date",
    "date": "date",
    "bool": "booleancheckbox",
    "enumeration": "select",
}


def text_property(name: str) -> Property:
    """The definition of a property nobody defined: text, writable."""
    return Property(name, "string", "text", name.replace("_", " ").capitalize())


def _property(name: str, kind: str = "string", label: str = "", *, read_only: bool = False) -> Property:
    reference = "OWNER" if name == "hubspot_owner_id" else None
    label = label or name.removeprefix("hs_").replace("_", " ").capitalize()
    return Property(name, kind, _FIELD_TYPES[kind], label, read_only, reference)


def _common(stamp: str) -> tuple[Property, ...]:
    return (
        _property("createdate", "datetime", "Create Date", read_only=True),
        _property(stamp, "datetime", "Last Modified Date", read_only=True),
        _property("hs_object_id", "number", "Record ID", read_only=True),
        _property("hubspot_owner_id", "enumeration", "Owner"),
        _property("hubspot_owner_assigneddate", "datetime", "Owner Assigned Date", read_only=True),
        _property("hubspot_team_id", "enumeration", "HubSpot Team", read_only=True),
        _property("hs_all_owner_ids", "enumeration", "All owner ids", read_only=True),
        _property("hs_merged_object_ids", "enumeration", "Merged record IDs", read_only=True),
        _property("notes_last_updated", "datetime", "Last Activity Date", read_only=True),
    )


def _definitions() -> dict[str, dict[str, Property]]:
    own = {
        "companies": (
            *(
                _property(name)
                for name in ("name", "domain", "website", "phone", "country", "state", "city", "zip", "description")
            ),
            *(_property(name, "enumeration") for name in ("industry", "type", "lifecyclestage")),
            _property("numberofemployees", "number", "Number of Employees"),
            _property("annualrevenue", "number", "Annual Revenue"),
            _property("hs_parent_company_id", "number", "Parent Company"),
        ),
        "deals": (
            _property("dealname", label="Deal Name"),
            _property("dealstage", "enumeration", "Deal Stage"),
            _property("pipeline", "enumeration", "Pipeline"),
            _property("dealtype", "enumeration", "Deal Type"),
            _property("amount", "number", "Amount"),
            _property("closedate", "datetime", "Close Date"),
            _property("hs_is_closed", "bool", read_only=True),
            _property("hs_is_closed_won", "bool", read_only=True),
            _property("hs_deal_stage_probability", "number", read_only=True),
            _property("hs_primary_associated_company", "number", read_only=True),
            _property("deal_currency_code", "enumeration", "Currency"),
        ),
        "contacts": tuple(
            _property(name) for name in ("email", "firstname", "lastname", "company", "phone", "country")
        ),
        "leads": (_property("hs_lead_name"), _property("hs_lead_label", "enumeration")),
        "tickets": (_property("subject"), _property("content")),
    }
    return {kind.name: {prop.name: prop for prop in (*_common(kind.stamp), *own[kind.name])} for kind in KINDS}


DEFINITIONS = _definitions()
"""Property definitions by object and name, as a new portal has them."""
