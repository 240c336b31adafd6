"""What a CRM says of its objects and their fields, as far as syncd keeps it, and what changed since the last run.

A field that a mapping names and that is gone or of another type would read as missing or as something else, and rules
would decide on it in silence; so that stops the object (reliability.md T31).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from syncd.model.refs import Kind


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One field by the CRM's own words: its type, and the values that a picklist offers, sorted."""

    type: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ObjectSchema:
    """One object: every field that we are shown, by name. Values are kept of mapped picklists only."""

    kind: Kind
    object: str
    fields: Mapping[str, FieldSchema] = field(default_factory=dict)

    def revision(self) -> str:
        """A hash of all of it."""
        return hashlib.sha256(self.text().encode()).hexdigest()[:16]

    def text(self) -> str:
        """The schema as JSON, sorted."""
        fields = {name: [each.type, list(each.values)] for name, each in self.fields.items()}
        return json.dumps([self.object, fields], sort_keys=True)

    @classmethod
    def parse(cls, kind: Kind, text: str) -> ObjectSchema:
        """The schema that `text` wrote."""
        name, fields = json.loads(text)
        return cls(kind, name, {key: FieldSchema(type_, tuple(values)) for key, (type_, values) in fields.items()})


@dataclass(frozen=True, slots=True)
class SchemaDrift:
    """What changed of one object: `notes` for people, `broken` for mapped fields that are not what they were."""

    notes: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


def drift(before: ObjectSchema, after: ObjectSchema, used: Collection[str]) -> SchemaDrift:
    """What changed between two runs; `used` are the names of the mapped fields, whatever their case.

    Another object is no drift: the mapping changed.
    """
    if before.object != after.object:
        return SchemaDrift()
    mapped = {name.lower() for name in used}
    notes: list[str] = []
    broken: list[str] = []
    for name in sorted(set(before.fields) | set(after.fields)):
        old, new = before.fields.get(name), after.fields.get(name)
        told = f"{after.object}.{name}"
        if old is None:
            notes.append(f"{told} is new")
        elif new is None:
            (broken if name.lower() in mapped else notes).append(f"{told} is gone")
        elif old.type != new.type:
            (broken if name.lower() in mapped else notes).append(f"{told} was {old.type} and is {new.type}")
        elif gone := sorted(set(old.values) - set(new.values)):
            notes.append(f"{told} does not offer {', '.join(map(repr, gone[:5]))} any more")
    return SchemaDrift(tuple(notes), tuple(broken))
