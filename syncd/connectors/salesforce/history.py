"""Histories in Salesforce: of owners the rows of AccountHistory, of stages those of OpportunityHistory.

OpportunityHistory is kept always: a row for each save that changed stage, amount, probability or close date, with what
they were then. Of it only CreatedDate may be sorted by and OpportunityId filtered by, so that it is put in order here.
AccountHistory's tracking is the organization's choice, field by field; where it is off there is no history, which is no
error. A change of a reference leaves two rows, one with names and one with ids; only the one with ids is read.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from syncd.clock import parse_instant
from syncd.connectors.port import OwnerVersion, StageVersion
from syncd.connectors.salesforce.client import WHERE
from syncd.connectors.salesforce.mapping import SALESFORCE_ID, id_in
from syncd.connectors.shape import decoding
from syncd.connectors.stages import entered
from syncd.model.refs import long_salesforce_id

SELECT: Final = "SELECT AccountId, CreatedById, CreatedDate, OldValue, NewValue FROM AccountHistory"
STAGES: Final = "SELECT OpportunityId, StageName, CreatedDate FROM OpportunityHistory"
STAGE: Final = "StageName"


def stage_versions(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[StageVersion, ...]]:
    """The stages that each opportunity entered, oldest first; rows that change something else only are passed over."""
    found: dict[str, list[StageVersion]] = defaultdict(list)
    for row in rows:
        with decoding(WHERE, "a row of OpportunityHistory"):
            stage = row["StageName"]
            if stage:
                version = StageVersion(parse_instant(row["CreatedDate"]), str(stage))
                found[id_in(row, "OpportunityId")].append(version)
    return {known: entered(versions) for known, versions in found.items()}


def owner_versions(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, tuple[OwnerVersion, ...]]]:
    """The owners of each account, newest first, from rows that come ordered by account and then newest first.

    The last version is the owner before the oldest change known: who set that one, and when, is not told.
    """
    for account, group in itertools.groupby(filter(_names_ids, rows), key=lambda row: id_in(row, "AccountId")):
        changes = list(group)
        with decoding(WHERE, "a row of AccountHistory"):
            versions = [
                OwnerVersion(parse_instant(row["CreatedDate"]), _owner(row["NewValue"]), id_in(row, "CreatedById"))
                for row in changes
            ]
            versions.append(OwnerVersion(None, _owner(changes[-1]["OldValue"]), None))
        yield account, tuple(versions)


def _names_ids(row: Mapping[str, Any]) -> bool:
    with decoding(WHERE, "a row of AccountHistory"):
        values = [row["OldValue"], row["NewValue"]]
    return any(values) and all(value is None or SALESFORCE_ID.fullmatch(str(value)) for value in values)


def _owner(value: object) -> str | None:
    return None if value is None else long_salesforce_id(str(value))
