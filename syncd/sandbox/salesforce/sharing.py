"""Rows that the platform keeps for others by itself: owners' shares of records, team members' shares, sign-in rows.

A real org has them for every record. Here those of loaded records are made when somebody first asks for their object,
so that a million accounts do not cost a million shares that nobody reads. They are the platform's own book-keeping:
no effect in the journal.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from syncd.sandbox.salesforce.state import OrgState
from syncd.sandbox.salesforce.tables import Row

_ACCOUNT_LEVELS = ("AccountAccessLevel", "OpportunityAccessLevel", "CaseAccessLevel", "ContactAccessLevel")
_SHARES = {
    "Account": ("AccountShare", "AccountId", _ACCOUNT_LEVELS),
    "Opportunity": ("OpportunityShare", "OpportunityId", ("OpportunityAccessLevel",)),
}
_SHARED = {share: name for name, (share, _, _) in _SHARES.items()}
_TEAMS = {"AccountTeamMember": "Account", "OpportunityTeamMember": "Opportunity"}


def complete(state: OrgState, names: Iterable[str]) -> None:
    """Make the rows of these objects that other rows imply and that are missing yet."""
    for name in names:
        if name not in state.tables:
            continue
        table = state.tables.table(name)
        if table.schema.name in _SHARED:
            _complete_shares(state, _SHARED[table.schema.name])
        elif table.schema.name == "UserLogin":
            _complete_logins(state)


def give_to_owner(state: OrgState, name: str, record_id: str, owner: str) -> None:
    """Let the owner's share, where it was made already, be the new owner's."""
    if name not in _SHARES:
        return
    share_name, reference, levels = _SHARES[name]
    for share in list(state.tables.table(share_name).referring(reference, [record_id])):
        if share.get("RowCause") == "Owner" and not share.get("IsDeleted"):
            state.tables.remove(share_name, share["Id"], None)
            row = _share(state, name, record_id, owner, "Owner", dict.fromkeys(levels, "All"))
            state.tables.put(share_name, row, None)


def share_with_member(state: OrgState, team: str, member: Row) -> tuple[str, Row]:
    """The share that a new team member's access levels stand for: the object it belongs to, and the row."""
    name = _TEAMS[team]
    share_name, reference, levels = _SHARES[name]
    given = {level: member.get(level) for level in levels}
    return share_name, _share(state, name, str(member[reference]), str(member["UserId"]), "Team", given)


def _complete_shares(state: OrgState, name: str) -> None:
    """An owner's share for every live record that has none."""
    share_name, reference, levels = _SHARES[name]
    shares = state.tables.table(share_name)
    owned = {share.get(reference) for share in shares.rows.values() if share.get("RowCause") == "Owner"}
    rows = [
        _share(state, name, record_id, str(row.get("OwnerId")), "Owner", dict.fromkeys(levels, "All"))
        for record_id, row in state.tables.table(name).rows.items()
        if record_id not in owned and not row.get("IsDeleted")
    ]
    if rows:
        state.tables.load(share_name, rows)


def _complete_logins(state: OrgState) -> None:
    """A sign-in row for every user."""
    logins = state.tables.table("UserLogin")
    known = {row.get("UserId") for row in logins.rows.values()}
    rows = [
        {
            "Id": state.new_id(logins.schema),
            "UserId": user_id,
            "IsFrozen": False,
            "IsPasswordLocked": False,
            **{key: user.get(key) for key in ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById")},
            "SystemModstamp": user["SystemModstamp"],
        }
        for user_id, user in state.tables.table("User").rows.items()
        if user_id not in known
    ]
    if rows:
        state.tables.load("UserLogin", rows)


def _share(state: OrgState, name: str, record_id: str, user: str, cause: str, levels: dict[str, Any]) -> Row:
    """One share, stamped as its record was."""
    share_name, reference, _ = _SHARES[name]
    now = state.now()
    record = state.tables.get(name, record_id) or {}
    stamped = record.get("SystemModstamp", now) if cause == "Owner" else now
    return {
        "Id": state.new_id(state.tables.table(share_name).schema),
        reference: record_id,
        "UserOrGroupId": user,
        "RowCause": cause,
        **levels,
        "IsDeleted": False,
        "CreatedDate": stamped,
        "CreatedById": record.get("LastModifiedById"),
        "LastModifiedDate": stamped,
        "LastModifiedById": record.get("LastModifiedById"),
        "SystemModstamp": stamped,
    }
