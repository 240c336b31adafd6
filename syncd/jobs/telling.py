"""Telling receivers of what is no alert, and when what is one is due: requests for approval, changes, working hours.

Queuing is part of the caller's transaction; the next watch sends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from syncd.alerts.notices import approval_body, changes_body, returning_body
from syncd.alerts.receivers import receivers_of
from syncd.alerts.receivers.delivery import DeliveryError, Receiver
from syncd.alerts.receivers.heartbeat import HeartbeatReceiver
from syncd.alerts.receivers.outside import Outside
from syncd.alerts.receivers.routing import CHANGES
from syncd.clock import Clock
from syncd.errors import InputError
from syncd.jobs.context import EPOCH_VARIABLE, Context
from syncd.model.plans import PlanStatus, SavedPlan
from syncd.model.records import MANAGER, User
from syncd.planning.proposing.windows import parse_window
from syncd.report.change_notices import change_text, change_view
from syncd.settings import Mode, SecretReader, Settings
from syncd.store import mirror, notices, outbox, plans
from syncd.telemetry import Log

_LOOKED_BACK = 10
_CHANGES_WITHIN = timedelta(days=2)
"""A plan that was made longer ago is not told of any more: a receiver that is new gets no history."""
_MOST_REPS = 500


def open_receivers(context: Context) -> Mapping[str, Receiver]:
    """The log and the receivers of the settings."""
    return receivers_by_settings(context.settings, context.environ, context.clock, context.log)


def receivers_by_settings(
    settings: Settings, environ: Mapping[str, str], clock: Clock, log: Log
) -> Mapping[str, Receiver]:
    """The same, for whoever has no context: the daemon, when the database is what fails."""
    bundle = settings.http.ca_bundle
    outside = Outside(clock, SecretReader(environ).read, str(bundle) if bundle else None)
    return receivers_of(settings.receivers, log=log, outside=outside)


def enqueue_for(
    conn: Connection, topic: str, reason: str, body: Mapping[str, Any], receivers: Iterable[Receiver], now: datetime
) -> int:
    """Queue a notice that is about no episode for every receiver that takes it; for how many."""
    taking = [receiver for receiver in receivers if receiver.route.takes(body)]
    return sum(notices.enqueue_message(conn, topic, receiver.name, reason, body, now=now) for receiver in taking)


def ask_approval(context: Context, conn: Connection, plan: SavedPlan) -> None:
    """Ask for the approval of a plan that the daemon offers; who makes a plan by hand has it before their eyes."""
    by_daemon = EPOCH_VARIABLE in context.environ and "SYNCD_ACTOR" not in context.environ
    if plan.status is not PlanStatus.OFFERED or context.settings.mode is not Mode.APPROVE or not by_daemon:
        return
    now = context.clock.now()
    body = approval_body(plan.document, plan.expires_at, now, context.settings.console.url)
    enqueue_for(conn, topic_of(plan.plan_id), "approval", body, open_receivers(context).values(), now)


def tell_changes(context: Context, receivers: Mapping[str, Receiver]) -> int:
    """Queue what plans changed that were applied lately, for the receivers that ask for it; how many notices."""
    taking = [receiver for receiver in receivers.values() if CHANGES in receiver.route.kinds]
    if not taking:
        return 0
    now = context.clock.now()
    with context.store.read() as conn:
        found = plans.list_plans(conn, _LOOKED_BACK, statuses=[PlanStatus.APPLIED])
        young = [header.plan_id for header in found if now - header.created_at <= _CHANGES_WITHIN]
        told = notices.told_reasons(conn, [topic_of(plan_id) for plan_id in young], CHANGES)
        documents = {
            plan_id: (plans.get_plan(conn, plan_id), outbox.rows(conn, plan_id))
            for plan_id in young
            if topic_of(plan_id) not in told
        }
    queued = 0
    managers = managers_of(context) if documents else {}
    for plan_id, (plan, rows) in documents.items():
        view = change_view(plan.document, rows, managers)
        with context.store.write() as conn:
            queued += _queue_changes(conn, plan_id, view, taking, now)
    return queued


def _queue_changes(
    conn: Connection, plan_id: str, view: Mapping[str, Any], taking: Iterable[Receiver], now: datetime
) -> int:
    topic, whole = topic_of(plan_id), changes_body(plan_id, view["summary"], change_text(view), view["reps"], now)
    queued = enqueue_for(conn, topic, CHANGES, whole, taking, now)
    for receiver in taking:
        for rep in list(view["reps"])[:_MOST_REPS] if receiver.route.reps else ():
            mine = {rep: view["reps"][rep]}
            text = change_text(view, rep=rep)
            body = changes_body(plan_id, text.partition("\n")[0], text, mine, now, to=rep)
            queued += notices.enqueue_message(conn, topic, receiver.name, _reason_for(rep), body, now=now)
        for manager, reps in view["managers"].items() if receiver.route.reps else ():
            theirs = {rep: view["reps"][rep] for rep in reps}
            text = change_text(view, manager=manager)
            body = changes_body(plan_id, text.partition("\n")[0], text, theirs, now, to=manager)
            body["event_id"] = f"{body['event_id']}:team"  # a manager who is a rep too gets both
            queued += notices.enqueue_message(conn, topic, receiver.name, _reason_for(f"team:{manager}"), body, now=now)
    return queued


def managers_of(context: Context) -> dict[str, str]:
    """Who manages a rep: as the pack says, else as Salesforce does; nobody, where the pack is not valid now."""
    try:
        pack = context.pack()
    except InputError:
        return {}
    with context.store.read() as conn:
        known = managers_by_email(mirror.users(conn))
    return known | {email: rep.manager for email, rep in pack.reps.items() if rep.manager is not None}


def managers_by_email(users: Iterable[User]) -> dict[str, str]:
    """Who manages whom as the CRM says, both active, by e-mail; nobody is a manager of their own."""
    active = {user.ref: user for user in users if user.active and user.email}
    found: dict[str, str] = {}
    for user in active.values():
        manager = active.get(replace(user.ref, id=user.fields.get(MANAGER, "")))
        if manager is not None and manager.email != user.email:
            found.setdefault(user.email, manager.email)
    return found


def tell_returning(
    context: Context, conn: Connection, owner: str, accounts: Mapping[str, str], last_day: str | None, now: datetime
) -> int:
    """Queue the notice of `retrieve` to one rep, for every receiver that writes to reps; how many notices.

    `accounts` are names by company key; `last_day` is the day after which they may be taken back.
    """
    body = returning_body(owner, [accounts[key] for key in sorted(accounts)], last_day, now)
    queued = 0
    for receiver in open_receivers(context).values():
        if CHANGES in receiver.route.kinds and receiver.route.reps:
            queued += notices.enqueue_message(conn, body["event_id"], receiver.name, CHANGES, body, now=now)
    return queued


def _reason_for(rep: str) -> str:
    """What tells the notices of reps apart, without an address: it stands where an erasure does not look."""
    return f"{CHANGES}:{hashlib.sha256(rep.encode()).hexdigest()[:16]}"


def changes_document(
    context: Context, plan_id: str, *, rep: str | None = None, manager: str | None = None
) -> dict[str, Any]:
    """What a plan changed, by rep, as JSON; of one rep, or of a manager's reps alone, where these are e-mails.

    InputError for an unknown plan, SYN841 for a rep of whom it says nothing, SYN657 for a manager of nobody in it.
    """
    with context.store.read() as conn:
        plan = plans.get_plan(conn, plan_id)
        rows = outbox.rows(conn, plan.plan_id)
    view = change_view(plan.document, rows, managers_of(context))
    if manager is not None:
        return _of_manager(view, manager)
    if rep is None:
        return view
    if rep not in view["reps"]:
        known = ", ".join(list(view["reps"])[:5]) or "nobody"
        raise InputError("SYN841", f"plan {plan.plan_id} changed nothing for {rep}", hint=f"it speaks of {known}")
    return {**view, "reps": {rep: view["reps"][rep]}}


def _of_manager(view: Mapping[str, Any], manager: str) -> dict[str, Any]:
    teams = view["managers"]
    if manager not in teams:
        hint = f"it speaks of reps of {', '.join(list(teams)[:5])}" if teams else "give reps a `manager` in `reps`"
        text = f"plan {view['plan_id']} changed nothing for a rep whose manager is {manager}"
        raise InputError("SYN657", text, hint=hint)
    mine = {rep: view["reps"][rep] for rep in teams[manager]}
    return {**view, "reps": mine, "managers": {manager: teams[manager]}}


def topic_of(plan_id: str) -> str:
    """Under what notices about a plan are kept."""
    return f"plan:{plan_id}"


def beat(context: Context, receivers: Iterable[Receiver], *, well: bool, words: str) -> None:
    """Call every heartbeat; one that is not taken is an event of the log, and nothing else."""
    for receiver in receivers:
        if isinstance(receiver, HeartbeatReceiver):
            try:
                receiver.beat(well=well, words=words)
            except DeliveryError as error:
                context.log.event("heartbeat.failed", receiver=receiver.name, reason=error.reason, detail=error.detail)


def next_opening(windows: Iterable[str], now: datetime, zone: ZoneInfo) -> datetime | None:
    """When the working hours begin next; None while they last, and where none are named."""
    parsed = [parse_window(text) for text in windows]
    local = now.astimezone(zone)
    if not parsed or any(window.holds(local) for window in parsed):
        return None
    starts = [
        datetime.combine(day, window.start, zone).astimezone(UTC)
        for window in parsed
        for ahead in range(8)
        if (day := local.date() + timedelta(days=ahead)).weekday() in window.days
    ]
    return min((start for start in starts if start > now), default=None)
