"""An episode as a document: what lists, notices and pages show of it. Imports so little that a list is there at once.

Knows nothing of monitors, of receivers or of what becomes of an episode.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from syncd.clock import iso
from syncd.store.episodes import Episode

FORMAT: Final = 1
"""The version of every document about alerts; keys are only ever added."""
QUIET, SUPPRESSED, WAITS_FOR = "quiet", "suppressed_by", "waits_for"
"""Marks in an episode's detail: told in a digest only; what suppresses it; what a pending one waits for."""


def episode_body(episode: Episode) -> dict[str, Any]:
    """An episode as every document shows it."""
    detail = dict(episode.detail)
    told = detail.get(QUIET)
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
        # the digest that tells of it in place of a notice of its own: `baseline`, `catch-up` or its monitor
        "told_in": None if told is None else str(told),
        "who": detail.get("who", []),
        "money": detail.get("money"),
        "evidence": detail.get("evidence", []),
        "ended": detail.get("ended", []),
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
