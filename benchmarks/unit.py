"""The unit that figures of a busy machine are told as multiples of: the least that anybody who looks at a book does.

A fresh process imports Polars, reads the same columns (Arrow's IPC, Parquet or CSV) and writes 10,000 rows as JSON.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from time import perf_counter

_UNIT = (
    "import json, sys, polars\n"
    "path = sys.argv[1]\n"
    "if path.endswith('.csv'):\n"
    "    table = polars.read_csv(path, infer_schema=False)\n"
    "else:\n"
    "    table = (polars.read_parquet if path.endswith('.parquet') else polars.read_ipc)(path)\n"
    "json.dump(table.head(10_000).to_dicts(), open(sys.argv[2], 'w'), default=str)\n"
)
_TIMES = 3


def unit_of(columns: Path, folder: Path) -> dict[str, float]:
    """One unit over these columns: seconds of the wall and of the processor, each the median of three."""
    walls, spent = [], []
    for _ in range(_TIMES):
        started, before = perf_counter(), _children()
        subprocess.run([sys.executable, "-c", _UNIT, str(columns), str(folder / "unit.json")], check=True)
        walls.append(perf_counter() - started)
        spent.append(_children() - before)
    return {"seconds": round(median(walls), 3), "cpu_seconds": round(median(spent), 3)}


def in_units(milliseconds: Mapping[str, float], unit: Mapping[str, float]) -> dict[str, float]:
    """Milliseconds of the wall and of the processor as multiples of the unit's."""
    return {
        "units": round(milliseconds["wall_ms"] / 1000 / unit["seconds"], 3),
        "cpu_units": round(milliseconds["cpu_ms"] / 1000 / unit["cpu_seconds"], 3),
    }


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
