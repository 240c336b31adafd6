"""The tools for people who edit rules, through their commands: test --coverage, fmt, docs, import, schema."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from syncd.cli.main import cli
from syncd.errors import SyncdError

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "examples" / "demo"


@pytest.fixture(autouse=True)
def _no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SYNCD_CONFIG", raising=False)


def syncd(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], standalone_mode=False)


def written(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return folder


COVERED = """format: 1
pack: {name: c, defaults: {country: US}}
segments:
  large: {employees: ">= 1000"}
protect:
  late: {when: {open_stages: [Negotiation]}, reason: late}
territories:
  - name: named
    when: {domain: [acme.com]}
    owners: [a@x.com]
  - name: emea
    when: {country: [DE, FR]}
    owners: [a@x.com]
    territories:
      - name: emea-large
        when: {in_segment: large, not: {industry: Retail}}
        owners: [b@x.com]
  - name: west
    territories: {table: west.csv}
    when: {country: US}
    owners: [c@x.com]
  - name: rest
    when: always
    owners: unassigned
tests:
  - name: one
    account: {country: DE, employees: 5000, industry: Banking}
    expect: {territory: emea-large}
  - name: two
    account: {country: DE, employees: 5, industry: Retail}
    expect: {territory: emea}
  - name: three
    account: {country: US, state: CA}
    expect: {territory: california}
"""
TABLE = "territory,state,employees,owners\ncalifornia,CA,,c@x.com\ncalifornia,NV,>= 10,c@x.com\noregon,OR,,c@x.com\n"


def coverage(pack: Path) -> dict[str, Any]:
    result = syncd("test", pack, "--coverage", "--format", "json")
    return dict(json.loads(result.stdout)["coverage"])


@pytest.fixture
def covered(tmp_path: Path) -> Path:
    return written(tmp_path / "pack", pack__yaml=COVERED, west__csv=TABLE)


def test_coverage_says_which_territories_take_a_case(covered: Path) -> None:
    rules = {rule["name"]: rule for rule in coverage(covered)["by_rule"]}
    assert {name: rule["cases"] for name, rule in rules.items()} == {
        "named": 0,
        "emea": 1,
        "emea/emea-large": 1,
        "west": 0,
        "west/california": 1,
        "west/oregon": 0,
        "rest": 0,
        "late": 0,
    }
    assert rules["late"]["kind"] == "protect"


def clauses_of(pack: Path) -> dict[tuple[str, int, str], tuple[bool, bool]]:
    return {
        (clause["file"], clause["line"], clause["text"]): (clause["seen_true"], clause["seen_false"])
        for rule in coverage(pack)["by_rule"]
        for clause in rule["clauses"]
    }


def test_coverage_says_which_clauses_are_seen_true_and_false(covered: Path) -> None:
    found = clauses_of(covered)
    assert found["pack.yaml", 12, "country: [DE, FR]"] == (True, True)
    assert found["pack.yaml", 9, "domain: [acme.com]"] == (False, True)
    assert found["pack.yaml", 4, 'employees: ">= 1000"'] == (True, True)  # in the segment, at its own place
    assert found["pack.yaml", 16, "industry: Retail"] == (True, True)
    assert found["pack.yaml", 20, "country: US"] == (True, False)
    assert found["pack.yaml", 6, "open_stages: [Negotiation]"] == (False, True)


def test_coverage_counts_the_rows_of_tables(covered: Path) -> None:
    rows = {(line, seen) for (file, line, _), seen in clauses_of(covered).items() if file == "west.csv"}
    assert {line for line, _ in rows} == {2, 3, 4}
    assert (2, (True, False)) in rows  # the only American is a Californian
    assert (4, (False, False)) in rows  # nobody got as far as Oregon


def test_a_clause_no_case_gets_to_is_never_asked(covered: Path) -> None:
    text = (covered / "pack.yaml").read_text()
    (covered / "pack.yaml").write_text(
        text.replace("country: US, state: CA", "country: BR").replace("california}", "rest}")
    )
    assert clauses_of(covered)["pack.yaml", 20, "country: US"] == (False, True)
    assert all(seen == (False, False) for (file, *_), seen in clauses_of(covered).items() if file == "west.csv")


def test_coverage_as_text_lists_what_is_missing_with_its_place(covered: Path) -> None:
    said = syncd("test", covered, "--coverage").stdout
    assert "3 of 8 (37 %) rules take a case" in said
    assert "pack.yaml:8:5: no case ends in named" in said
    assert "pack.yaml:20:12: never false: country: US" in said


def test_a_clause_asked_of_opportunities_is_covered_by_them(tmp_path: Path) -> None:
    pack = written(
        tmp_path / "deals",
        pack__yaml="""format: 1
territories:
  - name: hot
    when: {opportunities: {any: {amount: "> 100"}}}
    owners: [a@x.com]
  - {name: rest, when: always, owners: unassigned}
tests:
  - name: one
    account: {name: x}
    opportunities: [{stage: New, amount: 50}, {stage: New, amount: 500}]
    expect: {territory: hot}
""",
    )
    assert clauses_of(pack)["pack.yaml", 4, 'amount: "> 100"'] == (True, True)


# fmt


def test_fmt_writes_the_layout_and_then_has_nothing_to_do(tmp_path: Path) -> None:
    untidy = COVERED.replace("[DE, FR]", "[ DE,FR ]").replace("pack: {", "pack:   { ")
    pack = written(tmp_path / "pack", pack__yaml=untidy, west__csv="\ufeff" + TABLE)
    csv_before = (pack / "west.csv").read_bytes()
    before = syncd("check", pack).stdout.partition("revision")[0]
    assert syncd("fmt", pack, "--check").return_value == 3
    assert syncd("fmt", pack).return_value == 0
    assert syncd("check", pack).stdout.partition("revision")[0] == before
    assert (pack / "west.csv").read_bytes() == csv_before
    assert syncd("fmt", pack, "--check").return_value == 0
    assert sorted(path.name for path in pack.iterdir()) == ["pack.yaml", "west.csv"]


def test_fmt_check_writes_nothing(tmp_path: Path) -> None:
    pack = written(tmp_path / "pack", pack__yaml="pack:   {name: x}\n")
    assert syncd("fmt", pack, "--check").return_value == 3
    assert (pack / "pack.yaml").read_text() == "pack:   {name: x}\n"


def test_fmt_leaves_a_file_that_it_cannot_read_and_formats_the_others(tmp_path: Path) -> None:
    pack = written(tmp_path / "pack", a__yaml="a: [1\n", b__yaml="pack:   {name: x}\n", c__yaml="? x\n: y\n")
    result = syncd("fmt", pack)
    assert result.return_value == 3
    assert (pack / "a.yaml").read_text() == "a: [1\n"
    assert (pack / "b.yaml").read_text() == "pack: {name: x}\n"
    assert "a.yaml:2:1: error SYN201" in result.stderr
    assert "c.yaml:1:1: error SYN380" in result.stderr


def test_fmt_keeps_the_mode_of_a_file_and_what_a_link_leads_to(tmp_path: Path) -> None:
    pack = written(tmp_path / "pack", pack__yaml="pack:   {name: x}\n")
    (pack / "pack.yaml").chmod(0o640)
    assert syncd("fmt", pack / "pack.yaml").return_value == 0
    assert (pack / "pack.yaml").stat().st_mode & 0o777 == 0o640


def test_a_pack_read_back_differently_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = written(tmp_path / "pack", pack__yaml="pack:   {name: x}\n")
    monkeypatch.setattr("syncd.jobs.packs.formatting.formatted", lambda text: text.replace("x", "y"))
    result = syncd("fmt", pack)
    assert isinstance(result.exception, SyncdError)
    assert result.exception.code == "SYN381"
    assert (pack / "pack.yaml").read_text() == "pack:   {name: x}\n"


# docs


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "input", "br"):
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_docs_tell_who_is_in_a_territory_and_who_gets_it() -> None:
    said = syncd("docs", DEMO).stdout
    assert "accounts where the country is Brazil, Canada, Mexico or United States." in said
    assert "it is in the segment “dach”" in said
    assert (
        "one of jonas.costa@northwind.example and uma.jansen@northwind.example: whoever has the smallest load"
        in said.replace("One", "one")
    )
    assert "enterprise: the number of employees is at least 1,000." in said
    assert "`territories.yaml:7`" in said


def test_the_page_is_whole_needs_no_network_and_holds_every_territory(tmp_path: Path) -> None:
    page = syncd("docs", DEMO, "--format", "html").stdout
    tags = _Tags()
    tags.feed(page)
    assert tags.open == []
    assert all(link.startswith("#") for link in tags.links)
    assert "http" not in re.sub(r'http-equiv="[^"]*"', "", page)
    assert page.count('<details class="territory"') == 8
    assert "prefers-color-scheme:dark" in page
    assert "@media print" in page


def test_nothing_of_a_pack_becomes_markup(tmp_path: Path) -> None:
    evil = '"x <script>alert(1)</script> [x](javascript:y) `z` | @all"'
    pack = written(
        tmp_path / "pack",
        pack__yaml=f"format: 1\nterritories:\n  - name: a\n    when: {{industry: {evil}}}\n    note: {evil}\n"
        "    owners: [a@x.com]\n  - {name: rest, when: always, owners: unassigned}\n",
    )
    page, text = syncd("docs", pack, "--format", "html").stdout, syncd("docs", pack).stdout
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert "<script>" not in text
    assert "[x](" not in text


# import

EXPORT = {
    "t.csv": "Id,Name,DeveloperName,ParentTerritory2Id\n1,EMEA,EMEA,\n2,DACH,DACH,1\n3,US,US,\n"
    "4,West,West,3\n5,Odd,Odd,\n6,Hand,Hand,\n",
    "r.csv": "Id,MasterLabel,BooleanFilter,IsActive,ObjectType\n11,E,,true,Account\n"
    "12,D,1 AND (2 OR NOT 3),true,Account\n13,U,,true,Account\n14,W,,true,Account\n"
    "15,O,,true,Account\n16,Old,,false,Account\n",
    "i.csv": "RuleId,Field,Operation,Value,SortOrder\n"
    '11,Account.BillingCountry,equals,"Germany,Austria,CH,France",1\n'
    '12,BillingCountry,equals,"DE,AT,CH",1\n12,Industry,equals,"Banking,A*B",2\n12,NumberOfEmployees,lessThan,100,3\n'
    '13,BillingCountry,equals,US,1\n13,Name,notContain,test,2\n14,BillingState,contains,"CA,Oregon",1\n'
    "14,BillingPostalCode,greaterOrEqual,90000,2\n14,BillingPostalCode,lessOrEqual,96162,3\n"
    "15,Tier__c,equals,Gold,1\n15,AnnualRevenue,greaterThan,1000000,2\n",
    "l.csv": "RuleId,Territory2Id,IsInherited\n11,1,false\n11,2,true\n12,2,false\n13,3,false\n"
    "14,4,false\n15,5,false\n16,6,false\n",
    "m.csv": "UserId,Territory2Id,IsActive\n91,1,true\n92,2,true\n92,5,true\n",
    "u.csv": "Id,Email,IsActive\n91,Ana@x.com,true\n92,Ben@x.com,true\n",
}


def imported(tmp_path: Path, files: dict[str, str] = EXPORT, *more: str) -> tuple[Result, Path]:
    folder = tmp_path / "sf"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    out = tmp_path / "pack"
    return syncd("import", *(folder / name for name in files), "--out", out, *more), out


CASES = [
    ("country: DE, industry: Banking, employees: 50", "dach"),
    ("country: DE, industry: Retail, employees: 500", "dach"),
    ("country: DE, industry: Retail, employees: 50", "emea"),
    ("country: DE, industry: AxB, employees: 50", "emea"),
    ("country: FR, industry: Banking", "emea"),
    ("country: US, name: Acme", "us"),
    ("country: US, name: A test", "everyone-else"),
    ("country: US, state: OR, postal_code: '90210', name: A test", "west"),
    ("country: US, state: NV, postal_code: '90210'", "us"),
    ("country: BR, annual_revenue: 2000000", "odd"),
    ("country: BR", "everyone-else"),
]


def test_an_import_decides_as_salesforce_does(tmp_path: Path) -> None:
    _, out = imported(tmp_path, EXPORT, "--country", "US")
    cases = "".join(
        f"  - name: case {number}\n    account: {{{account}}}\n    expect: {{territory: {territory}}}\n"
        for number, (account, territory) in enumerate(CASES)
    )
    (out / "tests.yaml").write_text(f"tests:\n{cases}")
    result = syncd("test", out)
    assert result.return_value == 0, result.output


def test_an_import_is_a_valid_pack_in_the_layout_and_has_the_people(tmp_path: Path) -> None:
    _, out = imported(tmp_path, EXPORT, "--country", "US")
    assert syncd("check", out).return_value == 0
    assert syncd("fmt", out, "--check").return_value == 0
    assert "owners: [ben@x.com]" in (out / "territories.yaml").read_text()


def test_what_an_import_cannot_carry_over_is_said_with_its_place_and_given_to_nobody(tmp_path: Path) -> None:
    result, out = imported(tmp_path, EXPORT, "--country", "US")
    assert re.search(
        r"i\.csv:11:1: warning SYN384 not carried over of the rule 'O': Tier__c equals Gold", result.stderr
    )
    assert re.search(r"t\.csv:7:1: warning SYN384 the territory 'Hand' is left out", result.stderr)
    assert "5 territories, 1 of them wider than in Salesforce, 1 left out" in result.stdout
    odd = (out / "territories.yaml").read_text().partition("name: odd")[2].partition("- name")[0]
    assert "owners: unassigned" in odd


def test_a_state_without_a_country_is_not_guessed(tmp_path: Path) -> None:
    result, _ = imported(tmp_path)
    assert "'CA' is no state that is known; name its country with --country" in result.stderr


def test_one_flat_file_is_enough(tmp_path: Path) -> None:
    rows = ("Territory,Field,Operation,Value,Owner", "West,BillingState,equals,CA,ana@x.com")
    flat = "\n".join([*rows, "West,NumberOfEmployees,greater than,10,", ""])
    _, out = imported(tmp_path, {"flat.csv": flat}, "--country", "US")
    text = (out / "territories.yaml").read_text()
    assert 'when: {state: US-CA, employees: "> 10"}' in text
    assert "owners: [ana@x.com]" in text


def test_an_owner_who_is_no_e_mail_is_left_out_and_named_with_the_row(tmp_path: Path) -> None:
    rows = ("Territory,Field,Operation,Value,Owner", "West,BillingState,equals,CA,nobody", "")
    result, out = imported(tmp_path, {"flat.csv": "\n".join(rows)}, "--country", "US")
    assert "flat.csv:2:1: warning SYN384 the owner 'nobody' of the territory 'West' is no e-mail" in result.stderr
    assert "owners: unassigned" in (out / "territories.yaml").read_text()


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"x.csv": "a,b\n1,2\n"}, "SYN385"),
        ({"t.csv": ""}, "SYN385"),
        ({"t.csv": "Id,ParentTerritory2Id,Territory2ModelId\n1,,9\n2,,8\n"}, "SYN385"),
    ],
)
def test_a_file_that_is_no_export_is_refused(tmp_path: Path, files: dict[str, str], code: str) -> None:
    result, out = imported(tmp_path, files)
    assert isinstance(result.exception, SyncdError)
    assert result.exception.code == code
    assert not out.exists()


def test_territories_in_a_ring_are_left_out_and_said(tmp_path: Path) -> None:
    files = {
        "t.csv": "Id,Name,ParentTerritory2Id\n1,A,2\n2,B,1\n3,C,\n",
        **{name: EXPORT[name] for name in ("r.csv", "i.csv")},
    }
    files["l.csv"] = "RuleId,Territory2Id,IsInherited\n11,3,false\n"
    result, _ = imported(tmp_path, files)
    assert "is left out: it is its own ancestor" in result.stderr


def test_rows_that_lead_nowhere_and_rows_that_stand_twice_are_said_each_at_its_place(tmp_path: Path) -> None:
    files = {name: "\ufeff" + text.replace("\n", "\r\n") for name, text in EXPORT.items()}
    files["t.csv"] += "1,Twice,Twice,\r\n"
    files["i.csv"] += "99,Name,equals,X,1\r\n11,Type,notEqual,,2\r\n"
    files["l.csv"] += "11,77,false\r\n"
    files["m.csv"] += "93,3,true\r\n94,4,true\r\n95,5,true\r\n"
    files["u.csv"] += "93,,true\r\n94,gone@x.com,false\r\n"
    result, out = imported(tmp_path, files)
    assert result.exit_code == 0, result.output
    said = re.sub(r"\S*/sf/", "", result.stderr)
    for place, text in {
        "t.csv:8": "a second row of the territory 1, first at line 2",
        "i.csv:13": "of the rule 99, which none of the files holds",
        "l.csv:9": "of the territory 77, which none of the files holds",
        "m.csv:5": "the user 93 of the territory 'US' has no e-mail",
        "m.csv:6": "the user 94 of the territory 'West' is not active",
        "m.csv:7": "the user 95 of the territory 'Odd' is in none of the files",
    }.items():
        line = next((line for line in said.splitlines() if line.startswith(f"{place}:")), said)
        assert text in line
    written = (out / "territories.yaml").read_text()
    assert "twice" not in written
    assert "present: true" in written


def test_an_import_overwrites_nothing(tmp_path: Path) -> None:
    shutil.copytree(DEMO, tmp_path / "pack")
    result, _ = imported(tmp_path)
    assert isinstance(result.exception, SyncdError)
    assert result.exception.code == "SYN004"


# editors


def test_init_writes_the_schema_that_its_rule_files_name(tmp_path: Path) -> None:
    syncd("init", tmp_path / "new")
    for path in (tmp_path / "new" / "pack").rglob("*.yaml"):
        first = path.read_text().splitlines()[0]
        named = first.removeprefix("# yaml-language-server: $schema=")
        assert named != first
        assert json.loads((path.parent / named).read_text())["title"] == "syncd pack"
