"""The batch engine on a made-up book, beside other ways to ask the same: `make bench-engine`. Prints one JSON document.

Everything runs once a figure in this process, on the same columns, and every answer is compared: those of the batch
engine with the plain evaluator on a sample, those of the others with the batch engine. What is too slow for the whole
book runs on a sample and is multiplied; the document says so. A library that is not installed is left out and named.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402 - the path comes first
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

from benchmarks.batch_world import FIELDS, book, digest, value_of  # noqa: E402
from benchmarks.expressions import cel_text, polars_expression, sql_case, zen_rules  # noqa: E402
from benchmarks.rules_world import write_pack  # noqa: E402
from benchmarks.unit import in_units, unit_of  # noqa: E402
from syncd.rules.batch.batch_table import Batch  # noqa: E402
from syncd.rules.batch.columns import Columns  # noqa: E402
from syncd.rules.batch.packed import packed_column  # noqa: E402
from syncd.rules.batch.reduction import first_bits  # noqa: E402
from syncd.rules.batch.territories import BatchTerritories  # noqa: E402
from syncd.rules.classes.territories import PackClasses  # noqa: E402
from syncd.rules.deciding.tree import choose_territory  # noqa: E402
from syncd.rules.facts import Facts  # noqa: E402
from syncd.rules.loader import load_pack  # noqa: E402
from syncd.rules.matching.time_window import EvaluationContext  # noqa: E402
from syncd.rules.pack import Pack  # noqa: E402

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
CHECKED = 10_000
TIMES = 5


def seconds(work: Callable[[], object], times: int = 1, clock: Callable[[], float] = perf_counter) -> float:
    """Wall seconds, or those of another clock: the median of so many runs."""
    taken = []
    for _ in range(times):
        started = clock()
        work()
        taken.append(clock() - started)
    return median(taken)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--territories", type=int, default=1_000)
    parser.add_argument("--alone", action="store_true", help="leave the other engines out")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        sys.stdout.write(json.dumps(measured(asked, Path(folder)), indent=2) + "\n")


def measured(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Every figure of one book and pack."""
    table = book(asked.rows)
    pq.write_table(table, folder / "book.parquet")
    unit = unit_of(folder / "book.parquet", folder)
    pack_name = write_pack(folder / "pack", asked.territories)
    pack = load_pack(folder / "pack")
    context = EvaluationContext(NOW)
    classes: list[PackClasses] = []
    compiling = seconds(lambda: classes.append(PackClasses(pack)) or classes[-1].role("owner"), 3)
    columns = Columns(len(table), {name: packed_column(table[name].combine_chunks()) for name in FIELDS})
    batch = Batch(columns, lambda row: _facts(table, row), np.empty(0, dtype=np.int64))

    def anew() -> object:
        return BatchTerritories(classes[-1], context).places("owner", batch)

    from_texts = seconds(anew, TIMES)
    territories = BatchTerritories(classes[-1], context)
    places = territories.places("owner", batch)
    coded = territories.coded("owner", columns)
    if coded is None:
        sys.exit("the tables of this pack are too large for a batch")
    cached = seconds(lambda: first_bits(coded), TIMES)
    names = ["" if place < 0 else territories.paths("owner")[place][-1].path for place in places.tolist()]
    found: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]},
        "book": {"rows": len(table), "bytes": digest(table.slice(0, CHECKED))},
        "pack": {"territories": asked.territories, "bytes": pack_name, "compile_seconds": round(compiling, 3)},
        "unit": unit,
        "checked_against_plain": _checked(pack, table, names, context),
        "batch": {
            "classes cached": _told(cached, unit, lambda: first_bits(coded)),
            "from plain texts": _told(from_texts, unit, anew),
        },
    }
    if not asked.alone:
        found["others"] = others(pack, table, names, folder, cached, from_texts)
    found["largest_memory_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return found


def others(
    pack: Pack, table: pa.Table, names: list[str], folder: Path, cached: float, from_texts: float
) -> dict[str, Any]:
    """The same question asked of other engines; each answer is compared."""
    ways: dict[str, tuple[str, int, Callable[[Pack, pa.Table, Path], tuple[float, Iterable[str]]]]] = {
        "Polars when/then": ("polars", 50_000, _polars),
        "DuckDB CASE": ("duckdb", 5_000, _duckdb),
        "SQLite CASE": ("sqlite3", 20_000, _sqlite),
        "zen-engine": ("zen", 100, _zen),
        "common-expression-language": ("cel", 30, _cel),
    }
    found: dict[str, Any] = {}
    for name, (library, sample, way) in ways.items():
        if find_spec(library) is None:
            found[name] = {"left_out": f"{library} is not installed"}
            continue
        some = table.slice(0, min(sample, len(table)))
        taken, answers = way(pack, some, folder)
        different = sum(one != other for one, other in zip(answers, names, strict=False))
        if different:
            sys.exit(f"{name} differs from the batch engine on {different} of {len(some)} rows")
        whole = taken / len(some) * len(table)
        found[name] = {
            "rows": len(some),
            "seconds": round(taken, 3),
            "seconds_for_all_extrapolated": round(whole, 1),
            "times_the_batch_cached": round(whole / cached),
            "times_the_batch_from_texts": round(whole / from_texts),
        }
    return found


def _polars(pack: Pack, table: pa.Table, _folder: Path) -> tuple[float, Iterable[str]]:
    import polars as pl

    frame = pl.DataFrame(table)
    expression = polars_expression(pack)
    answers: list[str] = []
    taken = seconds(lambda: answers.extend(frame.select(expression.alias("t"))["t"].to_list()))
    return taken, answers


def _duckdb(pack: Pack, table: pa.Table, folder: Path) -> tuple[float, Iterable[str]]:
    import duckdb

    path = folder / "some.parquet"
    pq.write_table(table, path)
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE book AS SELECT * FROM read_parquet('{path}')")
    answers: list[str] = []
    query = f"SELECT {sql_case(pack)} FROM book ORDER BY id"
    taken = seconds(lambda: answers.extend(row[0] for row in connection.execute(query).fetchall()))
    return taken, answers


def _sqlite(pack: Pack, table: pa.Table, _folder: Path) -> tuple[float, Iterable[str]]:
    connection = sqlite3.connect(":memory:")
    columns = ", ".join(f"{name} {'INTEGER' if name == 'employees' else 'TEXT'}" for name in table.column_names)
    connection.execute(f"CREATE TABLE book ({columns})")
    rows = zip(*(table[name].to_pylist() for name in table.column_names), strict=True)
    connection.executemany(f"INSERT INTO book VALUES ({', '.join('?' * len(table.column_names))})", rows)
    answers: list[str] = []
    query = f"SELECT {sql_case(pack)} FROM book ORDER BY id"
    taken = seconds(lambda: answers.extend(row[0] for row in connection.execute(query)))
    return taken, answers


def _zen(pack: Pack, table: pa.Table, _folder: Path) -> tuple[float, Iterable[str]]:
    import zen

    decision = zen.ZenEngine().create_decision(json.dumps(zen_rules(pack)))
    rows = table.to_pylist()
    answers: list[str] = []
    taken = seconds(lambda: answers.extend(decision.evaluate(row)["result"]["territory"] for row in rows))
    return taken, answers


def _cel(pack: Pack, table: pa.Table, _folder: Path) -> tuple[float, Iterable[str]]:
    import cel

    texts = [(each.path, cel_text(each.when)) for each in pack.territories()]
    compiled = [(path, cel.compile(text)) for path, text in texts]

    def territory(row: dict[str, Any]) -> str:
        context = cel.Context(variables=row)
        return next(path for path, program in compiled if program.execute(context))

    rows = table.to_pylist()
    answers: list[str] = []
    taken = seconds(lambda: answers.extend(map(territory, rows)))
    return taken, answers


def _facts(table: pa.Table, row: int) -> Facts:
    values = {name: value_of(name, table[name][row].as_py()) for name in FIELDS}
    return Facts(str(row), (str(row),), values={name: value for name, value in values.items() if value is not None})


def _checked(pack: Pack, table: pa.Table, names: list[str], context: EvaluationContext) -> int:
    """How many rows the plain evaluator was asked about; one difference ends the run."""
    rows = range(0, len(table), max(1, len(table) // CHECKED))
    for row in rows:
        plain = choose_territory(pack, "owner", _facts(table, row), context).territory
        if names[row] != (plain.path if plain is not None else ""):
            sys.exit(f"the batch engine and the plain evaluator differ on row {row}")
    return len(rows)


def _told(taken: float, unit: Mapping[str, float], work: Callable[[], object]) -> dict[str, float]:
    """Seconds of the wall, as units, and of the processor (both cores together), which a busy machine changes less."""
    cpu = seconds(work, TIMES, process_time)
    units = in_units({"wall_ms": 1000 * taken, "cpu_ms": 1000 * cpu}, unit)
    return {"seconds": round(taken, 4), "cpu_seconds": round(cpu, 4), **units}


if __name__ == "__main__":
    main()
