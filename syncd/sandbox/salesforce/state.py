"""What an org is made of: rows, what is seen of them, the clock, ids, and the administrator's own automation.

And how a save is meant: by whom, with which headers. It knows nothing of what a save does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from syncd.clock import Clock
from syncd.sandbox.salesforce.fieldtypes import stamp
from syncd.sandbox.salesforce.identifiers import IdSequence, canonical
from syncd.sandbox.salesforce.refusals import Refusal, not_found
from syncd.sandbox.salesforce.safeguards import Safeguards
from syncd.sandbox.salesforce.schema import ObjectSchema
from syncd.sandbox.salesforce.soql.binding import Visibility
from syncd.sandbox.salesforce.tables import Row, Table, Tables

OWNER_CHANGE_OPTIONS = frozenset(
    {
        "KeepAccountTeam",
        "KeepSalesTeam",
        "TransferContacts",
        "TransferOpenActivities",
        "TransferOthersOpenOpportunities",
        "TransferOwnedClosedOpportunities",
        "TransferOwnedOpenOpportunities",
    }
)
"""The options of an owner change that do something here (salesforce.md 3.4); the others are taken and do nothing."""
UI_OPTIONS = frozenset({"TransferContacts", "TransferOpenActivities", "TransferOwnedOpenOpportunities"})
"""What the owner dialogue of the UI does where nobody unticks anything."""
_TRACKED = {
    "account": ("OwnerId", "ParentId", "Name", "Industry", "Type", "Rating", "AnnualRevenue", "NumberOfEmployees"),
    "opportunity": ("OwnerId", "AccountId", "Name", "StageName", "Amount", "CloseDate"),
    "lead": ("OwnerId", "Status"),
    "contact": ("OwnerId", "AccountId"),
}


@dataclass(frozen=True, slots=True)
class Saving:
    """How a row is saved: as which user, and what the caller's headers ask for.

    `options` are names of OWNER_CHANGE_OPTIONS. A `person` in the UI may do what the API refuses: no safeguard holds
    an administrator, so that odd data can be made.
    """

    by: str
    auto_assign: bool = False
    allow_duplicates: bool = False
    options: frozenset[str] = frozenset()
    person: bool = False

    def with_options(self, names: Iterable[str]) -> Saving:
        """The same save with these owner change options."""
        return replace(self, options=frozenset(names))


@dataclass(slots=True)
class OrgState:
    """The whole state of an org that writing needs.

    `assignment_owners` are active assignment rules: they give every saved row of an object to that user unless the
    caller sends `Sforce-Auto-Assign: FALSE`. `refuse_inactive_owners`: rows of inactive owners take no other edit.
    `unfiltered`: so many queries more show rows that their WHERE does not take (F17).
    `covered_behind`: so many seconds latestDateCovered stays behind the clock.
    `tracked` are the fields, by object in lower case, whose changes go into the object's history.
    """

    tables: Tables
    visibility: Visibility
    clock: Clock
    seed: int
    safeguards: Safeguards = field(default_factory=Safeguards)
    assignment_owners: dict[str, str] = field(default_factory=dict)
    refuse_inactive_owners: bool = False
    unfiltered: int = 0
    covered_behind: float = 120.0
    tracked: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(_TRACKED))
    sequences: dict[str, IdSequence] = field(default_factory=dict)
    schema_changed_at: datetime = field(init=False)
    """When an administrator last changed objects, fields or who sees them."""

    def __post_init__(self) -> None:
        self.schema_changed_at = self.clock.now()

    def new_id(self, schema: ObjectSchema) -> str:
        """The next id of an object that no row has. Objects that share a prefix share the numbers."""
        sequence = self.sequences.get(schema.prefix)
        if sequence is None:
            sequence = self.sequences[schema.prefix] = IdSequence(schema.prefix, self.seed)
        record_id = sequence.take()
        while record_id in self.tables.table(schema.name).rows:
            record_id = sequence.take()
        return record_id

    def now(self) -> str:
        """The present instant as a stamp."""
        return stamp(self.clock.now())


def find(state: OrgState, name: str, record_id: str, *, everything: bool = False) -> tuple[Table, Row]:
    """A live row by an id of 15 or 18 characters. Raises Refusal 404 where it is unknown, deleted or not shared.

    `everything`: the caller sees all rows, whatever the integration user sees.
    """
    table = state.tables.table(name)
    row = table.rows.get(canonical(record_id) or record_id)
    if row is None or (not everything and row["Id"] in state.visibility.unshared):
        raise not_found()
    if row.get("IsDeleted"):
        raise Refusal(404, "ENTITY_IS_DELETED", "entity is deleted", ())
    return table, row
