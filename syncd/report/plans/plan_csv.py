"""A plan as CSV for spreadsheets: one line a change, then the accounts that wait. No cell can become a formula.

Columns are added at the end, never moved. The text is UTF-8 with CRLF line ends (RFC 4180).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from syncd.report.plans.plan_view import OURS, Entry, checked, decisions
from syncd.report.wording import place, plain

COLUMNS = (
    "outcome",
    "ref",
    "account",
    "name",
    "from_id",
    "from_email",
    "to_id",
    "to_email",
    "reason",
    "text",
    "rule",
    "territory",
    "money",
    "currency",
    "parent",
    "team",
    "written_by",
    "field",
)
_WAITING = ("held", "blocked", "unassigned")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_FORMULA = "=+-@|%\t\r\n\u00a0\uff1d\uff0b\uff0d\uff20"


def render_plan_csv(document: Entry) -> str:
    """The plan as CSV with a header. Raises InputError SYN540 for a document of another format."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in _rows(checked(document)):
        writer.writerow([cell(row.get(column)) for column in COLUMNS])
    return text.getvalue()


def cell(value: object) -> str:
    """A value as a spreadsheet may be given it: what would be read as a formula begins with an apostrophe."""
    text = "" if value is None else plain(value)
    if _NUMBER.fullmatch(text):
        return text
    return f"'{text}" if text.lstrip()[:1] and text.lstrip()[0] in _FORMULA else text


def _rows(document: Entry) -> Iterator[dict[str, object]]:
    known = {(entry["company"], entry["role"]): entry for entry in document["decisions"]}
    currency = document["summary"]["money_moved"]["currency"]
    for change in document["changes"]:
        role = "owner" if change["field"] in OURS else change["field"]
        decision = known.get((change["because"], role), {})
        yield _about(decision, "change", currency) | {
            "ref": change["ref"],
            "account": change["because"],
            "from_id": change["from"],
            "from_email": _email(change.get("from_owner")),
            "to_id": change["to"],
            "to_email": _email(change.get("to_owner")),
            "money": change.get("money"),
            "parent": change.get("parent"),
            "team": change.get("team"),
            "written_by": "native sync" if change.get("expected") else "syncd",
            "field": change["field"],
        }
    for outcome in _WAITING:
        for decision in decisions(document, outcome):
            yield _about(decision, outcome, currency) | {
                "ref": ";".join(decision["accounts"]),
                "account": decision["company"],
                "from_email": _email(decision["current_owner"]),
                "field": decision["role"],
            }


def _about(decision: Entry, outcome: str, currency: str) -> dict[str, object]:
    return {
        "outcome": outcome,
        "name": decision.get("name"),
        "reason": decision.get("reason"),
        "text": decision.get("text"),
        "rule": place(decision.get("rule")),
        "territory": decision.get("territory"),
        "currency": currency,
    }


def _email(person: Entry | None) -> str | None:
    return None if person is None else str(person["email"])
