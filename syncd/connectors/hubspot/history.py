"""Histories in HubSpot: `propertiesWithHistory` of an owner, a role or a deal's stage, in batches (hubspot.md 3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from syncd.clock import parse_instant
from syncd.connectors.hubspot.client import WHERE
from syncd.connectors.hubspot.mapping import Stage
from syncd.connectors.port import OwnerVersion, StageVersion
from syncd.connectors.shape import decoding
from syncd.connectors.stages import entered

BATCH: Final = 50
"""How many records one read with history takes: half of one without (hubspot.md 2.3)."""

STAGE: Final = "dealstage"

_BY_PERSON: Final = frozenset({"CRM_UI", "CRM_UI_BULK_ACTION", "MOBILE_IOS", "MOBILE_ANDROID"})
"""Sources that are a person at work; every other one is a program, and an unknown one is taken for one."""


def owner_versions(raw: Mapping[str, Any], name: str) -> tuple[OwnerVersion, ...]:
    """Who held a property of an object that came with its history, newest first, whatever order they came in."""
    with decoding(WHERE, f"the history of {name}"):
        histories = raw.get("propertiesWithHistory") or {}
        versions = [_version(entry) for entry in histories.get(name) or ()]
    return tuple(sorted(versions, key=lambda version: (version.at is not None, version.at), reverse=True))


def stage_versions(raw: Mapping[str, Any], stages: Mapping[str, Stage]) -> tuple[StageVersion, ...]:
    """The stages that a deal entered, oldest first, by their labels as in the mirror; an unknown one by its id."""
    with decoding(WHERE, "the history of a stage"):
        entries = (raw.get("propertiesWithHistory") or {}).get(STAGE) or ()
        versions = []
        for entry in entries:
            if entry.get("value"):
                stage = stages.get(str(entry["value"]))
                label = stage.label if stage is not None else str(entry["value"])
                versions.append(StageVersion(parse_instant(entry["timestamp"]), label))
    return entered(versions)


def _version(entry: Mapping[str, Any]) -> OwnerVersion:
    source = str(entry.get("sourceType") or "")
    user = entry.get("updatedByUserId")
    detail = entry.get("sourceLabel") or (entry.get("sourceId") if user is None else None)
    return OwnerVersion(
        at=parse_instant(entry["timestamp"]),
        owner=str(entry["value"]) if entry.get("value") else None,
        by=None if user is None else str(user),
        source=f"{source} {detail}".strip() if detail else source or None,
        by_person=source in _BY_PERSON,
    )
