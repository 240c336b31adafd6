"""`plan --accounts` by the batch engine: the same bytes and the same findings as the plain one, only sooner."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from batch_exports import Exports

pytest.importorskip("numpy", reason="the extra `fast` is not installed")
pytest.importorskip("pyarrow", reason="the extra `fast` is not installed")
pytest.importorskip("polars", reason="the extra `fast` is not installed")

from syncd.errors import ConfigError, InputError, Severity
from syncd.jobs.books import engines
from syncd.jobs.books.engines import EngineChoice
from syncd.jobs.plans.export import ExportFiles, plan_of_export, think_over_export
from syncd.jobs.stages import Stages
from syncd.rules.batch import export as batch_export
from syncd.settings import Settings

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
ROWS = 300


def planned(folder, engine, *, deals=True, users=True, all_decisions=False, accounts="accounts.csv"):
    files = (
        folder / accounts,
        folder / "opportunities.csv" if deals else None,
        folder / "users.csv" if users else None,
    )
    stages = Stages(lambda: 0.0)
    document, findings = plan_of_export(
        Settings(), folder / "pack", *files, now=NOW, all_decisions=all_decisions, engine=engine, stages=stages
    )
    shown = [(each.code, each.message, each.place) for each in findings if each.code != "SYN391"]
    return json.dumps(document, sort_keys=False), shown, stages.notes


@pytest.mark.parametrize("seed", range(18))
def test_a_plan_in_batches_has_every_byte_and_finding_of_the_plain_one(tmp_path, monkeypatch, seed):
    monkeypatch.setattr(batch_export, "CHUNK", [1000, 64, 37][seed % 3])
    Exports(seed).write(tmp_path, ROWS)
    deals, users = seed % 2 == 0, seed % 4 < 2
    plain = planned(tmp_path, EngineChoice.PLAIN, deals=deals, users=users)
    batch = planned(tmp_path, EngineChoice.BATCH, deals=deals, users=users)
    assert batch[2] == ["decided in batches"]
    assert batch[:2] == plain[:2]


def test_most_companies_that_stay_are_never_made_into_facts(tmp_path):
    Exports(1).write(tmp_path, 0)
    (tmp_path / "pack" / "pack.yaml").write_text(
        "format: 1\nterritories:\n  - {name: rest, when: always, owners: [a@example.com, b@example.com]}\n"
    )
    rows = "".join(f"A{number},{'a' if number % 50 else 'gone'}@example.com\n" for number in range(ROWS))
    (tmp_path / "accounts.csv").write_text("id,owner\n" + rows)
    files = ExportFiles(tmp_path / "accounts.csv")
    thought = think_over_export(Settings(), tmp_path / "pack", files, now=NOW, engine=EngineChoice.BATCH)
    assert len(thought.book.facts) == ROWS // 50
    assert sum(each.count for each in thought.kept) == ROWS - ROWS // 50


def test_a_broken_export_has_the_same_findings_in_batches(tmp_path):
    Exports(2).write(tmp_path, 5)
    (tmp_path / "accounts.csv").write_text("id,owner,employes\nA1,a@x.com,5\nA1,b@x.com,6\n,c@x.com,7\n")
    found = []
    for engine in (EngineChoice.PLAIN, EngineChoice.BATCH):
        with pytest.raises(InputError) as error:
            planned(tmp_path, engine)
        found.append([(each.code, each.message, each.place) for each in error.value.findings])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("score: {components: {x: {field: employees, curve: [[0, 0], [10, 5]]}}}\n", "the pack grades companies"),
        ("lifecycle: [{name: customer, when: always}]\n", "the pack grades companies"),
    ],
)
def test_a_pack_that_batches_do_not_take_is_decided_plainly_and_said_so(tmp_path, more, reason):
    Exports(3).write(tmp_path, 50)
    pack = tmp_path / "pack" / "pack.yaml"
    pack.write_text(pack.read_text() + more)
    plain = planned(tmp_path, EngineChoice.PLAIN)
    batch = planned(tmp_path, EngineChoice.BATCH)
    assert batch[2] == [f"decided plainly: {reason}"]
    assert batch[:2] == plain[:2]
    files = ExportFiles(tmp_path / "accounts.csv")
    thought = think_over_export(Settings(), tmp_path / "pack", files, now=NOW, engine=EngineChoice.BATCH)
    notes = [each for each in thought.findings if each.code == "SYN391"]
    assert [(each.severity, each.message) for each in notes] == [(Severity.NOTE, f"decided plainly: {reason}")]


def test_every_decision_listed_is_decided_plainly(tmp_path):
    Exports(4).write(tmp_path, 60)
    plain = planned(tmp_path, EngineChoice.PLAIN, all_decisions=True)
    assert planned(tmp_path, EngineChoice.BATCH, all_decisions=True)[:2] == plain[:2]


def test_without_the_extra_batches_are_refused_and_auto_decides_plainly(monkeypatch):
    monkeypatch.setattr(engines, "find_spec", lambda name: None if name == "polars" else object())
    assert not engines.wants_batch(EngineChoice.AUTO, 10**9)
    with pytest.raises(ConfigError, match="polars") as error:
        engines.wants_batch(EngineChoice.BATCH, 1)
    assert error.value.code == "SYN390"


def test_auto_takes_batches_for_a_large_export_only():
    assert engines.wants_batch(EngineChoice.AUTO, engines.LARGE_BYTES)
    assert not engines.wants_batch(EngineChoice.AUTO, engines.LARGE_BYTES - 1)


def test_status_and_a_plain_plan_import_no_library_of_the_extra():
    code = (
        "import sys, syncd.cli.main, syncd.jobs.watching.status, syncd.jobs.plans.plan\n"
        "import syncd.jobs.plans.export, syncd.jobs.daemon\n"
        "print([name for name in ('numpy', 'polars', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
