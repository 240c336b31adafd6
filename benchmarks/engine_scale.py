"""How the batch engine grows with rules and with accounts: `make bench-scale`. Prints one JSON document.

The same book by packs of 500, 1,000 and 2,000 territories, classes at hand and from plain values; and a book several
times as large in a fresh process, from a file of Parquet to every account's territory. 10,000 accounts of each run are
compared with the plain evaluator. Processor seconds (both cores together) stand beside those of the wall.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402 - the path comes first
import pyarrow as pa  # noqa: E402
import pyarrow.compute as pc  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

from benchmarks.batch_engine import NOW, TIMES, _checked, _facts, seconds  # noqa: E402
from benchmarks.batch_world import FIELDS, book  # noqa: E402
from benchmarks.rules_world import write_pack  # noqa: E402
from syncd.rules.batch.batch_table import Batch  # noqa: E402
from syncd.rules.batch.columns import Columns  # noqa: E402
from syncd.rules.batch.packed import packed_column  # noqa: E402
from syncd.rules.batch.reduction import first_bits  # noqa: E402
from syncd.rules.batch.territories import BatchTerritories  # noqa: E402
from syncd.rules.classes.territories import PackClasses  # noqa: E402
from syncd.rules.loader import load_pack  # noqa: E402
from syncd.rules.matching.time_window import EvaluationContext  # noqa: E402

RULES = (500, 1_000, 2_000)


def main() -> None:
    """Measure and print; with --cold be the fresh process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=5, help="how many times as large the book of the fresh process is")
    parser.add_argument("--cold", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.cold is not None:
        sys.stdout.write(json.dumps(cold(asked.cold)) + "\n")
        return
    found: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]}
    }
    table = book(asked.rows)
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
        folder = Path(name)
        found["rules"] = {f"{count:,}": by_rules(table, folder / str(count), count) for count in RULES}
        (folder / "1000" / "pack").rename(folder / "pack")
        write_book(table, folder / "book.parquet", asked.times)
        del table
        argv = [sys.executable, __file__, "--cold", str(folder)]
        told = [json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout) for _ in range(2)]
        found[f"{asked.times * asked.rows:,} accounts in a fresh process, the second of two"] = told[1]
    found["load_at_the_end"] = os.getloadavg()[0]
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def columns_of(table: pa.Table) -> Columns:
    """A book as plain columns."""
    return Columns(len(table), {name: packed_column(table[name].combine_chunks()) for name in FIELDS})


def by_rules(table: pa.Table, folder: Path, count: int) -> dict[str, float]:
    """What a pack of so many territories costs over one book."""
    write_pack(folder / "pack", count)
    pack, context = load_pack(folder / "pack"), EvaluationContext(NOW)
    classes, columns = PackClasses(pack), columns_of(table)
    compiled = seconds(lambda: PackClasses(pack).role("owner"), 3, process_time)
    batch = Batch(columns, lambda row: _facts(table, row), np.empty(0, dtype=np.int64))
    from_values = seconds(lambda: BatchTerritories(classes, context).places("owner", batch), 3, process_time)
    territories = BatchTerritories(classes, context)
    coded, paths = territories.coded("owner", columns), territories.paths("owner")
    if coded is None:
        sys.exit("the tables of this pack are too large for a batch")
    at_hand, wall = (seconds(lambda: first_bits(coded), TIMES, clock) for clock in (process_time, perf_counter))
    places = territories.places("owner", batch).tolist()
    return {
        "terms": len(classes.role("owner").table.terms),
        "compile_cpu": round(compiled, 3),
        "from_values_cpu": round(from_values, 3),
        "classes_at_hand_cpu": round(at_hand, 3),
        "classes_at_hand_wall": round(wall, 3),
        "checked_against_plain": _checked(
            pack, table, ["" if at < 0 else paths[at][-1].path for at in places], context
        ),
    }


def write_book(table: pa.Table, path: Path, times: int) -> None:
    """The book so many times over; from the second on names and domains are others, so that nearly all are distinct."""
    with pq.ParquetWriter(path, table.schema) as writer:
        for number in range(times):
            part = table
            if number:
                for name in ("name", "domain"):
                    texts = pc.binary_join_element_wise(f"{number}x", table[name], "")
                    part = part.set_column(part.column_names.index(name), name, texts)
            writer.write_table(part)


def cold(folder: Path) -> dict[str, Any]:
    """From the files to every account's territory."""
    started = perf_counter()
    pack, context = load_pack(folder / "pack"), EvaluationContext(NOW)
    table = pq.read_table(folder / "book.parquet")
    read = perf_counter()
    batch = Batch(columns_of(table), lambda row: _facts(table, row), np.empty(0, dtype=np.int64))
    territories = BatchTerritories(PackClasses(pack), context)
    places, paths = territories.places("owner", batch), territories.paths("owner")
    decided, cpu = perf_counter(), process_time()
    names = ["" if place < 0 else paths[place][-1].path for place in places.tolist()]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "rows": len(table),
        "read_wall": round(read - started, 2),
        "decide_wall": round(decided - read, 2),
        "cpu_seconds_with_imports": round(cpu, 2),
        "largest_memory_mb": round(peak / 1024),
        "checked_against_plain": _checked(pack, table, names, context),
    }


if __name__ == "__main__":
    main()
