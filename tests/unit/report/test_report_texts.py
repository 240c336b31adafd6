"""Tables, findings, apply reports and explanations as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from syncd.report.explanation_text import render_explanation
from syncd.report.plans.apply_text import apply_text
from syncd.report.table import render_table
from syncd.report.wording import counted, moment, money, plain, shown_width, wrapped

Golden = Callable[[str, str], None]


def test_a_table_is_aligned_and_ends_without_spaces() -> None:
    text = render_table(("name", "rows", "state"), [("a", 7, None), ("longer", 1234, "ok")], right={1})
    assert text.splitlines() == ["name    rows  state", "a          7", "longer  1234  ok"]


def test_a_table_counts_columns_and_not_characters() -> None:
    lines = render_table(("name", "id"), [("東京銀行", "1"), ("abc", "2")]).splitlines()
    assert {shown_width(line.rpartition("  ")[0] + "  ") for line in lines[1:]} == {10}


def test_a_table_cuts_its_last_column_at_the_width() -> None:
    text = render_table(("id", "why"), [("1", "x" * 100)], width=20)
    assert max(shown_width(line) for line in text.splitlines()) == 20
    assert text.endswith("…")
    assert "x" * 100 in render_table(("id", "why"), [("1", "x" * 100)], width=None)


def test_a_table_keeps_every_row_on_one_line() -> None:
    assert render_table(("id", "why"), [("1", "two\nlines\x1b[0m")]).splitlines()[1] == "1   two lines\ufffd[0m"


def test_an_empty_table_says_so() -> None:
    assert render_table(("id",), [], empty="no runs yet") == "no runs yet"


def test_the_small_words() -> None:
    assert money("1250000", "USD") == "1,250,000 USD"
    assert money("0.5", "EUR") == "0.50 EUR"
    assert counted(1, "account") == "1 account"
    assert counted(1200, "account") == "1,200 accounts"
    assert counted(0, "open opportunity", "open opportunities") == "0 open opportunities"
    assert moment("2026-11-20T10:05:00.000Z") == "2026-11-20 10:05Z"
    assert plain("a\tb\u200bc") == "a b\ufffdc"
    assert wrapped("word " * 30, indent=2).splitlines()[0].startswith("  word")


def report(**changes: Any) -> dict[str, Any]:
    row = {
        "ref": "salesforce:account:0011",
        "field": "owner",
        "from": "005old",
        "to": "005anna",
        "because": "salesforce:account:0011",
        "state": "confirmed",
        "attempts": 1,
        "code": None,
        "message": None,
    }
    refused = row | {
        "ref": "salesforce:account:0012",
        "field": "owner",
        "state": "rejected",
        "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "message": "The region of a strategic account may only be changed by the deal desk, ask there first",
    }
    base = {
        "format": 1,
        "plan_id": "3f9a01c2d4e5",
        "exit_code": 7,
        "calls": 6,
        "recovered": 1,
        "counts": {"confirmed": 1, "rejected": 1, "approved": 1},
        "teams": [],
        "stops": [
            {"code": "SYN420", "text": "the token was revoked", "exit_code": 6, "system": "hubspot"},
        ],
        "rows": [row, refused, row | {"ref": "hubspot:account:93", "state": "approved"}],
    }
    return base | changes


def test_an_apply_report_as_text(golden: Golden) -> None:
    golden("apply_text/partly.txt", apply_text(report()) + "\n")


def test_an_apply_without_rows_says_so() -> None:
    text = apply_text(report(rows=[], counts={}, stops=[], recovered=0))
    assert "nothing to write" in text
    assert text.endswith("Apply: 0 written, 0 already there, 0 not written.")


def clause(text: str, outcome: bool, **changes: Any) -> dict[str, Any]:
    base = {
        "file": "territories.yaml",
        "line": 15,
        "text": text,
        "outcome": outcome,
        "field": None,
        "value": None,
        "raw": None,
        "system": None,
        "others": [],
        "children": [],
    }
    return base | changes


def explanation(**changes: Any) -> dict[str, Any]:
    country = clause(
        "country: [DE, AT, CH]",
        True,
        field="country",
        value="DE",
        raw="Germany",
        system="salesforce",
        others=[{"system": "hubspot", "raw": "Deutschland"}],
    )
    size = clause('employees: ">= 1000"', False, field="employees")
    base: dict[str, Any] = {
        "format": 1,
        "company": "hubspot:account:91",
        "accounts": ["hubspot:account:91", "salesforce:account:0011"],
        "role": "owner",
        "now": "2026-11-22T10:00:00.000Z",
        "name": "Commerzbank AG",
        "current_owner": {"email": "old@example.com", "salesforce": "005old"},
        "territory": "emea/dach",
        "picked": True,
        "decision": {
            "file": "territories.yaml",
            "line": 14,
            "territory": "emea/dach",
            "owner": {"email": "anna@example.com", "salesforce": "005anna"},
            "outcome": "change",
            "reason": "picked",
            "text": "picked: the smallest load of 2 candidates",
            "outranked": [],
            "notes": [],
            "next_change_at": "2026-12-31T23:00:00.000Z",
        },
        "path": [
            {
                "file": "territories.yaml",
                "line": 14,
                "territory": "emea/dach",
                "row": None,
                "when": clause("all", True, children=[country]),
            }
        ],
        "losers": [
            {
                "file": "tables/emea-mid.csv",
                "line": 5,
                "territory": "emea/dach/banking",
                "row": 4,
                "cause": "own-condition",
                "by": None,
                "when": size,
            },
            {
                "file": "territories.yaml",
                "line": 40,
                "territory": "rest-of-world",
                "row": None,
                "cause": "earlier",
                "by": "emea",
                "when": None,
            },
        ],
        "precedence": [
            {
                "file": "base.yaml",
                "line": 3,
                "reason": "late-stage-deal",
                "text": "held: late-stage deal, but the owner is not active",
                "applies": False,
            },
            {
                "file": "territories.yaml",
                "line": 14,
                "reason": "picked",
                "text": "picked: the smallest load of 2 candidates",
                "applies": True,
            },
        ],
        "candidates": [
            {"email": "anna@example.com", "load": "10", "not_now": None, "overflow_of": None},
            {"email": "ben@example.com", "load": None, "not_now": "out of office", "overflow_of": "emea"},
        ],
        "notes": ["no country: read as US, the pack's default"],
        "findings": ["employees: 'many' is no number (hubspot)"],
        "pack_revision": "5f1c22ab9d3e7a40",
        "last_applied": {
            "territory": "emea",
            "owner": "old@example.com",
            "at": "2026-10-01T08:00:00.000Z",
            "pack_revision": "0",
        },
    }
    return base | changes


def test_an_explanation_as_text(golden: Golden) -> None:
    golden("explanation_text/picked.txt", render_explanation(explanation()))


def test_an_explanation_that_is_not_picked_yet_says_so() -> None:
    text = render_explanation(explanation(decision=None, last_applied=None, current_owner=None))
    assert "not picked yet" in text
    assert "owner now     nobody" in text


def test_teams_that_a_write_dropped_are_told_with_who_is_lost() -> None:
    teams = [
        {"ref": "salesforce:account:0011", "members": 2, "lost": [], "done": True},
        {"ref": "salesforce:account:0012", "members": 3, "lost": ["005cleo"], "done": True},
    ]
    text = apply_text(report(teams=teams))
    assert "1  of 2 teams that the writes dropped are whole again" in text
    assert "! salesforce:account:0012  could not put back 005cleo" in text
