"""What a write by the API may hold: the values of each property, validation rules, unique values (hubspot.md 2.9, 3).

It changes nothing and says what is wrong in HubSpot's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from syncd.sandbox.hubspot.definitions import Property
from syncd.sandbox.hubspot.records import Entry, ObjectTable
from syncd.sandbox.hubspot.refusals import PropertyProblem, Refusal, conflict, not_unique, validation
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.hubspot.values import canonical

Checked = tuple[dict[str, str], list[PropertyProblem]]


class WriteChecks:
    """Checks what the API is asked to write."""

    def __init__(self, state: PortalState) -> None:
        self._state = state

    def values(self, properties: Any, table: ObjectTable, entry: Entry | None, version: str) -> Checked:
        """Canonical values of a write to `entry` (None: a new record), and what is wrong with them.

        A Refusal for properties that are no text: the body itself is malformed then.
        """
        if not isinstance(properties, dict):
            raise validation("properties must be an object", properties=["invalid"])
        values: dict[str, str] = {}
        problems: list[PropertyProblem] = []
        for name, value in properties.items():
            if not isinstance(value, str):
                raise validation(
                    f"Invalid input JSON: {name} must be a string", code="INVALID_JSON", propertyName=[name]
                )
            checked = self._value(table, entry, name, value)
            if isinstance(checked, PropertyProblem):
                problems.append(checked)
            else:
                values[name] = checked
        problems += self._stage_problem(table, values)
        if version in self._state.quirks.validated_versions:
            problems += self._broken_rules(table, entry, values)
        return values, problems

    def clash(self, table: ObjectTable, entry: Entry | None, values: Mapping[str, str]) -> Refusal | None:
        """The 409 for a value that must be unique and that another live record has; None for none."""
        for name, value in values.items():
            if not value or not table.definitions[name].unique:
                continue
            other = table.find_by(name, value)
            if other is not None and other is not entry:
                return conflict(f"{table.kind.singular.title()} already exists. Existing ID: {other.id}")
        return None

    def found(self, table: ObjectTable, record_id: str, id_property: Any) -> Entry | None:
        """The record that an input means, archived ones too; a Refusal for an idProperty that is not unique."""
        if not id_property:
            return table.find(record_id)
        definition = table.definitions.get(str(id_property))
        if definition is None or not definition.unique:
            raise not_unique(table.kind.type_id, str(id_property), self._state.portal_id)
        return table.find_by(definition.name, record_id)

    def _value(self, table: ObjectTable, entry: Entry | None, name: str, text: str) -> str | PropertyProblem:
        """A value in canonical form, or what HubSpot says against it."""
        definition = table.definitions.get(name)
        if definition is None or not table.visible(name):
            return PropertyProblem(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        if definition.read_only:
            return PropertyProblem(
                name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.'
            )
        if name == "hubspot_owner_id" and text and not self._may_own(text):
            return PropertyProblem(name, "INVALID_OWNER_ID", f"Owner with id {text} does not exist or is not active")
        if definition.field_type == "checkbox" and text.startswith(";"):
            held = [] if entry is None else entry.properties.get(name, "").split(";")
            text = ";".join(dict.fromkeys(part for part in (*held, *text.split(";")) if part))
        wrong = _unknown_option(definition, text)
        if wrong is not None:
            return PropertyProblem(name, "INVALID_OPTION", f"{wrong} was not one of the allowed options for {name}")
        try:
            return canonical(definition, text)
        except ValueError:
            code = "INVALID_DATE" if definition.type == "datetime" else f"INVALID_{definition.type.upper()}"
            return PropertyProblem(name, code, f"{text} was not a valid {definition.type}.")

    def _stage_problem(self, table: ObjectTable, values: Mapping[str, str]) -> Iterator[PropertyProblem]:
        """A pipeline must exist; a stage must be one of it, or of any where the write does not name the pipeline."""
        kind, pipelines = table.kind, self._state.pipelines_of.get(table.kind.name)
        if pipelines is None:
            return
        pipeline, stage = values.get(kind.pipeline, ""), values.get(kind.stage, "")
        if pipeline and pipeline not in pipelines.rows:
            yield _not_allowed(kind.pipeline, pipeline)
        elif stage and not (pipelines.stage(pipeline, stage) if pipeline else pipelines.has_stage(stage)):
            yield _not_allowed(kind.stage, stage)

    def _broken_rules(
        self, table: ObjectTable, entry: Entry | None, values: Mapping[str, str]
    ) -> Iterator[PropertyProblem]:
        """The account's validation rules, which look at the whole record as it would be (hubspot.md 0.8)."""
        quirks, name = self._state.quirks, table.kind.name
        whole = {**(entry.properties if entry is not None else {}), **values}
        rules = list(quirks.validation_rules.get(name, []))
        if name in quirks.required_on_2026_09:
            rules.append({"require": [quirks.required_on_2026_09[name]]})
        for rule in rules:
            if any(whole.get(key, "") != str(value) for key, value in dict(rule.get("when", {})).items()):
                continue
            for required in rule.get("require", ()):
                if not whole.get(required):
                    message = f"{required} is required by a validation rule of this account"
                    yield PropertyProblem(str(required), "REQUIRED_FIELD", message)
            checked = str(rule.get("property", ""))
            if whole.get(checked) and not re.search(str(rule.get("pattern", "")), whole[checked]):
                message = str(rule.get("message") or f"{checked} does not meet a validation rule of this account")
                yield PropertyProblem(checked, "VALIDATION_RULE", message)

    def _may_own(self, owner_id: str) -> bool:
        owner = self._state.owners.get(owner_id)
        return owner is not None and (not owner.archived or self._state.quirks.archived_owners_accepted)


def _unknown_option(definition: Property, text: str) -> str | None:
    """The first value that an enumeration with options does not have; None for none."""
    if definition.type != "enumeration" or not definition.options:
        return None
    known = {option.value for option in definition.options}
    parts = text.split(";") if definition.field_type == "checkbox" else [text]
    return next((part for part in parts if part and part not in known), None)


def _not_allowed(name: str, value: str) -> PropertyProblem:
    return PropertyProblem(name, "INVALID_OPTION", f"{value} was not one of the allowed options for {name}")
