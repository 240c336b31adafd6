"""Lifecycle, score and band: built in that order, exact, usable in rules, caps and cases."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pack_writing import codes, found, in_pack, loaded
from rule_builders import CATALOGUE, NOW

from syncd.model.money import MoneyTable
from syncd.model.refs import System
from syncd.rules.cases import run_cases
from syncd.rules.derivation import Derivation, facts_from_raw
from syncd.rules.engine import Book, decide
from syncd.rules.facts import Directory, Seen
from syncd.rules.scoring import graded, points_on, rounded_half_up

PACK = """\
format: 1
lifecycle:
  - {name: customer, when: {last_won_at: {present: true}}}
  - {name: prospect, when: {open_opportunities: ">= 1"}}
score:
  components:
    size: {field: employees, curve: [[0, 0], [1000, 40]]}
    icp: {when: {industry: Banking}, points: 30}
    loyal: {when: {lifecycle: customer}, points: 10}
  bands: {A: ">= 70", B: "40..69", C: "< 40"}
territories:
  - {name: best, when: {band: A}, owners: [a@example.com, b@example.com], assign: first, cap: {band: {A: 1}}}
  - {name: known, when: {lifecycle: customer}, owners: [c@example.com]}
  - {name: rest, when: always, owners: unassigned}
tests:
"""


def run(tmp_path: Path, *tests: str) -> list[tuple[str, ...]]:
    pack = loaded(tmp_path, {"pack.yaml": PACK + "\n".join(tests) + "\n"})
    return [each.failures for each in run_cases(pack, catalogue=CATALOGUE, money=MoneyTable(), now=NOW)]


def test_a_company_is_graded_in_order_and_its_grade_is_tested_by_cases(tmp_path: Path) -> None:
    assert (
        run(
            tmp_path,
            "  - {name: a, account: {employees: 750, industry: Banking, last_won_at: 2026-01-01}, expect: {lifecycle: customer, score: 70, band: A, territory: best}}",  # noqa: E501
            "  - {name: b, account: {last_won_at: 2026-01-01}, expect: {lifecycle: customer, score: 10, band: C, territory: known}}",  # noqa: E501
            "  - {name: c, account: {open_opportunities: 1, employees: 1000}, expect: {lifecycle: prospect, score: 40, band: B}}",  # noqa: E501
            "  - {name: d, account: {employees: 90000}, expect: {score: 40, band: b}}",
            "  - {name: given wins, account: {score: 71}, expect: {score: 71, band: A}}",
            "  - {name: stage given, account: {lifecycle: customer}, expect: {score: 10, territory: known}}",
        )
        == [()] * 6
    )


def test_what_the_crm_says_goes_by_its_own_name(tmp_path: Path) -> None:
    pack = loaded(tmp_path, {"pack.yaml": PACK + "  - {name: x, account: {name: X}, expect: {score: 0}}\n"})
    plain = facts_from_raw("A1", {"score": "99", "lifecycle": "Lead"}, derivation=Derivation(), now=NOW)
    from dataclasses import replace

    crm = replace(plain, seen={name: Seen(System.SALESFORCE, each.raw) for name, each in plain.seen.items()})
    (one,) = graded(pack, (crm,), NOW)
    assert (one.values["score"], one.values["crm_score"], one.values["crm_lifecycle"]) == (0, 99, "lead")
    assert "lifecycle" not in one.values
    assert tuple(graded(pack, (one,), NOW)) == (one,)


def test_caps_by_band_and_balance_by_score_read_the_packs_grade(tmp_path: Path) -> None:
    pack = loaded(tmp_path, {"pack.yaml": PACK + "  - {name: x, account: {name: X}, expect: {score: 0}}\n"})
    raw = {"employees": "1000", "industry": "Banking"}
    book = tuple(facts_from_raw(key, raw, derivation=Derivation(), now=NOW) for key in ("A1", "A2", "A3"))
    decisions = decide(pack, Book(book, Directory({}, assume_active=True)), NOW)
    assert [each.owner and each.owner.email for each in decisions] == ["a@example.com", "b@example.com", None]


def test_the_parts_of_a_score_say_where_its_points_come_from(tmp_path: Path) -> None:
    pack = loaded(tmp_path, {"pack.yaml": PACK + "  - {name: x, account: {name: X}, expect: {score: 0}}\n"})
    (one,) = graded(pack, (facts_from_raw("A1", {"employees": "333"}, derivation=Derivation(), now=NOW),), NOW)
    assert [(part.name, str(part.points), part.said) for part in one.grade.parts] == [
        ("size", "13.32", "employees 333"),
        ("icp", "0", "industry: Banking: does not hold"),
        ("loyal", "0", "lifecycle: customer: does not hold"),
    ]
    assert (one.grade.score, one.grade.band) == (13, "C")


@pytest.mark.parametrize(
    ("points", "whole"),
    [(Fraction(1, 2), 1), (Fraction(-1, 2), 0), (Fraction(3, 2), 2), (Fraction(-3, 2), -1), (Fraction(49, 100), 0)],
)
def test_a_half_is_rounded_up(points: Fraction, whole: int) -> None:
    assert rounded_half_up(points) == whole


def test_a_curve_is_straight_between_its_points_and_flat_outside() -> None:
    curve = tuple((Decimal(x), Decimal(y)) for x, y in [(0, 0), (10, 40), (40, 10)])
    seen = {x: points_on(curve, Decimal(x)) for x in (-5, 0, 5, 10, 25, 40, 400)}
    assert seen == {-5: 0, 0: 0, 5: 20, 10: 40, 25: 25, 40: 10, 400: 10}


@given(st.integers(-1000, 1000), st.integers(1, 50))
def test_a_curve_never_leaves_the_points_around_a_value(x: int, step: int) -> None:
    curve = tuple((Decimal(each * step), Decimal((each * 7) % 11)) for each in range(-4, 5))
    assert min(y for _, y in curve) <= points_on(curve, Decimal(x)) <= max(y for _, y in curve)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["score: {components: {a: {field: employees, curve: [[10, 0], [0, 5]]}}}"], "SYN290"),
        (["score: {components: {a: {field: employees, curve: [[0]]}}}"], "SYN290"),
        (["score: {components: {a: {field: industry, curve: [[0, 1]]}}}"], "SYN290"),
        (["score: {components: {a: {points: 5}}}"], "SYN290"),
        (["score: {components: {a: {field: employees, curve: [[0, 0]], points: 5}}}"], "SYN290"),
        (["score: {components: {a: {field: employes, curve: [[0, 0]]}}}"], "SYN210"),
        (["score: {components: {a: {field: score, curve: [[0, 0]]}}}"], "SYN211"),
        (["score: {components: {a: {when: {band: A}, points: 5}}}"], "SYN211"),
        (["score: {components: {a: {when: {owner: a@example.com}, points: 5}}}"], "SYN211"),
        (["score: {bands: {A: '>= 5'}}"], "SYN243"),
        (["score: {components: {a: {when: always, points: 5}}, bands: {A: '>= 3', B: '>= 0'}}"], "SYN291"),
        (["score: {components: {a: {when: always, points: 5}}, bands: {A: '>= 3', B: '0..1'}}"], "SYN292"),
        (
            ["score: {components: {a: {when: always, points: 5}}, bands: {A: '>= 0'}}", "guard: {per_band: {Z: 1}}"],
            "SYN250",
        ),
        (["lifecycle: [{name: a, when: {score: 5}}]"], "SYN211"),
        (["lifecycle: [{name: a, when: {lifecycle: b}}]"], "SYN211"),
        (["lifecycle: [{name: a, when: {industry: X}}, {name: a, when: {industry: Y}}]"], "SYN206"),
        (["lifecycle: [{name: a, when: always}, {name: b, when: {industry: Y}}]"], "SYN293"),
        (["lifecycle: {name: a}"], "SYN241"),
    ],
)
def test_what_is_wrong_with_a_score_or_lifecycle_is_found(tmp_path: Path, lines: list[str], expected: str) -> None:
    assert codes(tmp_path, in_pack(*lines)) == [expected]


def test_the_lifecycle_stands_in_one_file_and_may_insert_another(tmp_path: Path) -> None:
    base = in_pack("lifecycle: [{file: stages.yaml}, {name: other, when: always}]")
    assert [
        s.name
        for s in loaded(tmp_path / "one", {**base, "stages.yaml": "- {name: a, when: {industry: X}}\n"}).lifecycle
    ] == ["a", "other"]
    two = {
        **in_pack("lifecycle: [{name: a, when: always}]"),
        "more.yaml": "lifecycle: [{name: b, when: {industry: X}}]\n",
    }
    assert "SYN246" in [each.code for each in found(tmp_path / "two", two)]
