"""A book from above: the tree adds up, unworked is what the audit says, weeks have no holes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from syncd.planning.aids.audit import AuditBook, unworked
from syncd.planning.aids.overview import (
    NOWHERE,
    Move,
    is_unworked,
    largest,
    movers,
    place_rows,
    rep_rows,
    spreads,
    territory_rows,
    weeks_of,
)
from syncd.rules.facts import Facts
from tests.aids_books import NOW, book, owned, with_values

FACTS = tuple(
    owned(facts, None)
    if number % 10 == 3
    else with_values(facts, last_activity_at=NOW - timedelta(days=91 - number % 3), created_at=None)
    if number % 10 == 5
    else facts
    for number, facts in enumerate(book(400, 7))
)


def home(facts: Facts) -> str | None:
    country = facts.values["country"]
    if country == "US":
        return f"americas/us/{str(facts.values.get('state', 'none')).lower()}"
    return "americas" if country in ("CA", "BR") else "emea" if country in ("GB", "DE", "FR") else None


def test_a_territory_counts_itself_and_all_below_it() -> None:
    rows = {row["path"]: row for row in territory_rows(["americas", "americas/us", "emea", "empty"], FACTS, home, NOW)}
    inside = [facts for facts in FACTS if (home(facts) or "").startswith("americas")]
    assert rows["americas"]["companies"] == len(inside)
    assert rows["americas"]["without_owner"] == sum(not facts.owner_active for facts in inside)
    assert rows["empty"]["companies"] == 0
    assert (rows["americas"]["leaf"], rows["emea"]["leaf"]) == (False, True)
    assert list(rows)[-1] == NOWHERE
    tops = [row for path, row in rows.items() if "/" not in path]
    assert sum(int(str(row["companies"])) for row in tops) == len(FACTS)


def test_unworked_is_what_the_audit_counts() -> None:
    shown = AuditBook(FACTS, (), (), {}, {}, {}, lambda *_: None, NOW)
    assert sum(is_unworked(facts, NOW) for facts in FACTS) == unworked(shown).count
    assert unworked(shown).count


def test_owners_and_places_count_each_company_once() -> None:
    owned_ = [facts for facts in FACTS if facts.owner_active]
    rows = rep_rows(FACTS, NOW)
    assert sum(int(str(row["companies"])) for row in rows) == len(owned_)
    assert spreads(rows)["companies"]["holders"] == len(rows)  # type: ignore[index]
    places = place_rows(FACTS, "country", NOW)
    assert sum(int(str(row["companies"])) for row in places) == len(FACTS)
    assert places[0]["code"] == "US"


def test_weeks_have_no_holes_and_end_with_this_one() -> None:
    moves = [
        Move("a", NOW - timedelta(days=15), "ana", "ben", True),
        Move("b", NOW, None, "ben", False),
        Move("c", NOW, "ben", None, False),
    ]
    rows = weeks_of(moves, NOW - timedelta(weeks=3), NOW, ZoneInfo("UTC"))
    assert [row["week"] for row in rows] == ["2026-10-26", "2026-11-02", "2026-11-09", "2026-11-16"]
    assert [(row["by_syncd"], row["by_others"]) for row in rows] == [(0, 0), (1, 0), (0, 0), (0, 2)]
    assert movers(moves) == [{"email": "ben", "gained": 2, "lost": 1}, {"email": "ana", "gained": 0, "lost": 1}]


def test_a_week_begins_on_monday_in_the_packs_zone() -> None:
    late = datetime(2026, 11, 15, 20, 0, tzinfo=UTC)
    rows = weeks_of([Move("a", late, None, "ben", True)], late, NOW, ZoneInfo("Asia/Tokyo"))
    assert rows[0] == {"week": "2026-11-16", "by_syncd": 1, "by_others": 0}


def test_the_largest_are_those_with_open_pipeline() -> None:
    rows = largest(FACTS, home, 5)
    assert len(rows) <= 5
    assert all(float(str(row["pipeline"])) > 0 for row in rows)
    none = replace(FACTS[0], values={**FACTS[0].values, "open_pipeline": FACTS[0].values["employees"] * 0})  # type: ignore[operator]
    assert largest([none], home, 5) == []
