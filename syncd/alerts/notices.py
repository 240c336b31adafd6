"""What a receiver is told: the body of a notice, a JSON document whose keys are only ever added to."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from syncd.alerts.bodies import FORMAT, episode_body
from syncd.alerts.episodes import RESOLVED, dedup_key
from syncd.alerts.receivers.routing import ALERT, APPROVAL, CHANGES, DIGEST, REPORT
from syncd.clock import iso
from syncd.store.episodes import Episode

_NAMED = 5
_WORST_FIRST = ("page", "ticket", "info")


def notice_body(episode: Episode, reason: str, now: datetime) -> dict[str, Any]:
    """The document about one transition of a saved episode."""
    body = {
        "format": FORMAT,
        "kind": ALERT,
        "event_id": event_id(episode, reason),
        "dedup_key": dedup_key(episode),
        "reason": reason,
        "at": iso(now),
        **episode_body(episode),
    }
    return {**body, "text": notice_text(body)}


def notice_text(body: Mapping[str, Any]) -> str:
    """A notice for people: what, who is hit and how much money, since when, is it still going on, what to do first.

    CRM text is in it as it came; whoever shows it cleans it for the place where it is shown.
    """
    return "\n".join(_lines(body))


def _lines(body: Mapping[str, Any]) -> Iterator[str]:
    over = body["reason"] == RESOLVED
    yield f"[{body['severity']}] {body['monitor']} {body['subject']}: {'over' if over else body['reason']}"
    yield str(body["summary"])
    if body["who"]:
        more = f" and {len(body['who']) - _NAMED:,} more" if len(body["who"]) > _NAMED else ""
        yield f"who: {', '.join(body['who'][:_NAMED])}{more}"
    if body["money"]:
        amount = Decimal(body["money"]["amount"])
        yield f"money: {amount:,.0f} {body['money']['currency']} ({body['money']['of']})"
    if body["accounts_total"] > 1:
        yield f"accounts: {body['accounts_total']:,}"
    going = f"over since {body['resolved_at']}" if over else "still going on"
    yield f"since: {body['since']}, {'comes and goes' if body['flapping'] and not over else going}"
    if body["first_command"] and not over:
        yield f"first: {body['first_command']}"
    if body["runbook"]:
        yield f"runbook: {body['runbook']}"


def event_id(episode: Episode, reason: str) -> str:
    """What makes a second copy of a notice recognisable: the episode's key and the reason."""
    return f"{dedup_key(episode)}:{reason}"


def approval_body(
    document: Mapping[str, Any], expires_at: datetime, now: datetime, console: str | None = None
) -> dict[str, Any]:
    """The document that asks for the approval of a plan, with the command to type and, where `console` names the
    console's address, the page to open."""
    plan_id, summary = document["plan_id"], document["summary"]
    moved, trips = summary["money_moved"], document["guard"]["tripped"]
    limits = "".join(f" --limit {trip['limit']}" for trip in trips)
    command = f'syncd approve {plan_id} --why "…"{limits}'
    told = f"plan {plan_id} waits for an approval: {summary['changes']:,} change{'s' * (summary['changes'] != 1)}"
    money = f"{Decimal(moved['amount']):,.0f} {moved['currency']}"
    page = f"{console.rstrip('/')}/plans/{plan_id}" if console else None
    lines = [
        told,
        f"held: {summary['held']:,}, blocked: {summary['blocked']:,}; open pipeline moved: {money}",
        *(f"over a limit: {trip['text']}" for trip in trips),
        f"look: syncd runs show {plan_id}",
        f"approve: {command}",
        *([f"or look and approve here: {page}"] if page else []),
        f"it can be approved until {iso(expires_at)}",
    ]
    plan = {"plan_id": plan_id, "pack_revision": document["pack_revision"], "expires_at": iso(expires_at)}
    plan |= {"summary": summary, "limits": [trip["limit"] for trip in trips]}
    plan |= {"page": page} if page else {}
    return _of_plan(APPROVAL, plan, told, lines, command, now)


def changes_body(
    plan_id: str, summary: str, text: str, reps: Mapping[str, Any], now: datetime, *, to: str | None = None
) -> dict[str, Any]:
    """The document that tells what an applied plan changed: for everybody, or for the one rep that `to` names."""
    plan = {"plan_id": plan_id, "reps": dict(reps)}
    body = _of_plan(CHANGES, plan, summary, text.split("\n"), f"syncd notices {plan_id}", now)
    return body if to is None else {**body, "event_id": f"{body['event_id']}:{to}", "to": [to]}


def report_body(summary: str, lines: Sequence[str], edition: str, path: str, now: datetime) -> dict[str, Any]:
    """The document that tells of an edition of the report: what is in it, and the file it stands in."""
    plan = {"plan_id": f"report-{edition}"}
    body = _of_plan(REPORT, plan, summary, [summary, *lines, f"the whole of it: {path}"], "syncd report", now)
    key = f"syncd:report:{edition}"
    return {**body, "subject": edition, "event_id": key, "dedup_key": key, "file": path}


def returning_body(owner: str, accounts: Sequence[str], last_day: str | None, now: datetime) -> dict[str, Any]:
    """The document that tells a rep which accounts will be taken back unless they are worked."""
    counted = f"{len(accounts):,} account{'s' * (len(accounts) != 1)}"
    until = f"after {last_day}" if last_day is not None else "soon"
    told = f"{owner}: {counted} will be taken back {until}, for nobody works {'them' if len(accounts) != 1 else 'it'}"
    lines = [told, *(f"  {name}" for name in accounts), "work an account, and it stays yours"]
    key = hashlib.sha256("\n".join([owner, iso(now), *accounts]).encode()).hexdigest()[:32]
    plan = {"plan_id": f"retrieve-{key[:12]}", "reps": {}}
    body = _of_plan(CHANGES, plan, told, lines, "syncd plan", now)
    return {**body, "event_id": f"syncd:retrieve:{key}", "dedup_key": f"syncd:retrieve:{key}", "to": [owner]}


def _of_plan(
    kind: str, plan: Mapping[str, Any], summary: str, lines: Sequence[str], command: str, now: datetime
) -> dict[str, Any]:
    key = f"syncd:plan:{plan['plan_id']}"
    return {
        "format": FORMAT,
        "kind": kind,
        "event_id": f"{key}:{kind}",
        "dedup_key": key,
        "reason": kind,
        "at": iso(now),
        "id": None,
        "severity": "ticket" if kind == APPROVAL else "info",
        "subject": plan["plan_id"],
        "summary": summary,
        "plan": dict(plan),
        "first_command": command,
        "text": "\n".join(lines),
    }


def digest_body(bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One document that tells of several; each stands in it as it is, with its own event id."""
    ids = "\n".join(str(body["event_id"]) for body in bodies)
    key = f"syncd:digest:{hashlib.sha256(ids.encode()).hexdigest()[:32]}"
    counts = Counter(str(body["reason"]) for body in bodies)
    told = ", ".join(f"{count:,} {reason}" for reason, count in counts.most_common())
    summary = f"{len(bodies):,} notices: {told}"
    return {
        "format": FORMAT,
        "kind": DIGEST,
        "event_id": key,
        "dedup_key": key,
        "reason": DIGEST,
        "at": max(str(body["at"]) for body in bodies),
        "id": None,
        "severity": min((str(body["severity"]) for body in bodies), key=_WORST_FIRST.index),
        "subject": f"{len(bodies):,} notices",
        "summary": summary,
        "notices": [dict(body) for body in bodies],
        "first_command": "syncd alerts",
        "text": "\n\n".join([summary, *(str(body["text"]) for body in bodies)]),
    }
