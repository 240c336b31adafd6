"""The whole job on the real company list, timed step by step: `make bench`. Prints one JSON document.

Each step is a command in a process of its own, as a person would run it, against both sandboxes over HTTP on loopback.
The sandboxes run in this process, so the machine's cores are shared with them.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from syncd.clock import SystemClock  # noqa: E402 - the checkout is put on the path first
from tests.acceptance.real_world import LIST, Finished, RealWorld  # noqa: E402


def main() -> None:
    """Run every step once and print what it took."""
    if not LIST.exists():
        sys.exit("the real company list is not beside the project (../shared/data); nothing to measure")
    clock = SystemClock()
    steps: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        world = RealWorld.set_up(Path(folder))

        def timed(name: str, *argv: str) -> Finished:
            calls, started, spent = world.calls(), clock.monotonic(), _spent()
            done = world.syncd(*argv)
            steps[name] = {
                "command": "syncd " + " ".join(argv),
                "seconds": round(clock.monotonic() - started, 1),
                "cpu_seconds": round(_spent() - spent, 1),
                "memory_mb": round(done.memory / 1e6),
                "calls": world.calls() - calls,
            }
            return done

        try:
            world.syncd("db", "upgrade")
            timed("check", "check")
            pulled = json.loads(timed("first pull", "pull", "--format", "json").stdout)
            rows = sum(one["read"] for one in pulled["systems"].values())
            steps["first pull"]["rows"] = rows
            timed("pull again", "pull")
            timed("adopt", "adopt")
            plan = json.loads(timed("plan", "plan", "--format", "json").stdout)
            steps["plan"] |= {"companies": plan["summary"]["evaluated"], "territories": world.territories}
            world.syncd("approve", plan["plan_id"], "--why", "measured")
            timed("apply", "apply", plan["plan_id"])
            steps["apply"]["rows"] = len(plan["changes"])
            timed("watch", "watch")
            timed("sync, nothing to do", "sync")
            timed("explain", "explain", plan["decisions"][0]["accounts"][0])
            timed("status", "status")
            size = (Path(folder) / "syncd.db").stat().st_size
        finally:
            world.close()
    machine = {
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    sys.stdout.write(
        json.dumps({"machine": machine, "database_mb": round(size / 1e6), "steps": steps}, indent=2) + "\n"
    )


def _spent() -> float:
    """Seconds of the processor that the commands took so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
