"""`plan --accounts` from Parquet: the same plan and findings as from a CSV of the same data, by both engines here."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import export_plans
import pytest
from batch_exports import Exports
from export_plans import NOW

pytest.importorskip("numpy", reason="the extra `fast` is not installed")
pytest.importorskip("pyarrow", reason="the extra `fast` is not installed")
pytest.importorskip("polars", reason="the extra `fast` is not installed")

import pyarrow as pa
import pyarrow.parquet as pq

from syncd.errors import ConfigError, InputError
from syncd.jobs.books import engines
from syncd.jobs.books.engines import EngineChoice
from syncd.jobs.plans.export import ExportFiles, plan_of_export, think_over_export
from syncd.rules.exports import files as export_files
from syncd.rules.exports import parquet
from syncd.rules.exports.cell_texts import texts_of
from syncd.rules.pack_bytes import UnreadableBytesError
from syncd.settings import Settings

PACK = "format: 1\nterritories:\n  - {name: rest, when: always, owners: [a@example.com, b@example.com]}\n"


def planned(folder, engine, accounts, **parts):
    document, findings = export_plans.planned(folder, engine, accounts, **parts)
    return document, shown(findings, accounts)


def shown(findings, accounts):
    """Findings with their rows: the first row of a CSV stands in line 2."""
    head = 1 if accounts.endswith(".csv") else 0

    def row(place):
        own = place is not None and "opportunities" not in place.path and "users" not in place.path
        return max(1, place.line - head) if own else place

    return [(each.code, each.message, row(each.place)) for each in findings]


def as_parquet(folder, types=None, files=1):
    """The drawn export as Parquet, its columns as text or as other types."""
    rows = list(csv.DictReader((folder / "accounts.csv").read_text().splitlines()))
    texts = {name: pa.array([row[name] or None for row in rows], pa.string()) for name in rows[0]}
    table = pa.table({name: (types or {}).get(name, lambda text: text)(array) for name, array in texts.items()})
    if files == 1:
        pq.write_table(table, folder / "accounts.parquet", row_group_size=100)
        return
    (folder / "accounts").mkdir()
    (folder / "accounts" / "_SUCCESS").write_text("")
    size = -(-len(table) // files)
    for number in range(files):
        pq.write_table(table.slice(number * size, size), folder / "accounts" / f"part-{number:05}.parquet")


def table_of(folder, table, pack=PACK):
    (folder / "pack").mkdir(exist_ok=True)
    (folder / "pack" / "pack.yaml").write_text(pack)
    pq.write_table(table, folder / "accounts.parquet")
    return ExportFiles(folder / "accounts.parquet")


@pytest.mark.parametrize("seed", range(8))
def test_a_plan_from_parquet_has_every_byte_and_finding_of_that_from_a_csv(tmp_path, monkeypatch, seed):
    monkeypatch.setattr(parquet, "ROWS", [1000, 64, 37][seed % 3])
    Exports(seed).write(tmp_path, 250)
    dictionary = {
        "industry": lambda texts: texts.dictionary_encode(),
        "id": lambda texts: texts.cast(pa.large_string()),
    }
    as_parquet(tmp_path, dictionary if seed % 2 else None)
    parts = {"deals": seed % 2 == 0, "users": seed % 4 < 2}
    from_csv = planned(tmp_path, EngineChoice.PLAIN, "accounts.csv", **parts)
    assert planned(tmp_path, EngineChoice.PLAIN, "accounts.parquet", **parts) == from_csv
    assert planned(tmp_path, EngineChoice.BATCH, "accounts.parquet", **parts) == from_csv


def test_a_folder_of_parquet_is_one_export_and_its_findings_name_file_and_row(tmp_path):
    Exports(6).write(tmp_path, 30)
    as_parquet(tmp_path, files=3)
    plain, batch = (planned(tmp_path, engine, "accounts") for engine in (EngineChoice.PLAIN, EngineChoice.BATCH))
    assert plain == batch
    assert (
        json.loads(plain[0])["decisions"]
        == json.loads(planned(tmp_path, EngineChoice.PLAIN, "accounts.csv")[0])["decisions"]
    )
    files = ExportFiles(tmp_path / "accounts")
    found = think_over_export(Settings(), tmp_path / "pack", files, now=NOW, engine=EngineChoice.BATCH).findings
    places = [(each.place.path.rpartition("/")[2], each.place.line) for each in found if each.code == "SYN307"]
    assert {name for name, _ in places} == {f"part-0000{number}.parquet" for number in range(3)}
    assert max(line for _, line in places) <= 10


@pytest.mark.parametrize("engine", [EngineChoice.PLAIN, EngineChoice.BATCH])
def test_repeated_and_missing_ids_are_named_by_file_and_row(tmp_path, engine):
    files = table_of(tmp_path, pa.table({"id": ["A1", None, " A1 ", "A2"], "owner": ["a@example.com"] * 4}))
    with pytest.raises(InputError) as error:
        think_over_export(Settings(), tmp_path / "pack", files, now=NOW, engine=engine)
    assert [(each.message, each.place.line) for each in error.value.findings] == [
        ("this row has no id", 2),
        ("the id A1 stands twice; the first is in row 1", 3),
    ]


def test_columns_of_other_types_are_read_as_their_texts():
    berlin = timezone(timedelta(hours=1))
    zoned, local = datetime(2026, 11, 1, 10, tzinfo=berlin), datetime(2026, 11, 1, 10, tzinfo=UTC).replace(tzinfo=None)
    columns = [
        (pa.array([1, None, -5]), ["1", None, "-5"]),
        (pa.array([94105.0, float("nan"), 0.1, 1e21]), ["94105", None, "0.1", "1000000000000000000000"]),
        (pa.array([True, False, None]), ["true", "false", None]),
        (pa.array([Decimal("1.50"), None]), ["1.50", None]),
        (pa.array([date(2026, 11, 1)]), ["2026-11-01"]),
        (pa.array([zoned], pa.timestamp("ns", "Europe/Berlin")), ["2026-11-01T09:00:00Z"]),
        (pa.array([local], pa.timestamp("ms")), ["2026-11-01T10:00:00"]),
        (pa.array([["a", None, "b"], [], None]), ["a;b", None, None]),
        (pa.array(["  x\u3000", "", " ", "a\x00b"]), ["x", None, None, "ab"]),
        (pa.array(["x", None]).dictionary_encode(), ["x", None]),
        (pa.nulls(2), [None, None]),
    ]
    for column, texts in columns:
        assert texts_of(column).to_pylist() == texts, column.type


@pytest.mark.parametrize("engine", [EngineChoice.PLAIN, EngineChoice.BATCH])
def test_numbers_dates_and_lists_in_their_own_types_decide_as_texts_do(tmp_path, engine):
    pack = """format: 1
territories:
  - {name: big, when: {employees: ">= 100", annual_revenue: ">= 1M"}, owners: [a@example.com]}
  - {name: new, when: {created_at: {last: 30d}}, owners: [b@example.com]}
  - {name: open, when: {open_stages: [Won]}, owners: [c@example.com]}
  - {name: code, when: {postal_code: 94105, country: US}, owners: [d@example.com]}
  - {name: rest, when: always, owners: [e@example.com]}
"""
    count = 5
    table = pa.table(
        {
            "id": pa.array(range(count)),
            "owner": ["x@example.com"] * count,
            "employees": pa.array([100, 5, None, None, None], pa.int32()),
            "annual_revenue": [1e6, None, None, None, float("nan")],
            "created_at": pa.array([None, NOW - timedelta(days=3), None, None, None], pa.timestamp("us", "UTC")),
            "open_stages": pa.array([None, None, ["Open", "Won"], [], None], pa.list_(pa.string())),
            "postal_code": [None, None, None, 94105.0, None],
            "country": ["US"] * count,
        }
    )
    files = table_of(tmp_path, table, pack)
    thought = think_over_export(Settings(), tmp_path / "pack", files, now=NOW, engine=engine)
    assert [each.territory for each in thought.decisions] == ["big", "new", "open", "code", "rest"]


def refused(folder, files, engine=EngineChoice.BATCH):
    with pytest.raises(InputError) as error:
        think_over_export(Settings(), folder / "pack", files, now=NOW, engine=engine)
    return [(each.code, each.message) for each in error.value.findings]


def test_what_is_no_parquet_is_refused_with_its_name(tmp_path):
    files = table_of(tmp_path, pa.table({"id": ["A1"]}))
    whole = (tmp_path / "accounts.parquet").read_bytes()
    for data in (b"id,owner\nA1,a@example.com\n", whole[: len(whole) // 2], b""):
        (tmp_path / "accounts.parquet").write_bytes(data)
        found = refused(tmp_path, files)
        assert [code for code, _ in found] == ["SYN560"]
        assert "accounts.parquet cannot be read as Parquet" in found[0][1]
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path, ExportFiles(tmp_path / "empty"))[0][0] == "SYN560"
    assert refused(tmp_path, ExportFiles(tmp_path / "none.parquet"))[0][0] == "SYN560"


def test_a_page_that_is_broken_is_a_finding_and_no_traceback(tmp_path):
    files = table_of(tmp_path, pa.table({"id": [f"A{number}" for number in range(5000)]}))
    data = bytearray((tmp_path / "accounts.parquet").read_bytes())
    data[8:4000] = b"\xff" * 3992
    (tmp_path / "accounts.parquet").write_bytes(bytes(data))
    assert refused(tmp_path, files)[0][0] == "SYN560"


def test_a_foreign_schema_is_told_column_by_column(tmp_path):
    odd = pa.table({"id": ["A1"], "employees": [{"low": 1}], "name": [b"x"], "owner": [[1, 2]]})
    assert [code for code, _ in refused(tmp_path, table_of(tmp_path, odd))] == ["SYN561"] * 3
    floats = pa.table({"id": [1.5]})
    assert refused(tmp_path, table_of(tmp_path, floats)) == [("SYN561", "the column `id` is of the type double")]
    assert refused(tmp_path, table_of(tmp_path, pa.table({"key": ["A1"]})))[0][0] == "SYN302"
    assert refused(tmp_path, table_of(tmp_path, pa.table({"id": ["A1"], "employes": [1]})))[0][0] == "SYN304"
    assert (
        refused(tmp_path, table_of(tmp_path, pa.table({"id": ["A1"], "Name": ["x"], "name": ["y"]})))[0][0] == "SYN304"
    )


def test_files_of_a_folder_must_fit_together(tmp_path):
    table_of(tmp_path, pa.table({"id": ["A1"]}))
    folder = tmp_path / "accounts"
    folder.mkdir()
    pq.write_table(pa.table({"id": ["A1"], "employees": [1]}), folder / "a.parquet")
    pq.write_table(pa.table({"id": ["A2"], "employees": ["1"]}), folder / "b.parquet")
    (code, message), *rest = refused(tmp_path, ExportFiles(folder))
    assert (code, rest) == ("SYN562", [])
    assert message.endswith("`employees` is string, not int64")
    (folder / "country=DE").mkdir()
    assert refused(tmp_path, ExportFiles(folder)) == [("SYN562", "the folder `country=DE` in it is not read")]


def test_parquet_without_the_extra_is_refused(tmp_path, monkeypatch):
    files = table_of(tmp_path, pa.table({"id": ["A1"]}))
    monkeypatch.setattr(export_files, "find_spec", lambda name: None)
    with pytest.raises(InputError) as error:
        think_over_export(Settings(), tmp_path / "pack", files, now=NOW)
    assert error.value.code == "SYN567"


def test_spark_without_its_library_or_without_java_is_refused(monkeypatch):
    monkeypatch.setattr(engines, "find_spec", lambda name: None if name == "pyspark" else object())
    with pytest.raises(ConfigError) as error:
        engines.require_spark()
    assert error.value.code == "SYN563"
    monkeypatch.setattr(engines, "find_spec", lambda name: object())
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    for home in (None, "/nowhere"):
        if home:
            monkeypatch.setenv("JAVA_HOME", home)
        with pytest.raises(ConfigError) as error:
            engines.require_spark()
        assert error.value.code == "SYN564"


def test_what_spark_cannot_decide_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("syncd.jobs.plans.export.require_spark", lambda: None)
    files = table_of(tmp_path, pa.table({"id": ["A1"]}), PACK + "lifecycle: [{name: customer, when: always}]\n")
    (tmp_path / "accounts.csv").write_text("id\nA1\n")
    for chosen in (files, ExportFiles(tmp_path / "accounts.csv")):
        with pytest.raises(InputError) as error:
            think_over_export(Settings(), tmp_path / "pack", chosen, now=NOW, engine=EngineChoice.SPARK)
        assert error.value.code == "SYN565"
    with pytest.raises(InputError) as error:
        plan_of_export(
            Settings(),
            tmp_path / "pack",
            files.accounts,
            None,
            None,
            now=NOW,
            all_decisions=True,
            engine=EngineChoice.SPARK,
        )
    assert error.value.code == "SYN565"


def test_a_recipe_of_another_version_is_refused(monkeypatch):
    from syncd.rules.arrow import kernel
    from syncd.rules.pack_bytes import plain_to_bytes

    with pytest.raises(UnreadableBytesError, match="not of syncd"):
        kernel.Recipe.from_bytes(plain_to_bytes(("0.0", ())))
