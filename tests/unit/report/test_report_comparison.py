"""Comparisons as text and Markdown, and documents without names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from syncd.report.comparisons.comparison_markdown import render_comparison_markdown
from syncd.report.comparisons.comparison_text import render_comparison
from syncd.report.markdown import LIMIT
from syncd.report.redaction import redacted


def side(territory: str | None, owner: str | None, outcome: str = "change") -> dict[str, Any]:
    return {
        "territory": territory,
        "owner": {"email": owner, "salesforce": "0051"} if owner else None,
        "outcome": outcome,
        "reason": "override",
        "text": f"override to {owner} by mei@x.com: Jane asked",
        "rule": {"file": "pack.yaml", "line": 7},
    }


def company(number: int, name: str = "Acme") -> dict[str, Any]:
    return {
        "company": f"salesforce:account:{number:015d}",
        "accounts": [f"salesforce:account:{number:015d}"],
        "role": "owner",
        "name": f"{name} {number}",
        "from": side("emea", "ana@x.com"),
        "to": side("emea/dach", "ben@x.com", "held"),
        "cause": "rule",
        "money": "1200",
    }


def document(count: int, name: str = "Acme") -> dict[str, Any]:
    companies = [company(number, name) for number in range(count)]
    group = {
        "territory": "emea/dach",
        "rule": {"file": "pack.yaml", "line": 7},
        "count": count,
        "money": "1200",
        "companies": companies,
    }
    return {
        "format": 1,
        "kind": "comparison",
        "now": "2026-11-22T10:00:00.000Z",
        "old": {"ref": "main", "commit": "0123456789abcdef", "pack_revision": "a"},
        "new": {"pack_revision": "b"},
        "summary": {
            "evaluated": count,
            "changed": count,
            "territory": count,
            "owner": count,
            "by_load": 0,
            "money": {"amount": "1200", "currency": "USD"},
        },
        "rules": [
            {
                "change": "added",
                "kind": "override",
                "name": "acme.com as owner",
                "rule": {"file": "pack.yaml", "line": 9},
            },
            {"change": "changed", "kind": "rep", "name": "ana@x.com", "rule": {"file": "pack.yaml", "line": 3}},
            {
                "change": "changed",
                "kind": "territory",
                "name": "emea/dach",
                "role": "owner",
                "rule": {"file": "pack.yaml", "line": 7},
            },
        ],
        "groups": [group] if count else [],
    }


def test_a_comparison_as_text_names_the_rule_the_money_and_both_sides() -> None:
    said = render_comparison(document(2))
    assert "emea/dach (pack.yaml:7): 2 decisions, 1,200 USD of open pipeline" in said
    assert "emea, ana@x.com -> emea/dach, ben@x.com (held)" in said
    assert "  changed territory emea/dach (pack.yaml:7)" in said


def test_long_groups_are_cut_as_text_unless_all_is_asked_for() -> None:
    assert "… and 10 more: --all lists them" in render_comparison(document(60))
    assert "more:" not in render_comparison(document(60), everything=True)


@pytest.mark.parametrize("count", [0, 1, 5_000])
def test_a_comment_always_fits(count: int) -> None:
    said = render_comparison_markdown(document(count, "Ünïcödé & Söhne " * 3))
    assert len(said.encode()) <= LIMIT
    assert ("more rows: this comment is full" in said) is (count == 5_000)


def test_a_name_never_becomes_markup() -> None:
    said = render_comparison_markdown(document(1, "[x](http://y) <b>| @all `"))
    assert "<b>" not in said
    assert "](http" not in said.replace("\\]", "")
    assert " @all" not in said


def test_no_name_domain_or_address_is_left_in_a_redacted_comparison() -> None:
    shown = json.dumps(redacted(document(3)))
    for secret in ("Acme", "acme.com", "ana@", "ben@", "mei@", "Jane", "@x.com"):
        assert secret not in shown, secret
    assert "emea/dach" in shown
    assert "salesforce:account:000000000000001" in shown
    assert "rep-1" in shown
    render_comparison_markdown(redacted(document(3)))
    render_comparison(redacted(document(3)))


PLAN = {
    "format": 1,
    "plan_id": "p",
    "decisions": [
        {
            "company": "acme.com",
            "accounts": ["acme.com"],
            "name": "Acme",
            "role": "owner",
            "territory": "emea",
            "owner": {"email": "Ana@x.com"},
            "current_owner": {"email": "gone"},
            "outcome": "change",
            "reason": "picked",
            "text": "picked for Acme",
            "rule": {"file": "t.yaml", "line": 1},
            "notes": ["acme.com was changed by Jane"],
            "candidates": ["ana@x.com", "ben@x.com"],
            "loads": {"ana@x.com": "3", "ben@x.com": "4"},
            "outranked": [{"reason": "protect", "text": "Jane said so"}],
        }
    ],
    "changes": [{"ref": "acme.com", "field": "owner", "from": "gone@x.com", "to": "ana@x.com", "because": "acme.com"}],
    "guard": {"tripped": [{"limit": "per_rep", "text": "ana@x.com gains 900", "rules": ["t.yaml:1"]}]},
}


def test_no_name_domain_or_address_is_left_in_a_redacted_plan() -> None:
    shown = redacted(PLAN)
    text = json.dumps(shown)
    for secret in ("cme", "Ana", "ana@", "ben@", "gone", "Jane", "x.com"):
        assert secret not in text, secret
    decision, change = shown["decisions"][0], shown["changes"][0]
    assert change["ref"] == change["because"] == decision["company"] == "account-1"
    assert change["to"] == decision["owner"]["email"] == decision["candidates"][0]
    assert list(decision["loads"].values()) == ["3", "4"]
    assert decision["rule"] == {"file": "t.yaml", "line": 1}


def test_equal_documents_are_redacted_alike() -> None:
    assert json.dumps(redacted(PLAN)) == json.dumps(redacted(json.loads(json.dumps(PLAN))))
