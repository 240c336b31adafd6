"""The report over a mirror: the same figures as the commands it names, editions filed and told once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from jobs_world import HUBSPOT, NOW, SALESFORCE, World

from syncd.cli.catalogue import COMMANDS as CATALOGUE
from syncd.cli.main import cli
from syncd.errors import ConfigError, RefusedError
from syncd.jobs.aids.audit import audit_document, run_audit
from syncd.jobs.aids.editions import publish, rendered
from syncd.jobs.aids.overview import overview_document, since_of
from syncd.jobs.leadership import leadership
from syncd.jobs.plans.apply import apply
from syncd.jobs.plans.plan import make_plan
from syncd.jobs.watching.watch import watch
from syncd.report.overview.commands import COMMANDS
from syncd.settings import load_settings
from syncd.store import runs
from syncd.store.movements import movements


def test_the_figures_are_those_of_audit_and_plan(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.pulled()
    document = overview_document(world.context, "weekly")
    audited = audit_document(run_audit(world.context, temporary=False))
    assert document["summary"]["companies"] == audited["summary"]["companies"]
    assert float(document["summary"]["pipeline"]) == float(audited["summary"]["open_pipeline"])
    found = {each["check"]: each["count"] for each in audited["findings"]}
    told = {each["check"]: each["count"] for each in document["findings"] if each["count"]}
    assert told == {check: count for check, count in found.items() if check != "data-quality"}
    assert document["summary"]["unworked"] == found.get("unworked", 0)
    plan = make_plan(world.context, offered=False)
    assert document["summary"]["to_change"] == plan["summary"]["changes"]
    assert document["links"]["salesforce"].endswith("/lightning/r/Account/{id}/view")


def test_what_moved_is_told_by_who_moved_it(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.pulled()
    world.adopt()
    plan_id = world.approve(make_plan(world.context))
    with leadership(world.context) as leader:
        written = apply(world.context, leader, plan_id)
    world.wait(60)
    theirs = world.account(SALESFORCE, 3)
    now = world.mirrored(SALESFORCE, theirs.kind)[theirs.id].owner
    people = [row["Id"] for row in world.dataset.salesforce["User"] if row["IsActive"] and row["Id"] != now]
    world.edit_salesforce(theirs.id, OwnerId=people[0])
    world.wait()
    world.pulled()
    with world.context.store.read() as conn:
        found = movements(conn, NOW - timedelta(days=1))
    confirmed = sum(each.ours for each in found)
    assert confirmed
    assert [(each.ref, each.new) for each in found if not each.ours] == [(theirs, people[0])]
    document = overview_document(world.context, "weekly")
    assert document["summary"]["moved_by_others"] == 1
    assert document["weeks"][-1]["by_others"] == 1
    assert document["weeks"][-1]["by_syncd"] == document["summary"]["moved"] - 1
    assert 0 < document["weeks"][-1]["by_syncd"] <= confirmed
    assert written.exit_code == 0


def test_before_the_first_mirror_there_is_no_report(make_world: Callable[..., World]) -> None:
    with pytest.raises(RefusedError, match="SYN550"):
        overview_document(make_world(only=HUBSPOT).context, "weekly")


def test_equal_mirrors_give_equal_pages(make_world: Callable[..., World]) -> None:
    world = make_world(only=SALESFORCE)
    world.pulled()
    pages = {rendered(overview_document(world.context, "monthly"), "html") for _ in range(2)}
    assert len(pages) == 1
    assert json.loads(rendered(overview_document(world.context, "monthly"), "json"))["format"] == 1


@pytest.mark.parametrize(
    ("edition", "now", "first"),
    [
        ("weekly", datetime(2026, 11, 20, 10, tzinfo=UTC), datetime(2026, 11, 13, tzinfo=UTC)),
        ("monthly", datetime(2026, 3, 31, 10, tzinfo=UTC), datetime(2026, 2, 28, tzinfo=UTC)),
        ("monthly", datetime(2026, 1, 1, 7, tzinfo=UTC), datetime(2025, 12, 1, tzinfo=UTC)),
        ("quarterly", datetime(2026, 2, 1, 7, tzinfo=UTC), datetime(2025, 11, 1, tzinfo=UTC)),
    ],
)
def test_an_edition_looks_back_over_its_own_period(edition: str, now: datetime, first: datetime) -> None:
    assert since_of(edition, now, ZoneInfo("UTC")) == first


REPORTS = """
[report]
folder = "reports"
weekly = "07:00"
keep = 2
[[receivers]]
name = "readers"
type = "file"
path = "told.jsonl"
tells = ["reports"]
"""


def test_an_edition_is_filed_and_told_once_and_old_ones_go(make_world: Callable[..., World]) -> None:
    world = make_world(only=SALESFORCE, extra=REPORTS)
    world.pulled()
    for _ in range(2):
        assert publish(world.context, "weekly").name == "syncd-weekly-2026-11-20.html"
    world.clock.advance(timedelta(days=7))
    world.pulled()
    publish(world.context, "weekly")
    world.clock.advance(timedelta(days=7))
    world.pulled()
    publish(world.context, "weekly")
    watch(world.context)
    assert sorted(path.name[-15:] for path in (world.folder / "reports").iterdir()) == [
        "2026-11-27.html",
        "2026-12-04.html",
    ]
    told = [json.loads(line) for line in (world.folder / "told.jsonl").read_text().splitlines()]
    assert [each["kind"] for each in told] == ["report"] * 3
    assert "companies: " in told[0]["text"]
    with world.context.store.read() as conn:
        assert runs.past(conn, "report", [{"edition": "weekly"}]).succeeded is not None


def test_without_a_folder_an_edition_is_refused(make_world: Callable[..., World]) -> None:
    world = make_world(only=SALESFORCE)
    world.pulled()
    with pytest.raises(ConfigError, match="SYN790"):
        publish(world.context, "weekly")


def test_a_time_without_a_folder_and_a_console_elsewhere_are_refused(tmp_path: Path) -> None:
    for text in ('[report]\nweekly = "07:00"\n', '[report]\nfolder = "r"\nweekly = "Mon 07:00"\n'):
        (tmp_path / "config.toml").write_text(text)
        with pytest.raises(ConfigError, match="SYN100"):
            load_settings(tmp_path / "config.toml", {})
    for text in ('listen = "0.0.0.0:80"', 'url = "http://syncd.acme.example"', 'url = "https://a.example/under/path"'):
        (tmp_path / "config.toml").write_text(f"[console]\n{text}\n")
        with pytest.raises(ConfigError, match="SYN100"):
            load_settings(tmp_path / "config.toml", {})


def test_every_figure_names_a_command_that_there_is() -> None:
    for words in COMMANDS.values():
        said = words.split()[1:]
        first = next((place for place, word in enumerate(said) if word.startswith("--")), len(said))
        help_ = CliRunner().invoke(cli, [*said[:first], "--help"]).output
        assert said[0] in CATALOGUE
        assert all(word in help_ for word in said if word.startswith("--")), words


def test_a_telling_report_goes_to_the_folder_alone() -> None:
    result = CliRunner().invoke(cli, ["report", "--tell", "--out", "x.html"], standalone_mode=False)
    assert re.search("SYN792", str(result.exception))
