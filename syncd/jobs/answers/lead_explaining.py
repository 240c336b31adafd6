"""Explaining a lead: where it would go now, by which step, what the others said; and where one of the mirror stands.

Only the accounts that it may match are read, and nobody is charged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from syncd.clock import iso
from syncd.errors import RefusedError, UsageError
from syncd.jobs.books.adopted import with_adopted
from syncd.jobs.books.book import derivation_of
from syncd.jobs.context import Context
from syncd.jobs.leads.routing import case_of, router_of
from syncd.jobs.leads.scenes import scene_of
from syncd.model.fields import FieldCatalogue
from syncd.model.records import User
from syncd.model.refs import Kind, Ref, System
from syncd.planning.leads.lead_routing import LeadCase, decide_leads, wants_another, wants_routing
from syncd.planning.leads.lead_tracking import Scene, observed
from syncd.rules.deciding.tree import choose_territory
from syncd.rules.explaining.clauses import clause_of, where
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.routing.lead_facts import lead_from_raw
from syncd.rules.routing.router import LeadRoute
from syncd.rules.suggestion import did_you_mean
from syncd.store import leads as store
from syncd.store import outbox, ownership
from syncd.store.leads import LeadState, LeadTrack, SeenLead

_MOST_RECEIPTS = 5
_MOST_CHANGES = 10
_NOWHERE = "lead"


def explain_lead(context: Context, given: Iterable[str], *, as_of: datetime | None = None) -> dict[str, Any]:
    """Where a lead of these `FIELD=VALUE` would go, as a document; UsageError SYN021 for what is no field or value."""
    now = as_of or context.clock.now()
    pack = with_adopted(context, context.pack(now=now))
    raw = _values(given, context.catalogue())
    facts = lead_from_raw(_NOWHERE, raw, derivation_of(context, pack, now.date()))
    with context.store.read() as conn:
        scene = scene_of(context, conn, pack, now)
        nowhere = Ref(context.systems[0], Kind.LEAD, _NOWHERE)
        track = LeadTrack(nowhere, LeadState.WAITING, "waits", "", now, now)
        case = LeadCase(track, facts, None)
        router, _ = router_of(context, conn, scene, [case], now)
    return _document(scene, case, router.route(facts), raw)


def explain_lead_ref(context: Context, ref: Ref, *, as_of: datetime | None = None) -> dict[str, Any]:
    """A lead of the mirror: the values seen, where it goes and why, where it stands, its clock, what was written.

    Raises RefusedError SYN570 where leads are not read, UsageError SYN571 for a lead that the mirror does not have.
    """
    if not context.settings.leads.read:
        hint = "set read = true under [leads] in the settings; or give its values: --lead email=…"
        raise RefusedError("SYN570", "leads are not read by this installation", hint=hint)
    now = as_of or context.clock.now()
    pack = with_adopted(context, context.pack(now=now))
    derivation = derivation_of(context, pack, now.date())
    with context.store.read() as conn:
        seen = next(iter(store.seen_leads(conn, [ref])), None)
        if seen is None:
            hint = "run `syncd leads`; leads that changed last before `within` of [leads] are not read"
            raise UsageError("SYN571", f"there is no lead {ref} in the mirror", hint=hint)
        scene = scene_of(context, conn, pack, now)
        track = observed(seen, scene)
        case = case_of(seen, track, scene, derivation)
        router, _ = router_of(context, conn, scene, [case], now)
        others = store.of_persons(conn, [track.person] if track.person is not None else [])
        route = decide_leads(router, [case], others)[0].route
        document = _document(scene, case, route, dict(seen.record.fields))
        return document | _standing(conn, seen, track, scene) | _written(conn, ref, scene.users)


def _document(scene: Scene, case: LeadCase, route: LeadRoute, raw: Mapping[str, str]) -> dict[str, Any]:
    decision, pack = route.decision, scene.pack
    evaluation = EvaluationContext(scene.now, pack.zone, pack.fiscal_year_start)
    tree = choose_territory(pack, "owner", case.facts, evaluation)
    return {
        "format": 1,
        "lead": dict(sorted(raw.items())),
        "now": iso(scene.now),
        "pack_revision": pack.revision,
        "owner": decision.owner.email if decision.owner is not None else None,
        "queue": route.queue,
        "outcome": decision.outcome.value,
        "reason": decision.reason,
        "text": decision.text,
        "rule": where(decision.place),
        "matched": route.match.company if route.match is not None else None,
        "match": route.match.text if route.match is not None else None,
        "passed": list(decision.notes),
        "candidates": [{"email": each, "load": decision.loads.get(each)} for each in decision.candidates],
        "next_change_at": iso(decision.next_change_at) if decision.next_change_at else None,
        "path": [
            {
                **where(step.place),
                "territory": step.path,
                "row": step.row,
                "when": clause_of(step.when, case.facts, evaluation).to_json(),
            }
            for step in tree.path
        ],
        "findings": list(case.facts.findings),
    }


@dataclass(frozen=True, slots=True)
class _People:
    """Owners by their ids, for the reader."""

    users: Mapping[Ref, User]

    def name(self, system: System, user: str | None) -> str | None:
        known = self.users.get(Ref(system, Kind.USER, user)) if user is not None else None
        return (known.email or known.name) if known is not None else user


def _standing(conn: Connection, seen: SeenLead, track: LeadTrack, scene: Scene) -> dict[str, Any]:
    """Where the lead stands, what was decided about it last, and its clock."""
    saved = next(iter(store.tracks_of(conn, [track.ref]).values()), track)
    sla = scene.sla
    return {
        "ref": str(track.ref),
        "standing": {
            "state": track.state.value,
            "text": track.text,
            "owner": _People(scene.users).name(track.ref.system, seen.record.owner),
            "routed": wants_routing(track) or wants_another(track, scene),
            "created_at": iso(track.created_at),
            "waiting_since": _told(track.waiting_since),
            "assigned_at": _told(track.assigned_at),
            "assigned_by": track.assigned_by,
        },
        "decided": None
        if saved.decided_at is None
        else {"at": iso(saved.decided_at), "plan_id": saved.plan_id, "match": saved.matched},
        "sla": None
        if sla is None
        else {
            **where(sla.place),
            "first_touch": f"{sla.first_touch.count}{sla.first_touch.unit}",
            "hours": sla.hours,
            "then": sla.then,
            "clock_from": _told(track.clock_from),
            "due_at": _told(track.due_at),
            "touched_at": _told(track.touched_at),
            "breached_at": _told(track.breached_at),
            "reassigned_at": _told(track.reassigned_at),
        },
    }


def _written(conn: Connection, ref: Ref, users: Mapping[Ref, User]) -> dict[str, Any]:
    """What syncd wrote of it, and who owned it."""
    people = _People(users)
    return {
        "written": [
            {
                "at": iso(receipt.at),
                "plan_id": receipt.plan_id,
                "state": receipt.state.value,
                "from": people.name(ref.system, receipt.before),
                "to": people.name(ref.system, receipt.after),
                "code": receipt.code,
                "message": receipt.message,
            }
            for receipt in outbox.receipts(conn, ref)[-_MOST_RECEIPTS:]
        ],
        "history": [
            {
                "at": iso(change.at),
                "from": people.name(ref.system, change.old),
                "to": people.name(ref.system, change.new),
                "by": people.name(ref.system, change.modified_by),
            }
            for change in ownership.owner_history(conn, ref)[-_MOST_CHANGES:]
        ],
    }


def _told(at: datetime | None) -> str | None:
    return iso(at) if at is not None else None


def _values(given: Iterable[str], catalogue: FieldCatalogue) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not value.strip():
            raise UsageError("SYN021", f"{text!r} is no FIELD=VALUE of a lead", hint="as in email=jo@acme.example")
        if name not in catalogue.lead:
            raise UsageError("SYN021", f"leads have no field {name!r}", hint=did_you_mean(name, catalogue.lead))
        found[name] = value
    return found
