"""Which command explains which figure of the report: what a reader types who wants to know where a number is from."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "companies": "syncd audit",
        "pipeline": "syncd audit",
        "won_12m": "syncd audit",
        "won": "syncd balance",
        "unworked": "syncd audit",
        "without_owner": "syncd audit",
        "moved": "syncd runs --job apply",
        "moved_by_others": "syncd drift",
        "to_change": "syncd plan",
        "alerts_open": "syncd alerts",
        "territories": "syncd plan --all --format csv",
        "reps": "syncd balance",
        "attainment": "syncd forecast",
        "findings": "syncd audit",
        "quality": "syncd audit",
        "weeks": "syncd drift",
        "alerts": "syncd alerts show ID",
        "places": "syncd audit",
        "largest": "syncd explain REF",
        "all": "syncd report --format json",
    }
)
"""By the figure's or the section's name in the document."""
