"""When editions of the report are due: once after each week, month and fiscal quarter, whatever restarts between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from syncd.jobs.daemon.due import AfterPeriod
from syncd.jobs.daemon.duties import duties
from syncd.settings.model import Settings
from syncd.settings.receivers import ReportSettings
from syncd.store.runs import Past

UTC_ZONE = ZoneInfo("UTC")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def due_days(rule: AfterPeriod, start: datetime, days: int) -> list[str]:
    """The days on which a daemon that looks every hour makes an edition."""
    past, found = Past(None, None, None), []
    for hour in range(days * 24):
        now = start + timedelta(hours=hour)
        if rule.is_due(past, now, first=start):
            found.append(f"{now:%m-%d %H}")
            past = Past(now, now, "ok")
    return found


@pytest.mark.parametrize(
    ("period", "first_month", "days", "expected"),
    [
        ("week", 1, 15, ["11-23 07", "11-30 07"]),
        ("month", 1, 45, ["12-01 07", "01-01 07"]),
        ("quarter", 1, 60, ["01-01 07"]),
        ("quarter", 2, 85, ["02-01 07"]),
    ],
)
def test_an_edition_is_made_once_after_each_period(
    period: str, first_month: int, days: int, expected: list[str]
) -> None:
    rule = AfterPeriod(period, "07:00", UTC_ZONE, first_month)
    assert due_days(rule, datetime(2026, 11, 20, 10, tzinfo=UTC), days) == expected


def test_a_time_is_the_packs_and_one_that_a_clock_change_leaves_out_counts_once() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert due_days(AfterPeriod("week", "07:00", berlin), datetime(2026, 11, 20, tzinfo=UTC), 5) == ["11-23 06"]
    rule = AfterPeriod("month", "02:30", ZoneInfo("Africa/Cairo"))
    assert len(due_days(rule, datetime(2026, 4, 20, tzinfo=UTC), 20)) == 1


def test_a_failed_edition_is_tried_again_soon_and_a_cut_off_one_at_once() -> None:
    rule, now = AfterPeriod("week", "07:00", UTC_ZONE), datetime(2026, 11, 23, 7, 5, tzinfo=UTC)
    failed = Past(LONG_AGO, now - timedelta(minutes=4), "failed")
    assert not rule.is_due(failed, now, first=LONG_AGO)
    assert rule.is_due(failed, now + timedelta(minutes=12), first=LONG_AGO)
    assert rule.is_due(Past(LONG_AGO, now, "cut off"), now, first=LONG_AGO)


def test_only_editions_with_a_time_are_duties_and_each_knows_its_own_runs() -> None:
    settings = Settings(report=ReportSettings(folder=Path("reports"), weekly="07:00", quarterly="08:00"))
    found = {duty.name: duty for duty in duties(settings, (), UTC_ZONE, 2) if duty.name.startswith("report")}
    assert sorted(found) == ["report-quarterly", "report-weekly"]
    assert found["report-weekly"].argv == ("report", "--edition", "weekly", "--tell")
    assert found["report-weekly"].details == ({"edition": "weekly"},)
    assert found["report-quarterly"].rule == AfterPeriod("quarter", "08:00", UTC_ZONE, 2)
