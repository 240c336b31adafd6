"""Ways of deals as connectors tell them: in order, one entry for each stage entered. Knows no CRM."""

from __future__ import annotations

from collections.abc import Iterable

from syncd.connectors.port import StageVersion


def entered(versions: Iterable[StageVersion]) -> tuple[StageVersion, ...]:
    """The versions oldest first, without those that repeat the stage before; of one instant the last told stands."""
    by_instant = {each.at: each for each in versions}
    found: list[StageVersion] = []
    for each in sorted(by_instant.values(), key=lambda version: version.at):
        if not found or found[-1].stage != each.stage:
            found.append(each)
    return tuple(found)
