"""The content of a record: its JSON is put together by hand where it can be, and is what the library would write."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.clock import parse_instant
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System

_ODD = st.text(st.sampled_from(list('aé"\\\x00\x1f\x7f\n\u2028\ud83c{}:, ')), max_size=6)


def content(fields: Mapping[str, str], **more: object) -> tuple[str, str]:
    ref = Ref(System.SALESFORCE, Kind.ACCOUNT, "001FK0000000001AAA")
    return Record(ref, parse_instant("2026-11-20T10:00:00Z"), fields, **more).content()  # type: ignore[arg-type]


@given(st.dictionaries(_ODD, _ODD, max_size=4))
def test_the_fields_are_the_json_that_the_library_writes(fields: Mapping[str, str]) -> None:
    assert content(fields)[0] == json.dumps(dict(fields), sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize(
    "more",
    [{"owner": "a"}, {"account": "a"}, {"merged_into": "a"}, {"merged_from": ("a",)}, {"deleted": True}],
    ids=lambda more: next(iter(more)),
)
def test_whatever_a_record_says_is_in_its_hash(more: Mapping[str, object]) -> None:
    assert content({"name": "Acme"}, **more)[1] != content({"name": "Acme"})[1]


def test_the_hash_of_a_release_is_the_hash_of_the_next() -> None:
    """A mirror keeps hashes: another way to write them would make every record of it a change."""
    said = content({"name": "Acme", "industry": "Banking"}, owner="o", account="p", merged_from=("x", "y"))
    assert said == ('{"industry":"Banking","name":"Acme"}', "d118e95133f84a3a3fe318ed77287616")
