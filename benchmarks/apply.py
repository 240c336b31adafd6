"""Writing 50,000 owner changes to each CRM's sandbox, in process: `python benchmarks/apply.py [COUNT]`. Prints JSON.

Counted are the calls, and the seconds of the processor inside the sandbox (the server's own work, without any network)
and outside it (syncd's). The clock is a manual one: waits that rate limits ask for take no time here.
"""

from __future__ import annotations

import cProfile
import json
import os
import platform
import pstats
import resource
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from syncd.cli.sandboxes import load_sandboxes  # noqa: E402 - the checkout is put on the path first
from syncd.clock import ManualClock, parse_instant  # noqa: E402
from syncd.connectors.wire import HttpRequest, HttpResponse  # noqa: E402
from syncd.entropy import SeededEntropy  # noqa: E402
from syncd.jobs.context import Context  # noqa: E402
from syncd.jobs.leadership import leadership  # noqa: E402
from syncd.jobs.plans import apply as jobs  # noqa: E402
from syncd.jobs.plans.plan import make_plan  # noqa: E402
from syncd.jobs.pulling.pull import pull  # noqa: E402
from syncd.model.refs import System  # noqa: E402
from syncd.sandbox.dataset import Dataset, generate  # noqa: E402
from syncd.sandbox.hubspot import RateLimits  # noqa: E402
from syncd.settings import load_settings  # noqa: E402
from syncd.telemetry import configure  # noqa: E402
from tests.inprocess import InProcessWire  # noqa: E402

NOW = parse_instant("2026-11-20T10:00:00.000Z")
TEAMS = 500
"""So many Salesforce accounts have a team, which their write drops and which is put back."""


def processor() -> float:
    """The seconds of the processor that this process has taken, its own and the kernel's for it."""
    took = resource.getrusage(resource.RUSAGE_SELF)
    return took.ru_utime + took.ru_stime


@dataclass
class TimedWire:
    """A wire that counts what is asked for and how long the answers took."""

    wire: InProcessWire
    seconds: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)

    def send(self, request: HttpRequest) -> HttpResponse:
        """The face's answer, timed."""
        started = processor()
        try:
            return self.wire.send(request)
        finally:
            self.seconds += processor() - started
            self.calls[_sort(request)] += 1
            self.wire.sent.clear()


def _sort(request: HttpRequest) -> str:
    """What sort of call a request is, as far as writing is concerned."""
    url, body = request.url, (request.body or b"").decode()
    if request.method == "PATCH" or "/batch/update" in url:
        return "writes"
    if request.method == "POST" and "/composite/sobjects" in url and "TeamMember" in body:
        return "teams put back"
    if "TeamMember" in url or "TeamMember" in body:
        return "team reads"
    if "/composite/sobjects" in url or "/batch/read" in url or ("/query" in url and "FROM+Account" in url):
        return "reads of records"
    return f"other: {request.method} {url.partition('//')[2].partition('/')[2].partition('?')[0]}"


def book(system: System, count: int) -> Dataset:
    """`count` accounts that one person owns, and twenty others to get them."""
    made = generate(200, 11, as_of=NOW - timedelta(hours=1))
    dataset = Dataset()
    if system is System.SALESFORCE:
        users = made.salesforce["User"]
        active = [row for row in users if row["IsActive"]]
        first = made.salesforce["Account"][0]
        ids = [f"001Sb{number:010d}IAA" for number in range(1, count + 1)]
        rows = [
            first | {"Id": one, "Name": f"Company {one}", "Website": None, "OwnerId": active[0]["Id"], "ParentId": None}
            for one in ids
        ]
        teams = [
            made.salesforce["AccountTeamMember"][0]
            | {"Id": f"01MSb{number:010d}MAA", "AccountId": one, "UserId": active[1]["Id"]}
            for number, one in enumerate(ids[:TEAMS], 1)
        ]
        dataset.salesforce.update(User=users, Account=rows, Opportunity=[], AccountTeamMember=teams)
    else:
        owners = made.hubspot["owners"]
        active = [row for row in owners if not row["archived"]]
        first = made.hubspot["companies"][0]
        rows = [
            first | {"id": str(9_000_000_000 + number), "name": f"Company {number}", "domain": None, "website": None}
            for number in range(1, count + 1)
        ]
        for row in rows:
            row |= {"hubspot_owner_id": active[0]["id"], "hs_parent_company_id": None}
        dataset.hubspot.update(owners=owners, companies=rows, deals=[])
    return dataset


def measure(system: System, count: int, folder: Path, profile: bool) -> dict[str, Any]:
    """One plan of `count` changes, written to one system."""
    dataset = book(system, count)
    clock = ManualClock(NOW)
    salesforce, hubspot = load_sandboxes(dataset, clock=clock, limits=RateLimits(enabled=False))
    salesforce.base_url, hubspot.base_url = "https://acme.my.salesforce.com", "https://api.hubapi.com"
    face: Any = salesforce if system is System.SALESFORCE else hubspot
    wire = TimedWire(InProcessWire({"": face}))
    context = _context(system, dataset, face, wire, clock, folder)
    took: dict[str, float] = {}
    profiler = cProfile.Profile()

    def timed(name: str, work: Any, *arguments: Any, **options: Any) -> Any:
        started, served = processor(), wire.seconds
        result = work(*arguments, **options)
        inside = wire.seconds - served
        took[name] = round(processor() - started - inside, 1)
        took[f"{name}, sandbox"] = round(inside, 1)
        return result

    writing = jobs.apply_plan
    jobs.apply_plan = lambda *given: timed("writing", profiler.runcall if profile else _call, writing, *given)  # type: ignore[assignment]
    try:
        timed("pull", pull, context)
        with leadership(context) as leader:
            timed("adopt", jobs.adopt, context, leader)
            document = timed("plan", make_plan, context)
            timed("approve", jobs.approve, context, leader, document["plan_id"], why="measured", limits=())
            wire.calls.clear()
            report = timed("apply as a whole", jobs.apply, context, leader, document["plan_id"])
    finally:
        jobs.apply_plan = writing
        context.close()
    if profile:
        pstats.Stats(profiler, stream=sys.stderr).sort_stats("tottime").print_stats(30)
    counts = {state.value: number for state, number in report.counts.items()}
    return {"changes": len(document["changes"]), "rows": counts, "calls": dict(wire.calls), "seconds": took}


def _call(work: Any, *given: Any) -> Any:
    return work(*given)


def _context(system: System, dataset: Dataset, face: Any, wire: TimedWire, clock: ManualClock, folder: Path) -> Context:
    credentials = face.credentials()
    if system is System.SALESFORCE:
        people = [str(row["Email"]) for row in dataset.salesforce["User"] if row["IsActive"]]
        section = f'[salesforce]\nlogin_url = "{credentials["url"]}"\nclient_id = "{credentials["client_id"]}"\n'
        section += 'grant = "client_credentials"\n'
        environ = {"SYNCD_SALESFORCE__CLIENT_SECRET": str(credentials["client_secret"])}
    else:
        people = [str(row["email"]) for row in dataset.hubspot["owners"] if not row["archived"]]
        section = f'[hubspot]\nbase_url = "{credentials["url"]}"\n'
        environ = {"SYNCD_HUBSPOT__TOKEN": str(credentials["access_token"])}
    members = sorted({one.lower() for one in people if people.count(one) == 1} - {people[0].lower()})[:20]
    (folder / "pack").mkdir()
    (folder / "pack" / "pack.yaml").write_text(
        f"format: 1\npack: {{name: bench}}\npools:\n  all: {{members: [{', '.join(members)}]}}\n"
        "territories:\n  - name: everywhere\n    when: always\n    owners: {pool: all}\n"
    )
    config = folder / "config.toml"
    config.write_text(
        f'mode = "approve"\n[database]\nurl = "sqlite:///{folder / "syncd.db"}"\n[limits]\napi_share = 1.0\n'
        f'[control]\nsocket = "control.sock"\nfreeze_file = "freeze"\n[pack]\npath = "pack"\n{section}'
    )
    return Context.open(
        load_settings(config, environ),
        clock=clock,
        entropy=SeededEntropy(1),
        environ={"SYNCD_ACTOR": "bench", **environ},
        wire_of=lambda _: wire,
        create=True,
    )


def main() -> None:
    """Measure both systems once."""
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    count = numbers[0] if numbers else 50_000
    configure(level="off")
    results: dict[str, Any] = {}
    for system in System:
        if any(name in sys.argv for name in System) and system.value not in sys.argv:
            continue
        with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
            results[system.value] = measure(system, count, Path(folder), "--profile" in sys.argv)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()}
    sys.stdout.write(json.dumps({"machine": machine, "systems": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
