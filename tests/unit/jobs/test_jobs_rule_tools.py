"""Recording cases, exporting the mirror, and comparing two revisions of a pack: over both sandboxes."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jobs_world import SALESFORCE, World

from syncd.errors import InputError, UsageError
from syncd.jobs.answers.case_recording import PERSONAL, record_case, save_case
from syncd.jobs.packs.cases import run_tests
from syncd.jobs.packs.revisions import pack_at
from syncd.jobs.plans.comparison import compare_over_export, compare_over_mirror
from syncd.jobs.plans.export import ExportFiles, think_over_export
from syncd.jobs.plans.exporting import export_mirror
from syncd.jobs.plans.plan import deliberate
from syncd.model.refs import Kind
from syncd.report.redaction import redacted

RULES = """
format: 1
pack: {{name: tools, defaults: {{country: US}}}}
protect:
  late-stage-deal: {{when: {{open_stages: [Negotiation, Contract Sent]}}, reason: late}}
territories:
  - name: big
    when: {{employees: ">= 500"}}
    owners: [{reps}]
  - name: german
    when: {{country: [DE, AT, CH]}}
    owners: [{first}]
  - name: everywhere
    when: always
    owners: [{reps}]
"""


@pytest.fixture
def ruled(world: World) -> World:
    """A world whose pack has something to decide, pulled and adopted."""
    text = RULES.format(reps=", ".join(world.reps[:4]), first=world.reps[0])
    (world.folder / "pack" / "pack.yaml").write_text(text)
    world.pulled()
    world.adopt()
    return world


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=r", "-c", "user.email=r@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def committed(ruled: World) -> World:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    git(ruled.folder, "init", "-q", "-b", "main")
    git(ruled.folder, "add", "pack")
    git(ruled.folder, "commit", "-q", "-m", "rules")
    return ruled


def edit(world: World, old: str, new: str) -> None:
    path = world.folder / "pack" / "pack.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def a_decision(world: World, wanted: Callable[[Any], bool]) -> Any:
    return next(each for each in deliberate(world.context).decisions if each.role == "owner" and wanted(each))


# Recording


def test_every_recorded_case_passes_when_the_pack_is_tested(ruled: World) -> None:
    decisions = [each for each in deliberate(ruled.context).decisions if each.role == "owner"]
    out = ruled.folder / "pack" / "recorded.yaml"
    for decision in decisions:
        save_case(ruled.context, decision.company, out)
    run = run_tests(ruled.context.settings, ruled.folder / "pack", now=ruled.clock.now())
    assert [(each.name, each.failures) for each in run.results if not each.passed] == []
    assert run.passed == len(decisions)
    by_name = {case.name: case for case in run.pack.tests}
    assert {case.expect["outcome"] for case in by_name.values()} == {(each.outcome.value,) for each in decisions}
    assert all(set(case.expect) >= {"territory", "owner", "outcome"} for case in by_name.values())


def test_a_recorded_case_fails_when_the_rule_it_stands_on_is_edited(ruled: World) -> None:
    decision = a_decision(ruled, lambda each: each.territory == "big")
    save_case(ruled.context, decision.company, ruled.folder / "pack" / "recorded.yaml")
    edit(ruled, '">= 500"', '">= 5000000"')
    run = run_tests(ruled.context.settings, ruled.folder / "pack", now=ruled.clock.now())
    assert run.failed == 1
    assert "territory: expected big" in run.results[0].failures[0]


def test_a_recorded_case_says_that_its_names_are_real(ruled: World) -> None:
    case = record_case(ruled.context, a_decision(ruled, lambda _: True).company)
    assert case.text.startswith(f"  # {PERSONAL}\n")


def test_a_case_is_added_only_to_a_file_of_tests(ruled: World) -> None:
    company = a_decision(ruled, lambda _: True).company
    path = ruled.folder / "pack" / "pack.yaml"
    before = path.read_bytes()
    with pytest.raises(UsageError, match="SYN006"):
        save_case(ruled.context, company, path)
    assert path.read_bytes() == before


def test_a_case_is_added_in_the_indentation_of_the_file(ruled: World) -> None:
    company = a_decision(ruled, lambda _: True).company
    path = ruled.folder / "pack" / "tests.yaml"
    path.write_text("# mine\ntests:\n- name: x\n  account: {country: DE}\n  expect: {territory: german}\n")
    save_case(ruled.context, company, path)
    assert "\n- name: " in path.read_text().partition("german}")[2]
    assert run_tests(ruled.context.settings, ruled.folder / "pack", now=ruled.clock.now()).passed == 2


def test_an_unknown_account_is_no_case(ruled: World) -> None:
    with pytest.raises(UsageError, match="SYN002"):
        record_case(ruled.context, "nobody.example")


# Exporting


def test_a_plan_over_an_export_is_the_plan_over_the_mirror_where_no_ledger_is_needed(ruled: World) -> None:
    done = export_mirror(ruled.context, ruled.folder / "out", redact=False)
    assert done.otherwise == {}
    mirrored = {each.company: (each.territory, each.outcome) for each in deliberate(ruled.context).decisions}
    found = think_over_export(ruled.context.settings, ruled.folder / "pack", done.files, now=ruled.clock.now())
    assert {each.company: (each.territory, each.outcome) for each in found.decisions} == mirrored


def test_a_redacted_export_holds_nobody_s_name_and_decides_alike(ruled: World) -> None:
    done = export_mirror(ruled.context, ruled.folder / "out", redact=True)
    assert done.otherwise == {}
    written = b"".join(path.read_bytes() for path in (ruled.folder / "out").iterdir()).decode().casefold()
    records = [
        *ruled.mirrored(SALESFORCE, Kind.ACCOUNT).values(),
        *ruled.mirrored(SALESFORCE, Kind.OPPORTUNITY).values(),
    ]
    names = [
        record.fields[name].casefold()
        for record in records
        for name in ("name", "domain", "phone")
        if name in record.fields
    ]
    assert names
    assert [name for name in names if name in written] == []
    with ruled.context.store.read() as conn:
        from syncd.store import mirror

        emails = {user.email for user in mirror.users(conn) if user.email} - set(ruled.reps[:4])
    assert emails
    assert [email for email in emails if email in written] == []
    assert ruled.reps[0] in written  # the pack names them: a plan could not be made without


def test_a_redacted_domain_is_a_domain_for_the_rules_too(ruled: World) -> None:
    edit(ruled, '{employees: ">= 500"}', "{domain: {present: true}}")
    done = export_mirror(ruled.context, ruled.folder / "out", redact=True)
    assert done.otherwise == {}
    found = think_over_export(ruled.context.settings, ruled.folder / "pack", done.files, now=ruled.clock.now())
    assert any(each.territory == "big" for each in found.decisions)
    assert [each for each in found.findings if "registrable" in each.message] == []


def test_text_that_rules_read_stays_and_is_named(ruled: World) -> None:
    edit(
        ruled, "  - name: german\n    when: {country: [DE, AT, CH]}", '  - name: german\n    when: {city: ["B*", "Z*"]}'
    )
    done = export_mirror(ruled.context, ruled.folder / "out", redact=True)
    assert done.kept_texts == ("city",)
    with done.files.accounts.open(encoding="utf-8") as file:
        assert any(row["city"] for row in csv.DictReader(file))


def test_names_go_out_even_where_rules_read_them_and_the_difference_is_counted(ruled: World) -> None:
    name = next(iter(ruled.mirrored(SALESFORCE, Kind.ACCOUNT).values())).fields["name"]
    edit(ruled, '{employees: ">= 500"}', json.dumps({"name": {"contains": name[:6]}}))
    done = export_mirror(ruled.context, ruled.folder / "out", redact=True)
    assert sum(done.otherwise.values()) > 0
    assert name not in done.files.accounts.read_text()


# Comparing


def test_an_edit_is_shown_by_the_companies_that_come_out_otherwise(committed: World) -> None:
    edit(committed, '">= 500"', '">= 20000"')
    document, _ = compare_over_mirror(committed.context, "main")
    assert document["old"]["commit"] == git(committed.folder, "rev-parse", "main")
    assert [(change["change"], change["name"]) for change in document["rules"]] == [("changed", "big")]
    moved = [entry for group in document["groups"] for entry in group["companies"] if entry["cause"] == "rule"]
    assert {entry["from"]["territory"] for entry in moved} == {"big"}
    assert {entry["to"]["territory"] for entry in moved} <= {"german", "everywhere"}
    facts = deliberate(committed.context).facts
    assert all(500 <= facts[entry["company"]].values["employees"] < 20000 for entry in moved)
    lines = (committed.folder / "pack" / "pack.yaml").read_text().splitlines()
    for group in document["groups"]:  # the rule is the territory's, or that of what holds the account
        line = lines[group["rule"]["line"] - 1]
        held = {entry["to"]["outcome"] for entry in group["companies"]} == {"held"}
        assert ("late-stage-deal:" if held else f"name: {group['territory']}") in line


def test_no_edit_is_no_difference(committed: World) -> None:
    document, _ = compare_over_mirror(committed.context, "HEAD")
    assert document["summary"]["changed"] == 0
    assert document["groups"] == document["rules"] == []


def test_the_working_tree_is_not_touched(committed: World) -> None:
    edit(committed, '">= 500"', '">= 900"')
    (committed.folder / "pack" / "new.txt").write_text("mine")
    before = (git(committed.folder, "status", "--porcelain"), (committed.folder / "pack" / "pack.yaml").read_bytes())
    compare_over_mirror(committed.context, "HEAD")
    after = (git(committed.folder, "status", "--porcelain"), (committed.folder / "pack" / "pack.yaml").read_bytes())
    assert before == after


def test_the_same_comparison_is_made_over_an_export(committed: World) -> None:
    done = export_mirror(committed.context, committed.folder / "out", redact=False)
    edit(committed, '">= 500"', '">= 20000"')
    mirrored, _ = compare_over_mirror(committed.context, "HEAD")
    pack = committed.folder / "pack"
    exported, _ = compare_over_export(
        committed.context.settings, "HEAD", done.files, pack=pack, now=committed.clock.now()
    )
    plain = [{key: value for key, value in group.items() if key != "companies"} for group in mirrored["groups"]]
    assert plain
    assert [{key: value for key, value in group.items() if key != "companies"} for group in exported["groups"]] == plain


def test_a_redacted_comparison_names_nobody(committed: World) -> None:
    edit(committed, '">= 500"', '">= 20000"')
    document, _ = compare_over_mirror(committed.context, "HEAD")
    shown = json.dumps(redacted(document), ensure_ascii=False)
    names = [entry["name"] for group in document["groups"] for entry in group["companies"]]
    assert names
    assert [name for name in (*names, *committed.reps) if name in shown] == []
    assert "rep-1" in shown


def test_a_broken_pack_of_the_past_is_named_by_its_revision(committed: World) -> None:
    edit(committed, "owners: [", "owers: [")
    git(committed.folder, "commit", "-q", "-a", "-m", "typo")
    edit(committed, "owers: [", "owners: [")
    with pytest.raises(InputError) as caught:
        compare_over_mirror(committed.context, "HEAD")
    assert caught.value.where == "HEAD:pack"
    assert caught.value.findings


def test_files_come_back_as_they_were_committed(committed: World) -> None:
    odd = committed.folder / "pack" / "lists" / "ö x.csv"
    odd.parent.mkdir()
    odd.write_bytes(b"domain\r\nacme.example\r\n\x00\xff")
    git(committed.folder, "add", "-A", "pack")
    git(committed.folder, "commit", "-q", "-m", "odd")
    odd.write_bytes(b"other")
    with pack_at(committed.folder / "pack", "HEAD") as revision:
        assert (revision.folder / "lists" / "ö x.csv").read_bytes() == b"domain\r\nacme.example\r\n\x00\xff"
        assert (revision.folder / "pack.yaml").is_file()
        folder = revision.folder
    assert not folder.exists()


@pytest.mark.parametrize("ref", ["nope", "--help", "-x", "HEAD:pack", ""])
def test_an_unknown_revision_is_said_in_our_words(committed: World, ref: str) -> None:
    with pytest.raises(UsageError, match="SYN009"), pack_at(committed.folder / "pack", ref):
        pass


def test_a_pack_that_was_not_there_yet_is_said_in_our_words(committed: World) -> None:
    shutil.copytree(committed.folder / "pack", committed.folder / "later")
    with pytest.raises(UsageError, match="SYN010"), pack_at(committed.folder / "later", "HEAD"):
        pass


def test_no_repository_and_no_git_are_said_in_our_words(ruled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(ruled.folder))
    with pytest.raises(UsageError, match="SYN008"), pack_at(ruled.folder / "pack", "HEAD"):
        pass
    monkeypatch.setenv("PATH", str(ruled.folder))
    with pytest.raises(UsageError, match="SYN007"), pack_at(ruled.folder / "pack", "HEAD"):
        pass


def test_export_files_need_accounts_alone(ruled: World) -> None:
    done = export_mirror(ruled.context, ruled.folder / "out", redact=True)
    alone = think_over_export(
        ruled.context.settings, ruled.folder / "pack", ExportFiles(done.files.accounts), now=ruled.clock.now()
    )
    assert len(alone.decisions) == done.decisions
