"""Metrics and health: true figures from the database, the page on loopback, and the shipped rules and dashboard."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from alerts_world import World, account, user

from syncd.clock import ManualClock
from syncd.errors import ConfigError, StorageError
from syncd.jobs.daemon.web import View, WebServer
from syncd.jobs.metrics import METRICS, metrics_text
from syncd.jobs.readiness import unready
from syncd.report.exposition import Family, exposition
from syncd.store import lease, runs
from syncd.store.engine import Store

ROOT = Path(__file__).parents[3]
RULES = yaml.safe_load((ROOT / "deploy" / "prometheus" / "syncd.rules.yaml").read_text())["groups"][0]["rules"]
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parsed(text: str) -> Samples:
    """The samples of an exposition; a line that Prometheus would not take is an error."""
    found: Samples = {}
    for line in text.splitlines():
        if line.startswith("# "):
            assert re.fullmatch(r"# (HELP \w+ .+|TYPE \w+ gauge)", line), line
            continue
        match = re.fullmatch(r'(\w+)(?:\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\})? (-?[\d.e+]+)', line)
        assert match, line
        labels = tuple(sorted(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or "")))
        assert (match[1], labels) not in found, line
        found[match[1], labels] = float(match[3])
    return found


def metric(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((f"syncd_{name}", tuple(sorted(labels.items()))))


def ran(world: World, job: str, outcome: str = "ok") -> None:
    with world.store.write() as conn:
        run = world.context.entropy.token()
        runs.start_run(conn, run, job, now=world.clock.now())
        runs.finish_run(conn, run, outcome, now=world.clock.now(), summary={})


def lead(world: World) -> None:
    with world.store.write() as conn:
        lease.acquire(conn, "host:1", now=world.clock.now(), ttl=timedelta(hours=9))


def read(world: World) -> Samples:
    return parsed(metrics_text(world.context.settings, world.store, clock=world.clock))


def test_metrics_tell_what_the_database_holds(tmp_path: Path, store: Store, clock: ManualClock) -> None:
    path = tmp_path / "syncd.prom"
    world = World.make(tmp_path, store, clock, config=f'[metrics]\ntextfile = "{path}"\n')
    world.users(user("anna"))
    world.put(*(account(number) for number in range(5)))
    world.pulled()
    world.watch()
    world.put(account(1, type="Former Customer"))
    world.later(5)
    world.watch()
    lead(world)
    samples = read(world)
    assert metric(samples, "up") == 1
    assert metric(samples, "alerts", state="firing", severity="ticket") == 1
    assert metric(samples, "mirror_rows", system="salesforce", kind="account") == 5
    assert metric(samples, "source_lag_seconds", system="hubspot") == 0
    assert metric(samples, "job_last_ok", job="watch") == 1
    assert metric(samples, "leader") == 1
    assert metric(samples, "writes_frozen") == 0
    assert (metric(samples, "db_size_bytes") or 0) > 0
    assert metric(parsed(path.read_text()), "alerts", state="firing", severity="ticket") == 1
    assert [entry.name for entry in tmp_path.glob(".syncd.prom*")] == []
    (tmp_path / "syncd.freeze").write_text("by hand")
    world.clock.advance(timedelta(hours=1))
    samples = read(world)
    assert metric(samples, "writes_frozen") == metric(samples, "source_stale", system="salesforce") == 1
    assert metric(samples, "source_lag_seconds", system="salesforce") == 3600


def test_a_textfile_that_cannot_be_written_stops_no_watch(tmp_path: Path, store: Store, clock: ManualClock) -> None:
    world = World.make(tmp_path, store, clock, config=f'[metrics]\ntextfile = "{tmp_path}/none/x.prom"\n')
    world.watch()
    assert len(world.log.named("metrics.unwritten")) == 1


def test_every_metric_stands_in_the_page_and_what_the_page_names_exists() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    assert re.findall(r"^\| `(syncd_\w+)` ", page, re.MULTILINE) == list(METRICS)
    assert all(f"| {text} |" in page for text in METRICS.values())


def test_names_from_settings_cannot_break_the_format() -> None:
    family = Family("syncd_notices", "a\nb")
    family.put(2, receiver='x"} 9\nsyncd_up 0\\')
    assert parsed(exposition([family])) == {("syncd_notices", (("receiver", 'x\\"} 9\\nsyncd_up 0\\\\'),)): 2}


def problems(world: World) -> tuple[str, ...]:
    with world.store.read() as conn:
        return unready(world.context.settings, conn, world.clock.now())


def test_syncd_is_ready_only_while_it_leads_and_pulls_and_watches_end_well(world: World) -> None:
    assert len(problems(world)) == 3
    lead(world)
    ran(world, "pull")
    ran(world, "watch")
    assert problems(world) == ()
    world.clock.advance(timedelta(seconds=121))
    assert problems(world) == ("the last watch that went well ended 121 s ago, more than two periods",)
    ran(world, "watch", "failed")
    assert len(problems(world)) == 1
    ran(world, "watch")
    assert problems(world) == ()
    world.clock.advance(timedelta(minutes=8))
    ran(world, "watch")
    ran(world, "pull", "incomplete")
    assert "the last pull" in problems(world)[0]
    world.clock.advance(timedelta(hours=9))
    assert "nobody holds the lease" in problems(world)


class Page:
    """A page whose answers a test sets."""

    def __init__(self) -> None:
        self.ticks = True
        self.unready: tuple[str, ...] = ()
        self.broken = False
        self.server = WebServer("127.0.0.1:0", View(lambda: self.ticks, lambda: self.unready, self.metrics, dict))

    def metrics(self) -> str:
        if self.broken:
            raise StorageError("SYN605", "the disk is full")
        return "syncd_up 1\n"

    def get(self, path: str, host: str = "localhost:9464", method: str = "GET") -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=5)
        try:
            connection.request(method, path, headers={"Host": host})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@pytest.fixture
def page() -> Iterator[Page]:
    page = Page()
    yield page
    page.server.close()


def test_the_page_tells_the_truth(page: Page) -> None:
    assert page.get("/-/healthy") == (200, "healthy\n")
    assert page.get("/-/ready") == (200, "ready\n")
    assert page.get("/metrics") == (200, "syncd_up 1\n")
    assert page.get("/status") == (200, "{}\n")
    page.ticks, page.unready, page.broken = False, ("nobody holds the lease",), True
    assert page.get("/-/healthy")[0] == 503
    assert page.get("/-/ready") == (503, "nobody holds the lease\n")
    assert page.get("/metrics") == (503, "SYN605: the disk is full\n")
    assert page.get("/etc/passwd")[0] == 404
    assert page.get("/metrics", method="POST")[0] == 501


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9464", "localhost.evil.example:9464", "10.0.0.1", ""])
def test_a_web_page_that_somebody_has_open_cannot_read_it(page: Page, host: str) -> None:
    assert page.get("/status", host=host)[0] == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9464", "[::1]:9464", "[::1]"])
def test_this_machine_may_read_it(page: Page, host: str) -> None:
    assert page.get("/status", host=host)[0] == 200


def test_a_port_that_is_taken_is_said_so(page: Page) -> None:
    with pytest.raises(ConfigError, match="SYN843"):
        WebServer(f"127.0.0.1:{page.server.port}", View(lambda: True, tuple, str, dict))


# A small evaluator of what the shipped rules use: comparisons, `time() -`, `absent`, and `and on()`.
_SELECTOR = r"(syncd_\w+)(?:\{([^}]*)\})?"


def selected(text: str, samples: Samples, now: float) -> list[float]:
    if match := re.fullmatch(rf"absent\({_SELECTOR}\)", text):
        return [] if any(name == match[1] for name, _ in samples) else [1.0]
    match = re.fullmatch(rf"(time\(\) - )?{_SELECTOR}", text)
    assert match, text
    wanted = set(re.findall(r'(\w+)="([^"]*)"', match[3] or ""))
    found = [value for (name, labels), value in samples.items() if name == match[2] and wanted <= set(labels)]
    return [now - value for value in found] if match[1] else found


def fires(expr: str, samples: Samples, now: float) -> bool:
    for part in expr.split(" and on() "):
        match = re.fullmatch(r"(.+) (==|>|<) ([\d.e]+)", part)
        assert match, part
        limit, compare = float(match[3]), match[2]
        values = selected(match[1], samples, now)
        if not any({"==": v == limit, ">": v > limit, "<": v < limit}[compare] for v in values):
            return False
    return True


NOW = 1_000_000.0
WELL: Samples = {
    ("syncd_up", ()): 1,
    ("syncd_ready", ()): 1,
    ("syncd_leader", ()): 1,
    ("syncd_writes_frozen", ()): 0,
    ("syncd_source_stale", (("system", "hubspot"),)): 0,
    ("syncd_source_stale", (("system", "salesforce"),)): 0,
    ("syncd_job_last_success_timestamp_seconds", (("job", "watch"),)): NOW - 60,
    ("syncd_job_last_success_timestamp_seconds", (("job", "sweep"),)): NOW - 80_000,
    ("syncd_outbox_oldest_age_seconds", ()): 30,
    ("syncd_notices_oldest_age_seconds", ()): 0,
    ("syncd_db_wal_bytes", ()): 4e6,
    ("syncd_disk_free_bytes", ()): 5e10,
}
ILL: Mapping[str, Samples] = {
    "SyncdNotReady": {("syncd_ready", ()): 0},
    "SyncdNoLeader": {("syncd_leader", ()): 0},
    "SyncdSourceLagHigh": {("syncd_source_stale", (("system", "hubspot"),)): 1},
    "SyncdJobNotSucceeding": {("syncd_job_last_success_timestamp_seconds", (("job", "watch"),)): NOW - 1000},
    "SyncdOutboxStuck": {("syncd_outbox_oldest_age_seconds", ()): 1801},
    "SyncdNotificationsFailing": {("syncd_notices_oldest_age_seconds", ()): 901},
    "SyncdFrozenLong": {("syncd_writes_frozen", ()): 1},
    "SyncdWalGrowing": {("syncd_db_wal_bytes", ()): 2e9},
    "SyncdDiskLow": {("syncd_disk_free_bytes", ()): 5e8},
}


def firing(samples: Samples) -> list[str]:
    return [rule["alert"] for rule in RULES if fires(rule["expr"], samples, NOW)]


def test_no_shipped_rule_fires_while_all_is_well() -> None:
    assert firing(WELL) == []


@pytest.mark.parametrize("name", list(ILL))
def test_each_shipped_rule_fires_for_its_cause_alone(name: str) -> None:
    assert firing({**WELL, **ILL[name]}) == [name]


def test_silence_is_told_and_a_freeze_is_no_stuck_outbox() -> None:
    assert firing({}) == ["SyncdDown"]
    stuck = ILL["SyncdOutboxStuck"] | ILL["SyncdFrozenLong"]
    assert firing({**WELL, **stuck}) == ["SyncdFrozenLong"]


def test_every_shipped_rule_is_tested_and_says_what_to_do_first() -> None:
    assert {rule["alert"] for rule in RULES} == {*ILL, "SyncdDown"}
    for rule in RULES:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket", "info")
        assert "First: " in rule["annotations"]["description"]
        for runbook in re.findall(r"docs/[\w./-]+\.md", rule["annotations"]["description"]):
            assert (ROOT / runbook).is_file(), runbook


def test_rules_and_dashboard_name_metrics_that_exist() -> None:
    dashboard: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana" / "dashboard.json").read_text())
    exprs = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    for expr in [*exprs, *(rule["expr"] for rule in RULES)]:
        named = re.findall(r"syncd_\w+", expr)
        assert named
        assert set(named) <= set(METRICS), expr
