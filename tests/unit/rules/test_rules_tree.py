"""Territory choice: first match per level, never the next sibling, windows, and what was passed over."""

from __future__ import annotations

from datetime import date

from rule_builders import NOW, facts, is_, nested, pack, territory

from syncd.rules.deciding.frame import Frame
from syncd.rules.deciding.tree import choose_territory
from syncd.rules.deciding.tree_result import Cause
from syncd.rules.facts import Directory
from syncd.rules.pack import Effective


def chosen(pack_, facts_, role="owner", now=NOW):
    result = choose_territory(pack_, role, facts_, Frame.of(pack_, Directory({}), now).context)
    return result.territory.path if result.territory else None, [(t.path, c) for t, c in result.passed]


DACH = nested(
    territory("dach", is_("country", "DE"), "lead@x"),
    territory("banks", is_("industry", "banking"), "bank@x"),
    territory("banks-too", is_("industry", "banking"), "never@x"),
)
PACK = pack(DACH, territory("german", is_("country", "DE"), "late@x"), territory("rest", None, "rest@x"))


def test_first_child_that_holds_is_entered_and_the_deepest_takes_the_account():
    assert chosen(PACK, facts(country="DE", industry="banking"))[0] == "dach/banks"


def test_an_account_inside_a_territory_never_goes_to_its_next_sibling():
    path, passed = chosen(PACK, facts(country="DE", industry="retail"))
    assert path == "dach"
    assert passed == [("dach/banks", Cause.OWN_CONDITION), ("dach/banks-too", Cause.OWN_CONDITION)]


def test_what_was_passed_over_is_told_in_the_order_tried():
    path, passed = chosen(PACK, facts(country="US"))
    assert path == "rest"
    assert passed == [("dach", Cause.OWN_CONDITION), ("german", Cause.OWN_CONDITION)]


def test_a_territory_outside_its_window_is_skipped_with_all_below_and_both_days_are_included():
    for first, last, expected in [
        (date(2026, 12, 1), date(2026, 12, 1), "dach/banks"),
        (date(2026, 12, 2), None, "german"),
        (None, date(2026, 11, 30), "german"),
    ]:
        from dataclasses import replace

        windowed = pack(replace(DACH, effective=Effective(first, last)), *PACK.roles["owner"][1:])
        path, passed = chosen(windowed, facts(country="DE", industry="banking"))
        assert path == expected
        assert (("dach", Cause.NOT_IN_EFFECT) in passed) is (expected == "german")


def test_the_window_opens_at_midnight_in_the_zone_of_the_pack():
    from dataclasses import replace
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    windowed = replace(
        pack(replace(DACH, effective=Effective(date(2026, 12, 2), None)), territory("rest", None, "rest@x")),
        zone=ZoneInfo("Europe/Berlin"),
    )
    assert chosen(windowed, facts(country="DE"), now=datetime(2026, 12, 1, 22, 59, tzinfo=UTC))[0] == "rest"
    assert chosen(windowed, facts(country="DE"), now=datetime(2026, 12, 1, 23, 0, tzinfo=UTC))[0] == "dach"


def test_a_role_without_a_catch_all_may_match_nothing():
    roles = pack(territory("rest", None, "rest@x"), other_roles={"csm": (territory("c", is_("country", "DE"), "c@x"),)})
    assert chosen(roles, facts(country="US"), "csm") == (None, [("c", Cause.OWN_CONDITION)])
