"""The daemon's duties, as the settings and the pack ask for them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from syncd.jobs.daemon.due import AfterPeriod, At, Duty, Every
from syncd.jobs.plans.plan import OFFER
from syncd.settings import Mode, Settings

WORK, OFFERING, WATCHING, LEADS = "work", "offer", "watch", "leads"
"""The lanes, one thing at a time in each: what pulls and writes, offers plans, watches, and looks at leads."""

_RIGHTS, _SETTLED = timedelta(days=1), timedelta(minutes=1)
"""How often rights are looked at, and how long after the start first: the first pull and watch come before."""
_EDITIONS = {"weekly": "week", "monthly": "month", "quarterly": "quarter"}
_PULLS: tuple[dict[str, object], ...] = ({"full": False}, {"full": True})


def duties(
    settings: Settings,
    plan_at: Iterable[str],
    zone: ZoneInfo,
    fiscal_year_start: int = 1,
    *,
    started: datetime | None = None,
) -> tuple[Duty, ...]:
    """What there is to do: times of day are the pack's zone's. `started` is when the daemon began to lead."""
    schedule = settings.schedule
    found = [Duty("sync", WORK, Every(schedule.pull), ("sync",), "pull", _PULLS)]
    if settings.hubspot is not None:
        delayed = ("pull", "--delayed-pass")
        found.append(Duty("delayed-pass", WORK, Every(schedule.delayed_pass), delayed, "delayed-pass"))
    found += [
        Duty("sweep", WORK, At((schedule.sweep,), zone), ("pull", "--sweep"), "sweep"),
        Duty("full-sweep", WORK, At((schedule.full_sweep,), zone), ("pull", "--full"), "pull", ({"full": True},)),
        Duty("housekeeping", WORK, At((schedule.housekeeping,), zone), ("db", "housekeeping"), "housekeeping"),
        Duty("watch", WATCHING, Every(schedule.watch), ("watch",), "watch"),
    ]
    if settings.salesforce is not None or settings.hubspot is not None:
        since = started + _SETTLED if started is not None else None
        found.append(Duty("rights", OFFERING, Every(_RIGHTS, since), ("doctor", "--rights"), "rights"))
    if settings.leads.read:
        found.append(Duty("leads", LEADS, Every(schedule.leads), ("leads",), "leads"))
    if settings.pack.git is not None:
        found.append(Duty("pack", WATCHING, Every(settings.pack.git.every), ("pack", "fetch"), "pack"))
    for edition, period in _EDITIONS.items():
        at = getattr(settings.report, edition)
        if at is not None:
            rule = AfterPeriod(period, at, zone, fiscal_year_start)
            words = ("report", "--edition", edition, "--tell")
            found.append(Duty(f"report-{edition}", OFFERING, rule, words, "report", ({"edition": edition},)))
    times = tuple(plan_at)
    if settings.mode is Mode.APPROVE and times:
        found.append(Duty("offer", OFFERING, At(times, zone), ("plan",), OFFER))
    return tuple(found)
