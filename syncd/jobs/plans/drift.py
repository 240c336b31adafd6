"""Drift: what others changed, listed, adopted as overrides or planned back, by whoever leads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection

from syncd.clock import iso
from syncd.errors import RefusedError
from syncd.jobs.books.family_book import read_family
from syncd.jobs.books.written import mapped_roles
from syncd.jobs.context import Context
from syncd.jobs.leadership import Leadership
from syncd.jobs.recording import recorded
from syncd.model.plans import OWNER_FIELD, SavedPlan
from syncd.model.refs import Ref
from syncd.planning import drift
from syncd.planning.ownership import Drift
from syncd.rules.deciding.exceptions import in_force, match_exceptions, override_of
from syncd.rules.matching.time_window import local_day
from syncd.rules.pack import Pack
from syncd.store import dossier, mirror, overrides


def drift_document(context: Context) -> dict[str, Any]:
    """Every account whose owner, or holder of a mapped role, somebody else changed, the latest first, as a document."""
    with context.store.read() as conn:
        views = [drift.look(conn, context.systems, role) for role in (OWNER_FIELD, *mapped_roles(context.settings))]
        refs = {ref for view in views for ref in view.drifts}
        names = {ref: record.fields.get("name") for ref in refs if (record := mirror.get_record(conn, ref))}
    found = [(view, each) for view in views for each in view.drifts.values()]
    found.sort(key=lambda pair: (-pair[1].at.timestamp(), str(pair[1].ref), pair[1].field))
    return {
        "format": 1,
        "drifts": [_entry(view, each, names.get(each.ref)) for view, each in found],
    }


def _entry(view: drift.DriftView, each: Drift, name: str | None) -> dict[str, Any]:
    system = each.ref.system
    return {
        "ref": str(each.ref),
        "role": each.field,
        "name": name,
        "was": {"id": each.was, "email": view.email(system, each.was)},
        "now": {"id": each.now, "email": view.email(system, each.now)},
        "at": iso(each.at),
        "by": {"id": each.by, "email": _author(view, each)},
        "source": each.source,
        "company": view.companies.get(each.ref),
    }


def _author(view: drift.DriftView, each: Drift) -> str | None:
    """Who did it: HubSpot's history names people by their user id, which is not the owner's (hubspot.md 3.5)."""
    direct = view.email(each.ref.system, each.by)
    if direct is not None or each.by is None:
        return direct
    users = (user for user in view.users.values() if user.ref.system is each.ref.system)
    return next((user.email for user in users if user.fields.get("user_id") == each.by and user.email), None)


def adopt_drift(
    context: Context, leader: Leadership, ref: Ref, *, why: str, expires: date | None, role: str = OWNER_FIELD
) -> drift.AdoptedDrift:
    """Take the present owner as an override of its company. See `planning.drift.adopt_drift`.

    Raises RefusedError SYN537 where the pack has an override in force for the company, too: no plan can obey two.
    """
    leader.check()
    pack = context.pack()
    with recorded(context, "drift") as run, context.store.write() as conn:
        view = drift.look(conn, context.systems, role)
        _refuse_second(context, conn, pack, ref, role)
        found = drift.adopt_drift(
            conn,
            view,
            ref,
            who=context.actor,
            why=why,
            expires=expires,
            now=context.clock.now(),
            run_id=run.run_id,
        )
    context.log.event("drift.adopted", ref=str(ref), override=found.number)
    return found


def _refuse_second(context: Context, conn: Connection, pack: Pack, ref: Ref, role: str) -> None:
    """Raise SYN537 where a file of the pack has a person's word on this company and role that is in force."""
    if not pack.overrides:
        return
    now = context.clock.now()
    company = dossier.company_keys(conn, [ref])[ref]
    matched, _ = match_exceptions(pack, read_family(context, conn, pack, [company], now).facts, now)
    entry = override_of(matched, company, role)
    if entry is not None and in_force(entry, local_day(now, pack.zone)):
        raise RefusedError(
            "SYN537",
            f"{entry.place} has an override of this company in force: {entry.account} to {entry.owner}",
            hint="change that entry in the pack, which speaks for the company as long as it stands",
        )


def release(context: Context, leader: Leadership, ref: Ref, *, why: str, role: str = OWNER_FIELD) -> None:
    """End the override that an adopted drift made; the rules decide again."""
    leader.check()
    with recorded(context, "drift") as run, context.store.write() as conn:
        now = context.clock.now()
        drift.release_override(conn, ref, who=context.actor, why=why, now=now, run_id=run.run_id, role=role)
    context.log.event("drift.released", ref=str(ref))


def plan_revert(context: Context, refs: Sequence[Ref], role: str = OWNER_FIELD) -> SavedPlan:
    """Save the plan that gives drifted accounts back. See `planning.drift.plan_revert`."""
    pack = context.pack()
    with context.store.write() as conn:
        view = drift.look(conn, context.systems, role)
        return drift.plan_revert(
            conn,
            view,
            refs,
            plan_id=context.entropy.token(),
            written=context.written_systems,
            now=context.clock.now(),
            currency=context.settings.money.reporting_currency,
            pack_revision=pack.revision,
            lifetime=context.settings.plan_lifetime,
        )


def overrides_document(context: Context) -> dict[str, Any]:
    """The overrides that stand in the ledger, as a document."""
    with context.store.read() as conn:
        standing, outranked = overrides.standing(conn), overrides.outranked(conn)
    return {
        "format": 1,
        "overrides": [
            {
                "number": each.id,
                "account": str(each.account),
                "role": each.role,
                "owner": each.owner,
                "by": each.who,
                "why": each.why,
                "at": iso(each.at),
                "expires": each.expires.isoformat() if each.expires else None,
                "outranked_by": outranked.get(each.id),
            }
            for each in standing
        ],
    }
