"""What leads are looked at with, gathered from settings, pack and store."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from syncd.jobs.books.adopted import with_adopted
from syncd.jobs.context import Context
from syncd.model.refs import System
from syncd.planning.leads.lead_tracking import Scene, observed
from syncd.rules.memory import LEADS, Assignment
from syncd.rules.pack import Pack
from syncd.store import leads as store
from syncd.store import mirror, picking
from syncd.store.leads import LeadTrack, SeenLead

LOAD_OF = timedelta(days=30)
"""The leads of so long are a rep's load where leads are balanced."""


def pack_of(context: Context, now: datetime) -> Pack:
    """The rules of now, with the overrides that stand in the ledger."""
    return with_adopted(context, context.pack(now=now))


def scene_of(context: Context, conn: Connection, pack: Pack, now: datetime) -> Scene:
    """Everything that a look at leads needs beside the leads, in the caller's transaction."""
    settings = context.settings.leads
    users = {user.ref: user for user in mirror.users(conn) if user.ref.system in context.systems}
    names = {each.strip().casefold() for each in settings.unowned}
    section = context.settings.salesforce
    if section is not None and section.username:
        names.add(section.username.strip().casefold())  # what our own user made belongs to nobody yet
    unowned = frozenset(
        (user.ref.system, user.ref.id)
        for user in users.values()
        if names & {user.email.casefold(), (user.login or "").casefold(), user.ref.id.casefold()}
    )
    return Scene(
        now=now,
        pack=pack,
        users=users,
        marks=store.lead_marks(conn),
        within=settings.within,
        unowned=unowned,
        stages=frozenset(stage.strip().casefold() for stage in settings.hubspot_stages),
        touched=frozenset(status.strip().casefold() for status in settings.touched),
    )


def look_at(context: Context, pack: Pack, now: datetime) -> tuple[Scene, tuple[tuple[SeenLead, LeadTrack], ...]]:
    """Look at every lead that is open, new or changed, and save where each stands; each with its record."""
    with context.store.write() as conn:
        scene = scene_of(context, conn, pack, now)
        looked = tuple((seen, observed(seen, scene)) for seen in store.leads_to_look_at(conn, context.systems))
        store.save_tracks(conn, [track for seen, track in looked if track != seen.track])
    return scene, looked


def stale_systems(context: Context, conn: Connection) -> tuple[System, ...]:
    """The systems whose account mirror is incomplete, of another mapping, or too old to match leads with."""
    status, now = mirror.mirror_status(conn), context.clock.now()
    revision = context.mapping_revision()
    return tuple(
        system
        for system in context.systems
        if (known := status.get(system)) is None
        or not known.complete
        or known.mapping_revision != revision
        or known.as_of is None
        or now - known.as_of > context.stale_after
    )


def given_lately(conn: Connection, now: datetime) -> tuple[Assignment, ...]:
    """The leads that syncd gave to people lately."""
    return tuple(
        Assignment(row.role, row.owner, row.territory, row.at)
        for row in picking.assignments_since(conn, now - LOAD_OF)
        if row.role == LEADS
    )
