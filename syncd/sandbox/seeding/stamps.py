"""Instants and dates as Salesforce writes them; HubSpot's form is that of `syncd.clock.iso`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def salesforce_instant(instant: datetime) -> str:
    """An instant as Salesforce's REST API writes it: `2026-11-20T10:11:12.000+0000`, whole seconds."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000+0000"


def day(instant: datetime) -> str:
    """The date of an instant in UTC, as both CRMs write dates."""
    return f"{instant.astimezone(UTC):%Y-%m-%d}"


def quarter_start(instant: datetime) -> datetime:
    """The first midnight, in UTC, of the calendar quarter of `instant`."""
    utc = instant.astimezone(UTC)
    return datetime(utc.year, 3 * ((utc.month - 1) // 3) + 1, 1, tzinfo=UTC)


def days_between(earlier: datetime, later: datetime) -> int:
    """Whole days from one instant to a later one, at least 1."""
    return max(1, (later - earlier) // timedelta(days=1))
