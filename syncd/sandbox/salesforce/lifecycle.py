"""Deleting, undeleting, merging and losing rows for good (salesforce.md 2.6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from syncd.sandbox.salesforce import history
from syncd.sandbox.salesforce.refusals import Refusal
from syncd.sandbox.salesforce.state import OrgState, Saving, find
from syncd.sandbox.salesforce.tables import Row, Table
from syncd.sandbox.salesforce.writing import changed_row, put_into_bin, save

BIN_KEEPS = timedelta(days=15)
_CHILDREN: dict[str, tuple[tuple[str, str], ...]] = {
    "Account": (
        ("Opportunity", "AccountId"),
        ("Contact", "AccountId"),
        ("AccountTeamMember", "AccountId"),
        ("AccountShare", "AccountId"),
        ("Task", "WhatId"),
    ),
    "Opportunity": (
        ("OpportunityTeamMember", "OpportunityId"),
        ("OpportunityShare", "OpportunityId"),
        ("Task", "WhatId"),
    ),
}
_REPARENTED: dict[str, tuple[tuple[str, str], ...]] = {
    "Account": (("Opportunity", "AccountId"), ("Contact", "AccountId"), ("Account", "ParentId"), ("Task", "WhatId")),
    "Contact": (("Task", "WhoId"),),
    "Lead": (("Task", "WhoId"),),
}
_LARGEST_MERGE = 2


def delete(state: OrgState, name: str, record_id: str, saving: Saving, *, at: datetime | None = None) -> None:
    """Put a live row and its children into the recycle bin, or take it out at once where its object has none.

    `at` is when the row at the head of the deletion was deleted; it tells later what was deleted together. Raises
    Refusal; users cannot be deleted.
    """
    at = at or state.clock.now()
    table, row = find(state, name, record_id, everything=saving.person)
    schema = table.schema
    if not schema.deletable:
        raise Refusal(400, "INSUFFICIENT_ACCESS_OR_READONLY", f"entity type cannot be deleted: {schema.name}", ())
    if not saving.person:
        state.safeguards.check_locks(state.tables, table, row, state.clock.now())
        state.safeguards.check_access(row)
    for child_name, reference in _CHILDREN.get(schema.name, ()):
        for child in list(state.tables.table(child_name).referring(reference, [row["Id"]])):
            if not child.get("IsDeleted"):
                delete(state, child_name, child["Id"], Saving(saving.by, person=True), at=at)
    if schema.has_bin:
        put_into_bin(state, schema.name, row, by=saving.by, at=at)
    else:
        hard_delete(state, schema.name, row["Id"])


def undelete(state: OrgState, name: str, record_id: str, saving: Saving) -> None:
    """Take a row and what was deleted along with it out of the bin. Raises Refusal UNDELETE_FAILED.

    What a merge moved to the winner stays there.
    """
    table = state.tables.table(name)
    row = table.rows.get(record_id)
    if row is None or not row.get("IsDeleted"):
        raise Refusal(400, "UNDELETE_FAILED", f"Entity is not in the recycle bin: {record_id}", ())
    deleted_at = table.deleted_at.pop(record_id, None)
    schema = table.schema
    live = {"IsDeleted": False, "MasterRecordId": None} if schema.mergeable else {"IsDeleted": False}
    restored = changed_row(state, schema.name, row, live, by=saving.by)
    state.tables.put(schema.name, restored, f"{schema.name} {record_id} undeleted")
    for child_name, reference in _CHILDREN.get(schema.name, ()):
        children = state.tables.table(child_name)
        for child in list(children.referring(reference, [record_id])):
            if child.get("IsDeleted") and children.deleted_at.get(child["Id"]) == deleted_at:
                undelete(state, child_name, child["Id"], saving)


def merge(state: OrgState, name: str, winner_id: str, loser_ids: Sequence[str], saving: Saving) -> None:
    """Merge up to two rows into another: children move, losers are deleted and name the winner. Raises Refusal."""
    by, everything = saving.by, saving.person
    table, winner = find(state, name, winner_id, everything=everything)
    schema = table.schema
    if not schema.mergeable or not 1 <= len(loser_ids) <= _LARGEST_MERGE or winner_id in loser_ids:
        message = f"cannot merge {len(loser_ids)} rows of {schema.name} into {winner_id}"
        raise Refusal(400, "INVALID_CROSS_REFERENCE_KEY", message, ())
    for loser_id in loser_ids:
        _, loser = find(state, name, loser_id, everything=everything)
        if bool(loser.get("IsPersonAccount")) is not bool(winner.get("IsPersonAccount")):
            message = "Cannot merge a person account with a business account"
            raise Refusal(400, "INSUFFICIENT_ACCESS_OR_READONLY", message, ())
        for child_name, reference in _REPARENTED.get(schema.name, ()):
            _reparent(state, state.tables.table(child_name), reference, loser, winner_id, saving)
        lost = changed_row(state, schema.name, loser, {"IsDeleted": True, "MasterRecordId": winner_id}, by=by)
        state.tables.put(schema.name, lost, f"{schema.name} {loser['Id']} merged into {winner_id}")
        table.deleted_at[loser["Id"]] = state.clock.now()
    save(state, table, table.rows[winner_id], {}, saving)


def _reparent(state: OrgState, children: Table, reference: str, loser: Row, winner_id: str, saving: Saving) -> None:
    """Move the live children of a merge's loser."""
    for child in list(children.referring(reference, [loser["Id"]])):
        if not child.get("IsDeleted"):
            save(state, children, child, {reference: winner_id}, saving)


def hard_delete(state: OrgState, name: str, record_id: str) -> None:
    """Take a row out for good, bin and all; no query ever shows it again. KeyError where there is none."""
    table = state.tables.table(name)
    if record_id not in table.rows:
        raise KeyError(f"{table.schema.name} {record_id}")
    history.forget(state, table.schema.name, record_id)
    state.tables.remove(table.schema.name, record_id, f"{table.schema.name} {record_id} deleted for good")


def purge(state: OrgState) -> None:
    """Empty the bin of what has lain in it for 15 days."""
    limit = state.clock.now() - BIN_KEEPS
    for table in state.tables:
        gone = [record_id for record_id, at in table.deleted_at.items() if at <= limit]
        for record_id in gone:
            if table.rows.get(record_id, {}).get("IsDeleted"):
                history.forget(state, table.schema.name, record_id)
                state.tables.remove(table.schema.name, record_id, None)
            table.deleted_at.pop(record_id, None)
