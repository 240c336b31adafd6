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
from alerts_world import World, account, receiver, user
from click.testing import CliRunner

from syncd.cli.main import cli
from syncd.clock import ManualClock
from syncd.connectors.metering import MeteredWire, endpoint
from syncd.connectors.wire import HttpRequest, HttpResponse, WireError
from syncd.errors import ConfigError, StorageError
from syncd.jobs.daemon.web import View, WebServer
from syncd.jobs.watching.alerting import silence
from syncd.jobs.watching.metrics import METRICS, metrics_text
from syncd.jobs.watching.readiness import unready
from syncd.jobs.watching.status import status
from syncd.model.cursors import Cursor
from syncd.model.refs import Kind, System
from syncd.report.exposition import Family, exposition
from syncd.report.status_text import status_text
from syncd.store import lease, runs
from syncd.store.cursors import set_cursor
from syncd.store.engine import COMMIT_STEPS, Store
from syncd.telemetry.tally import Tally
from tests.integration.installation import Installation

ROOT = Path(__file__).parents[3]
RULES = yaml.safe_load((ROOT / "deploy" / "prometheus" / "syncd.rules.yaml").read_text())["groups"][0]["rules"]
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parsed(text: str) -> Samples:
    """The samples of an exposition; a line that Prometheus would not take is an error."""
    found: Samples = {}
    for line in text.splitlines():
        if line.startswith("# "):
            assert re.fullmatch(r"# (HELP \w+ .+|TYPE \w+ (gauge|counter|histogram))", line), line
            continue
        match = re.fullmatch(r'(\w+)(?:\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\})? (-?[\d.e+-]+)', line)
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
    with world.store.write() as conn:
        for kind, minutes in ((Kind.ACCOUNT, 60), (Kind.OPPORTUNITY, 90)):
            through = world.clock.now() - timedelta(minutes=minutes)
            set_cursor(conn, Cursor(System.SALESFORCE, kind, through=through))
        set_cursor(conn, Cursor(System.SALESFORCE, Kind.ACCOUNT, "delayed", world.clock.now() - timedelta(hours=9)))
    samples = read(world)
    lags = {kind: metric(samples, "object_lag_seconds", system="salesforce", kind=kind) for kind in Kind}
    assert {kind: lag for kind, lag in lags.items() if lag is not None} == {"account": 3600, "opportunity": 5400}
    told = status(world.context.settings, world.store, clock=world.clock)
    objects = told["systems"]["salesforce"]["objects"]
    assert {kind: (each["lag_seconds"], each["stale"]) for kind, each in objects.items()} == {
        "account": (3600, True),
        "opportunity": (5400, True),
    }
    assert "opportunity is read up to" in status_text(told)


def test_what_processes_counted_grows_over_runs_and_restarts(
    tmp_path: Path, store: Store, store_url: str, clock: ManualClock
) -> None:
    path = tmp_path / "told.jsonl"
    world = World.make(tmp_path, store, clock, config=receiver("first", path))
    world.users(user("anna"))
    world.put(*(account(number) for number in range(5)))
    world.pulled()
    world.watch()
    world.put(account(1, type="Former Customer"))
    world.later(5)
    world.watch()
    samples = read(world)
    assert metric(samples, "job_runs_total", job="watch", outcome="ok") == 2
    assert metric(samples, "job_duration_seconds_count", job="watch") == 2
    assert metric(samples, "alerts_fired_total", monitor="AccountChurned", severity="ticket") == 1
    first = metric(samples, "notifications_total", receiver="first")
    assert first == metric(samples, "notification_latency_seconds_count", receiver="first") == 1
    assert (metric(samples, "db_commit_seconds_count") or 0) > 5
    path.unlink()
    path.mkdir()
    world.put(account(2, type="Former Customer"))
    world.later(5)
    world.watch()
    again = Store.open(store_url, clock=clock)
    samples = parsed(metrics_text(world.context.settings, again, clock=clock))
    again.close()
    assert metric(samples, "job_runs_total", job="watch", outcome="ok") == 3
    assert metric(samples, "notifications_total", receiver="first") == 2
    assert metric(samples, "notifications_failed_total", receiver="first", reason="unwritable") == 1
    assert "# TYPE syncd_job_duration_seconds histogram" in metrics_text(world.context.settings, store, clock=clock)


def test_a_histogram_has_every_step_with_all_below_it(world: World) -> None:
    """Prometheus takes quantiles of these: a step that is missing, or counts its own alone, gives wrong ones."""
    tally = world.context.tally
    for took in (0.04, 0.05, 0.2, 9, 900):
        tally.observe("http_request_duration_seconds", took, system="salesforce", endpoint="query")
    tally.observe("http_request_duration_seconds", 0.3, system="hubspot", endpoint="search")
    world.watch()
    samples, query = read(world), {"system": "salesforce", "endpoint": "query"}
    name = "http_request_duration_seconds"
    steps = ["0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30", "60", "+Inf"]
    found = [metric(samples, f"{name}_bucket", **query, le=step) for step in steps]
    assert found == [2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 5]
    assert metric(samples, f"{name}_count", **query) == 5
    assert metric(samples, f"{name}_sum", **query) == pytest.approx(909.29)
    other = [metric(samples, f"{name}_bucket", system="hubspot", endpoint="search", le=step) for step in steps]
    assert other == [0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]
    commits = [metric(samples, "db_commit_seconds_bucket", le=f"{step:g}") for step in COMMIT_STEPS]
    assert None not in commits
    assert metric(samples, "db_commit_seconds_bucket", le="+Inf") == metric(samples, "db_commit_seconds_count")


def test_what_is_silenced_is_counted_once(world: World) -> None:
    world.users(user("anna"))
    world.put(*(account(number) for number in range(5)))
    world.pulled()
    world.watch()
    until = world.clock.now() + timedelta(hours=8)
    silence(world.context, {"monitor": "AccountChurned"}, until=until, comment="known")
    world.put(account(1, type="Former Customer"))
    for _ in range(3):
        world.later(5)
        world.watch()
    assert metric(read(world), "notifications_suppressed_total", reason="silenced") == 1


def test_calls_are_counted_by_endpoint_and_how_they_ended(clock: ManualClock) -> None:
    answers: list[HttpResponse | WireError] = [
        HttpResponse(429),
        HttpResponse(200),
        WireError("timeout", True),
        HttpResponse(503),
        HttpResponse(204),
    ]

    class Scripted:
        def send(self, request: HttpRequest) -> HttpResponse:
            clock.advance(timedelta(seconds=2))
            answer = answers.pop(0)
            if isinstance(answer, WireError):
                raise answer
            return answer

    tally = Tally()
    wire = MeteredWire(Scripted(), "salesforce", tally, clock)
    query = HttpRequest("GET", "https://x.example/services/data/v66.0/query?q=SELECT")
    for _ in range(2):
        wire.send(query)
    write = HttpRequest("PATCH", "https://x.example/services/data/v66.0/composite/sobjects", body=b"{}")
    with pytest.raises(WireError):
        wire.send(write)
    wire.send(write)
    wire.send(query)
    counts = {(name, *(value for _, value in labels)): value for (name, labels), value in tally.take().counts.items()}
    assert counts["http_requests_total", "query", "429", "salesforce"] == 1
    assert counts["http_requests_total", "query", "2xx", "salesforce"] == 2
    assert counts["http_requests_total", "composite", "timeout", "salesforce"] == 1
    assert counts["http_requests_total", "composite", "5xx", "salesforce"] == 1
    assert counts["http_retries_total", "429", "salesforce"] == 1
    assert counts["http_retries_total", "timeout", "salesforce"] == 1
    assert ("http_retries_total", "5xx", "salesforce") not in counts, "another call is no repeat"
    assert counts["http_request_duration_seconds_sum", "query", "salesforce"] == 6
    assert tally.take().counts == {}


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://x/services/data/v66.0/sobjects/Account/001Sb0000000001IAA", "sobjects"),
        ("https://x/services/data/v66.0/jobs/query/750Sb", "jobs"),
        ("https://x/services/oauth2/token", "oauth2"),
        ("https://x/crm/v3/objects/companies/search?limit=100", "objects"),
        ("https://x/crm/objects/2026-03/companies/batch/read", "objects"),
        ("https://x/crm/v3/owners/9999", "owners"),
        ("https://x/0015f00000AbCdEAAV/12", "other"),
        ("https://x", "other"),
    ],
)
def test_an_endpoint_is_never_an_id(url: str, name: str) -> None:
    assert endpoint(url) == name


def test_a_pull_tells_its_calls_rows_and_allowance(tmp_path: Path) -> None:
    """Through the real connectors, against the sandbox without sockets."""
    made = Installation.make(tmp_path, companies=12)
    try:
        for words in (["db", "upgrade"], ["pull"], ["pull", "--sweep"], ["db", "backup", str(tmp_path / "copy.db")]):
            done = CliRunner().invoke(cli, ["--config", str(tmp_path / "config.toml"), *words])
            assert done.exit_code == 0, done.output
        text = CliRunner().invoke(cli, ["--config", str(tmp_path / "config.toml"), "metrics"]).stdout
    finally:
        made.close()
    samples = parsed(text)
    assert metric(samples, "http_requests_total", system="salesforce", endpoint="query", status_class="2xx")
    assert metric(samples, "http_requests_total", system="hubspot", endpoint="objects", status_class="2xx")
    assert metric(samples, "rows_read_total", system="salesforce")
    assert metric(samples, "rows_changed_total", system="hubspot", op="upserted")
    assert metric(samples, "reconcile_mismatch_rows", system="hubspot", kind="account") == 0
    assert 0 < (metric(samples, "api_quota_used_ratio", system="salesforce") or 0) < 0.1
    assert 0 < (metric(samples, "api_org_used_ratio", system="salesforce") or 0) < 0.1
    assert metric(samples, "cursor_timestamp_seconds", system="salesforce", kind="account", lane="live")
    assert metric(samples, "job_runs_total", job="sweep", outcome="ok") == 1
    assert (metric(samples, "backup_last_success_timestamp_seconds") or 0) > 1e9


def test_a_textfile_that_cannot_be_written_stops_no_watch(tmp_path: Path, store: Store, clock: ManualClock) -> None:
    world = World.make(tmp_path, store, clock, config=f'[metrics]\ntextfile = "{tmp_path}/none/x.prom"\n')
    world.watch()
    assert len(world.log.named("metrics.unwritten")) == 1


def test_every_metric_stands_in_the_page_and_what_the_page_names_exists() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    rows = re.findall(r"^\| `(syncd_\w+)` \| (\w+) \| ([\w, ]*)\| (.+) \|$", page, re.MULTILINE)
    assert [(name, kind, text) for name, kind, _, text in rows] == [
        (name, metric.type, metric.text) for name, metric in METRICS.items()
    ]


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


# A small evaluator of what the shipped rules use: comparisons, `time() -`, `absent`, `sum`, `increase` and `and on()`.
# Counters were at 0 an hour ago.
_SELECTOR = r"(syncd_\w+)(?:\{([^}]*)\})?"


def selected(text: str, samples: Samples, now: float) -> list[float]:
    if match := re.fullmatch(rf"absent\({_SELECTOR}\)", text):
        return [] if any(name == match[1] for name, _ in samples) else [1.0]
    if match := re.fullmatch(r"sum\((.+)\)", text):
        found = selected(match[1], samples, now)
        return [sum(found)] if found else []
    if match := re.fullmatch(r"increase\((.+)\[1h\]\)", text):
        return selected(match[1], samples, now)
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
_PARTS = {"gauge": ("",), "counter": ("",), "histogram": ("_bucket", "_sum", "_count")}
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
    ("syncd_leading", (("instance", "one"),)): 1,
    ("syncd_leading", (("instance", "two"),)): 0,
    ("syncd_config_last_reload_successful", ()): 1,
    ("syncd_backup_last_success_timestamp_seconds", ()): NOW - 80_000,
    ("syncd_api_quota_used_ratio", (("system", "salesforce"),)): 0.3,
    ("syncd_reconcile_mismatch_rows", (("kind", "account"), ("system", "salesforce"))): 0,
    ("syncd_outbox_attempts_total", (("outcome", "conflict"),)): 3,
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
    "SyncdTwoLeaders": {("syncd_leading", (("instance", "two"),)): 1},
    "SyncdConfigReloadFailed": {("syncd_config_last_reload_successful", ()): 0},
    "SyncdBackupTooOld": {("syncd_backup_last_success_timestamp_seconds", ()): NOW - 100_000},
    "SyncdQuotaHigh": {("syncd_api_quota_used_ratio", (("system", "salesforce"),)): 0.9},
    "SyncdReconcileMismatch": {
        ("syncd_reconcile_mismatch_rows", (("kind", "account"), ("system", "salesforce"))): 4,
    },
    "SyncdOutboxConflictSpike": {("syncd_outbox_attempts_total", (("outcome", "conflict"),)): 40},
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
        summaries = {name + ending for name, each in METRICS.items() for ending in _PARTS[each.type]}
        assert set(named) <= summaries, expr
