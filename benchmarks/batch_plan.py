"""`syncd plan --accounts` as a whole, in a process of its own, by both engines: `make bench-plan`. Prints JSON.

A made-up book of which one account in a hundred has another owner than its territory would leave in place. The two
plans are compared byte for byte on a book that the plain engine can read in reasonable time.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402 - the path comes first

from benchmarks.batch_engine import NOW  # noqa: E402
from benchmarks.batch_world import FIELDS, book  # noqa: E402
from benchmarks.rules_world import write_pack  # noqa: E402
from benchmarks.unit import unit_of  # noqa: E402
from syncd.rules.batch.batch_table import Batch  # noqa: E402
from syncd.rules.batch.columns import Columns  # noqa: E402
from syncd.rules.batch.packed import packed_column  # noqa: E402
from syncd.rules.batch.territories import BatchTerritories  # noqa: E402
from syncd.rules.classes.territories import PackClasses  # noqa: E402
from syncd.rules.loader import load_pack  # noqa: E402
from syncd.rules.matching.time_window import EvaluationContext  # noqa: E402
from syncd.rules.pack import OwnersByEmail  # noqa: E402

STRANGER = "stranger@example.com"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--plain", type=int, default=20_000, help="rows of the book that both engines decide about")
    asked = parser.parse_args()
    found: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]}
    }
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
        folder = Path(name)
        write_pack(folder / "pack", 1_000)
        text = (folder / "pack" / "pack.yaml").read_text()
        (folder / "pack" / "pack.yaml").write_text(text.replace("owners: unassigned", "owners: [rest@example.com]"))
        write_accounts(folder, asked.plain)
        plain, batch = planned(folder, "plain"), planned(folder, "batch")
        if plain["digest"] != batch["digest"]:
            sys.exit("the two engines made different plans")
        found[f"{asked.plain:,} accounts"] = {"plain": plain, "batch": batch, "equal": True}
        for rows in asked.rows:
            write_accounts(folder, rows)
            found[f"{rows:,} accounts"] = {"batch": planned(folder, "batch")}
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def write_accounts(folder: Path, rows: int) -> None:
    """The book as a CSV, its owners by the pack but for one account in a hundred."""
    table = book(rows)
    pack = load_pack(folder / "pack")
    territories = BatchTerritories(PackClasses(pack), EvaluationContext(NOW))
    columns = Columns(rows, {name: packed_column(table[name].combine_chunks()) for name in FIELDS})
    batch = Batch(columns, lambda row: _unasked(row), np.empty(0, dtype=np.int64))
    paths = territories.paths("owner")
    cells = [table[name].to_pylist() for name in FIELDS]
    with (folder / "accounts.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", *FIELDS, "owner"))
        for number, place in enumerate(territories.places("owner", batch).tolist()):
            owners = paths[place][-1].owners
            named = owners.members[number % len(owners.members)] if isinstance(owners, OwnersByEmail) else STRANGER
            row = ["" if column[number] is None else column[number] for column in cells]
            writer.writerow((f"A{number:07}", *row, STRANGER if number % 100 == 0 else named))


def planned(folder: Path, engine: str) -> dict[str, Any]:
    """One plan by an engine: seconds, memory, stages, and a digest of the plan without its times."""
    argv = [
        sys.executable,
        "-c",
        "from syncd.cli.main import main; main()",
        "plan",
        str(folder / "pack"),
        "--engine",
        engine,
        "--timings",
    ]
    argv += ["--accounts", str(folder / "accounts.csv"), "--format", "json", "--out", str(folder / "plan.json")]
    argv += ["--as-of", "2026-12-01T10:00:00Z"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = perf_counter()
    done = subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True)
    taken = perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = (folder / "plan.json").read_text()
    return {
        "seconds": round(taken, 2),
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
        "largest_memory_mb_so_far": round(after.ru_maxrss / 1024),
        "unit": unit_of(folder / "accounts.csv", folder),
        "stages": [line for line in done.stderr.splitlines() if line.endswith(" s")],
        "summary": json.loads(text)["summary"],
        "digest": hashlib.sha256(text.encode()).hexdigest()[:16],
    }


def _unasked(row: int) -> Any:
    raise AssertionError(f"row {row} needs more than classes, which no pack of rules_world does")


if __name__ == "__main__":
    main()
