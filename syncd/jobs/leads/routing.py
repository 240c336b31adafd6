"""Routing the leads that wait: their facts, the accounts they may belong to, and the rules asked where each goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import Connection

from syncd.jobs.books.book import derivation_of
from syncd.jobs.books.family_book import read_family
from syncd.jobs.context import Context
from syncd.jobs.leads.candidates import candidate_companies
from syncd.jobs.leads.scenes import given_lately
from syncd.model.decisions import Owner
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref, System
from syncd.planning.leads.lead_plan import LeadPlanInput
from syncd.planning.leads.lead_routing import Decided, LeadCase, decide_leads, excluded, wants_another, wants_routing
from syncd.planning.leads.lead_tracking import Scene
from syncd.rules.derivation import Derivation
from syncd.rules.facts import Facts
from syncd.rules.routing.lead_facts import lead_from_raw
from syncd.rules.routing.router import LeadRouter
from syncd.store import leads as store
from syncd.store.leads import LeadTrack, SeenLead

NOBODY_NEW: Mapping[str, Owner] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Routed:
    """Where some leads go, and the input of the plan that gives them to people."""

    decided: tuple[Decided, ...]
    source: LeadPlanInput


def route_leads(context: Context, scene: Scene, looked: Sequence[tuple[SeenLead, LeadTrack]], now: datetime) -> Routed:
    """Where every lead goes that waits for somebody, or whose clock ran out and whose rule says `reassign`."""
    pack = scene.pack
    derivation = derivation_of(context, pack, now.date())
    cases = [
        case_of(seen, track, scene, derivation)
        for seen, track in looked
        if wants_routing(track) or wants_another(track, scene)
    ]
    with context.store.read() as conn:
        router, source = router_of(context, conn, scene, cases, now)
        persons = [case.track.person for case in cases if case.track.person is not None]
        decided = decide_leads(router, cases, store.of_persons(conn, persons)) if cases else ()
    return Routed(decided, replace(source, decided=decided))


def router_of(
    context: Context,
    conn: Connection,
    scene: Scene,
    cases: Sequence[LeadCase],
    now: datetime,
    *,
    owners: Mapping[str, Owner] = NOBODY_NEW,
    any_hour: bool = False,
) -> tuple[LeadRouter, LeadPlanInput]:
    """A router over the companies that these leads may belong to, and the plan's input without any decision.

    `owners` are those whom companies are about to get, by company key.
    """
    pack = scene.pack
    linked = [case.linked for case in cases if case.linked is not None]
    keys = candidate_companies(conn, [case.facts for case in cases], linked, context.systems) if cases else ()
    book = read_family(context, conn, pack, keys, now)
    book = replace(book, facts=tuple(_owned_by(facts, owners.get(facts.key)) for facts in book.facts))
    memory = replace(book.memory, assignments=given_lately(conn, now))
    source = LeadPlanInput(
        decided=(),
        guard=pack.guard,
        directory=book.directory,
        users=scene.users,
        writers=context.written_systems,
        now=now,
        pack_revision=pack.revision,
        mapping_revision=context.mapping_revision(),
        currency=context.settings.money.reporting_currency,
        under_way=store.under_way(conn),
        refused=store.refused(conn, now),
        read_at=dict.fromkeys(context.systems, now),
    )
    return LeadRouter(pack, replace(book, memory=memory), now, any_hour=any_hour), source


def _owned_by(facts: Facts, owner: Owner | None) -> Facts:
    """The company with the owner whom it is about to get."""
    return facts if owner is None else replace(facts, current_owner=owner, owner_active=True)


def case_of(seen: SeenLead, track: LeadTrack, scene: Scene, derivation: Derivation) -> LeadCase:
    """A lead as the rules see it."""
    return LeadCase(
        track=track,
        facts=lead_facts(seen.record, scene.users, derivation),
        owner=seen.record.owner,
        linked=_linked(seen.record),
        without=excluded(track, scene),
    )


def lead_facts(record: Record, users: Mapping[Ref, User], derivation: Derivation) -> Facts:
    """The facts of a lead of the mirror: its fields, and its owner as an e-mail."""
    user = users.get(Ref(record.ref.system, Kind.USER, record.owner)) if record.owner is not None else None
    raw = dict(record.fields) | ({"owner": user.email} if user is not None and user.email else {})
    facts = lead_from_raw(str(record.ref), raw, derivation)
    active = user is not None and user.active
    return replace(facts, refs=(record.ref,), owner_active=active)


def _linked(record: Record) -> Ref | None:
    """The account that the lead's CRM names: HubSpot links a contact, or a lead, to its company."""
    if record.account is None or record.ref.system is not System.HUBSPOT:
        return None
    return Ref(record.ref.system, Kind.ACCOUNT, record.account)
