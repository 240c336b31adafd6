"""Documents of the report as its job makes them, over planted books; with texts from a CRM that mean no good."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from syncd.clock import iso
from syncd.planning.aids import overview
from syncd.rules.facts import Facts
from tests.aids_books import NOW, book, many_reps, owned

EVIL = '<img src=x onerror=alert(1)> "Acme" & Söhne\u202e'


def overview_of(companies: int = 600, territories: int = 12, seed: int = 3) -> dict[str, Any]:
    """A whole document: every part has something to show, and somebody has named things badly."""
    facts = [
        owned(each, None) if number % 17 == 0 else each
        for number, each in enumerate(book(companies, seed, owner_of=many_reps))
    ]
    tops = max(1, territories // 10)
    paths = [f"area {number}" for number in range(tops)]
    paths += [f"area {number % tops}/district {number} & co" for number in range(territories - tops)]

    def home(each: Facts) -> str:
        return paths[int(each.key.rpartition(":")[2][-6:] or "0", 36) % len(paths)]

    rows = overview.rep_rows(facts, NOW)
    moves = [
        overview.Move(str(number), NOW - timedelta(days=number % 80), EVIL, "ben@example.com", number % 3 > 0)
        for number in range(90)
    ]
    states = [each for each in facts if str(each.values.get("state", "")).startswith("US-")]
    whole = overview.loads((("", each) for each in facts), NOW)[""]
    return {
        "format": 1,
        "kind": "report",
        "edition": "weekly",
        "pack": EVIL,
        "pack_revision": "f00d",
        "since": iso(NOW - timedelta(days=7)),
        "now": iso(NOW),
        "zone": "UTC",
        "mode": "approve",
        "currency": "USD",
        "mirror": {"salesforce": {"as_of": iso(NOW), "stale": False}, "hubspot": {"as_of": None, "stale": True}},
        "links": {
            "salesforce": "https://acme.my.salesforce.com/lightning/r/Account/{id}/view",
            "hubspot": "javascript:x",
        },
        "summary": whole.document()
        | {"territories": len(paths), "reps": len(rows), "won": "125000.50", "deals_won": 4, "moved": 30}
        | {"moved_by_others": 10, "to_change": 7, "alerts_open": 2},
        "territories": overview.territory_rows(paths, facts, home, NOW),
        "reps": rows,
        "balance": overview.spreads(rows),
        "attainment": [_quota(f"area {number}", Decimal(number * 3) / 10, number > 0) for number in range(5)],
        "attainment_problem": None,
        "findings": [_finding("unworked", EVIL, 12), _finding("orphan", "Accounts without an owner", 0)],
        "quality": [_finding("data-quality", "Data quality of country", 9, subject="country")],
        "weeks": overview.weeks_of(moves, NOW - timedelta(weeks=11), NOW, ZoneInfo("UTC")),
        "movers": overview.movers(moves),
        "alerts": {
            "open": [_alert(1, "page"), _alert(2, "ticket")],
            "open_total": 2,
            "by_monitor": [{"monitor": "RepLeft", "fired": 1, "ended": 0}],
        },
        "countries": overview.place_rows(facts, "country", NOW),
        "states": overview.place_rows(states, "state", NOW),
        "largest": [
            {**row, "name": EVIL, "refs": ["salesforce:account:001/../x?y", "hubspot:account:77"]}
            for row in overview.largest(facts, home, 20)
        ],
    }


def _quota(subject: str, pace: Decimal, speaks: bool) -> dict[str, Any]:
    return {
        "subject": subject,
        "of": "territory",
        "period": "2026-Q4",
        "quota": "100000.00",
        "expected": "50000.00",
        "won": f"{50000 * pace:.2f}",
        "pace": f"{pace:.3f}",
        "elapsed": "0.500",
        "speaks": speaks,
        "paced": "the pace is linear",
        "where": "pack.yaml:7",
    }


def _finding(check: str, title: str, count: int, subject: str | None = None) -> dict[str, Any]:
    return {
        "check": check,
        "subject": subject,
        "title": title,
        "count": count,
        "of": 600,
        "unit": "companies",
        "money_at_stake": "5000",
        "won_12m": "0",
        "first": f"Ask {EVIL}.",
        "groups": [{"name": EVIL, "count": count, "money": "0"}],
        "examples": [{"ref": "salesforce:account:001A", "name": EVIL, "text": EVIL, "money": "5"}],
    }


def _alert(number: int, severity: str) -> dict[str, Any]:
    return {
        "id": number,
        "severity": severity,
        "monitor": "RepLeft",
        "summary": EVIL,
        "since": iso(NOW),
        "acknowledged_by": None,
        "first_command": f"syncd alerts show {number}",
    }
