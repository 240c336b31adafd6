"""The JSON Schema of packs: it takes what the loader takes, and knows the same names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.model.fields import FieldCatalogue, FieldType
from syncd.model.refs import Kind
from syncd.rules.findings import Findings
from syncd.rules.nodes import Mapping, Node, Scalar, Sequence
from syncd.rules.reading.yaml_reader import read_yaml
from syncd.rules.schema import DIALECT, json_schema

HERE = Path(__file__).parent
SHARED = HERE.parents[3] / "shared" / "conformance" / "rules"
SCHEMA = json_schema(FieldCatalogue())
TYPES = {"string": str, "boolean": bool, "object": dict, "array": list}


def value(node: Node) -> Any:
    """A node as an editor's YAML 1.2 parser reads it."""
    match node:
        case Scalar(text, quoted):
            if not quoted and text in ("true", "false"):
                return text == "true"
            if not quoted and re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", text):
                return float(text) if "." in text else int(text)
            return text
        case Sequence(items):
            return [value(item) for item in items]
        case Mapping(entries):
            return {entry.key.text: value(entry.value) for entry in entries}


def is_type(found: Any, name: str) -> bool:
    if name in ("number", "integer"):
        return isinstance(found, int if name == "integer" else int | float) and not isinstance(found, bool)
    return isinstance(found, TYPES[name])


def valid(schema: dict[str, Any], found: Any) -> bool:
    """A small validator: the keywords that the schema uses, and no others."""
    for keyword, wanted in schema.items():
        match keyword:
            case "$ref":
                ok = valid(SCHEMA["$defs"][wanted.removeprefix("#/$defs/")], found)  # type: ignore[index]
            case "anyOf":
                ok = any(valid(each, found) for each in wanted)
            case "const":
                ok = found == wanted
            case "enum":
                ok = found in wanted
            case "type":
                ok = any(is_type(found, each) for each in ([wanted] if isinstance(wanted, str) else wanted))
            case "pattern":
                ok = not isinstance(found, str) or re.search(wanted, found) is not None
            case "minimum":
                ok = found >= wanted
            case "maximum":
                ok = found <= wanted
            case "minItems":
                ok = not isinstance(found, list) or len(found) >= wanted
            case "minProperties":
                ok = not isinstance(found, dict) or len(found) >= wanted
            case "items":
                ok = not isinstance(found, list) or all(valid(wanted, each) for each in found)
            case "required":
                ok = not isinstance(found, dict) or set(wanted) <= set(found)
            case "propertyNames":
                ok = not isinstance(found, dict) or all(valid(wanted, key) for key in found)
            case "properties":
                ok = not isinstance(found, dict) or all(
                    valid(wanted[key], found[key]) for key in found if key in wanted
                )
            case "additionalProperties":
                extra = (
                    [found[key] for key in found if key not in schema.get("properties", {})]
                    if isinstance(found, dict)
                    else []
                )
                ok = not extra if wanted is False else all(valid(wanted, each) for each in extra)
            case "description" | "title" | "$schema" | "$defs":
                ok = True
            case _:
                raise AssertionError(keyword)
        if not ok:
            return False
    return True


def content(path: Path) -> Any:
    root = read_yaml(path.read_bytes(), path.name, Findings()).root
    assert root is not None
    return value(root)


def pack_file(text: str) -> bool:
    root = read_yaml(text.encode(), "a.yaml", Findings()).root
    assert root is not None
    return valid(SCHEMA, value(root))


def yaml_files() -> Iterator[Path]:
    yield from sorted((HERE / "packs" / "acme").rglob("*.yaml"))
    yield from sorted(SHARED.glob("*/pack/*.yaml"))


@pytest.mark.parametrize("path", list(yaml_files()), ids=lambda path: "-".join(path.parts[-3:]))
def test_every_valid_pack_fits_the_schema(path: Path) -> None:
    assert valid(SCHEMA, content(path))


@pytest.mark.parametrize(
    "text",
    [
        "teritories: []",
        "format: 2",
        "segments: {a: {contry: DE}}",
        "segments: {a: {country: []}}",
        "segments: {a: {country: {contains: x}}}",
        "segments: {a: {employees: {starts_with: 1}}}",
        "segments: {a: {locked: {last: 30d}}}",
        "segments: {a: {opportunities: {all: {stage: x}}}}",
        "segments: {A b: {country: DE}}",
        "territories: [{name: a, owners: [a@example.com]}]",
        "territories: [{name: a, when: always, ownres: [a@example.com]}]",
        "territories: [{name: a, when: always, owners: unassigned, follow_parent: sometimes}]",
        "reps: [{capacity: 5}]",
        "pack: {fiscal_year_start: 13}",
        "tests: [{name: x, account: {contry: DE}, expect: {owner: a}}]",
        "retrieve: {when: always}",
    ],
)
def test_what_the_loader_refuses_by_name_or_type_the_schema_refuses_too(text: str) -> None:
    assert not pack_file(text)


@pytest.mark.parametrize(
    "text",
    [
        "segments: {a: {country: missing}}",
        "segments: {a: {created_at: {in: this_quarter}}}",
        "segments: {a: {all: [{not: {country: DE}}, {in_segment: [b]}]}}",
        "segments: {a: {employees: '>= 5', open_stages: {all_of: [x, y]}, postal_code: {starts_with: '94'}}}",
        "territories: {table: t.csv}",
        "- {name: a, when: always, owners: unassigned}",
        "monitors: {Drift: false}",
    ],
)
def test_what_the_loader_takes_the_schema_takes_too(text: str) -> None:
    assert pack_file(text)


def test_custom_fields_are_in_the_schema() -> None:
    catalogue = FieldCatalogue().extended(Kind.ACCOUNT, {"vertical": FieldType.PICKLIST})
    assert "vertical" in json.dumps(json_schema(catalogue)["$defs"])
    assert "vertical" not in json.dumps(SCHEMA)


def test_the_schema_is_json_of_the_draft_that_editors_read() -> None:
    text = json.dumps(SCHEMA, sort_keys=True)
    assert json.loads(text)["$schema"] == DIALECT
    named = set(re.findall(r"#/\$defs/([\w-]+)", text))
    assert named <= set(json.loads(text)["$defs"])
