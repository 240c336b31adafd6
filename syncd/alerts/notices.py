"""What a receiver is told: the body of a notice, a JSON document whose keys are only ever added to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from syncd.alerts.episodes import dedup_key
from syncd.clock import iso
from syncd.store.episodes import Episode

FORMAT = 1


def notice_body(episode: Episode, reason: str, now: datetime) -> dict[str, Any]:
    """The document about one transition of a saved episode."""
    return {
        "format": FORMAT,
        "event_id": event_id(episode, reason),
        "dedup_key": dedup_key(episode),
        "reason": reason,
        "at": iso(now),
        **episode_body(episode),
    }


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
        "who": detail.get("who", []),
        "money": detail.get("money"),
        "evidence": detail.get("evidence", []),
        "accounts": detail.get("accounts", []),
        "accounts_total": detail.get("accounts_total", 0),
        "first_command": first_command(detail, episode.id),
        "runbook": detail.get("runbook"),
    }


def first_command(detail: Mapping[str, Any], episode_id: int | None) -> str | None:
    """What to do first, as a command that can be typed."""
    command = detail.get("command")
    return None if command is None else str(command).replace("{id}", str(episode_id))


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else iso(instant)
