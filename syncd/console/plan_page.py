"""What the page of one plan shows: figures, pictures, and the rows that a reader's filter leaves. Renders nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from syncd.report.plans.plan_view import balances, decisions, email_of, moves, texts, why
from syncd.report.wording import moment, money, place, plain

ROWS = 100
"""So many rows stand on one page."""
_BARS = 12
_BESIDE = 200
_OUTCOMES = ("change", "held", "blocked", "unassigned")
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """What a reader wants to see: an outcome, words that must all stand in a row, and which page of it."""

    outcome: str = "change"
    words: str = ""
    page: int = 1

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> Filter:
        """From the query of an address; what makes no sense is as if it were not there."""
        outcome, page = asked.get("outcome", ""), asked.get("page", "")
        return cls(
            outcome if outcome in _OUTCOMES else "change",
            asked.get("words", "").strip()[:200],
            int(page) if page.isdecimal() and len(page) < 7 and int(page) > 0 else 1,
        )


def plan_page(document: Entry, fate: Entry, asked: Filter) -> dict[str, Any]:
    """Everything that the page shows, as texts and numbers."""
    summary, moved = document["summary"], document["summary"]["money_moved"]
    rows = _rows(document, asked.outcome)
    words = asked.words.casefold().split()
    left = [row for row in rows if all(word in " ".join(row.values()).casefold() for word in words)]
    pages = max(1, -(-len(left) // ROWS))
    page = min(asked.page, pages)
    return {
        "plan_id": document["plan_id"],
        "kind": document.get("kind", "rules"),
        "title": _title(document),
        "records": len(document["changes"]),
        "beside": _beside(document),
        "status": fate["status"],
        "approval": fate["approval"],
        "fate": fate["rows"],
        "made": moment(document["created_at"]),
        "pack_revision": document["pack_revision"],
        "mirror": {
            system: (moment(each["as_of"]) if each["as_of"] else "never", bool(each.get("stale")))
            for system, each in sorted(document["mirror"].items())
        },
        "tiles": [
            ("To change", f"{summary['changes']:,}"),
            ("Held", f"{summary['held']:,}"),
            ("Blocked", f"{summary['blocked']:,}"),
            ("Unassigned", f"{summary['unassigned']:,}"),
            ("Kept", f"{summary['keep']:,}"),
            ("Open pipeline moved", money(moved["amount"], moved["currency"])),
        ],
        "limits": [(plain(trip["limit"]), plain(trip["text"])) for trip in document["guard"]["tripped"]],
        "reps": _reps(document),
        "territories": _territories(document),
        "currency": moved["currency"],
        "texts": len(texts(document)),
        "outcome": asked.outcome,
        "words": asked.words,
        "outcomes": [(name, summary["changes" if name == "change" else name]) for name in _OUTCOMES],
        "rows": left[(page - 1) * ROWS : page * ROWS],
        "total": len(rows),
        "found": len(left),
        "page": page,
        "pages": pages,
    }


def _title(document: Entry) -> str:
    """What sort of plan it is, and whose book it is about."""
    people, plan_id = document.get("people", {}), document["plan_id"]
    named = {
        "undo": "Undo plan",
        "leads": "Plan of leads",
        "leaver": f"Plan for who leaves, {plain(people.get('leaver', {}).get('email', ''))}:",
        "joiner": f"Plan for who starts, {plain(people.get('joiner') or '')}:",
        "distribution": f"Plan to fill books of {plain(people.get('pool') or '')}:",
        "balance": "Plan to even books",
    }
    return f"{named.get(str(document.get('kind')), 'Plan')} {plan_id}"


def _beside(document: Entry) -> dict[str, Any]:
    """The deals, leads, contacts and tasks that a leaver's plan hands over, or leaves with the reason."""
    people = document.get("people", {})
    found = [("opportunity", each) for each in people.get("opportunities", ())]
    found += [(each["kind"], each) for each in people.get("others", ())]
    rows = [
        {
            "kind": kind,
            "name": plain(each.get("name") or each["ref"]),
            "to": plain(each["to"] or "stays"),
            "why": plain(each["text"]),
        }
        for kind, each in found
    ]
    listed = len(people.get("others", ()))
    more = max(0, len(rows) - _BESIDE) + max(0, people.get("others_total", listed) - listed)
    return {"rows": rows[:_BESIDE], "more": more}


def _rows(document: Entry, outcome: str) -> list[dict[str, str]]:
    if outcome == "change":
        return [
            {
                "account": move.name,
                "company": plain(move.decision["company"]),
                "from": move.old,
                "to": move.new if move.role == "owner" else f"{move.role}: {move.new}",
                "territory": move.territory,
                "money": _amount(move.decision.get("money")),
                "why": why(move.decision),
                "rule": place(move.decision["rule"]) or "",
            }
            for move in moves(document)
        ]
    return [
        {
            "account": plain(entry.get("name") or entry["company"]),
            "company": plain(entry["company"]),
            "from": email_of(entry["current_owner"]),
            "to": "",
            "territory": plain(entry["territory"] or "(no territory)"),
            "money": _amount(entry.get("money")),
            "why": why(entry),
            "rule": place(entry["rule"]) or "",
        }
        for entry in decisions(document, outcome)
    ]


def _amount(text: str | None) -> str:
    return f"{Decimal(text):,.0f}" if text else ""


def _reps(document: Entry) -> dict[str, Any]:
    """Who gains and loses accounts: bars in per cent of the longest."""
    found = balances(moves(document))
    most = max((max(row.gains, row.losses) for row in found), default=1)
    rows = [
        {
            "rep": row.rep,
            "lost": row.losses,
            "gained": row.gains,
            "left": _part(row.losses, most),
            "right": _part(row.gains, most),
        }
        for row in found[:_BARS]
    ]
    return {"rows": rows, "more": max(0, len(found) - _BARS)}


def _territories(document: Entry) -> dict[str, Any]:
    """Open pipeline of the territories that the plan touches, before and after."""
    rows: Sequence[Entry] = sorted(
        document.get("shifts", {}).get("territories", ()),
        key=lambda row: (-abs(_money(row, "after") - _money(row, "before")), row["territory"]),
    )
    most = max((max(_money(row, "before"), _money(row, "after")) for row in rows), default=Decimal(0))
    shown = [
        {
            "territory": plain(row["territory"]),
            **{side: f"{_money(row, side):,.0f}" for side in ("before", "after")},
            **{f"{side}_part": _part(_money(row, side), most) for side in ("before", "after")},
        }
        for row in rows[:_BARS]
    ]
    return {"rows": shown if most else [], "more": max(0, len(rows) - _BARS)}


def _money(row: Entry, side: str) -> Decimal:
    return Decimal(row["money"][side])


def _part(value: Decimal | int, most: Decimal | int) -> str:
    """A part of the longest bar in per cent; what is not nothing shows at least a line."""
    return f"{max(float(value) / float(most) * 100, 1.0 if value else 0.0):.1f}" if most else "0"
