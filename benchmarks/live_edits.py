"""Edits of a pack over a book in memory, decided again by what changed and whole: `make bench-edits`. Prints JSON.

Each stage by itself: reading the pack, compiling it, deciding again, finding who is elsewhere than before. Each answer
is compared with deciding the whole book. Processor seconds of this process are told beside those of the wall, and both
as multiples of a unit (benchmarks/unit.py), as which the project sets its goals.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402 - the path comes first
import pyarrow as pa  # noqa: E402
import pyarrow.feather as feather  # noqa: E402

from benchmarks.batch_engine import NOW  # noqa: E402
from benchmarks.batch_world import FIELDS, book  # noqa: E402
from benchmarks.rules_world import write_pack  # noqa: E402
from benchmarks.unit import in_units, unit_of  # noqa: E402
from syncd.rules.batch.batch_table import Batch  # noqa: E402
from syncd.rules.batch.columns import Column, Columns  # noqa: E402
from syncd.rules.batch.delta import LiveTerritories, Settlement, elsewhere  # noqa: E402
from syncd.rules.batch.packed import packed_column  # noqa: E402
from syncd.rules.batch.territories import BatchTerritories  # noqa: E402
from syncd.rules.classes.identity import Identities  # noqa: E402
from syncd.rules.classes.terms import Terms  # noqa: E402
from syncd.rules.classes.territories import PackClasses  # noqa: E402
from syncd.rules.collector import without_collector  # noqa: E402
from syncd.rules.loader import ReadingOptions, load_pack, read_pack  # noqa: E402
from syncd.rules.matching.time_window import EvaluationContext  # noqa: E402
from syncd.rules.reading.reading_memory import ReadingMemory  # noqa: E402

TOP = "territories:\n"
FIRST = "parts/00000.yaml"
EDITS: dict[str, str] = {
    "nothing": "",
    "a rule on top: two countries and a size": (
        "  - {name: new-a, when: {country: [DE, FR], employees: '>= 5000'}, owners: [a@example.com]}\n"
    ),
    "the same with another size": (
        "  - {name: new-a, when: {country: [DE, FR], employees: '>= 7000'}, owners: [a@example.com]}\n"
    ),
    "the same with another owner": (
        "  - {name: new-a, when: {country: [DE, FR], employees: '>= 7000'}, owners: [b@example.com]}\n"
    ),
    "a rule on top: a part of the name": "  - {name: new-b, when: {name: '*holding*'}, owners: [a@example.com]}\n",
    "a rule on top: ZIP codes": (
        "  - {name: new-c, when: {country: US, postal_code: ['941*', '100*']}, owners: [a@example.com]}\n"
    ),
    "taken back": "",
}


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What some work gives, and its milliseconds of the wall and of the processor."""
    wall, cpu = perf_counter(), process_time()
    found = work()
    taken = {"wall_ms": round(1000 * (perf_counter() - wall), 1), "cpu_ms": round(1000 * (process_time() - cpu), 1)}
    return found, taken


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--territories", type=int, default=1_000)
    asked = parser.parse_args()
    table = book(asked.rows)
    columns = columns_of(table)
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
        feather.write_feather(_coded(table), Path(name) / "book.arrow", compression="uncompressed")
        unit = unit_of(Path(name) / "book.arrow", Path(name))
    found: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]},
        "unit": unit,
    }
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
        folder = Path(name) / "pack"
        write_pack(folder, asked.territories)
        split(folder, Path(name) / "split")
        found["edits"] = {
            "of one file of twenty": edits(Path(name) / "split", FIRST, columns, unit),
            "of one file with all": edits(folder, "pack.yaml", columns, unit),
        }
    found["changed accounts"] = pulled(columns, table, asked.territories)
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def split(folder: Path, into: Path) -> None:
    """The same pack with its territories in twenty files, which `territories` inserts."""
    shutil.copytree(folder, into)
    head, body = (into / "pack.yaml").read_text().split(TOP)
    entries = [f"- {each}" for each in body.removeprefix("  - ").split("\n  - ")]
    (into / "parts").mkdir()
    size = -(-len(entries) // 20)
    names = []
    for place in range(0, len(entries), size):
        names.append(f"parts/{place:05}.yaml")
        (into / names[-1]).write_text(
            "\n".join(each.replace("\n  ", "\n") for each in entries[place : place + size]) + "\n"
        )
    (into / "pack.yaml").write_text(head + TOP + "".join(f"  - file: {name}\n" for name in names))


def edits(folder: Path, file: str, columns: Columns, unit: Mapping[str, float]) -> dict[str, Any]:
    """Every edit of one file in turn."""
    text = (folder / file).read_text()
    live, context = LiveTerritories("owner", columns), EvaluationContext(NOW)
    memory, splitter = ReadingMemory(), Terms(Identities())
    found: dict[str, Any] = {}
    before: Settlement | None = None
    for name, lines in EDITS.items():
        head, top, body = text.partition(TOP)
        (folder / file).write_text(head + top + lines + body if top else lines.replace("  - ", "- ") + text)
        with without_collector():  # as `plan --watch`, which looks for garbage once the answer is told
            reading, read = timed(lambda: read_pack(folder, ReadingOptions(), memory=memory))
            pack = reading.pack
            assert pack is not None, reading.findings
            classes = PackClasses(pack, splitter)
            _, compiled = timed(lambda classes=classes: classes.role("owner"))
            settled, decided = timed(lambda classes=classes: live.decide(classes, context))
            told: dict[str, Any] = {"read the pack": read, "compile": compiled, "decide again": decided}
            told["rows decided again"] = len(settled.again)
            if before is not None:
                last = before
                moved, told["who is where else"] = timed(lambda last=last, now=settled: elsewhere(last, now))
                told["accounts elsewhere"] = len(moved)
                whole = {
                    clock: round(sum(each[clock] for each in told.values() if isinstance(each, dict)), 1)
                    for clock in ("wall_ms", "cpu_ms")
                }
                told["in all"] = whole | in_units(whole, unit)
        assert pack == load_pack(folder)
        batch = Batch(columns, _unasked, np.empty(0, dtype=np.int64))
        places, anew = timed(
            lambda classes=classes, batch=batch: BatchTerritories(classes, context).places("owner", batch)
        )
        told["decide the whole book"] = anew | in_units(anew, unit)
        if not np.array_equal(places, settled.winners):
            sys.exit(f"deciding again differs from deciding the whole book: {name}")
        before, found[name] = settled, told
    return found


def columns_of(table: pa.Table) -> Columns:
    """The book as the mirror's columns are kept: each different value once, and a code an account."""
    columns = {}
    for name in FIELDS:
        found = table[name].combine_chunks().dictionary_encode()
        codes = np.asarray(found.indices.fill_null(-1)).astype(np.int32)
        columns[name] = Column(packed_column(found.dictionary).values, codes)
    return Columns(len(table), columns)


def _coded(table: pa.Table) -> pa.Table:
    """The same as a table, texts as dictionaries: what a process reads that keeps such columns in a file."""
    texts = [name for name in FIELDS if pa.types.is_string(table[name].type)]
    some = table.select(FIELDS)
    for name in texts:
        place = some.schema.get_field_index(name)
        some = some.set_column(place, name, some[name].combine_chunks().dictionary_encode())
    return some


def _unasked(row: int) -> Any:
    raise AssertionError(f"row {row} needs more than classes, which no pack of rules_world does")


def pulled(columns: Columns, table: Any, territories: int) -> dict[str, Any]:
    """A hundred accounts that a pull changed."""
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
        write_pack(Path(name) / "pack", territories)
        pack = load_pack(Path(name) / "pack")
    live, context = LiveTerritories("owner", columns), EvaluationContext(NOW)
    live.decide(PackClasses(pack), context)
    rows = np.arange(0, columns.count, columns.count // 100)[:100]
    other = table.take(rows[::-1].copy())
    some = columns_of(other)
    taken = [timed(lambda: live.put(rows, some, columns))[1] for _ in range(5)]
    return sorted(taken, key=lambda each: each["wall_ms"])[2]


if __name__ == "__main__":
    main()
