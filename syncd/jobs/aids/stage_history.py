"""The ways of deals through their stages: read from the store, and asked of the CRMs for the time before syncd.

Asked once for each deal and only when told to, for it costs calls: pulls see what changes from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection

from syncd.connectors.port import StageVersion
from syncd.errors import CrmError
from syncd.jobs.context import Context
from syncd.model.normalisation import instant_or_date
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.planning.aids.deals import Entered, Way
from syncd.rules.pack import Pack
from syncd.store import mirror, stage_entries

MOST = 20_000
"""So many deals of a system are asked about in one run, the newest first; the next run goes on."""
_AT_ONCE = 1_000
_LOOKED_BACK = timedelta(days=3 * 365)


def ways_of(conn: Connection) -> Mapping[Ref, Way]:
    """The ways of all deals as far as they are known."""
    return {ref: tuple(Entered(each.at, each.stage) for each in way) for ref, way in stage_entries.ways(conn).items()}


def ask_ways(context: Context, pack: Pack, now: datetime) -> int:
    """Ask each CRM once for the way of every deal that is open or closed in the last three years; how many it told.

    A CRM that cannot be asked now is left out, and the log says so.
    """
    told = 0
    for system in context.systems:
        with context.store.read() as conn:
            known = stage_entries.told_ways(conn)
            records = (each for each in mirror.records(conn, system, Kind.OPPORTUNITY) if each.ref not in known)
            asked = sorted((_asked_about(each, pack, now) for each in records), reverse=True)
        ids = [ref.id for at, ref in asked if at >= now - _LOOKED_BACK][:MOST]
        for start in range(0, len(ids), _AT_ONCE):
            batch = ids[start : start + _AT_ONCE]
            try:
                found = context.reader(system).stage_history(batch)
            except CrmError as error:
                context.log.event("history.unread", system=system.value, code=error.code, deals=len(batch))
                break
            told += _keep(context, system, found)
    return told


def _asked_about(record: Record, pack: Pack, now: datetime) -> tuple[datetime, Ref]:
    """By when a deal is judged to be young enough: now while it is open, else the day on which it closed."""
    closed = record.fields.get("close_date") if record.fields.get("is_closed") == "true" else None
    return (instant_or_date(closed, pack.zone) or record.stamp if closed else now), record.ref


def _keep(context: Context, system: System, found: Mapping[str, tuple[StageVersion, ...]]) -> int:
    entries = {
        Ref(system, Kind.OPPORTUNITY, known): tuple(stage_entries.StageEntry(each.at, each.stage) for each in versions)
        for known, versions in found.items()
    }
    with context.store.write() as conn:
        return stage_entries.tell_stages(conn, entries)
