"""Variables over the file: what each form of a name and a value comes to."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from syncd.errors import ConfigError
from syncd.settings import Settings, load_settings


def load(tmp_path: Path, text: str, **environ: str) -> Settings:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return load_settings(path, {f"SYNCD_{name}": value for name, value in environ.items()})


def test_a_variable_changes_its_own_key_and_leaves_the_rest_of_its_table(tmp_path: Path) -> None:
    text = '[schedule]\npull = "10min"\nsweep = "03:00"\n'
    schedule = load(tmp_path, text, SCHEDULE__PULL="2min", schedule__WATCH="30s").schedule
    assert (schedule.pull, schedule.watch) == (timedelta(minutes=2), timedelta(seconds=30))
    assert schedule.sweep == "03:00"


def test_a_table_as_json_is_laid_over_the_files_key_by_key(tmp_path: Path) -> None:
    text = '[schedule]\npull = "10min"\nsweep = "03:00"\n'
    schedule = load(tmp_path, text, SCHEDULE='{"pull": "3min"}', SCHEDULE__WATCH="30s").schedule
    assert (schedule.pull, schedule.sweep) == (timedelta(minutes=3), "03:00")
    assert schedule.watch == timedelta(seconds=30), "the longer name says more"


def test_lists_are_json_and_take_the_place_of_the_files(tmp_path: Path) -> None:
    text = '[[receivers]]\nname = "a"\ntype = "file"\npath = "a.jsonl"\n'
    given = '[{"name": "b", "type": "file", "path": "b.jsonl"}, {"name": "c", "type": "file", "path": "c.jsonl"}]'
    assert [each.name for each in load(tmp_path, text, RECEIVERS=given).receivers] == ["b", "c"]


def test_fields_of_a_mapping_are_named_one_by_one(tmp_path: Path) -> None:
    text = '[salesforce]\nlogin_url = "https://a.my.salesforce.com"\nclient_id = "x"\n'
    found = load(tmp_path, text, SALESFORCE__FIELDS__ACCOUNT__TIER='{"field": "Tier_2", "type": "text"}').salesforce
    assert found is not None
    assert found.fields.account["tier"].field == "Tier_2"


def test_a_value_is_text_where_the_key_takes_text_whatever_it_looks_like(tmp_path: Path) -> None:
    """A password of digits, or one that looks like JSON, is the password."""
    for given in ("12345", '{"a": 1}', "null", " padded "):
        found = load(tmp_path, "[hubspot]\n", HUBSPOT__TOKEN=given).hubspot
        assert found is not None
        assert found.token is not None
        assert found.token.reference == given


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("RECEIVERS", "[{", "SYNCD_RECEIVERS"),
        ("SCHEDULE", "5", "SYNCD_SCHEDULE"),
        ("SCHEDULE__PULL", "soon", "SYNCD_SCHEDULE__PULL"),
        ("SCHEDULE__PUL", "5min", "SYNCD_SCHEDULE__PUL"),
    ],
)
def test_a_variable_that_cannot_be_is_named(tmp_path: Path, name: str, value: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, "", **{name: value})
    assert [words in str(finding) for finding in caught.value.findings] == [True]


def test_what_the_daemon_tells_its_children_is_no_setting(tmp_path: Path) -> None:
    told = load(tmp_path, "", CONFIG="/x", CONFIG_FOLDER=str(tmp_path), LEASE_EPOCH="4", ACTOR="ruth")
    assert told == load(tmp_path, "")
