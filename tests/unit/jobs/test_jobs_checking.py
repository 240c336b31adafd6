"""check as a whole: the pack alone, and with a mirror that has accounts in it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from jobs_world import NOW, SALESFORCE, World

from syncd.cli.main import cli
from syncd.errors import Finding, Severity
from syncd.jobs.checking import CheckReport, check
from syncd.jobs.plans.plan import make_plan
from syncd.model.refs import Kind, Ref, System
from syncd.model.schemas import FieldSchema, ObjectSchema
from syncd.rules.conditions import FieldTest, walk
from syncd.rules.matching.matchers import EqualTo
from syncd.settings import Settings
from syncd.store.schemas import save_schemas, stored_schemas

REST = "  - {name: rest, when: always, owners: unassigned}\n"


def pack(folder: Path, *territories: str, head: str = "") -> Path:
    root = folder / "checked"
    root.mkdir(exist_ok=True)
    lines = "".join(f"  - {each}\n" for each in territories)
    (root / "pack.yaml").write_text(f"format: 1\n{head}territories:\n{lines}{REST}", encoding="utf-8")
    return root


def found(report: CheckReport, code: str) -> list[Finding]:
    return [each for each in report.findings if each.code == code]


def leave(world: World, email: str) -> None:
    """The person with this address is deactivated in Salesforce, and the next pull sees it."""
    user = next(row["Id"] for row in world.salesforce.records("User") if str(row["Email"]).lower() == email)
    world.salesforce.edit({"object": "User", "id": user, "deactivate": True})
    world.wait()
    world.pulled()


@pytest.fixture
def pulled(world: World) -> World:
    world.pulled()
    return world


def checked(world: World, *territories: str, head: str = "") -> CheckReport:
    root = pack(world.folder, *territories, head=head)
    return check(world.settings(), root, now=world.clock.now())


# The pack alone


def test_without_settings_only_the_pack_is_looked_at(tmp_path: Path) -> None:
    report = check(Settings(), pack(tmp_path, "{name: a, when: {country: DE}, owners: [x@example.com]}"), now=NOW)
    assert report.findings == ()
    assert report.accounts is None
    assert (report.decided, report.undecided) == (2, 0)


def test_a_mirror_that_was_never_filled_says_nothing(world: World) -> None:
    head = "pack: {cascade: {contacts: stay}}\n"
    report = checked(world, "{name: a, when: {country: DE}, owners: [nobody@example.com]}", head=head)
    assert report.findings == ()
    assert report.accounts is None


def test_exceptions_that_end_within_14_days_are_notes(tmp_path: Path) -> None:
    day = NOW.date()
    entries = ", ".join(
        f"{{account: {name}.com, owner: x@example.com, by: m, why: w, expires: {day + timedelta(days=days)}}}"
        for name, days in (("gone", -1), ("today", 0), ("last", 14), ("later", 15))
    )
    report = check(Settings(), pack(tmp_path, head=f"overrides: [{entries}]\n"), now=NOW)
    assert [each.message for each in found(report, "SYN358")] == [
        "the override of today.com ends today, on 2026-11-20",
        "the override of last.com ends in 14 days, on 2026-12-04",
    ]
    assert len(found(report, "SYN271")) == 1
    assert not report.fails(strict=False)
    assert report.fails(strict=True)


def test_findings_of_the_proof_show_their_source_line(tmp_path: Path) -> None:
    same = "{name: %s, when: {country: DE}, owners: unassigned}"
    report = check(Settings(), pack(tmp_path, same % "a", same % "b"), now=NOW)
    (finding,) = found(report, "SYN350")
    assert finding.source == f"  - {same % 'b'}"


# With a mirror


def test_owners_whom_no_system_knows_or_who_left_are_warnings(pulled: World) -> None:
    inactive = pulled.reps[2]
    leave(pulled, inactive)
    report = checked(
        pulled,
        f"{{name: a, when: {{country: DE}}, owners: [{pulled.reps[0]}, nobody@example.com]}}",
        "{name: b, when: {country: FR}, owners: {pool: p}}",
        head=f"pools: {{p: {{members: [{pulled.reps[1]}, {inactive}]}}}}\n",
    )
    assert report.accounts
    assert ["nobody@example.com" in each.message for each in found(report, "SYN363")] == [True]
    (left,) = found(report, "SYN364")
    assert left.message == f"{inactive} may be given accounts and is no active user of salesforce"
    assert left.place is not None
    assert left.place.line == 2
    assert report.fails(strict=True)


NIGHT = """pools:
  night: {members: [ana@example.com, ben@example.com]}
reps:
  - {email: ana@example.com, end: 2026-01-31}
  - {email: ben@example.com, out_of_office: [{from: 2026-11-01, until: 2026-12-31}]}
"""


@pytest.mark.parametrize(
    ("head", "severity"),
    [
        (NIGHT, Severity.NOTE),
        (NIGHT.replace("out_of_office: [{from: 2026-11-01, until: 2026-12-31}]", "end: 2026-06-30"), Severity.WARNING),
        (NIGHT.replace("until: 2026-12-31}", "until: 2026-12-31, cover: cleo@example.com}"), None),
        (NIGHT.replace("end: 2026-01-31", "end: 2027-01-31"), None),
    ],
)
def test_a_pool_of_which_nobody_may_be_given_an_account_today_is_found(
    tmp_path: Path, head: str, severity: Severity | None
) -> None:
    root = pack(tmp_path, '{name: large, when: {employees: ">= 1000"}, owners: {pool: night}}', head=head)
    report = check(Settings(), root, now=datetime(2026, 11, 20, 10, tzinfo=UTC))
    findings = found(report, "SYN374")
    assert [each.severity for each in findings] == ([severity] if severity else [])
    if severity is not None:
        assert "nobody of the pool `night` can be given an account today (ana@example.com: ended" in findings[0].message
        assert "night: {members" in str(findings[0].source)
    assert report.pack is not None


def test_a_territory_whose_people_all_ended_is_found_unless_it_has_an_overflow_to_lean_on(tmp_path: Path) -> None:
    head = "reps:\n  - {email: ana@example.com, end: 2026-01-31}\n"
    alone = '{name: large, when: {employees: ">= 1000"}, owners: [ana@example.com]}'
    leaning = '{name: small, when: {employees: "< 10"}, owners: [ana@example.com], overflow: [ben@example.com]}'
    report = check(Settings(), pack(tmp_path, alone, leaning, head=head), now=datetime(2026, 11, 20, 10, tzinfo=UTC))
    assert [(each.severity, each.message.split("`")[1]) for each in found(report, "SYN374")] == [
        (Severity.WARNING, "large"),
        (Severity.NOTE, "small"),
    ]


def test_a_pool_of_people_whom_no_crm_knows_is_found_in_the_mirror(pulled: World) -> None:
    head = "pools:\n  night: {members: [nobody.knows@example.com]}\n"
    report = checked(pulled, '{name: large, when: {employees: ">= 1000"}, owners: {pool: night}}', head=head)
    assert [each.severity for each in found(report, "SYN374")] == [Severity.WARNING]


def test_an_owner_who_may_own_no_accounts_is_a_warning(pulled: World) -> None:
    queue = next(str(row["Email"]) for row in pulled.dataset.salesforce["User"] if row["UserType"] != "Standard")
    report = checked(pulled, f"{{name: a, when: {{country: DE}}, owners: [{pulled.reps[0]}, {queue}]}}")
    (finding,) = found(report, "SYN364")
    assert finding.message == f"{queue} may be given accounts and may own none in hubspot and salesforce"
    assert finding.severity is Severity.WARNING


def test_an_owner_whom_one_crm_alone_knows_is_a_note(pulled: World) -> None:
    in_salesforce_alone = "amir.ivanov@northwind.example"
    owners = f"[{in_salesforce_alone}, {pulled.reps[0]}]"
    report = checked(pulled, f"{{name: a, when: {{country: DE}}, owners: {owners}}}")
    (finding,) = found(report, "SYN373")
    assert finding.message == f"{in_salesforce_alone} is no user of hubspot, which is written, too"
    assert finding.severity is Severity.NOTE
    alone = make_plan(pulled.context, pack=pack_of_one(pulled, in_salesforce_alone), all_decisions=True)
    told = {frozenset(Ref.parse(each).system for each in entry["accounts"]): entry for entry in alone["decisions"]}
    both, one = frozenset(System), frozenset({SALESFORCE})
    assert told[one]["owner"]["email"] == in_salesforce_alone
    assert (told[both]["reason"], told[both]["outcome"]) == ("no-eligible-rep", "held")


def pack_of_one(world: World, email: str) -> Path:
    """A pack whose only territory has one rep."""
    folder = world.folder / "one"
    folder.mkdir()
    lines = ["format: 1", "territories:", f"  - {{name: all, when: always, owners: [{email}]}}"]
    (folder / "pack.yaml").write_text("\n".join(lines) + "\n")
    return folder


def test_territories_that_hold_nothing_are_notes_unless_proved_unreachable(pulled: World) -> None:
    report = checked(
        pulled,
        "{name: nowhere, when: {country: AQ}, owners: unassigned}",
        "{name: again, when: {country: AQ}, owners: unassigned}",
    )
    (finding,) = found(report, "SYN360")
    assert f"none of {report.accounts} accounts in the mirror reaches `nowhere`" in finding.message
    assert len(found(report, "SYN350")) == 1


def test_a_territory_that_holds_nothing_says_what_keeps_accounts_out(pulled: World) -> None:
    report = checked(pulled, '{name: giants, when: {country: US, employees: ">= 900M"}, owners: unassigned}')
    (finding,) = found(report, "SYN360")
    assert finding.message.endswith(f"of {report.accounts} looked at miss it by employees alone")


def test_a_value_of_the_data_near_one_of_the_rules_is_told(pulled: World) -> None:
    industries = sorted({row["Industry"] for row in pulled.dataset.salesforce["Account"] if row["Industry"]}, key=len)
    right = industries[-1]
    report = checked(pulled, f"{{name: a, when: {{industry: {right[:-2] + right[-1]}}}, owners: unassigned}}")
    (finding,) = (*found(report, "SYN361"), *found(report, "SYN366"))
    assert finding.severity is Severity.WARNING
    assert finding.hint == f"did you mean {right!r}?"
    others = found(report, "SYN362")
    assert len(others) == 1
    assert "rules name values of industry" in others[0].message


def industry_of(world: World, name: str, *, offered: bool = True) -> None:
    """An industry that Salesforce's schema offers, or does not, as the next pull stores it."""
    with world.context.store.write() as conn:
        schema = stored_schemas(conn, System.SALESFORCE)[Kind.ACCOUNT]
        field = schema.fields["Industry"]
        values = {*field.values, name} if offered else {*field.values} - {name}
        fields = {**schema.fields, "Industry": FieldSchema(field.type, tuple(sorted(values)))}
        changed = ObjectSchema(Kind.ACCOUNT, schema.object, fields)
        save_schemas(conn, System.SALESFORCE, [changed], now=world.clock.now())


def test_a_value_that_no_crm_offers_is_a_warning_with_the_word_that_was_meant(pulled: World) -> None:
    report = checked(
        pulled,
        "{name: a, when: {industry: [Bankng, Insurance]}, owners: unassigned}",
        "{name: b, when: {not: {industry: Bankng}}, owners: unassigned}",
        "{name: c, when: {opportunities: {any: {stage: Whenever}}}, owners: unassigned}",
        "{name: d, when: {tier: Whatever, name: Whoever}, owners: unassigned}",
    )
    (finding,) = found(report, "SYN366")
    assert (finding.severity, finding.place and finding.place.line) == (Severity.WARNING, 3)
    assert finding.message == "'bankng' is no value that the CRM offers for industry"
    assert finding.hint == "did you mean 'Banking'?"
    assert report.fails(strict=True)


def test_a_value_that_accounts_still_have_is_a_note(pulled: World) -> None:
    held = next(row["Industry"] for row in pulled.dataset.salesforce["Account"] if row["Industry"] == "Banking")
    industry_of(pulled, held, offered=False)
    with pulled.context.store.write() as conn:
        schema = stored_schemas(conn, System.HUBSPOT)[Kind.ACCOUNT]
        fields = {**schema.fields, "industry": FieldSchema("enumeration", ("Retail",))}
        save_schemas(conn, System.HUBSPOT, [ObjectSchema(Kind.ACCOUNT, schema.object, fields)], now=pulled.clock.now())
    report = checked(pulled, f"{{name: a, when: {{industry: {held}}}, owners: unassigned}}")
    (finding,) = found(report, "SYN366")
    assert finding.severity is Severity.NOTE
    assert "still ha" in finding.message


def test_a_value_of_the_crm_that_holds_an_operator_is_taken_literally_everywhere(pulled: World) -> None:
    industry_of(pulled, "Arts* > 3")
    root = pack(pulled.folder, '{name: a, when: {industry: "Arts* > 3"}, owners: unassigned}')
    report = check(pulled.settings(), root, now=pulled.clock.now())
    assert [each.severity for each in found(report, "SYN231")] == [Severity.NOTE]
    assert found(report, "SYN366") == []
    for read in (report.pack, pulled.context.pack(root)):
        assert read is not None
        (test,) = (each for each in walk(read.roles["owner"][0].when) if isinstance(each, FieldTest))
        assert isinstance(test.matcher, EqualTo)
        assert test.matcher.value == "arts* > 3"


def test_fields_that_rules_read_are_counted_and_thin_ones_told(pulled: World) -> None:
    report = checked(pulled, "{name: a, when: {country: US, parent: {present: true}}, owners: unassigned}")
    fields = {each.field: each for each in report.fields}
    assert sorted(fields) == ["country", "parent"]
    assert fields["country"].of == report.accounts
    assert fields["country"].percent > 50 > fields["parent"].percent
    (finding,) = found(report, "SYN372")
    assert finding.severity is Severity.NOTE
    assert f"{fields['parent'].accounts} of {report.accounts} accounts" in finding.message


def test_territories_by_places_alone_are_one_note_with_counts(pulled: World) -> None:
    report = checked(pulled, "{name: us, when: {country: US}, owners: unassigned}")
    (finding,) = found(report, "SYN365")
    assert finding.message.startswith("1 of 2 territories are drawn by places alone: `us` (")


def test_a_database_of_another_version_is_a_note_and_the_pack_is_checked(world: World) -> None:
    with world.context.store.write() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    head = "pack: {cascade: {contacts: stay}}\n"
    report = checked(world, "{name: a, when: {country: DE}, owners: unassigned}", head=head)
    assert [each.code for each in report.findings] == ["SYN367"]
    assert report.pack is not None


# The command


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["check", *arguments], standalone_mode=False)
    assert result.exception is None, result.exception
    return int(result.return_value), result.stdout


def test_json_carries_the_example_and_what_was_proved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    same = "{name: %s, when: {country: DE}, owners: unassigned}"
    root = pack(tmp_path, same % "a", same % "b")
    code, out = invoke(str(root), "--format", "json")
    document = json.loads(out)
    assert code == 0
    assert document["ok"] is True
    assert document["proof"] == {"decided": 3, "undecided": 0}
    (finding,) = document["findings"]
    assert finding["example"]["account"] == {"country": "DE"}
    assert finding["territories"] == ["b", "a"]
    assert invoke(str(root), "--strict")[0] == 3


def test_sarif_is_written_for_a_broken_pack_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    root = pack(tmp_path, "{name: a, when: {contry: DE}, owners: unassigned}")
    code, out = invoke(root.name, "--format", "sarif")
    assert code == 3
    (run,) = json.loads(out)["runs"]
    assert [each["ruleId"] for each in run["results"]] == ["SYN210"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "checked/pack.yaml"


def test_the_mirror_of_the_settings_is_looked_at_unless_told_not_to(
    pulled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled.settings()
    for name, value in pulled.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(pulled.folder)
    root = pack(pulled.folder, "{name: a, when: {country: DE}, owners: [nobody@example.com]}")
    assert "accounts of the mirror looked at" in invoke(str(root))[1]
    assert "accounts of the mirror" not in invoke(str(root), "--no-mirror")[1]


def test_the_instant_of_a_check_only_moves_dates(tmp_path: Path) -> None:
    root = pack(tmp_path, "{name: a, when: {created_at: {last: 30d}}, owners: unassigned}")
    later = check(Settings(), root, now=datetime(2031, 5, 1, tzinfo=UTC))
    assert later.findings == check(Settings(), root, now=NOW).findings == ()


def test_a_check_without_a_mirror_loads_no_database(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    for folder, text in (
        (good, "format: 1\nterritories:\n  - {name: rest, when: always, owners: unassigned}\n"),
        (bad, "x"),
    ):
        folder.mkdir()
        (folder / "pack.yaml").write_text(text)
    program = (
        "import sys\nfrom syncd.cli.main import cli\n"
        f"codes = [cli(['check', each], standalone_mode=False) for each in ({str(bad)!r}, {str(good)!r})]\n"
        "print(codes, sorted({'sqlalchemy', 'syncd.jobs.books.book', 'requests'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[<ExitCode.INVALID: 3>, <ExitCode.OK: 0>] []"
