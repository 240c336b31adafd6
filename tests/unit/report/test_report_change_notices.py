"""What an applied plan changed, by rep: what was written and read back, never what was only planned."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.model.plans import OutboxRow, RowState
from syncd.model.refs import Ref
from syncd.report.change_notices import change_markdown, change_text, change_view

ANNA, BEN = {"email": "anna@example.com"}, {"email": "ben@example.com"}


def decision(company: str, outcome: str, **more: Any) -> dict[str, Any]:
    told = {"company": company, "accounts": [], "name": company.title(), "territory": "emea", "outcome": outcome}
    told |= {"role": "owner", "owner": BEN, "current_owner": ANNA, "reason": "territory", "text": "DE is emea's"}
    return {**told, "rule": {"file": "t.yaml", "line": 4}, **more}


def row(company: str, state: RowState, parent: str | None = None) -> OutboxRow:
    ref = Ref.parse(f"salesforce:account:{company}")
    return OutboxRow(1, "p1", ref, "a", "b", company, Ref.parse(parent) if parent else None, "f", state)


DOCUMENT: dict[str, Any] = {
    "format": 1,
    "plan_id": "p1",
    "changes": [
        {"because": each, "field": "owner", "ref": f"salesforce:account:{each}"} for each in ("acme", "beta", "gone")
    ],
    "decisions": [
        decision("acme", "change"),
        decision("beta", "change", current_owner=None, name="Beta *|* <b>"),
        decision("gone", "change"),
        decision("held", "held", reason="late-stage-deal", text="held: a deal closes in 9 days"),
    ],
}
ROWS = [
    row("acme", RowState.CONFIRMED),
    row("acme", RowState.CONFLICT, parent="salesforce:account:acme"),
    row("beta", RowState.SKIPPED_ALREADY),
    row("gone", RowState.CONFLICT),
]
VIEW = change_view(DOCUMENT, ROWS)


def test_reps_are_told_what_was_written_and_never_what_was_not() -> None:
    assert VIEW["summary"] == "plan p1 is applied: 2 accounts moved, 1 not written"
    anna, ben = VIEW["reps"]["anna@example.com"], VIEW["reps"]["ben@example.com"]
    assert [each["name"] for each in anna["lost"]] == ["Acme"]
    assert [each["name"] for each in anna["kept"]] == ["Held"]
    assert [(each["name"], each["other"]) for each in ben["won"]] == [
        ("Acme", "anna@example.com"),
        ("Beta *|* <b>", "nobody"),
    ]
    assert VIEW["not_written"] == [{"name": "Gone", "to": "ben@example.com", "state": "conflict"}]
    assert "nobody" not in VIEW["reps"]


def test_a_plan_that_is_not_applied_moved_nobody() -> None:
    view = change_view(DOCUMENT, [])
    assert view["moved"] == 0
    assert {each["state"] for each in view["not_written"]} == {"not sent"}


def test_leads_are_told_as_leads_given_to_whoever_got_them() -> None:
    document = {
        **DOCUMENT,
        "kind": "leads",
        "changes": [{"because": "acme", "field": "owner", "ref": "salesforce:lead:acme"}],
        "decisions": [decision("acme", "change", role="lead", current_owner=None)],
    }
    view = change_view(document, [row("acme", RowState.CONFIRMED)])
    assert (view["summary"], view["moved"]) == ("plan p1 is applied: 1 lead given", 1)
    assert change_text(view, rep="ben@example.com").splitlines()[:4] == [
        "your leads, ben@example.com: 1 won, 0 lost, 0 kept by plan p1",
        "",
        "Won:",
        "  Acme, from nobody: territory: DE is emea's (t.yaml:4)",
    ]
    assert "| Lead | Other rep |" in change_markdown(view)
    assert change_view(document, [row("acme", RowState.CONFLICT)])["summary"].endswith("0 leads given, 1 not written")


@pytest.mark.parametrize("rep", [None, "anna@example.com", "ben@example.com"])
def test_on_a_terminal_no_line_is_wider_than_80_columns(rep: str | None) -> None:
    folded, sent = change_text(VIEW, rep=rep, folded=True), change_text(VIEW, rep=rep)
    assert max(map(len, folded.splitlines())) <= 80
    assert folded.split() == sent.split()


def test_a_rep_reads_each_account_with_the_other_rep_the_reason_and_the_rule() -> None:
    assert change_text(VIEW, rep="anna@example.com") == (
        "your accounts, anna@example.com: 0 won, 1 lost, 1 kept by plan p1\n"
        "\n"
        "Lost:\n"
        "  Acme, to ben@example.com: territory: DE is emea's (t.yaml:4)\n"
        "\n"
        "Kept, though the rules say otherwise:\n"
        "  Held, stays yours: late-stage-deal: a deal closes in 9 days (t.yaml:4)\n"
        "\n"
        "RevOps can show each clause, and what would bring an account back: "
        "syncd explain ACCOUNT --toward anna@example.com"
    )


def test_who_lost_an_account_is_told_whether_they_could_have_had_it() -> None:
    def lost(**more: Any) -> str:
        entry = {**DOCUMENT["decisions"][0], "reason": "picked", "text": "picked by territory t", **more}
        view = change_view({**DOCUMENT, "decisions": [entry]}, ROWS)
        return str(view["reps"]["anna@example.com"]["lost"][0]["why"])

    assert lost(candidates=["ben@example.com", "cleo@example.com"]).endswith("; anna@example.com is not among them")
    assert lost(candidates=["ben@example.com"]).endswith("; anna@example.com is none")
    assert lost(candidates=["anna@example.com", "ben@example.com"]) == "picked by territory t"
    assert "ben@example.com: 2 won, 0 lost, 0 kept" in change_text(VIEW)
    assert "not written: Gone to ben@example.com (conflict)" in change_text(VIEW)


def test_markdown_shows_names_as_text() -> None:
    page = change_markdown(VIEW)
    assert "Beta \\*\\|\\* &lt;b&gt;" in page
    assert "Not written" in page
    assert "Gone" not in change_markdown(VIEW, rep="ben@example.com")
