"""Planning aids over both sandboxes: they read, they propose, and nothing is written to a CRM."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jobs_world import HUBSPOT, NOW, SALESFORCE, World

from syncd.cli.main import cli
from syncd.connectors.wire import HttpRequest
from syncd.entropy import SeededEntropy
from syncd.errors import CrmError, InputError, RefusedError, UsageError
from syncd.jobs.aids.audit import audit_context, audit_document, run_audit
from syncd.jobs.aids.backtesting import backtest, span_of
from syncd.jobs.aids.comparing import compare_packs_over_export, compare_packs_over_mirror, named_packs
from syncd.jobs.aids.scoring import Asked, score
from syncd.jobs.aids.starter import write_starter_pack
from syncd.jobs.checking import check
from syncd.jobs.context import Context
from syncd.jobs.plans.export import ExportFiles
from syncd.jobs.plans.exporting import export_mirror
from syncd.model.refs import Kind, System
from syncd.report.aids.audit_sheet import audit_sheet
from syncd.report.aids.backtest_sheet import backtest_sheet
from syncd.report.aids.compare_sheet import compare_sheet
from syncd.report.aids.score_sheet import score_sheet
from syncd.report.aids.sheet_html import render_html
from syncd.report.aids.sheet_markdown import render_markdown
from syncd.report.aids.sheet_text import render_text
from syncd.sandbox.dataset import Dataset, generate
from syncd.settings import Mode, Settings
from syncd.store import runs, scores

SCORE = """
score:
  components:
    size: {field: employees, curve: [[0, 0], [1000, 40]]}
    home: {when: {country: US}, points: 30}
  bands: {A: ">= 60", B: "30..59", C: "< 30"}
"""
READS = ("/services/oauth2/token", "/search", "/batch/read")
"""What a POST may be for where nothing is written."""


@pytest.fixture
def make_light(tmp_path: Path, data: Dataset, empty_database: Path) -> Iterator[Callable[..., World]]:
    """Worlds on SQLite alone: what is asked here of the store is asked of both databases elsewhere."""
    made: list[World] = []

    def make(**settings: Any) -> World:
        shutil.copyfile(empty_database, tmp_path / "syncd.db")
        made.append(World.make(tmp_path, f"sqlite:///{tmp_path}/syncd.db", copy.deepcopy(data), **settings))
        return made[-1]

    yield make
    for each in made:
        each.context.close()


@pytest.fixture
def world(make_light: Callable[..., World]) -> World:
    return make_light()


def opened(world: World) -> Callable[[Settings, bool], Context]:
    def open_(settings: Settings, create: bool) -> Context:
        return Context.open(
            settings,
            clock=world.clock,
            entropy=SeededEntropy(99),
            environ=world.environ,
            wire_of=world._wire,
            create=create,
        )

    return open_


def rendered(document: dict[str, Any], sheet_of: Any) -> str:
    """Every rendering of a document must be possible; the text is returned."""
    json.dumps(document)
    sheet = sheet_of(document)
    page = render_html(sheet)
    assert "<script>alert" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert render_markdown(sheet).startswith("## ")
    return render_text(sheet)


def writes(requests: list[HttpRequest]) -> list[str]:
    return [
        f"{each.method} {each.url}"
        for each in requests
        if each.method != "GET" and not (each.method == "POST" and any(word in each.url for word in READS))
    ]


def audited(world: World, settings: Settings | None = None, **options: Any) -> dict[str, Any]:
    with audit_context(settings or world.context.settings, opened=opened(world), **options) as (context, temporary):
        return audit_document(run_audit(context, temporary=temporary))


def test_an_audit_needs_no_pack_and_no_mirror_and_writes_nothing(world: World) -> None:
    shutil.rmtree(world.folder / "pack")
    before = {system: world.truth(system, Kind.ACCOUNT) for system in System}
    document = audited(world)
    assert document["temporary"] is True
    sent = [request for wire in world.wires.values() for request in wire.sent]
    assert len(sent) > 4
    assert writes(sent) == []
    assert {system: world.truth(system, Kind.ACCOUNT) for system in System} == before
    checks = {each["check"] for each in document["findings"]} | {each["check"] for each in document["clean"]}
    assert len(checks) == 9
    assert document["findings"][0]["examples"]
    text = rendered(document, audit_sheet)
    assert "this audit alone" in text
    assert world.mirrored(SALESFORCE, Kind.ACCOUNT) == {}  # the configured mirror stays as it was


def test_an_audit_never_makes_a_write_client_whatever_the_mode(make_light: Callable[..., World]) -> None:
    world = make_light(mode="apply")
    with audit_context(world.context.settings, opened=opened(world)) as (context, _):
        assert context.settings.mode is Mode.OBSERVE
        with pytest.raises(AssertionError):
            context.writer(SALESFORCE)
        assert context._writers == {}


def test_an_audit_looks_at_the_configured_mirror_where_it_is_complete_and_reads_anew_when_asked(world: World) -> None:
    world.pulled()
    calls = len(world.wire(SALESFORCE).sent)
    assert audited(world)["temporary"] is False
    assert len(world.wires[SALESFORCE].sent) == calls
    assert audited(world, fresh=True)["temporary"] is True


def test_an_audit_of_one_system_reads_that_one_alone(world: World) -> None:
    document = audited(world, system=HUBSPOT)
    assert list(document["mirror"]) == ["hubspot"]
    assert SALESFORCE not in world.wires
    assert "owners-differ" in {each["check"] for each in document["clean"]}


def test_an_audit_of_a_system_that_is_not_configured_is_refused(make_light: Callable[..., World]) -> None:
    world = make_light(only=SALESFORCE)
    with pytest.raises(UsageError) as refused:
        audited(world, system=HUBSPOT)
    assert refused.value.code == "SYN740"


def test_an_audit_over_half_a_reading_is_no_audit(world: World) -> None:
    world.trouble(HUBSPOT, "/crm/v3/objects/companies")
    wire = world.wires[HUBSPOT]

    def kept(system: System) -> Any:
        return wire if system is HUBSPOT else world._wire(system)

    def open_(settings: Settings, create: bool) -> Context:
        ports = {"clock": world.clock, "entropy": SeededEntropy(1), "environ": world.environ}
        return Context.open(settings, wire_of=kept, create=create, **ports)  # type: ignore[arg-type]

    with pytest.raises(CrmError), audit_context(world.context.settings, opened=open_):
        pass


def planted(world: World) -> None:
    """Give every Salesforce account to the rep whom simple rules name."""
    reps = world.salesforce.records("User")
    ids = {str(row["Email"]).lower(): row["Id"] for row in reps}
    for row in world.salesforce.records("Account"):
        people = world.reps
        large, country = (row["NumberOfEmployees"] or 0) >= 200, str(row["BillingCountry"] or "")
        rep = people[0] if large else people[1] if country.upper() in ("US", "USA", "UNITED STATES") else people[2]
        world.edit_salesforce(row["Id"], OwnerId=ids[rep])


@pytest.fixture
def large(tmp_path: Path) -> Iterator[World]:
    """A Salesforce with enough companies to learn from, its accounts given out by simple rules."""
    data = generate(160, 5, as_of=NOW - timedelta(hours=1))
    world = World.make(tmp_path, f"sqlite:///{tmp_path}/syncd.db", data, only=SALESFORCE)
    planted(world)
    world.wait()
    world.pulled()
    yield world
    world.context.close()


def test_a_starter_pack_is_valid_and_gives_accounts_to_todays_owners(large: World) -> None:
    world = large
    folder = world.folder / "starter"
    with audit_context(world.context.settings, opened=opened(world)) as (context, temporary):
        seen = run_audit(context, temporary=temporary)
        document = audit_document(seen) | {"starter_pack": write_starter_pack(context, seen, folder)}
        report = check(context.settings, folder, now=NOW, mirror=False)
    starter = document["starter_pack"]
    assert report.pack is not None
    assert starter["findings"] == []
    assert starter["reproduced"]["share"] >= 0.8
    assert starter["reproduced"]["share"] > starter["baseline"]["share"]
    assert "of them" in rendered(document, audit_sheet) or "stay where they are" in rendered(document, audit_sheet)
    with (
        pytest.raises(UsageError) as refused,
        audit_context(world.context.settings, opened=opened(world)) as (context, temporary),
    ):
        write_starter_pack(context, run_audit(context, temporary=temporary), folder)
    assert refused.value.code == "SYN741"


def test_a_starter_pack_is_not_learnt_from_a_handful(make_light: Callable[..., World]) -> None:
    world = make_light(only=SALESFORCE)
    for owner in sorted({row["OwnerId"] for row in world.salesforce.records("Account")}):
        if owner.startswith("005"):
            world.salesforce.edit({"object": "User", "id": owner, "set": {"IsActive": False}})
    world.wait()
    world.pulled()
    with (
        pytest.raises(RefusedError) as refused,
        audit_context(world.context.settings, opened=opened(world)) as (context, temporary),
    ):
        write_starter_pack(context, run_audit(context, temporary=temporary), world.folder / "starter")
    assert refused.value.code == "SYN742"
    assert not (world.folder / "starter").exists()


def with_score(world: World) -> World:
    (world.folder / "pack" / "score.yaml").write_text(SCORE)
    world.pulled()
    return world


@pytest.fixture
def scored(make_world: Callable[..., World]) -> World:
    """A world with a score, once on each database."""
    return with_score(make_world())


def test_scores_are_kept_per_run_and_the_next_run_says_who_changed_band(scored: World) -> None:
    first = score(scored.context, Asked())
    assert first["since_last_run"]["first"] is True
    assert sum(band["companies"] for band in first["bands"]) == first["companies"]
    scored.wait()
    again = score(scored.context, Asked())
    assert again["since_last_run"]["count"] == 0
    path = scored.folder / "pack" / "score.yaml"
    path.write_text(path.read_text().replace("points: 30", "points: 60"))
    scored.wait()
    changed = score(scored.context, Asked())
    assert changed["since_last_run"]["count"] > 0
    with scored.context.store.read() as conn:
        kept = scores.scores_at(conn)
        then = scores.scores_at(conn, NOW)
        assert [run.outcome for run in runs.runs(conn, 9, "score")] == ["ok"] * 3
        assert runs.runs(conn, 9, "score")[1].summary["changed"] == 0  # what is as before is not kept again
    assert len(kept) == changed["companies"]
    assert {row.pack_revision for row in then.values()} == {first["pack_revision"]}
    assert kept != then
    text = rendered(changed, score_sheet)
    assert "Who changed band since the last run" in text
    assert "–…" not in text  # an interval that is cut tells nothing


def test_scores_that_a_later_run_replaced_are_dropped_and_the_last_stays(scored: World) -> None:
    score(scored.context, Asked())
    path = scored.folder / "pack" / "score.yaml"
    path.write_text(path.read_text().replace("points: 30", "points: 60"))
    scored.wait()
    score(scored.context, Asked())
    far = NOW + timedelta(days=500)
    with scored.context.store.write() as conn:
        latest = scores.scores_at(conn)
        assert scores.drop_scores(conn, far, 10_000) > 0
        assert scores.scores_at(conn) == latest
        assert scores.scores_at(conn, NOW) == {}
        assert scores.drop_scores(conn, far, 10_000) == 0


def test_a_question_about_scores_keeps_nothing(scored: World) -> None:
    document = score(scored.context, Asked(what_if=("home.points=60",), by="country"))
    assert document["changed"]["count"] > 0
    assert "run" not in document
    with scored.context.store.read() as conn:
        assert scores.scores_at(conn) == {}
        assert runs.runs(conn, 9, "score") == ()
    assert "Who changes band with home.points=60" in rendered(document, score_sheet)


def test_scores_need_a_score_a_mirror_and_a_field_that_makes_segments(world: World) -> None:
    with pytest.raises(InputError) as none:
        score(world.context, Asked())
    assert none.value.code == "SYN743"
    (world.folder / "pack" / "score.yaml").write_text(SCORE)
    with pytest.raises(UsageError) as segments:
        score(world.context, Asked(by="domain"))
    assert segments.value.code == "SYN745"
    with pytest.raises(RefusedError) as mirror:
        score(world.context, Asked())
    assert mirror.value.code == "SYN550"


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=r", "-c", "user.email=r@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, check=True)


@pytest.fixture
def two_packs(world: World) -> World:
    """A world with the pack in git, and a second one beside it that gives the United States to one rep."""
    with_score(world)
    git(world.folder, "init", "-q", "-b", "main")
    git(world.folder, "add", "pack")
    git(world.folder, "commit", "-q", "-m", "rules")
    shutil.copytree(world.folder / "pack", world.folder / "other")
    path = world.folder / "other" / "pack.yaml"
    us = f"  - {{name: us, when: {{country: US}}, owners: [{world.reps[0]}], keep: false}}\n  - name: everywhere"
    path.write_text(path.read_text().replace("  - name: everywhere", us))
    return world


def test_two_packs_are_compared_with_moves_balance_and_broken_relationships(two_packs: World) -> None:
    home, other = two_packs.folder / "pack", two_packs.folder / "other"
    document, _ = compare_packs_over_mirror(two_packs.context, (str(home), str(other)), home=home)
    assert document["summary"]["moved"] > 0
    assert document["rules"] == [
        {
            "change": "added",
            "kind": "territory",
            "name": "us",
            "role": "owner",
            "rule": {"file": "pack.yaml", "line": 10},
        }
    ]
    gained = {row["rep"]: row["gained"]["accounts"] for row in document["reps"]}
    assert max(gained, key=lambda rep: gained[rep]) == two_packs.reps[0]
    assert document["b"]["balance"]["reps"]["accounts"]["cv"] > document["a"]["balance"]["reps"]["accounts"]["cv"]
    assert document["b"]["relationships_broken"]["count"] >= 0
    again, _ = compare_packs_over_mirror(two_packs.context, (str(home), str(other)), home=home)
    assert again == document
    assert "added territory us" in rendered(document, compare_sheet)


def test_a_pack_compared_with_itself_moves_nothing_and_revisions_of_git_count_as_packs(two_packs: World) -> None:
    home = two_packs.folder / "pack"
    same, _ = compare_packs_over_mirror(two_packs.context, named_packs(("main..HEAD",)), home=home)
    assert (same["summary"]["changed"], same["rules"]) == (0, [])
    assert same["a"]["commit"] == same["b"]["commit"]
    assert "Nothing differs" in rendered(same, compare_sheet)
    mixed, _ = compare_packs_over_mirror(two_packs.context, ("main", str(two_packs.folder / "other")), home=home)
    assert mixed["summary"]["moved"] > 0


@pytest.mark.parametrize("words", [("one",), ("..b",), ("a..b..c",), ("a", "b", "c")])
def test_other_than_two_packs_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as refused:
        named_packs(words)
    assert refused.value.code == "SYN747"


def test_two_packs_are_compared_over_an_export_without_a_mirror(two_packs: World) -> None:
    export_mirror(two_packs.context, two_packs.folder / "out", redact=False)
    files = ExportFiles(*(two_packs.folder / "out" / f"{name}.csv" for name in ("accounts", "opportunities", "users")))
    home, other = two_packs.folder / "pack", two_packs.folder / "other"
    document, _ = compare_packs_over_export(Settings(), (str(home), str(other)), files, home=home, now=NOW)
    assert document["summary"]["moved"] > 0
    words = ["compare", str(home), str(other), "--accounts", str(files.accounts), "--as-of", "2026-11-20T10:00:00Z"]
    result = CliRunner().invoke(cli, [*words, "--format", "json"], env={"SYNCD_CONFIG": ""})
    assert json.loads(result.stdout)["kind"] == "pack-comparison"


def test_history_is_replayed_with_what_it_cannot_prove(two_packs: World) -> None:
    span = span_of(NOW - timedelta(days=28), NOW, timedelta(days=7), two_packs.clock.now())
    document = backtest(two_packs.context, span, pack=two_packs.folder / "other")
    assert [step["at"][:10] for step in document["steps"]] == [
        "2026-10-23",
        "2026-10-30",
        "2026-11-06",
        "2026-11-13",
        "2026-11-20",
    ]
    assert document["summary"]["moved_at_start"] > 0
    assert any("country" in each for each in document["cannot_prove"])
    assert "What this cannot prove" in rendered(document, backtest_sheet)


def test_changes_of_owner_that_pulls_saw_are_the_history_of_a_replay(two_packs: World) -> None:
    account = two_packs.account(SALESFORCE, 3)
    ids = {str(row["Email"]).lower(): row["Id"] for row in two_packs.salesforce.records("User")}
    for rep in two_packs.reps[:2]:
        two_packs.wait(60 * 24)
        two_packs.edit_salesforce(account.id, OwnerId=ids[rep])
        two_packs.wait()
        two_packs.pulled()
    now = two_packs.clock.now()
    document = backtest(two_packs.context, span_of(now - timedelta(days=3), now, timedelta(days=1), now))
    assert document["summary"]["really_moved"] == 2
    assert any("on record for 1 of" in each for each in document["cannot_prove"])


def test_the_crms_own_history_is_asked_only_on_request_and_writes_nothing(two_packs: World) -> None:
    span = span_of(NOW - timedelta(days=7), NOW, timedelta(days=7), two_packs.clock.now())
    sent = {system: len(two_packs.wire(system).sent) for system in System}
    backtest(two_packs.context, span)
    assert {system: len(two_packs.wire(system).sent) for system in System} == sent
    backtest(two_packs.context, span, ask_crm=True)
    asked = [request for wire in two_packs.wires.values() for request in wire.sent]
    assert len(asked) > sum(sent.values())
    assert writes(asked) == []


@pytest.mark.parametrize(("start", "end", "step"), [(1, 5, 7), (5, 1, 0), (5, -1, 7), (900, 0, 1)])
def test_a_stretch_that_is_none_is_refused(start: int, end: int, step: int) -> None:
    with pytest.raises(UsageError) as refused:
        span_of(NOW - timedelta(days=start), NOW - timedelta(days=end), timedelta(days=step), NOW)
    assert refused.value.code == "SYN748"


def test_the_default_stretch_is_the_last_ninety_days() -> None:
    instants = span_of(None, None, timedelta(days=7), NOW).instants()
    assert (instants[0], instants[-1], len(instants)) == (NOW - timedelta(days=90), NOW, 14)


def test_a_backtest_of_rules_about_stages_asks_for_them_on_request_and_says_of_how_many_deals_it_knows_them(
    two_packs: World,
) -> None:
    (two_packs.folder / "staged").mkdir()
    pack = (two_packs.folder / "pack" / "pack.yaml").read_text()
    late = "protect: {late: {when: {open_stages: [Negotiation]}, reason: late}}\n"
    (two_packs.folder / "staged" / "pack.yaml").write_text(pack + late)
    span = span_of(NOW - timedelta(days=28), NOW, timedelta(days=7), two_packs.clock.now())

    def known(*, ask_crm: bool) -> tuple[int, int]:
        document = backtest(two_packs.context, span, pack=two_packs.folder / "staged", ask_crm=ask_crm)
        told = next(each for each in document["cannot_prove"] if "known for" in each)
        found = re.search(r"known for (\d+) of the (\d+) deals", told)
        assert found is not None, told
        return int(found[1]), int(found[2])

    before, whole = known(ask_crm=False)
    after, again = known(ask_crm=True)
    assert whole == again > 0
    assert before < after <= whole
