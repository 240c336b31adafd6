"""Counts and levels outlive the process that took them, on both databases."""

from __future__ import annotations

from syncd.store.engine import Store
from syncd.store.tallies import save_tally, tallies
from syncd.telemetry.tally import Tally


def test_counts_add_up_and_levels_replace_whatever_number_they_were_told_as(store: Store) -> None:
    for well, calls in ((True, 3), (False, 4)):
        tally = Tally()
        tally.level("reload_successful", well)
        tally.count("calls", calls, system="hubspot")
        with store.write() as conn:
            save_tally(conn, tally.take())
    with store.read() as conn:
        found = tallies(conn)
    assert found == {"reload_successful": (({}, 0.0),), "calls": (({"system": "hubspot"}, 7.0),)}
