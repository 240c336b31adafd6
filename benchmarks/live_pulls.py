"""A mirror held in memory that is planned again after each pull: `make bench-pulls`. Prints one JSON document.

Each pull changes a hundred accounts; then the whole way is measured: what changed is read and derived, decided,
compared with the plan before, and the plan saved. In a book where everybody else stays, and where one account in a
hundred waits for another owner. The last plan of each is compared with one of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.batch_engine import NOW  # noqa: E402 - the path comes first
from benchmarks.mirror_world import ENVIRON, make_mirror  # noqa: E402
from benchmarks.unit import in_units, unit_of  # noqa: E402
from syncd.clock import ManualClock  # noqa: E402
from syncd.entropy import SystemEntropy  # noqa: E402
from syncd.jobs.books.engines import EngineChoice  # noqa: E402
from syncd.jobs.context import Context  # noqa: E402
from syncd.jobs.plans.plan import deliberate, plan_of  # noqa: E402
from syncd.jobs.plans.replanning import Replanner  # noqa: E402
from syncd.jobs.stages import Stages  # noqa: E402
from syncd.model.records import Record  # noqa: E402
from syncd.model.refs import Kind, Ref, System  # noqa: E402
from syncd.settings import load_settings  # noqa: E402
from syncd.store import mirror  # noqa: E402

CHANGED, PULLS = 100, 7


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument(
        "--waiting", type=int, nargs="+", default=[0, 100], help="of so many accounts one waits; 0: none"
    )
    asked = parser.parse_args()
    found: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]}
    }
    for strangers in asked.waiting:
        name = f"one in {strangers} waits" if strangers else "nobody else waits"
        folder = (
            ROOT / "build" / f"pulled-mirror-{asked.rows}-{strangers}"
        )  # other benchmarks want theirs as it was made
        folder.mkdir(parents=True, exist_ok=True)
        make_mirror(folder, asked.rows, strangers=strangers)
        found[name] = pulls(folder, asked.rows)
    found["memory_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def pulls(folder: Path, rows: int) -> dict[str, Any]:
    """One pull after the other; medians in milliseconds."""
    clock = ManualClock(NOW + timedelta(hours=1))
    settings = load_settings(folder / "config.toml", {**os.environ, **ENVIRON})
    context = Context.open(settings, clock=clock, entropy=SystemEntropy(), environ=ENVIRON)
    with context.store.read() as conn:  # a later run goes on after the pulls of the earlier ones
        pulled_at = [each.as_of for each in mirror.mirror_status(conn).values() if each.as_of is not None]
    clock.advance(max(timedelta(), max(pulled_at) - clock.now()))
    replanner = Replanner(context)
    found: dict[str, Any] = {"first": timed(replanner.plan)[1], "saved": timed(replanner.save)[1]}
    taken: list[dict[str, float]] = []
    stages: list[list[tuple[str, float]]] = []
    for number in range(PULLS):
        clock.advance(timedelta(minutes=5))
        pulled(context, number, rows)
        told = Stages(perf_counter)
        replan, spent = timed(lambda told=told: replanner.plan(told))
        document, saved = timed(replanner.save)
        taken.append({unit: spent[unit] + saved[unit] for unit in spent})
        stages.append([*told.taken, ("save the plan", saved["wall_ms"] / 1000)])
        found["changes"] = len(document["changes"])
        if not replan.entries:
            sys.exit("a pull changed nothing")
        found["decisions that differ from the last plan"] = len(replan.entries)
    found["a pull"] = {unit: round(median(each[unit] for each in taken), 1) for unit in taken[0]}
    found["stages, wall_ms"] = {
        name: round(1000 * median(each[place][1] for each in stages), 1) for place, (name, _) in enumerate(stages[0])
    }
    mine = {**plan_of(context, replanner.thought).document, "plan_id": None}
    other, found["a plan of its own, by columns"] = timed(lambda: deliberate(context, engine=EngineChoice.BATCH))
    if mine != {**plan_of(context, other).document, "plan_id": None}:
        sys.exit("the plan is not the one that a whole reading makes")
    context.close()
    found["unit"] = unit_of(next((folder / "state" / "book-columns").glob("*.columns")), folder)
    found["a pull"] |= in_units(found["a pull"], found["unit"])
    return found


def pulled(context: Context, number: int, rows: int) -> None:
    """A hundred accounts, the same each time, become what some neighbour of theirs is; the pull is complete."""
    places = range(7, rows - PULLS, rows // CHANGED)
    refs = [Ref(System.SALESFORCE, Kind.ACCOUNT, f"001{place:015}") for place in places]
    neighbours = [Ref(System.SALESFORCE, Kind.ACCOUNT, f"001{place + 1 + number:015}") for place in places]
    now = context.clock.now()
    with context.store.write() as conn:
        held = mirror.get_records(conn, [*refs, *neighbours])
        records = [
            Record(ref, now, held.get(other, held[ref]).fields, held[ref].owner)
            for ref, other in zip(refs, neighbours, strict=True)
        ]
        mirror.upsert_records(conn, records, now=now, run_id=None)
        mirror.mark_complete(
            conn, System.SALESFORCE, as_of=now, run_id="bench", mapping_revision=context.mapping_revision()
        )


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What some work gives, and its milliseconds of the wall and of the processor."""
    wall, cpu = perf_counter(), process_time()
    found = work()
    return found, {
        "wall_ms": round(1000 * (perf_counter() - wall), 1),
        "cpu_ms": round(1000 * (process_time() - cpu), 1),
    }


if __name__ == "__main__":
    main()
