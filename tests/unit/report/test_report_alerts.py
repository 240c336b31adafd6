"""One alert as text: who is hit comes in a table that fits, and says whose the accounts are."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.report.alerts_text import alert_text


def alert(owners: list[str], total: int) -> dict[str, Any]:
    accounts = [
        {
            "account": f"salesforce:account:001Sb000000{number:04}IAA",
            "owner": owner,
            "name": f"Company {number} of a rather long name",
            "amount": "60300",
        }
        for number, owner in enumerate(owners)
    ]
    return {
        "id": 7,
        "monitor": "RepLeft",
        "severity": "ticket",
        "summary": "Ana left",
        "state": "firing",
        "checked_at": None,
        "acknowledged_by": None,
        "suppressed_by": None,
        "flapping": False,
        "who": [],
        "money": {"amount": "60300", "currency": "USD", "of": "open pipeline"},
        "since": "2026-11-22T12:10:00.000Z",
        "started_at": "2026-11-22T12:10:00.000Z",
        "fired_at": None,
        "resolved_at": None,
        "first_command": None,
        "runbook": None,
        "evidence": [],
        "accounts": accounts,
        "accounts_total": total,
        "told_in": None,
        "notices": [],
    }


@pytest.mark.parametrize(
    ("owners", "total", "heading"),
    [
        (["ana@acme.example"] * 3, 3, "Accounts (3), owned by ana@acme.example:"),
        (["ana@acme.example"] * 30, 2_400, "Accounts (2,400), the first 20 owned by ana@acme.example:"),
        (["ana@acme.example", "bo@acme.example"], 2, "Accounts (2):"),
    ],
)
def test_accounts_name_their_owner_once_where_it_is_one(owners: list[str], total: int, heading: str) -> None:
    lines = alert_text(alert(owners, total)).splitlines()
    start = lines.index(heading)
    columns = lines[start + 1].split()
    assert columns == (
        ["amount", "account", "owner", "name"] if len(set(owners)) > 1 else ["amount", "account", "name"]
    )
    if len(set(owners)) == 1:
        assert max(map(len, lines)) <= 80
    assert any(line.strip() == "… and 2,380 more" for line in lines) == (total == 2_400)
