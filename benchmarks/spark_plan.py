"""`plan --engine spark` over Parquet, in a process of its own, beside batches here: `make bench-spark`. Prints JSON.

A made-up book of which one account in a hundred has another owner than its territory would leave in place. The plans of
both engines are compared byte for byte. Processor seconds are those of the whole family of processes, Java and its
workers with it; a book of a thousand rows shows what starting Spark costs.
"""

from __future__ import annotations

import argparse
import ctypes
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

import pyarrow as pa  # noqa: E402 - the path comes first
import pyarrow.csv  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

from benchmarks.batch_plan import write_accounts  # noqa: E402
from benchmarks.rules_world import write_pack  # noqa: E402

SET_CHILD_SUBREAPER = 36
AS_OF = "2026-12-01T10:00:00Z"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 1_000_000])
    parser.add_argument("--territories", type=int, default=1_000)
    asked = parser.parse_args()
    # Whoever outlives the plan (Java, its workers) becomes our child, whose processor time we are told when it ends.
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1)
    found: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]}
    }
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
        folder = Path(name)
        write_pack(folder / "pack", asked.territories)
        text = (folder / "pack" / "pack.yaml").read_text()
        (folder / "pack" / "pack.yaml").write_text(text.replace("owners: unassigned", "owners: [rest@example.com]"))
        for rows in asked.rows:
            size = _write(folder, rows)
            batch, spark = _planned(folder, "batch"), _planned(folder, "spark")
            if batch.pop("plan") != spark.pop("plan"):
                sys.exit("the two engines made different plans")
            found[f"{rows:,} accounts"] = {"parquet_bytes": size, "batch": batch, "spark": spark, "equal": True}
    found["load_at_the_end"] = os.getloadavg()[0]
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def _write(folder: Path, rows: int) -> int:
    """The book as one file of Parquet in row groups, as whoever wants it read by several workers writes it."""
    write_accounts(folder, rows)
    options = pyarrow.csv.ConvertOptions(
        column_types={"postal_code": pa.string(), "employees": pa.int64()}, strings_can_be_null=True, null_values=[""]
    )
    table = pyarrow.csv.read_csv(folder / "accounts.csv", convert_options=options)
    pq.write_table(table, folder / "accounts.parquet", row_group_size=131_072)
    return (folder / "accounts.parquet").stat().st_size


def _planned(folder: Path, engine: str) -> dict[str, Any]:
    argv = [sys.executable, "-c", "from syncd.cli.main import main; main()", "plan", str(folder / "pack")]
    argv += ["--engine", engine, "--accounts", str(folder / "accounts.parquet"), "--timings", "--as-of", AS_OF]
    argv += ["--format", "json", "--out", str(folder / "plan.json")]
    started, before = perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True)
    taken = perf_counter() - started
    _reap()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": round(taken, 2),
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
        "stages": [line for line in done.stderr.splitlines() if line.endswith(" s")],
        "plan": (folder / "plan.json").read_text(),
    }


def _reap() -> None:
    """Wait for everybody that the plan left behind."""
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


if __name__ == "__main__":
    main()
