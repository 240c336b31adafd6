"""What check proves of a pack without data: each kind of claim, its place and its example; and what is no claim."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pack_writing import write

from syncd.errors import Severity
from syncd.model.fields import FieldCatalogue
from syncd.model.money import MoneyTable
from syncd.rules.cases import run_cases
from syncd.rules.derivation import Derivation
from syncd.rules.loader import check_pack
from syncd.rules.pack import Case, Pack
from syncd.rules.proving.claims import MOST_SHOWN, Claim
from syncd.rules.proving.proof import Proof, prove

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
REST = "  - {name: rest, when: always, owners: unassigned}\n"


def proof_of(root: Path, text: str, **files: str) -> tuple[Pack, Proof]:
    others = {name.replace("__", "."): content for name, content in files.items()}
    pack, findings = check_pack(write(root, {"pack.yaml": text, **others}))
    assert pack is not None, [str(each) for each in findings]
    derivation = Derivation(default_country=pack.default_country, fill_missing_country=pack.fill_missing_country)
    return pack, prove(pack, derivation=derivation, now=NOW, known=findings)


def claims_of(root: Path, *territories: str, head: str = "", **files: str) -> list[Claim]:
    lines = "".join(f"  - {each}\n" for each in territories)
    return list(proof_of(root, f"format: 1\n{head}territories:\n{lines}{REST}", **files)[1].claims)


def told(claims: list[Claim]) -> list[tuple[str, str, str]]:
    """Code, severity and line:column of each claim."""
    return [
        (each.finding.code, each.finding.severity.value, str(each.finding.place).partition(":")[2]) for each in claims
    ]


def t(name: str, when: str, more: str = "owners: unassigned") -> str:
    return f"{{name: {name}, when: {when}, {more}}}"


# Territories that nobody reaches


def test_a_sibling_that_takes_everything_is_named_with_an_account_that_it_takes(tmp_path: Path) -> None:
    (claim,) = claims_of(tmp_path, t("dach", "{country: [DE, AT]}"), t("large", '{country: DE, employees: ">= 1000"}'))
    assert told([claim]) == [("SYN350", "warning", "4:5")]
    assert "`dach` (pack.yaml:3:5) takes every account" in claim.finding.message
    assert claim.subjects == ("large", "dach")
    assert claim.example is not None
    assert claim.example.account == {"country": "DE", "employees": "1000"}


def test_siblings_that_only_together_take_everything_are_both_named(tmp_path: Path) -> None:
    (claim,) = claims_of(
        tmp_path,
        t("small", '{employees: "< 500"}'),
        t("large", '{employees: ">= 500"}'),
        t("middle", '{employees: "100..900", country: DE}'),
    )
    assert claim.subjects == ("middle", "small", "large")


def test_zip_prefixes_ranges_and_lists_are_compared_exactly(tmp_path: Path) -> None:
    claims = claims_of(
        tmp_path,
        t("west", '{country: US, postal_code: ["94*", "95000..95999"]}'),
        t("city", '{country: US, postal_code: "941*"}'),
        t("listed", '{country: US, postal_code: ["94105", "95001"]}'),
        t("reached", '{country: US, postal_code: ["95*", "96001"]}'),
    )
    assert [each.subjects[0] for each in claims if each.finding.code == "SYN350"] == ["city", "listed"]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ('{name: "*bank*"}', '{name: "*bankhaus*"}'),
        ("{name: {contains: gmbh}}", '{name: "*gmbh & co*"}'),
        ("{created_at: {last: 90d}}", "{created_at: {last: 30d}}"),
        ("{created_at: {older_than: 1mo}}", "{created_at: {older_than: 90d}}"),
        ("{open_stages: {any_of: [Negotiation, Proposal]}}", "{open_stages: {all_of: [Proposal, Closing]}}"),
        ("{opportunities: {any: {stage: Proposal}}}", "{opportunities: {any: {stage: Proposal}}, country: DE}"),
        ('{annual_revenue: ">= 1M"}', '{annual_revenue: ">= 5M"}'),
        ('{open_opportunities: "..0"}', "{open_opportunities: 0}"),
        ("{locked: [true, false, missing]}", "{country: DE}"),
        ("{country: {present: true}}", "{country: DE}"),
        ('{created_at: ">= 2026-01-01"}', '{created_at: "2026-03-01..2026-04-30"}'),
    ],
)
def test_what_lies_inside_is_found_for_every_type(earlier: str, later: str, tmp_path: Path) -> None:
    claims = claims_of(tmp_path, t("a", earlier), t("b", later))
    assert [each.subjects[0] for each in claims if each.finding.code == "SYN350"] == ["b"]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ('{name: "*bankhaus*"}', '{name: "*bank*"}'),
        ("{created_at: {last: 30d}}", "{created_at: {last: 90d}}"),
        ("{created_at: {older_than: 90d}}", "{created_at: {not_since: 90d}}"),
        ('{country: "!= DE"}', "{employees: 5}"),
        ("{opportunities: {any: {stage: Proposal}}}", "{open_stages: Proposal}"),
        ("{country: DE}", '{domain: {ends_with: ".de"}}'),
    ],
)
def test_a_territory_that_some_account_reaches_is_never_accused(earlier: str, later: str, tmp_path: Path) -> None:
    codes = [each.finding.code for each in claims_of(tmp_path, t("a", earlier), t("b", later))]
    assert not {"SYN350", "SYN351", "SYN352"} & set(codes)


def test_a_parent_that_rules_its_child_out_is_named(tmp_path: Path) -> None:
    child = t("us", "{country: US}")
    (claim,) = claims_of(tmp_path, t("emea", "{country: [DE, FR]}", f"owners: unassigned, territories: [{child}]"))
    assert claim.finding.code == "SYN351"
    assert claim.subjects == ("emea/us",)
    assert "`emea` above it (pack.yaml:3:5)" in claim.finding.message


def test_children_of_an_unreached_territory_are_not_accused_again(tmp_path: Path) -> None:
    child = t("below", "{industry: Banking}")
    claims = claims_of(
        tmp_path, t("a", "{country: DE}"), t("b", "{country: DE}", f"owners: unassigned, territories: [{child}]")
    )
    assert [each.subjects[0] for each in claims] == ["b"]


def test_a_sibling_out_of_its_dates_takes_nothing(tmp_path: Path) -> None:
    past = "owners: unassigned, effective: {until: 2026-06-30}"
    assert claims_of(tmp_path, t("a", "{country: DE}", past), t("b", "{country: DE}")) == []
    (claim,) = claims_of(
        tmp_path, t("a", "{country: DE}", past), t("b", "{country: DE}", past.replace("06-30", "05-01"))
    )
    assert claim.subjects == ("b", "a")


def test_what_the_loader_has_said_is_not_said_again(tmp_path: Path) -> None:
    text = "format: 1\nterritories:\n  - {name: all, when: {country: [DE, AT]}, owners: unassigned, territories: "
    table = "territory,country,owners\na,DE,unassigned\nb,AT,unassigned\na,DE,\n"
    _, proof = proof_of(tmp_path, text + "{table: t.csv}}\n" + REST, t__csv=table)
    assert [each.finding.code for each in proof.claims if each.finding.code == "SYN350"] == []


# Contradictions


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ('{employees: ">= 1000", all: [{employees: "< 500"}]}', "never hold together"),
        ("{country: DE, none: [{country: [DE, AT]}]}", "never hold together"),
        ("{name: {starts_with: acme, ends_with: inc}, all: [{name: globex}]}", "never hold together"),
        ("{open_opportunities: missing}", "never holds"),
        ("{created_at: {last: 30d, older_than: 90d}}", "never holds"),
        ("{systems: {all_of: [salesforce], none_of: [salesforce]}}", "never holds"),
    ],
)
def test_a_contradiction_names_the_clauses(when: str, said: str, tmp_path: Path) -> None:
    (claim,) = claims_of(tmp_path, t("a", when))
    assert claim.finding.code == "SYN352"
    assert said in claim.finding.message


def test_segments_and_protect_rules_are_looked_at_too(tmp_path: Path) -> None:
    head = (
        'segments: {odd: {employees: "> 10", all: [{employees: "< 5"}]}}\n'
        "protect: {never: {when: {country: DE, all: [{country: AT}]}, reason: odd}}\n"
    )
    claims = claims_of(tmp_path, t("a", "{country: DE}"), head=head)
    assert told(claims) == [("SYN352", "warning", "2:17"), ("SYN352", "warning", "3:25")]


# Overlaps and holes


def test_bands_that_share_an_edge_are_a_note(tmp_path: Path) -> None:
    (claim,) = claims_of(tmp_path, t("small", '{employees: "1..200"}'), t("medium", '{employees: "200..999"}'))
    assert told([claim]) == [("SYN353", "note", "4:27")]
    assert claim.example is not None
    assert claim.example.account == {"employees": "200"}


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ('{country: DE, employees: ">= 1000"}', "{country: DE}"),
        ("{domain: [acme.com]}", "{country: DE}"),
        ('{employees: "1..199"}', '{employees: "200..999"}'),
    ],
)
def test_special_cases_and_rules_on_other_fields_are_no_overlap(earlier: str, later: str, tmp_path: Path) -> None:
    assert claims_of(tmp_path, t("a", earlier), t("b", later)) == []


def test_an_overlap_that_an_earlier_sibling_takes_is_none(tmp_path: Path) -> None:
    territories = [t("a", '{employees: "1..200"}'), t("b", '{employees: "200..999"}')]
    assert [each.finding.code for each in claims_of(tmp_path, *territories)] == ["SYN353"]
    assert claims_of(tmp_path, t("edge", "{employees: 200}"), *territories) == []


def test_a_hole_of_one_number_is_a_warning_and_a_wide_one_a_note(tmp_path: Path) -> None:
    (claim,) = claims_of(tmp_path, t("medium", '{employees: "200..999"}'), t("large", '{employees: "> 1000"}'))
    assert told([claim]) == [("SYN354", "warning", "4:26")]
    assert "takes employees 1000: such an account goes to `rest`" in claim.finding.message
    assert claim.example is not None
    assert claim.example.account == {"employees": "1000"}
    (claim,) = claims_of(tmp_path, t("medium", '{employees: "200..999"}'), t("large", '{employees: ">= 5000"}'))
    assert told([claim]) == [("SYN354", "note", "4:26")]
    assert "1000 to 4999" in claim.finding.message


def test_a_hole_in_dates_is_told_by_its_days(tmp_path: Path) -> None:
    (claim,) = claims_of(
        tmp_path, t("old", '{created_at: "2025-01-01..2025-12-30"}'), t("new", '{created_at: ">= 2026-01-01"}')
    )
    assert claim.finding.severity is Severity.WARNING
    assert "created_at 2025-12-31:" in claim.finding.message


def test_a_hole_is_judged_among_rules_that_ask_the_same_besides(tmp_path: Path) -> None:
    bands = [t("a", '{country: DE, employees: "..199"}'), t("b", '{country: AT, employees: ">= 300"}')]
    assert claims_of(tmp_path, *bands) == []
    assert claims_of(tmp_path, t("a", '{employees: "..199"}'), t("b", '{employees: ">= 200"}')) == []
    filled = [t("a", '{employees: "..199"}'), t("b", '{employees: ">= 300"}'), t("c", "{employees: {present: true}}")]
    assert claims_of(tmp_path, *filled) == []


# Clauses that never decide


def test_a_clause_that_the_parent_says_already_is_a_note(tmp_path: Path) -> None:
    child = t("banks", "{country: [AT, DE], industry: Banking}")
    (claim,) = claims_of(tmp_path, t("dach", "{country: [DE, AT]}", f"owners: unassigned, territories: [{child}]"))
    assert claim.finding.code == "SYN355"
    assert "`country: [AT, DE]` never decides in `banks`: `dach` above it" in claim.finding.message


def test_of_two_clauses_that_say_the_same_one_is_told(tmp_path: Path) -> None:
    claims = claims_of(tmp_path, t("a", '{employees: ">= 1000", all: [{employees: "> 500"}]}'))
    assert [each.finding.message for each in claims] == [
        '`employees: "> 500"` never decides in `a`: `employees: ">= 1000"` already says so'
    ]


def test_a_value_that_the_parent_rules_out_is_a_warning(tmp_path: Path) -> None:
    child = t("west", "{country: [DE, FR, GB], industry: Retail}")
    (claim,) = claims_of(tmp_path, t("dach", "{country: [DE, AT]}", f"owners: unassigned, territories: [{child}]"))
    assert told([claim])[0][:2] == ("SYN356", "warning")
    assert claim.finding.message.startswith("`FR` and `GB` never match in `west`")


def test_missing_values_make_a_comparison_decide(tmp_path: Path) -> None:
    assert claims_of(tmp_path, t("a", '{country: DE, any: [{employees: "< 500"}, {employees: ">= 500"}]}')) == []


# What is not decided, and how much is told


def test_what_cannot_be_proved_is_counted_with_its_place(tmp_path: Path) -> None:
    pack, proof = proof_of(
        tmp_path,
        "format: 1\nterritories:\n"
        "  - {name: deal, when: {opportunities: {any: {stage: Proposal}}}, owners: unassigned}\n" + REST,
    )
    (claim,) = proof.claims
    assert told([claim]) == [("SYN357", "note", "3:5")]
    assert claim.finding.message.startswith("of 1 of 2 territories")
    assert [each.path for each in proof.undecided] == ["deal"]
    assert proof.decided == sum(1 for _ in pack.territories()) - 1


def test_out_of_steps_is_undecided_and_no_claim(tmp_path: Path) -> None:
    text = "format: 1\nterritories:\n" + "".join(
        f"  - {t(f't{number}', f'{{country: DE, employees: {number}}}')}\n" for number in range(50)
    )
    pack, _ = check_pack(write(tmp_path, {"pack.yaml": text + REST}))
    assert pack is not None
    proof = prove(pack, derivation=Derivation(), now=NOW, steps=40)
    assert len(proof.undecided) == 51
    assert [each.finding.code for each in proof.claims] == ["SYN357"]


def test_many_claims_of_a_kind_are_counted(tmp_path: Path) -> None:
    territories = [t(f"a{number}", "{country: DE}") for number in range(MOST_SHOWN + 10)]
    claims = claims_of(tmp_path, *territories)
    assert len(claims) == MOST_SHOWN + 1
    assert any(each.finding.message.startswith("9 others like this") for each in claims)


def test_bands_in_several_currencies_are_not_ordered_by_todays_rate(tmp_path: Path) -> None:
    text = "format: 1\nterritories:\n" + "".join(
        f"  - {each}\n" for each in (t("a", '{annual_revenue: ">= 1M"}'), t("b", '{annual_revenue: ">= 5M EUR"}'))
    )
    money = MoneyTable("USD", {"EUR": Decimal("1.10")})
    pack, _ = check_pack(write(tmp_path, {"pack.yaml": text + REST}), money=money)
    assert pack is not None
    proof = prove(pack, derivation=Derivation(money=money), now=NOW)
    assert "SYN350" not in [each.finding.code for each in proof.claims]


def test_an_example_works_as_a_test_of_the_pack(tmp_path: Path) -> None:
    pack, proof = proof_of(
        tmp_path,
        "format: 1\nterritories:\n"
        '  - {name: medium, when: {employees: "200..999"}, owners: unassigned}\n'
        '  - {name: large, when: {employees: "> 1000", state: US-CA}, owners: unassigned}\n'
        '  - {name: huge, when: {employees: "> 1000"}, owners: unassigned}\n'
        "  - {name: lost, when: {employees: 5000, postal_code: missing, locked: true}, owners: unassigned}\n" + REST,
    )
    for claim in proof.claims:
        assert claim.example is not None
        taken = {"SYN350": "huge", "SYN354": "rest"}[claim.finding.code]
        case = Case(
            "shown",
            next(pack.territories()).place,
            {"territory": (taken,)},
            account=claim.example.account,
            now=claim.example.now,
        )
        (result,) = run_cases(replace(pack, tests=(case,)), catalogue=FieldCatalogue(), money=MoneyTable(), now=NOW)
        assert result.passed, (claim, result.failures)
