"""Deleting, undeleting, merging and losing rows for good (salesforce.md 2.6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from syncd.sandbox.salesforce.refusals import Refusal
from syncd.sandbox.salesforce.tables import Row, Table
from syncd.sandbox.salesforce.writing import OrgState, changed_row, find, put_into_bin, save

BIN_KEEPS = timedelta(days=15)
_CHILDREN: dict[str, tuple[tuple[str, str], ...]] = {
    "Account": (
        ("Opportunity", "AccountId"),
        ("Contact", "AccountId"),
        ("AccountTeamMember", "AccountId"),
        ("AccountShare", "AccountId"),
        ("Task", "WhatId"),
    ),
    "Opportunity": (("OpportunityTeamMember", "OpportunityId"), ("Task", "WhatId")),
}
_REPARENTED: dict[str, tuple[tuple[str, str], ...]] = {
    "Account": (("Opportunity", "AccountId"), ("Contact", "AccountId"), ("Account", "ParentId"), ("Task", "WhatId")),
    "Contact": (("Task", "WhoId"),),
    "Lead": (("Task", "WhoId"),),
}
_LARGEST_MERGE = 2


def delete(state: OrgState, name: str, record_id: str, *, by: str, at: datetime | None = None) -> None:
    """Put a live row and its children into the recycle bin. Raises Refusal; users cannot be deleted.

    `at` is when the row at the head of the deletion was deleted; it tells later what was deleted together.
    """
    at = at or state.clock.now()
    table, row = find(state, name, record_id)
    schema = table.schema
    if not schema.has_bin:
        raise Refusal(400, "INSUFFICIENT_ACCESS_OR_READONLY", f"entity type cannot be deleted: {schema.name}", ())
    for child_name, reference in _CHILDREN.get(schema.name, ()):
        for child in list(state.tables.table(child_name).referring(reference, [row["Id"]])):
            if not child.get("IsDeleted"):
                delete(state, child_name, child["Id"], by=by, at=at)
    put_into_bin(state, schema.name, row, by=by, at=at)


def undelete(state: OrgState, name: str, record_id: str, *, by: str) -> None:
    """Take a row and what was deleted along with it out of the bin; ValueError if it is not there.

    What a merge moved to the winner stays there.
    """
    table = state.tables.table(name)
    row = table.rows.get(record_id)
    if row is None or not row.get("IsDeleted"):
        raise ValueError(f"{record_id} is not in the recycle bin")
    deleted_at = table.deleted_at.pop(record_id, None)
    schema = table.schema
    live = {"IsDeleted": False, "MasterRecordId": None} if schema.mergeable else {"IsDeleted": False}
    restored = changed_row(state, schema.name, row, live, by=by)
    state.tables.put(schema.name, restored, f"{schema.name} {record_id} undeleted")
    for child_name, reference in _CHILDREN.get(schema.name, ()):
        children = state.tables.table(child_name)
        for child in list(children.referring(reference, [record_id])):
            if child.get("IsDeleted") and children.deleted_at.get(child["Id"]) == deleted_at:
                undelete(state, child_name, child["Id"], by=by)


def merge(state: OrgState, name: str, winner_id: str, loser_ids: Sequence[str], *, by: str) -> None:
    """Merge up to two rows into another: children move, losers are deleted and name the winner.

    Raises Refusal or ValueError.
    """
    table, _ = find(state, name, winner_id)
    schema = table.schema
    if not schema.mergeable or not 1 <= len(loser_ids) <= _LARGEST_MERGE or winner_id in loser_ids:
        raise ValueError(f"cannot merge {len(loser_ids)} rows of {schema.name} into {winner_id}")
    for loser_id in loser_ids:
        _, loser = find(state, name, loser_id)
        for child_name, reference in _REPARENTED.get(schema.name, ()):
            _reparent(state, state.tables.table(child_name), reference, loser, winner_id, by=by)
        lost = changed_row(state, schema.name, loser, {"IsDeleted": True, "MasterRecordId": winner_id}, by=by)
        state.tables.put(schema.name, lost, f"{schema.name} {loser['Id']} merged into {winner_id}")
        table.deleted_at[loser["Id"]] = state.clock.now()
    save(state, table, table.rows[winner_id], {}, by=by)


def _reparent(state: OrgState, children: Table, reference: str, loser: Row, winner_id: str, *, by: str) -> None:
    """Move the live children of a merge's loser."""
    for child in list(children.referring(reference, [loser["Id"]])):
        if not child.get("IsDeleted"):
            save(state, children, child, {reference: winner_id}, by=by)


def hard_delete(state: OrgState, name: str, record_id: str) -> None:
    """Take a row out for good, bin and all; no query ever shows it again. KeyError where there is none."""
    table = state.tables.table(name)
    if record_id not in table.rows:
        raise KeyError(f"{table.schema.name} {record_id}")
    state.tables.remove(table.schema.name, record_id, f"{table.schema.name} {record_id} deleted for good")


def purge(state: OrgState) -> None:
    """Empty the bin of what has lain in it for 15 days."""
    limit = state.clock.now() - BIN_KEEPS
    for table in state.tables:
        gone = [record_id for record_id, at in table.deleted_at.items() if at <= limit]
        for record_id in gone:
            if table.rows.get(record_id, {}).get("IsDeleted"):
                table.remove(record_id)
            table.deleted_at.pop(record_id, None)
