"""What the platform fills in by itself when a row is saved: names, closed and won, probability, the account of a task.

It knows the standard behaviour only; an org's own automation is modelled by edits and faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.sandbox.salesforce.tables import Row, Tables

_STAGES: dict[str, tuple[bool, bool, float, str]] = {
    "Prospecting": (False, False, 10.0, "Pipeline"),
    "Qualification": (False, False, 10.0, "Pipeline"),
    "Needs Analysis": (False, False, 20.0, "Pipeline"),
    "Value Proposition": (False, False, 50.0, "Pipeline"),
    "Id. Decision Makers": (False, False, 60.0, "Pipeline"),
    "Perception Analysis": (False, False, 70.0, "Pipeline"),
    "Proposal/Price Quote": (False, False, 75.0, "Pipeline"),
    "Negotiation/Review": (False, False, 90.0, "Pipeline"),
    "Closed Won": (True, True, 100.0, "Closed"),
    "Closed Lost": (True, False, 0.0, "Omitted"),
}
_NAMED_PEOPLE = frozenset({"User", "Contact", "Lead"})
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "User": {"IsActive": True, "UserType": "Standard", "TimeZoneSidKey": "UTC", "LocaleSidKey": "en_US"},
    "Account": {"CurrencyIsoCode": "USD", "IsPersonAccount": False},
    "Opportunity": {"CurrencyIsoCode": "USD", "StageName": "Prospecting", "IsExcludedFromTerritory2Filter": False},
    "Lead": {"CurrencyIsoCode": "USD", "Status": "Open - Not Contacted", "IsConverted": False},
    "Task": {"Status": "Not Started", "Priority": "Normal", "IsArchived": False},
    "AccountTeamMember": {
        "AccountAccessLevel": "Read",
        "OpportunityAccessLevel": "None",
        "CaseAccessLevel": "None",
        "ContactAccessLevel": "None",
    },
    "OpportunityTeamMember": {"OpportunityAccessLevel": "Read"},
    "AccountShare": {"AccountAccessLevel": "Read", "OpportunityAccessLevel": "None", "RowCause": "Manual"},
}


def defaults_of(name: str) -> Mapping[str, Any]:
    """What a new row of the object holds where nothing was given."""
    return _DEFAULTS.get(name, {})


def derived(name: str, row: Row, changes: Row, tables: Tables) -> dict[str, Any]:
    """The fields of a row that follow from others, as saved with `changes` (all of the row, for a new one)."""
    if name in _NAMED_PEOPLE and ("LastName" in changes or "FirstName" in changes):
        return {"Name": " ".join(str(row[part]) for part in ("FirstName", "LastName") if row.get(part))}
    if name == "Opportunity" and "StageName" in changes:
        return _of_stage(row, changes)
    if name == "Task":
        return _of_task(row, tables)
    return {}


def _of_stage(row: Row, changes: Row) -> dict[str, Any]:
    """Closed, won, probability and forecast category; a stage nobody knows tells by its words."""
    stage = str(row.get("StageName") or "")
    won = "won" in stage.lower()
    unknown = (won or "lost" in stage.lower(), won, 100.0 if won else 50.0, "Pipeline")
    closed, is_won, probability, category = _STAGES.get(stage, unknown)
    fields: dict[str, Any] = {"IsClosed": closed, "IsWon": is_won, "ForecastCategory": category}
    if "Probability" not in changes:
        fields["Probability"] = probability
    return {key: value for key, value in fields.items() if key not in changes}


def _of_task(row: Row, tables: Tables) -> dict[str, Any]:
    """Whether a task is done, and the account it belongs to by way of what it is about."""
    fields: dict[str, Any] = {"IsClosed": row.get("Status") == "Completed"}
    what = row.get("WhatId")
    opportunity = tables.get("Opportunity", what)
    if tables.get("Account", what):
        fields["AccountId"] = what
    elif opportunity is not None:
        fields["AccountId"] = opportunity.get("AccountId")
    return fields
