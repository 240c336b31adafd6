"""The open leads of somebody who leaves: read from the mirror, and routed over the book as the plan leaves it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from syncd.jobs.books.book import derivation_of
from syncd.jobs.context import Context
from syncd.jobs.leads.routing import case_of, router_of
from syncd.jobs.leads.scenes import scene_of
from syncd.model.decisions import Owner
from syncd.model.plans import Change
from syncd.model.records import Record
from syncd.planning.leads.lead_tracking import is_over, observed
from syncd.planning.people.left_behind import LeftBehind
from syncd.planning.people.left_leads import Heirs, LeftLead, left_leads_by
from syncd.rules.pack import Pack
from syncd.store import leads as store


def leads_of_leaver(
    context: Context,
    pack: Pack,
    records: Iterable[Record],
    who: str,
    owners: Mapping[str, Owner],
    heirs: Heirs,
    now: datetime,
) -> tuple[Sequence[LeftBehind], Sequence[Change]]:
    """What becomes of these leads of a person (e-mail), and the writes for it.

    `owners` are those whom companies get by the same plan. Nobody's working hours count: they are handed over when
    the plan is applied.
    """
    derivation = derivation_of(context, pack, now.date())
    with context.store.read() as conn:
        scene = scene_of(context, conn, pack, now)
        leads = [
            LeftLead(seen.record, replace(case_of(seen, track, scene, derivation), without={who: "leaves"}))
            for seen in store.seen_leads(conn, [record.ref for record in records])
            if not is_over(track := observed(seen, scene))
        ]
        if not leads:
            return (), ()
        cases = [lead.case for lead in leads]
        router, source = router_of(context, conn, scene, cases, now, owners=owners, any_hour=True)
        persons = [case.track.person for case in cases if case.track.person is not None]
        others = [track for track in store.of_persons(conn, persons) if track.rep != who]
    return left_leads_by(source, router, leads, others, heirs)
