"""`leeway` (RULES.md section 4): an account stays where it was last applied while its numbers are only just outside."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pack_writing import codes, loaded
from rule_builders import CATALOGUE, NOW, applied, decide_all, facts, pack, territory

from syncd.model.decisions import Decision
from syncd.model.money import MoneyTable
from syncd.rules.cases import run_cases
from syncd.rules.engine import Book
from syncd.rules.explanation import explain
from syncd.rules.facts import Directory, Facts
from syncd.rules.loader import load_pack
from syncd.rules.pack import Pack

BANDS = """\
format: 1
territories:
  - {name: small, when: {employees: "< 200"}, owners: [s@example.com], leeway: 10%}
  - {name: mid, was: middle, when: {employees: "200..999"}, owners: [m@example.com], leeway: 10%}
  - {name: large, when: {employees: ">= 1000"}, owners: [l@example.com], leeway: 10%}
  - {name: rest, when: always, owners: unassigned}
"""


@pytest.fixture
def bands(tmp_path: Path) -> Pack:
    return loaded(tmp_path, {"pack.yaml": BANDS})


def of(path: Path, *lines: str) -> Pack:
    """A pack with these territories and a catch-all."""
    listed = "".join(f"  - {line}\n" for line in (*lines, "{name: rest, when: always, owners: unassigned}"))
    return loaded(path, {"pack.yaml": f"format: 1\nterritories:\n{listed}"})


def ends(pack_: Pack, last: str | None, role: str = "owner", now: datetime = NOW, **values: object) -> str | None:
    """Where an account ends that was last applied to a territory."""
    return decided(pack_, last, role, now, **values).territory


def decided(pack_: Pack, last: str | None, role: str = "owner", now: datetime = NOW, **values: object) -> Decision:
    return decide_all(pack_, facts("A", applied=applied(last, "x@x", role) if last else {}, **values), now=now)["A"]


@pytest.mark.parametrize(
    ("last", "employees", "where"),
    [
        ("mid", 999, "mid"),
        ("mid", 1000, "mid"),
        ("mid", 1098, "mid"),  # 999 x 1.1 = 1098.9
        ("mid", 1099, "large"),
        ("mid", 180, "mid"),
        ("mid", 179, "small"),
        ("large", 900, "large"),
        ("large", 899, "mid"),
        ("small", 200, "small"),  # `< 200` ends just below 200
        ("small", 220, "small"),
        ("small", 221, "mid"),
        (None, 1000, "large"),
        ("large", 1_000_000, "large"),
        ("rest", 1000, "large"),
        ("mid/deeper", 1000, "large"),
        ("emea/mid", 1000, "mid"),  # wherever the territory stood then
        ("middle", 1000, "mid"),  # its former name
    ],
)
def test_an_account_stays_while_it_is_outside_by_at_most_the_share_of_the_edge(bands, last, employees, where) -> None:
    assert ends(bands, last, employees=employees) == where


def test_a_missing_number_is_not_just_outside(bands) -> None:
    assert ends(bands, "mid") == "rest"


def test_the_leeway_of_another_role_does_not_count(bands) -> None:
    assert ends(bands, "mid", role="csm", employees=1000) == "large"


def test_the_decision_and_explain_say_so(bands) -> None:
    found = decided(bands, "mid", employees=1050)
    said = "stays in mid by its leeway of 10%: employees 1050 counts as its edge 999"
    assert found.notes == (said,)
    assert found.text.endswith(said)
    account = facts("A", applied=applied("mid", "x@x"), employees=1050)
    told = explain(bands, Book((account,), Directory({}, assume_active=True)), "A", NOW)
    assert said in told.notes
    assert [(step.territory, step.condition.outcome) for step in told.path] == [("mid", False)]
    assert [(each.territory, each.cause.value, each.by) for each in told.losers] == [
        ("small", "own-condition", None),
        ("large", "leeway", "mid"),
        ("rest", "leeway", "mid"),
    ]


def test_every_number_outside_is_put_on_an_edge(tmp_path) -> None:
    both = of(
        tmp_path, "{name: a, when: {employees: '>= 100', annual_revenue: '>= 10M'}, owners: [a@x.com], leeway: 10%}"
    )
    assert ends(both, "a", employees=95, annual_revenue=9_500_000) == "a"
    assert ends(both, "a", employees=95, annual_revenue=8_900_000) == "rest"
    assert "employees 95 counts as its edge 100" in decided(both, "a", employees=95, annual_revenue=9_500_000).text


def test_nothing_else_of_the_condition_is_relaxed(tmp_path) -> None:
    both = of(tmp_path, "{name: a, when: {employees: '>= 100', country: DE}, owners: [a@x.com], leeway: 10%}")
    assert ends(both, "a", employees=95, country="DE") == "a"
    assert ends(both, "a", employees=95, country="FR") == "rest"


def test_with_the_number_on_the_edge_it_must_still_end_there(tmp_path) -> None:
    lines = (
        "{name: first, when: {employees: 100}, owners: [f@x.com]}",
        "{name: a, when: {employees: '>= 100'}, owners: [a@x.com], leeway: 10%}",
    )
    # on the edge, 100, it would end in `first`; just past it in `a`
    assert ends(of(tmp_path, *lines), "a", employees=95) == "a"
    lines = ("{name: first, when: {employees: '90..200'}, owners: [f@x.com]}", lines[1])
    assert ends(of(tmp_path, *lines), "a", employees=95) == "first"


def test_an_account_that_would_end_in_a_child_does_not_stay(tmp_path) -> None:
    child = "territories: [{name: big, when: {employees: '>= 1000'}, owners: [b@x.com]}]"
    one = of(tmp_path, f"{{name: a, when: {{employees: '>= 1000'}}, owners: [a@x.com], leeway: 10%, {child}}}")
    assert ends(one, "a", employees=950) == "rest"
    assert ends(one, "a/big", employees=950) == "rest"


def test_a_leeway_is_not_inherited_and_what_ancestors_test_is_not_relaxed(tmp_path) -> None:
    child = "territories: [{name: b, when: {annual_revenue: '>= 1M'}, owners: [b@x.com]LEEWAY}]"
    one = f"{{name: a, when: {{employees: '>= 1000'}}, owners: [a@x.com], leeway: 10%, {child}}}"
    plain, own = (of(tmp_path, one.replace("LEEWAY", each)) for each in ("", ", leeway: 10%"))
    assert ends(plain, "a/b", employees=1000, annual_revenue=950_000) == "a"
    assert ends(own, "a/b", employees=1000, annual_revenue=950_000) == "a/b"
    assert ends(own, "a/b", employees=950, annual_revenue=1_000_000) == "rest"


@pytest.mark.parametrize(
    ("when", "values", "stays"),
    [
        ("{employees: ['1..10', '90..110']}", {"employees": 120}, True),
        ("{employees: ['1..10', '90..110']}", {"employees": 80}, False),
        ("{employees: ['1..10', '90..110']}", {"employees": 11}, True),
        ("{not: {employees: '< 100'}}", {"employees": 95}, True),
        ("{none: [{employees: '< 100'}]}", {"employees": 89}, False),
        ("{any: [{employees: '>= 100'}, {children: '>= 5'}]}", {"employees": 95, "children": 0}, True),
        ("{in_segment: big}", {"employees": 95}, True),
        ("{employees: '>= 0'}", {"employees": -1}, False),
        ("{employees: '> 100'}", {"employees": 100}, True),
        ("{open_pipeline: '>= 1M'}", {"open_pipeline": 900_000}, True),
    ],
)
def test_any_comparison_of_its_own_condition_has_edges(tmp_path, when, values, stays) -> None:
    text = f"""\
format: 1
segments: {{big: {{employees: '>= 100'}}}}
territories:
  - {{name: a, when: {when}, owners: [a@x.com], leeway: 10%}}
  - {{name: rest, when: always, owners: unassigned}}
"""
    assert ends(loaded(tmp_path, {"pack.yaml": text}), "a", **values) == ("a" if stays else "rest")


def test_a_leeway_of_nothing_holds_what_lies_on_an_edge(tmp_path) -> None:
    one = of(tmp_path, "{name: a, when: {employees: '> 100'}, owners: [a@x.com], leeway: 0%}")
    assert (ends(one, "a", employees=100), ends(one, "a", employees=99)) == ("a", "rest")


def test_outside_its_days_a_territory_keeps_nobody_by_its_leeway(tmp_path) -> None:
    one = of(
        tmp_path,
        "{name: a, when: {employees: '>= 100'}, owners: [a@x.com], leeway: 10%, effective: {until: 2026-12-31}}",
    )
    found = decided(one, "a", employees=95)
    assert (found.territory, found.next_change_at) == ("a", datetime(2027, 1, 1, tzinfo=UTC))
    assert ends(one, "a", now=datetime(2027, 1, 1, tzinfo=UTC), employees=95) == "rest"


def test_time_that_would_bring_an_account_back_by_its_leeway_is_recorded(tmp_path) -> None:
    one = of(
        tmp_path,
        "{name: a, when: {employees: '>= 100'}, owners: [a@x.com], leeway: 10%, effective: {from: 2027-02-01}}",
    )
    found = decided(one, "a", employees=95)
    assert (found.territory, found.next_change_at) == ("rest", datetime(2027, 2, 1, tzinfo=UTC))
    assert decided(one, "a", employees=80).next_change_at is None


def test_a_table_may_have_leeways_and_several_runs_of_rows(tmp_path) -> None:
    rows = "territory,industry,employees,owners,leeway\nmid,Banking,100..199,m@x.com,10%\nbanks,Banking,,b@x.com,\n"
    rows += "mid,Retail,500..999,m@x.com,10%\nrest,,,unassigned,\n"
    one = loaded(tmp_path, {"pack.yaml": "format: 1\nterritories: {table: t.csv}\n", "t.csv": rows})
    assert ends(one, "mid", industry="banking", employees=205) == "mid"
    assert ends(one, "mid", industry="banking", employees=230) == "banks"
    assert ends(one, "mid", industry="retail", employees=1050) == "mid"
    assert ends(one, "mid", industry="retail", employees=205) == "rest"


def test_amounts_are_compared_by_the_table_that_the_account_is_held_to(tmp_path) -> None:
    from decimal import Decimal

    text = (
        "format: 1\nterritories:\n  - {name: a, when: {annual_revenue: '>= 10M EUR'}, owners: [a@x.com], leeway: 10%}\n"
    )
    (tmp_path / "pack.yaml").write_text(text + "  - {name: rest, when: always, owners: unassigned}\n")
    one = load_pack(tmp_path, money=MoneyTable("USD", {"EUR": Decimal("1.2")}))
    older = MoneyTable("USD", {"EUR": Decimal("1.1")})
    assert ends(one, "a", annual_revenue=9_950_000) == "rest"  # the edge is 12M, 10% of it 1.2M
    assert ends(one, "a", annual_revenue=9_950_000, rates=older) == "a"  # the edge is 11M


def test_a_leeway_that_can_never_matter_is_a_warning(tmp_path) -> None:
    def found(when: str) -> list[str]:
        text = f"format: 1\nterritories:\n  - {{name: a, when: {when}, owners: [a@x.com], leeway: 5%}}\n"
        return codes(tmp_path, {"pack.yaml": text + "  - {name: rest, when: always, owners: unassigned}\n"})

    assert found("{country: DE}") == ["SYN275"]
    assert found("{employees: 500}") == ["SYN275"]
    assert found("{opportunities: {any: {amount: '>= 5'}}}") == ["SYN275"]
    assert found("{employees: '>= 500'}") == []


@pytest.mark.parametrize("text", ["10", "ten", "-5%", "150%", "[10%]", "{}"])
def test_a_leeway_is_a_share(tmp_path, text) -> None:
    lines = (
        f"format: 1\nterritories:\n  - {{name: a, when: {{employees: '>= 5'}}, owners: [a@x.com], leeway: {text}}}\n"
    )
    assert codes(tmp_path, {"pack.yaml": lines + "  - {name: rest, when: always, owners: unassigned}\n"}) in (
        ["SYN242"],
        ["SYN241"],
    )


def test_a_case_tells_the_leeway_by_its_ledger(tmp_path) -> None:
    case = """\
tests:
  - name: a bit over
    account: {employees: 1050}
    ledger: {territory: mid, owner: m@example.com, at: 2026-11-01}
    expect: {territory: mid}
  - name: too much
    account: {employees: 1500}
    ledger: {territory: mid, owner: m@example.com, at: 2026-11-01}
    expect: {territory: large}
"""
    one = loaded(tmp_path, {"pack.yaml": BANDS + case})
    results = run_cases(one, catalogue=CATALOGUE, money=MoneyTable(), now=NOW)
    assert [(each.failures, each.notes) for each in results] == [((), ()), ((), ())]


def test_accounts_of_equal_facts_and_ledger_stay_whatever_their_order(bands) -> None:
    companies = [
        facts(f"A{number}", applied=applied("mid", "m@x"), employees=990 + number * 10) for number in range(15)
    ]
    forward, backward = decide_all(bands, *companies), decide_all(bands, *reversed(companies))
    assert forward == backward
    assert [forward[each.key].territory for each in companies] == ["mid"] * 11 + ["large"] * 4


def test_without_any_leeway_nothing_is_looked_up() -> None:
    account: Facts = facts("A", applied=applied("a", "x@x"), employees=5)
    assert decide_all(pack(territory("a", None, "a@x")), account)["A"].territory == "a"
