"""`plan --engine spark` on local Spark against the plain evaluator: `make spark`, a lane of its own that needs Java."""

from __future__ import annotations

import csv
import json
import os
from datetime import UTC, datetime

import export_plans
import pytest
from export_plans import NOW

if os.environ.get("SPARK") is None:
    pytest.skip("Spark has a lane of its own: make spark", allow_module_level=True)

import pyarrow as pa
import pyarrow.parquet as pq
from batch_exports import Exports

from syncd.errors import ConfigError, InputError
from syncd.jobs.books.engines import EngineChoice
from syncd.jobs.spark.running import Spark
from syncd.jobs.stages import Stages

SEEDS = int(os.environ["SPARK"])
ROWS = 200
pytestmark = pytest.mark.filterwarnings("default")  # what pyspark warns of is for Spark to mend


def planned(folder, engine, accounts, **parts):
    document, findings = export_plans.planned(folder, engine, accounts, **parts)
    return document, [(each.code, each.message, each.place) for each in findings]


def write(folder, seed):
    """A drawn export as a folder of two files, their rows in groups so that several workers have some."""
    Exports(seed).write(folder, ROWS)
    rows = list(csv.DictReader((folder / "accounts.csv").read_text().splitlines()))
    texts = {name: pa.array([row[name] or None for row in rows], pa.string()) for name in rows[0]}
    if seed % 2:
        texts["industry"] = texts["industry"].dictionary_encode()
        texts["id"] = pa.array([int(row["id"][1:]) for row in rows], pa.uint64())
    table = pa.table(texts)
    (folder / "accounts").mkdir()
    pq.write_table(table.slice(0, ROWS // 2), folder / "accounts" / "a part.parquet", row_group_size=30)
    pq.write_table(table.slice(ROWS // 2), folder / "accounts" / "b%20.parquet", row_group_size=30)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_spark_decides_as_the_plain_evaluator_does(tmp_path, monkeypatch, seed):
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--master local[2] pyspark-shell")
    write(tmp_path, seed)
    parts = {"deals": seed % 2 == 0, "users": seed % 4 < 2}
    plain = planned(tmp_path, EngineChoice.PLAIN, "accounts", **parts)
    assert planned(tmp_path, EngineChoice.SPARK, "accounts", **parts) == plain


def test_repeated_ids_and_instants_in_nanoseconds_are_read_alike(tmp_path):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "pack.yaml").write_text(
        "format: 1\nterritories:\n"
        "  - {name: new, when: {created_at: {last: 30d}}, owners: [a@example.com]}\n"
        "  - {name: rest, when: always, owners: [b@example.com]}\n"
    )
    days = pa.array([NOW, None, datetime(2020, 1, 1, tzinfo=UTC)], pa.timestamp("ns", "UTC"))
    table = pa.table({"id": ["A1", "A2", "A3"], "created_at": days, "owner": ["x@example.com"] * 3})
    pq.write_table(table, tmp_path / "accounts.parquet")
    found = [
        planned(tmp_path, engine, "accounts.parquet", deals=False, users=False)
        for engine in (EngineChoice.PLAIN, EngineChoice.SPARK)
    ]
    assert found[0] == found[1]
    assert json.loads(found[1][0])["decisions"][0]["territory"] == "new"
    twice = table.set_column(0, "id", pa.array(["A1", " A1\u3000", None]))
    pq.write_table(twice, tmp_path / "accounts.parquet")
    told = []
    for engine in (EngineChoice.PLAIN, EngineChoice.SPARK):
        with pytest.raises(InputError) as error:
            planned(tmp_path, engine, "accounts.parquet", deals=False, users=False)
        told.append([(each.code, each.message, each.place) for each in error.value.findings])
    assert told[0] == told[1]
    assert [code for code, _, _ in told[0]] == ["SYN303", "SYN303"]


def test_a_file_that_breaks_off_is_told_in_one_line(tmp_path):
    write(tmp_path, 0)
    path = tmp_path / "accounts" / "a part.parquet"
    data = bytearray(path.read_bytes())
    data[8:2000] = b"\xff" * 1992
    path.write_bytes(bytes(data))
    with pytest.raises(ConfigError) as error:
        planned(tmp_path, EngineChoice.SPARK, "accounts")
    assert error.value.code == "SYN566"
    assert "\n" not in error.value.summary


def test_a_worker_that_cannot_start_is_told_in_one_line(tmp_path, monkeypatch):
    write(tmp_path, 0)
    monkeypatch.setenv("PYSPARK_PYTHON", "/nowhere/python")
    with pytest.raises(ConfigError) as error:
        planned(tmp_path, EngineChoice.SPARK, "accounts")
    assert error.value.code == "SYN566"


def test_a_session_ends_with_its_plan():
    from pyspark.sql import SparkSession

    with Spark(Stages(lambda: 0.0)):
        assert SparkSession.getActiveSession() is not None
    assert SparkSession.getActiveSession() is None
