"""Baselines: what edge monitors compare with, when a new one is taken, and the one digest of what stood there already.

A change counts only between two complete mirrors under one pack and mapping. Anything else would page people for what
nobody did: a rule edited, a CRM connected, a field mapped anew.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from syncd.alerts.companies import MOST_LISTED, money, total
from syncd.alerts.options import Handling, runbook_of
from syncd.alerts.view import MonitorView, Signal, Standing
from syncd.model.refs import System

NAME = "BaselineFindings"
HANDLING = Handling(NAME, "info", runbook_of(NAME), latched=True, tells_end=False)
"""A digest is told once, waits for a person, and nobody is told of its end."""


def baseline_key(monitor: str, *, pack_revision: str, mapping_revision: str, bound: Mapping[System, str | None]) -> str:
    """What an edge monitor's baseline was taken under; another key means that a new one is taken."""
    systems = sorted((system.value, account) for system, account in bound.items())
    text = json.dumps([monitor, pack_revision, mapping_revision, systems])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def digest(standing: Sequence[Standing], keys: Iterable[str], view: MonitorView) -> tuple[Signal, ...]:
    """The digest of everything that stood when the baselines `keys` were taken together; none for nothing."""
    if not standing:
        return ()
    counts = Counter(each.monitor for each in standing)
    new = sum(1 for each in standing if each.is_new)
    kinds = ", ".join(f"{count:,} {monitor}" for monitor, count in sorted(counts.items()))
    ordered = sorted(standing, key=lambda each: (not each.is_new, -each.money, each.monitor, each.subject))
    evidence = [
        f"{each.monitor}: {each.subject} {each.text}" + (" (new since the last baseline)" if each.is_new else "")
        for each in ordered[:MOST_LISTED]
    ]
    if len(ordered) > MOST_LISTED:
        evidence.append(f"and {len(ordered) - MOST_LISTED:,} more")
    signal = Signal(
        subject="baseline",
        labels={"baseline": hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:16]},
        summary=f"a new baseline was taken; {len(standing):,} findings stood already: {kinds}"
        + (f"; {new:,} of them are new" if new else ""),
        detail={
            "who": [],
            "money": money(
                total(each.money for each in standing), view, "open pipeline and yearly wins of the findings"
            ),
            "evidence": evidence,
            "findings_total": len(standing),
            "findings_new": new,
            "command": "syncd alerts show {id}",
        },
    )
    return (signal,)
