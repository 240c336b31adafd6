"""Plan documents as `plan --format json` prints them, for the renderers' tests."""

from __future__ import annotations

from typing import Any


def owner(name: str) -> dict[str, str]:
    return {"email": f"{name}@example.com", "salesforce": f"005{name}", "hubspot": f"77{name}"}


def decision(number: int | str, outcome: str = "change", **changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "company": f"salesforce:account:001{number}",
        "accounts": [f"salesforce:account:001{number}"],
        "role": "owner",
        "territory": "emea/dach-banking",
        "owner": owner("anna"),
        "current_owner": owner("old"),
        "outcome": outcome,
        "reason": "picked",
        "text": "picked: fewest accounts",
        "rule": {"file": "territories.yaml", "line": 14},
        "name": f"Company {number}",
    }
    return base | changes


def row(number: int | str, **changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "ref": f"salesforce:account:001{number}",
        "field": "owner",
        "from": "005old",
        "to": "005anna",
        "because": f"salesforce:account:001{number}",
        "fingerprint": "f",
    }
    return base | changes


def document(
    decisions: list[dict[str, Any]], changes: list[dict[str, Any]], *, keep: int = 0, **rest: Any
) -> dict[str, Any]:
    counts = {
        key: sum(1 for one in decisions if one["outcome"] == outcome)
        for key, outcome in (
            ("changes", "change"),
            ("held", "held"),
            ("blocked", "blocked"),
            ("unassigned", "unassigned"),
        )
    }
    base: dict[str, Any] = {
        "format": 1,
        "kind": "plan",
        "plan_id": "3f9a01c2d4e5",
        "pack_revision": "5f1c22ab9d3e7a40",
        "mapping_revision": "m1",
        "created_at": "2026-11-22T10:00:00.000Z",
        "lifetime_seconds": 86400,
        "now": "2026-11-22T10:00:00.000Z",
        "mirror": {
            "hubspot": {"as_of": "2026-11-22T09:41:00.000Z", "stale": True},
            "salesforce": {"as_of": "2026-11-22T09:58:00.000Z"},
        },
        "systems": {"written": ["salesforce"], "expected": ["hubspot"]},
        "summary": {
            "evaluated": sum(counts.values()) + keep,
            **counts,
            "keep": keep,
            "money_moved": {"amount": "1250000", "currency": "USD"},
        },
        "decisions": decisions,
        "changes": changes,
        "guard": {"tripped": []},
    }
    return base | rest


def full() -> dict[str, Any]:
    """A plan with something of everything."""
    aligned = decision(
        4,
        owner=owner("ben"),
        current_owner=owner("ben"),
        territory="emea",
        reason="align",
        text="hubspot is brought into line with the owner that the rules keep (kept)",
        name="Globex",
    )
    long_words = decision(
        3,
        current_owner=None,
        name="Kreissparkasse für den ganzen Landkreis Oberbayern-Süd und Umgebung e.V. mit sehr langem Namen",
        text="picked: no member of the territory owns it; the smallest load of three, ties by fewer accounts",
    )
    followed = decision(
        2,
        name="Commerzbank AG",
        left_out=[{"ref": "salesforce:opportunity:0069", "reason": "deal-holdout", "text": "deal holdout base.yaml:7"}],
    )
    held = decision(
        5, "held", reason="late-stage-deal", text="held: late-stage deal", rule={"file": "base.yaml", "line": 3}
    )
    blocked = decision(
        6,
        "blocked",
        reason="refused",
        text="FIELD_CUSTOM_VALIDATION_EXCEPTION: Region is locked; not tried before 2026-11-29",
        name=None,
    )
    nobody = decision(
        7, "unassigned", reason="unassigned", text="unassigned: nobody is there", current_owner=None, rule=None
    )
    children = [
        row(2, ref=f"salesforce:opportunity:006{number}", parent="salesforce:account:0012") for number in range(1, 8)
    ]
    changes = [
        row(
            1, ref="salesforce:account:0015g00000AbCdEFGH", **{"from": "0055g000001AbCdIAK", "to": "0055g000002EfGhIAK"}
        ),
        row(2),
        row(2, ref="hubspot:account:92", expected=True, **{"from": "77old", "to": "77anna"}),
        *children,
        row(3, **{"from": None}),
        row(4, ref="hubspot:account:94", **{"from": "77cleo", "to": "77ben"}),
    ]
    trips = [
        {
            "limit": "changes.max",
            "allowed": "3",
            "found": "4",
            "text": "4 accounts would change; the pack allows 3",
            "rules": ["territories.yaml:14", "territories.yaml:30"],
        }
    ]
    decisions = [decision(1), followed, long_words, aligned, held, blocked, nobody]
    return document(decisions, changes, keep=240, guard={"tripped": trips})
