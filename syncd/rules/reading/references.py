"""The last check of a pack: every pool, seat, territory and role that is named somewhere is there."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from syncd.rules.reading.pack_reading import Reading
from syncd.rules.reading.suggestion import did_you_mean


def check_references(known: Mapping[str, Collection[str]], reading: Reading) -> None:
    """An error (SYN250) for each name that nothing has. `known` are the names by kind, broken ones included.

    A territory may be named by its path, too.
    """
    for kind, name, place in reading.references:
        names = known[kind]
        if name not in names and name not in reading.unread:
            message = f"there is no {kind} `{name[:80]}`"
            reading.findings.error("SYN250", message, place, did_you_mean(name, names))
