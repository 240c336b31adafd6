"""What a record holds in a field that syncd writes, and the same record with another value there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from syncd.model.plans import OWNER_FIELD, held_name, held_value, with_held_value
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System

RECORD = Record(
    Ref(System.HUBSPOT, Kind.ACCOUNT, "1"),
    datetime(2026, 11, 20, tzinfo=UTC),
    {"name": "Acme", held_name("csm"): "77004"},
    "77001",
)


@pytest.mark.parametrize("field", [OWNER_FIELD, "csm", "territory"])
@pytest.mark.parametrize("value", ["77009", None])
def test_a_record_with_another_value_in_one_field_is_the_same_in_all_others(field: str, value: str | None) -> None:
    found = with_held_value(RECORD, field, value)
    assert held_value(found, field) == value
    assert found.ref == RECORD.ref
    others = {OWNER_FIELD, "csm", "territory"} - {field}
    assert {each: held_value(found, each) for each in others} == {each: held_value(RECORD, each) for each in others}
    assert found.fields["name"] == "Acme"
    assert None not in found.fields.values()
