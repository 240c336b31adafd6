"""What an administrator put in the way of a save: locks, approvals, read-only rows, validation and duplicate rules,
flows.

The rules are kept and looked up here; the words and codes are those of salesforce.md 3.6. It saves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from syncd.sandbox.salesforce.fieldtypes import TEXT_TYPES
from syncd.sandbox.salesforce.refusals import Refusal
from syncd.sandbox.salesforce.soql.binding import Scope, Visibility
from syncd.sandbox.salesforce.soql.conditions import test_of
from syncd.sandbox.salesforce.soql.parser import parse
from syncd.sandbox.salesforce.soql.tree import Query
from syncd.sandbox.salesforce.tables import Row, Table, Tables

DUPLICATE_ACTIONS = ("alert", "block")
_PARENTS = {"Opportunity": "AccountId", "Contact": "AccountId", "AccountTeamMember": "AccountId"}


@dataclass(frozen=True, slots=True)
class When:
    """When a rule runs: a SOQL condition over the row as saved (none: always), and fields one of which must change."""

    query: Query | None = None
    changed: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, document: Mapping[str, Any]) -> When:
        """From `{"when": "Industry = 'Banking'", "changed": ["OwnerId"]}`. Raises Refusal for a broken condition."""
        text = document.get("when")
        query = None if text is None else parse(f"SELECT Id FROM {name} WHERE {text}")
        return cls(query, tuple(str(item) for item in document.get("changed", ())))

    def holds(self, tables: Tables, now: datetime, before: Row | None, after: Row) -> bool:
        """Whether a save of `after` in place of `before` is meant."""
        if self.changed and before is not None and all(before.get(key) == after.get(key) for key in self.changed):
            return False
        if self.query is None or self.query.where is None:
            return True
        scope = Scope(tables, Visibility(), self.query, now)
        return test_of(self.query.where, scope, lambda _: [])(after)


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """Refuses a save with the administrator's own words; `field` is where the UI would show them."""

    name: str
    when: When
    message: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """Stops a save of a row whose `fields` are those of another live row; `alert` can be overruled by the caller."""

    name: str
    fields: tuple[str, ...]
    action: str = "alert"


@dataclass(frozen=True, slots=True)
class Flow:
    """Automation after a save: sets fields, puts fields back as they were (`revert`), or fails with a message."""

    name: str
    when: When
    set: Mapping[str, Any] = field(default_factory=dict)
    revert: tuple[str, ...] = ()
    fail: str | None = None


@dataclass(slots=True)
class Safeguards:
    """All of an org's, by object in lower case; `locks` are rows held by others until an instant."""

    validations: dict[str, list[ValidationRule]] = field(default_factory=dict)
    duplicates: dict[str, list[DuplicateRule]] = field(default_factory=dict)
    flows: dict[str, list[Flow]] = field(default_factory=dict)
    locks: dict[str, datetime] = field(default_factory=dict)
    in_approval: set[str] = field(default_factory=set)
    read_only: set[str] = field(default_factory=set)

    def check_locks(self, tables: Tables, table: Table, row: Row, now: datetime) -> None:
        """A row, or its account, held by another transaction cannot be written. Raises UNABLE_TO_LOCK_ROW."""
        parent = row.get(_PARENTS.get(table.schema.name, ""))
        for record_id in (row["Id"], parent):
            if record_id is not None and (tables.locked(record_id) or self._is_held(record_id, now)):
                message = f"unable to obtain exclusive access to this record or 1 records: {record_id}"
                raise Refusal(400, "UNABLE_TO_LOCK_ROW", message, ())

    def check_access(self, row: Row) -> None:
        """A row in approval or read-only for us takes no change. Raises Refusal."""
        if row["Id"] in self.in_approval:
            message = "This record is locked. If you need to edit it, contact your admin."
            raise Refusal(400, "ENTITY_IS_LOCKED", message, ())
        if row["Id"] in self.read_only:
            message = "insufficient access rights on object id"
            raise Refusal(400, "INSUFFICIENT_ACCESS_OR_READONLY", message, ())

    def check_rules(self, tables: Tables, table: Table, before: Row | None, after: Row, now: datetime) -> None:
        """Validation rules. Raises FIELD_CUSTOM_VALIDATION_EXCEPTION with the words of the first that is broken."""
        for rule in self.validations.get(table.schema.name.lower(), ()):
            if rule.when.holds(tables, now, before, after):
                fields = () if rule.field is None else (rule.field,)
                raise Refusal(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, fields)

    def check_duplicates(self, table: Table, row: Row, *, allowed: bool) -> None:
        """Duplicate rules. Raises DUPLICATES_DETECTED; an alert passes where the caller allows it."""
        for rule in self.duplicates.get(table.schema.name.lower(), ()):
            if rule.action == "alert" and allowed:
                continue
            alike = [other for other in table.rows.values() if _alike(table, rule, row, other)]
            if alike:
                raise _duplicates(table, rule, alike)

    def _is_held(self, record_id: str, now: datetime) -> bool:
        """Whether a lock on the row still stands; one whose time is over is forgotten."""
        until = self.locks.get(record_id)
        if until is not None and until <= now:
            del self.locks[record_id]
            return False
        return until is not None


def _alike(table: Table, rule: DuplicateRule, row: Row, other: Row) -> bool:
    """Whether another live row has the same value in every field of the rule."""
    if other["Id"] == row["Id"] or other.get("IsDeleted"):
        return False
    for name in rule.fields:
        mine, theirs = row.get(name), other.get(name)
        field_schema = table.schema.get(name)
        if mine is None or theirs is None:
            return False
        folds = field_schema is not None and field_schema.type in TEXT_TYPES
        if (str(mine).casefold() != str(theirs).casefold()) if folds else mine != theirs:
            return False
    return True


def _duplicates(table: Table, rule: DuplicateRule, alike: list[Row]) -> Refusal:
    """The refusal with what it found; `duplicateResut` is misspelt on the platform too (salesforce.md 3.6)."""
    name = table.schema.name
    records = [
        {"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": _named(name, row)}
        for row in alike
    ]
    result = {
        "allowSave": rule.action == "alert",
        "duplicateRule": rule.name,
        "duplicateRuleEntityType": name,
        "errorMessage": "Use one of these records?",
        "matchResults": [
            {"entityType": name, "errors": [], "matchEngine": "ExactMatchEngine", "matchRecords": records, "size": 1}
        ],
    }
    return Refusal(400, "DUPLICATES_DETECTED", "Use one of these records?", (), {"duplicateResut": result})


def _named(name: str, row: Row) -> dict[str, Any]:
    """A row as a duplicate result refers to it."""
    return {"attributes": {"type": name}, "Id": row["Id"]}
