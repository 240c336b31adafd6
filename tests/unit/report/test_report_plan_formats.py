"""Plans as CSV for spreadsheets and as one HTML page: complete, deterministic, and nothing breaks out of them."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest
from report_documents import decision, document, full, owner, row

from syncd.errors import InputError
from syncd.report.plans.plan_csv import cell, render_plan_csv
from syncd.report.plans.plan_formats import FORMATS, render
from syncd.report.plans.plan_html import render_plan_html
from syncd.report.redaction import redacted

HOSTILE = '</script><img src=x onerror="alert(1)">'


def shifts() -> dict[str, Any]:
    def entry(before: int, after: int, money: tuple[str, str]) -> dict[str, Any]:
        return {"accounts": {"before": before, "after": after}, "money": {"before": money[0], "after": money[1]}}

    return {
        "reps": [{"email": "anna@example.com", **entry(1, 3, ("0", "1250000"))}],
        "territories": [{"territory": "emea/dach-banking", **entry(5, 9, ("100", "1250100.50"))}],
    }


def rows_of(plan: dict[str, Any]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render_plan_csv(plan))))


def test_csv_has_a_line_for_each_change_and_for_each_account_that_waits() -> None:
    plan = full()
    found = rows_of(plan)
    waiting = [one for one in plan["decisions"] if one["outcome"] in ("held", "blocked", "unassigned")]
    assert [one["outcome"] for one in found].count("change") == len(plan["changes"])
    assert len(found) == len(plan["changes"]) + len(waiting)
    child = next(one for one in found if one["parent"])
    assert (child["from_id"], child["to_id"], child["territory"]) == ("005old", "005anna", "emea/dach-banking")
    assert {one["written_by"] for one in found if one["outcome"] == "change"} == {"native sync", "syncd"}


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "  =1", "|calc", "%0A", "\uff1dcmd", "\r\n=HYPERLINK(1)", "\u00a0=1"],
)
def test_no_cell_of_the_csv_is_a_formula(text: str) -> None:
    plan = document([decision(1, name=text, text=text)], [row(1, to_owner={"email": text, "name": text})])
    for line in csv.reader(io.StringIO(render_plan_csv(plan))):
        for value in line:
            assert not value.lstrip()[:1] or value.lstrip()[0] not in "=+-@|%\t\r\uff1d"


def test_numbers_stay_numbers_in_the_csv() -> None:
    assert [cell(value) for value in ("-12.50", "7", None, "A-1", "a\nb")] == ["-12.50", "7", "", "A-1", "a b"]


def test_the_page_is_complete_without_network_and_shows_the_summary_first() -> None:
    page = render_plan_html({**full(), "shifts": shifts()})
    assert not re.search(r"https?://|@import|url\(", page)
    assert "default-src 'none'" in page
    assert page.index("To change") < page.index("<h2>Guard</h2>") < page.index("Who gains") < page.index("<table")
    assert "prefers-color-scheme:dark" in page
    for told in ("Money by territory", "1,250,100.50 USD", "emea/dach-banking", "Commerzbank AG", "changes.max"):
        assert told in page


def test_nothing_of_a_crm_becomes_markup_in_the_page() -> None:
    hostile = decision(1, name=HOSTILE, text=HOSTILE, owner={"email": HOSTILE}, territory=HOSTILE, reason=HOSTILE)
    plan = document([hostile, decision(2, "held", name=HOSTILE, text=HOSTILE, reason=HOSTILE)], [row(1)])
    plan["guard"] = {"tripped": [{"limit": HOSTILE, "text": HOSTILE, "rules": [HOSTILE], "allowed": "", "found": ""}]}
    page = render_plan_html(plan)
    assert "<img" not in page
    assert page.count("</script>") == 1


@pytest.mark.parametrize("format_", FORMATS)
def test_equal_documents_give_equal_bytes_in_every_format(format_: str) -> None:
    plan = {**full(), "shifts": shifts()}
    again = json.loads(json.dumps(plan, sort_keys=True))
    assert render(plan, format_) == render(again, format_)
    assert render(document([], []), format_)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_redacted_plan_names_nobody_in_any_format(format_: str) -> None:
    plan = document([decision(1, name="Acme", owner=owner("anna"))], [row(1)], shifts=shifts())
    text = render(redacted(plan), format_)
    assert "Acme" not in text
    assert "anna@example.com" not in text


@pytest.mark.parametrize("format_", [name for name in FORMATS if name != "json"])
def test_a_document_of_another_format_is_refused(format_: str) -> None:
    with pytest.raises(InputError, match="SYN540"):
        render({**full(), "format": 2}, format_)
