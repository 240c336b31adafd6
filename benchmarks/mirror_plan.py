"""`syncd plan` of a mirror in SQLite, as a whole, in a process of its own: part of `make bench-plan`. Prints JSON.

Three ways a book: with only the database, with the columns of an earlier plan there, and once more in one process. The
mirrors are made once and kept in build/. The smallest is planned plainly, too, and the plans are compared.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.mirror_world import ENVIRON, copy_mirror, make_mirror  # noqa: E402 - the path comes first
from benchmarks.unit import unit_of  # noqa: E402

PLAN = "from syncd.cli.main import main; main()"
WARM = (
    "import json, sys\n"
    "from pathlib import Path\n"
    "from time import perf_counter, process_time\n"
    "from syncd.jobs.context import Context\n"
    "from syncd.jobs.books.engines import EngineChoice\n"
    "from syncd.jobs.plans.plan import make_plan\n"
    "from syncd.settings import load_settings\n"
    "import os\n"
    "context = Context.open(load_settings(Path(sys.argv[1]), os.environ))\n"
    "for _ in range(2):\n"
    "    started, begun = perf_counter(), process_time()\n"
    "    make_plan(context, engine=EngineChoice.BATCH)\n"
    "    found = {'seconds': round(perf_counter() - started, 2), 'cpu_seconds': round(process_time() - begun, 2)}\n"
    "print(json.dumps(found))\n"
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 100_000, 1_000_000])
    parser.add_argument("--postgresql", action="store_true", help="the same mirrors in PostgreSQL besides")
    asked = parser.parse_args()
    found: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]}
    }
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(ROOT / "syncd")], env=_environ(), check=True)
    for number, rows in enumerate(sorted(asked.rows)):
        folder = ROOT / "build" / f"mirror-{rows}"
        folder.mkdir(parents=True, exist_ok=True)
        make_mirror(folder, rows)
        shutil.rmtree(folder / "state" / "book-columns", ignore_errors=True)
        measured = {"only the database": planned(folder), "columns there": planned(folder)}
        columns = next((folder / "state" / "book-columns").glob("*.columns"))
        measured["unit seconds"] = unit_of(columns, folder)
        measured["once more in one process"] = warm(folder)
        if number == 0:
            measured["plain"] = planned(folder, "plain")
            if len({each["digest"] for each in measured.values() if isinstance(each, dict) and "digest" in each}) != 1:
                sys.exit("the engines made different plans")
        if asked.postgresql:
            measured |= in_postgresql(folder)
        measured["columns_mb"] = round(columns.stat().st_size / 2**20)
        found[f"{rows:,} accounts"] = measured
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def in_postgresql(folder: Path) -> dict[str, Any]:
    """The same plans of a mirror in PostgreSQL on this machine, with what its server takes of the processor."""
    from tests.databases import postgres_server

    server, copy = postgres_server(), folder / "postgresql"
    copy.mkdir(exist_ok=True)
    url = server.url(server.fresh())
    copy_mirror(folder, copy, url)
    shutil.rmtree(copy / "state" / "book-columns", ignore_errors=True)
    found: dict[str, Any] = {}
    for name in ("PostgreSQL, only the database", "PostgreSQL, columns there"):
        before = _of_servers(server.folder)
        found[name] = planned(copy)
        found[name]["server_cpu_seconds"] = round(_of_servers(server.folder) - before, 2)
    return found


def _of_servers(data: Path) -> float:
    """The processor seconds of a server of PostgreSQL and of its processes that have ended."""
    parent = int((data / "data" / "postmaster.pid").read_text().split()[0])
    told = Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()
    return sum(int(each) for each in told[11:15]) / os.sysconf("SC_CLK_TCK")


def planned(folder: Path, engine: str = "batch") -> dict[str, Any]:
    """One plan that is saved: seconds, memory, stages, and a digest of the plan without its times."""
    out = folder / "plan.json"
    argv = [
        sys.executable,
        "-c",
        PLAN,
        "--config",
        str(folder / "config.toml"),
        "plan",
        "--engine",
        engine,
        "--timings",
    ]
    argv += ["--format", "json", "--out", str(out)]
    started, before = perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(argv, cwd=ROOT, env=_environ(), stderr=subprocess.PIPE, text=True)
    said = process.stderr.read() if process.stderr is not None else ""
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(said)
    document = json.loads(out.read_text())
    summary = document["summary"]
    for name in ("plan_id", "created_at", "now"):
        del document[name]
    return {
        "seconds": round(perf_counter() - started, 2),
        "cpu_seconds": round(_spent(resource.getrusage(resource.RUSAGE_CHILDREN)) - _spent(before), 2),
        "memory_mb": round(used.ru_maxrss / 1024),
        "stages": [line for line in said.splitlines() if line.endswith(" s") or "companies" in line],
        "summary": summary,
        "digest": hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16],
    }


def warm(folder: Path) -> Mapping[str, float]:
    """The second plan of one process."""
    argv = [sys.executable, "-c", WARM, str(folder / "config.toml")]
    done = subprocess.run(argv, cwd=ROOT, env=_environ(), check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])  # after what the log says
    return found


def _environ() -> dict[str, str]:
    """As where syncd is installed: with compiled modules."""
    environ = {**os.environ, **ENVIRON, "PYTHONPATH": str(ROOT)}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return environ


def _spent(used: resource.struct_rusage) -> float:
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
