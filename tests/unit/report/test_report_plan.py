"""Plans as text, Markdown and JSON: golden files, width, and CRM text that must not break out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from report_documents import decision, document, full, owner, row

from syncd.errors import InputError
from syncd.report.plans.plan_json import render_plan_json
from syncd.report.plans.plan_markdown import LIMIT, render_markdown
from syncd.report.plans.plan_text import render_plan
from syncd.report.wording import shown_width

Golden = Callable[[str, str], None]

NOTHING = {
    "empty": document([], []),
    "all_kept": document([], [], keep=240),
    "only_held": document([decision(1, "held", reason="dispute", text="held: a dispute is open")], [], keep=239),
    "nothing_to_undo": document([], [], kind="undo"),
}


def export() -> dict[str, Any]:
    """A plan over a CSV export: not saved, no mirror, refs are the rows' ids."""
    moved = decision("1", company="A1", accounts=["A1"], owner={"email": "anna@example.com"}, name="Acme")
    change = row(1, ref="A1", because="A1", **{"from": "old@example.com", "to": "anna@example.com"})
    return document([moved], [change], keep=2, plan_id=None, mirror={}, systems={"written": [], "expected": []})


def undo() -> dict[str, Any]:
    back = decision(1, owner=owner("old"), current_owner=owner("anna"), reason="undo", text="takes back plan 77aa")
    return document([back], [row(1, **{"from": "005anna", "to": "005old"})], kind="undo", undoes="77aa")


@pytest.mark.parametrize(("name", "plan"), [("full", full()), ("export", export()), ("undo", undo()), *NOTHING.items()])
def test_a_plan_as_text(golden: Golden, name: str, plan: dict[str, Any]) -> None:
    text = render_plan(plan)
    golden(f"plan_text/{name}.txt", text)
    assert max(shown_width(line) for line in text.splitlines()) <= 80


@pytest.mark.parametrize(("name", "plan"), [("full", full()), ("all_kept", NOTHING["all_kept"])])
def test_a_plan_as_markdown(golden: Golden, name: str, plan: dict[str, Any]) -> None:
    golden(f"plan_markdown/{name}.md", render_markdown(plan))


def test_the_text_ends_with_one_line_of_counts() -> None:
    plan = document([decision(1), decision(2, "held"), decision(3, "blocked")], [row(1)], keep=240)
    assert render_plan(plan).splitlines()[-1] == "Plan: 1 to change, 1 held, 1 blocked, 240 kept."


def test_every_kind_of_nothing_to_do_has_its_own_words() -> None:
    texts = [render_plan(plan).splitlines()[-3] for plan in NOTHING.values()]
    assert len(set(texts)) == len(NOTHING)


def test_the_text_is_complete_without_colour() -> None:
    assert "\x1b" not in render_plan(full())


def test_text_of_a_crm_cannot_command_the_terminal_or_break_a_line() -> None:
    nasty = decision(1, name="Evil\x1b[31m\nInc\u202e\ud800", text="picked:\r\nforged line")
    text = render_plan(document([nasty], [row(1)]))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\nforged" not in text
    text.encode("utf-8")


def test_markdown_shows_names_as_they_are_and_mentions_nobody() -> None:
    nasty = decision(1, name="A|B **bold** <img src=x> @team [link](x) `code`")
    page = render_markdown(document([nasty], [row(1)]))
    assert "<img" not in page
    assert "**bold**" not in page
    assert "@team" not in page
    line = next(line for line in page.splitlines() if "bold" in line)
    assert line.replace("\\|", "").count("|") == 7


def test_markdown_stays_under_its_limit_and_says_what_it_left_out() -> None:
    decisions = [decision(number, name=f"Company {number} " + "ü" * 60) for number in range(2000)]
    page = render_markdown(document(decisions, [row(number) for number in range(2000)]))
    assert len(page.encode()) < LIMIT
    assert "more rows" in page
    assert page.rstrip().endswith("**Plan: 2,000 to change, 0 held, 0 blocked, 0 kept.**")
    shown = sum(1 for line in page.splitlines() if line.startswith("| Company"))
    left = int(next(line for line in page.splitlines() if "more rows" in line).split()[2].replace(",", ""))
    assert shown + left == 2000


def test_markdown_of_equal_decisions_is_byte_identical_whatever_the_plans_id_and_time() -> None:
    first, second = full(), full() | {"plan_id": "another", "created_at": "2026-11-22T11:00:00.000Z"}
    assert render_markdown(first) == render_markdown(second)


def test_json_is_the_document_in_one_order_of_keys() -> None:
    plan = full()
    text = render_plan_json(plan)
    assert json.loads(text) == plan
    shuffled = json.loads(json.dumps(plan, sort_keys=True))
    assert render_plan_json(shuffled) == text
    assert list(json.loads(text))[:5] == ["format", "kind", "plan_id", "pack_revision", "mapping_revision"]
    assert list(json.loads(text))[-3:] == ["decisions", "changes", "guard"]


def test_json_is_utf_8_also_with_half_a_surrogate_pair() -> None:
    assert json.loads(render_plan_json(document([decision(1, name="x\ud800")], [])).encode())


@pytest.mark.parametrize("render", [render_plan, render_markdown])
def test_a_document_of_another_format_is_refused(render: Callable[[Any], str]) -> None:
    with pytest.raises(InputError) as caught:
        render(full() | {"format": 2})
    assert caught.value.code == "SYN540"
