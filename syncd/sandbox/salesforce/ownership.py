"""What an owner change drags along: teams, shares, contacts, deals and tasks (salesforce.md 3.4).

The table there says what the UI does, what plain REST does and what the options of SOAP's OwnerChangeOptions do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from syncd.sandbox.salesforce.sharing import give_to_owner
from syncd.sandbox.salesforce.state import OrgState, Saving
from syncd.sandbox.salesforce.tables import Row, Table

_SHARE_CAUSES = frozenset({"Team", "Manual"})
_DEPENDENTS = {
    "Account": ("KeepAccountTeam", "AccountTeamMember", "AccountShare", "AccountId"),
    "Opportunity": ("KeepSalesTeam", "OpportunityTeamMember", "OpportunityShare", "OpportunityId"),
}
Save = Callable[[OrgState, Table, Row, dict[str, Any], Saving], None]
Delete = Callable[[OrgState, str, Row, str], None]


def after_owner_change(state: OrgState, table: Table, before: Row, saving: Saving, save: Save, delete: Delete) -> None:
    """Everything that follows from the owner of `before` having been changed; `save` and `delete` do it to a row."""
    name = table.schema.name
    owner = str(table.rows[before["Id"]].get("OwnerId"))
    give_to_owner(state, name, before["Id"], owner)
    if name in _DEPENDENTS:
        _drop_dependents(state, name, before["Id"], saving, delete)
    if name == "Account":
        for children, child in list(_transferred(state, before, saving)):
            save(state, children, child, {"OwnerId": owner}, saving)


def _drop_dependents(state: OrgState, name: str, record_id: str, saving: Saving, delete: Delete) -> None:
    """Team members and their shares go unless they are kept; manual shares go in any case."""
    keep, team, shares, reference = _DEPENDENTS[name]
    kept = keep in saving.options
    if not kept:
        for member in list(state.tables.table(team).referring(reference, [record_id])):
            if not member.get("IsDeleted"):
                delete(state, team, member, saving.by)
    causes = frozenset({"Manual"}) if kept else _SHARE_CAUSES
    for share in list(state.tables.table(shares).referring(reference, [record_id])):
        if share.get("RowCause") in causes and not share.get("IsDeleted"):
            delete(state, shares, share, saving.by)


def _transferred(state: OrgState, account: Row, saving: Saving) -> Iterator[tuple[Table, Row]]:
    """The children of an account that go to its new owner too, by the options of the change."""
    old_owner = account.get("OwnerId")
    for name, reference in (("Contact", "AccountId"), ("Opportunity", "AccountId"), ("Task", "WhatId")):
        children = state.tables.table(name)
        for child in children.referring(reference, [account["Id"]]):
            mine = child.get("OwnerId") == old_owner
            if not child.get("IsDeleted") and _option_for(name, mine, bool(child.get("IsClosed"))) in saving.options:
                yield children, child


def _option_for(name: str, mine: bool, closed: bool) -> str | None:
    """The option by which a child goes along, None where none does."""
    if name == "Opportunity" and not mine:
        return None if closed else "TransferOthersOpenOpportunities"
    if not mine:
        return None
    if name == "Opportunity":
        return "TransferOwnedClosedOpportunities" if closed else "TransferOwnedOpenOpportunities"
    if name == "Task":
        return None if closed else "TransferOpenActivities"
    return "TransferContacts"
