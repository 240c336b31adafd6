"""Histories in Salesforce: of owners and roles an object's field history, of stages the rows of OpportunityHistory.

OpportunityHistory is kept always: a row for each save that changed stage, amount, probability or close date, with what
they were then. Of it only CreatedDate may be sorted by and OpportunityId filtered by, so that it is put in order here.
Tracking a field is the organization's choice; where it is off there is no history, which is no error. A change of a
reference leaves two rows, one with names and one with ids; only the one with ids is read.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from syncd.clock import parse_instant
from syncd.connectors.port import OwnerVersion, StageVersion
from syncd.connectors.salesforce.client import WHERE
from syncd.connectors.salesforce.mapping import SALESFORCE_ID, Columns, id_in
from syncd.connectors.shape import decoding
from syncd.connectors.stages import entered
from syncd.model.plans import OWNER_FIELD, held_name
from syncd.model.refs import long_salesforce_id

_OBJECTS: Final = {
    "Account": "AccountHistory",
    "Contact": "ContactHistory",
    "Lead": "LeadHistory",
    "Opportunity": "OpportunityFieldHistory",
}
"""The object that holds the field history of another; a Task has none."""
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


@dataclass(frozen=True, slots=True)
class TrackedField:
    """A field whose history may be kept: the object with its changes, the reference to the record, the field's name."""

    history: str
    parent: str
    name: str

    @property
    def select(self) -> str:
        """The query without its conditions."""
        return f"SELECT {self.parent}, CreatedById, CreatedDate, OldValue, NewValue FROM {self.history}"

    def query(self, ids: str) -> str:
        """The changes of the field in some records, a list of quoted ids, by record and then newest first."""
        where = f"Field = '{self.name}' AND {self.parent} IN ({ids})"
        return f"{self.select} WHERE {where} ORDER BY {self.parent}, CreatedDate DESC"

    def versions(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, tuple[OwnerVersion, ...]]]:
        """Who held the field of each record, newest first, from rows in the query's order.

        The last version is the holder before the oldest change known: who set that one, and when, is not told.
        """
        changed = filter(self._names_ids, rows)
        for record, group in itertools.groupby(changed, key=lambda row: id_in(row, self.parent)):
            changes = list(group)
            with decoding(WHERE, f"a row of {self.history}"):
                versions = [
                    OwnerVersion(parse_instant(row["CreatedDate"]), _owner(row["NewValue"]), id_in(row, "CreatedById"))
                    for row in changes
                ]
                versions.append(OwnerVersion(None, _owner(changes[-1]["OldValue"]), None))
            yield record, tuple(versions)

    def _names_ids(self, row: Mapping[str, Any]) -> bool:
        with decoding(WHERE, f"a row of {self.history}"):
            values = [row["OldValue"], row["NewValue"]]
        return any(values) and all(value is None or SALESFORCE_ID.fullmatch(str(value)) for value in values)


def tracked_field(columns: Columns, field: str) -> TrackedField | None:
    """The history of a plan's field: the owner's, or a role's; None where its object has none, or nothing maps it.

    A change of a standard reference is noted under its relationship (`Owner` of OwnerId), of one's own under its name.
    """
    column = "OwnerId" if field == OWNER_FIELD else columns.fields.get(held_name(field))
    history = _OBJECTS.get(columns.object)
    if column is None or history is None:
        return None
    return TrackedField(history, f"{columns.object}Id", column.removesuffix("Id"))


def _owner(value: object) -> str | None:
    return None if value is None else long_salesforce_id(str(value))
