"""What a receiver is told: the body of a notice, a JSON document whose keys are only ever added to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from syncd.alerts.episodes import QUIET, RESOLVED, SUPPRESSED, WAITS_FOR, dedup_key
from syncd.clock import iso
from syncd.store.episodes import Episode

FORMAT = 1
_NAMED = 5


def notice_body(episode: Episode, reason: str, now: datetime) -> dict[str, Any]:
    """The document about one transition of a saved episode."""
    body = {
        "format": FORMAT,
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


def episode_body(episode: Episode) -> dict[str, Any]:
    """An episode as every document shows it."""
    detail = dict(episode.detail)
    return {
        "id": episode.id,
        "monitor": episode.monitor,
        "severity": episode.severity,
        "state": episode.state,
        "subject": episode.subject,
        "labels": dict(episode.labels),
        "summary": episode.summary,
        "since": detail.get("since") or iso(episode.started_at),
        "started_at": iso(episode.started_at),
        "fired_at": _instant(episode.fired_at),
        "resolved_at": _instant(episode.resolved_at),
        "acknowledged_by": episode.acknowledged_by,
        "suppressed_by": detail.get(SUPPRESSED),
        "waits_for": detail.get(WAITS_FOR),
        "flapping": bool(detail.get("flapping")),
        "told_in": _told_in(detail),
        "who": detail.get("who", []),
        "money": detail.get("money"),
        "evidence": detail.get("evidence", []),
        "accounts": detail.get("accounts", []),
        "accounts_total": detail.get("accounts_total", 0),
        "first_command": first_command(detail, episode.id),
        "runbook": detail.get("runbook"),
    }


def _told_in(detail: Mapping[str, Any]) -> str | None:
    """The digest that tells of an alert in place of a notice of its own: `baseline`, `catch-up` or its monitor."""
    told = detail.get(QUIET)
    return None if told is None else str(told)


def first_command(detail: Mapping[str, Any], episode_id: int | None) -> str | None:
    """What to do first, as a command that can be typed."""
    command = detail.get("command")
    return None if command is None else str(command).replace("{id}", str(episode_id))


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else iso(instant)
