"""`plan --engine` and `--timings` from the command line."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest
from click.testing import CliRunner, Result

from syncd.cli.main import cli
from syncd.errors import UsageError

FAST = all(find_spec(name) for name in ("numpy", "polars", "pyarrow"))


def syncd(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], standalone_mode=False)


@pytest.fixture
def world(tmp_path):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "pack.yaml").write_text(
        "format: 1\nterritories:\n  - {name: all, when: always, owners: [a@example.com, b@example.com]}\n"
    )
    rows = "".join(f"A{number},{name}@example.com\n" for number, name in enumerate("abcabab"))
    (tmp_path / "accounts.csv").write_text("id,owner\n" + rows)
    return tmp_path


def plan(world, *words):
    return syncd(
        "plan", world / "pack", "--accounts", world / "accounts.csv", "--as-of", "2026-12-01T00:00:00Z", *words
    )


@pytest.mark.skipif(not FAST, reason="the extra `fast` is not installed")
@pytest.mark.parametrize("format_", ["text", "json", "markdown", "csv", "html"])
def test_every_format_is_the_same_by_both_engines(world, format_):
    plain = plan(world, "--engine", "plain", "--format", format_)
    batch = plan(world, "--engine", "batch", "--format", format_)
    assert plain.stdout == batch.stdout
    assert "A2" in plain.stdout


@pytest.mark.skipif(not FAST, reason="the extra `fast` is not installed")
def test_timings_name_the_stages_on_stderr_and_leave_the_result_alone(world):
    shown = plan(world, "--engine", "batch", "--timings", "--format", "json")
    assert json.loads(shown.stdout)["summary"]["changes"] == 1
    names = [line.rsplit(maxsplit=2)[0] for line in shown.stderr.splitlines()[:-1]]
    assert names == ["read the pack", "read the accounts", "decide", "build the plan", "write the result", "in all"]
    assert shown.stderr.splitlines()[-1] == "decided in batches"


def test_a_small_export_is_decided_plainly_unless_asked_otherwise(world):
    assert plan(world, "--timings").stderr.splitlines()[-1] == "decided plainly"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--engine", "spark"), "goes with --accounts"),
        (("--against", "HEAD", "--timings"), "do not go with --against"),
        (("--against", "HEAD", "--engine", "batch"), "do not go with --against"),
    ],
)
def test_what_an_engine_does_not_take_is_refused(world, words, said):
    refused = syncd("plan", world / "pack", *words)
    assert isinstance(refused.exception, UsageError)
    assert said in str(refused.exception)
