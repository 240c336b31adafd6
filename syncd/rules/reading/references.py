"""The last check of a pack: every pool, seat, territory and role that is named somewhere is there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from syncd.rules.reading.pack_reading import Reading
from syncd.rules.suggestion import did_you_mean


def check_references(known: Mapping[str, Collection[str]], reading: Reading) -> None:
    """An error (SYN250) for each name that nothing has. `known` are the names by kind, broken ones included.

    A territory may be named by its path, too.
    """
    for kind, name, place in reading.references:
        names = known[kind]
        if name not in names and name not in reading.unread:
            message = f"there is no {kind} `{name[:80]}`"
            reading.findings.error("SYN250", message, place, did_you_mean(name, names))


def check_pairs(roles: Sequence[str], reading: Reading) -> None:
    """An error (SYN277) for each `pair_with` of a role that is not decided before. `roles` are in that order."""
    for role, other, place in reading.pairs:
        if role == "owner":
            message = "role owner is decided first, so there is nobody to pair it with"
            reading.findings.error("SYN277", message, place, "`pair_with` is for other roles, such as csm")
        elif other not in roles:
            reading.findings.error("SYN250", f"there is no role `{other[:80]}`", place, did_you_mean(other, roles))
        elif role in roles and roles.index(other) >= roles.index(role):
            message = f"role {other} is not decided before {role}"
            hint = "owner comes first, then the roles in the order of their first territories"
            reading.findings.error("SYN277", message, place, hint)


def check_queues(*, routes_leads: bool, reading: Reading) -> None:
    """An error (SYN278) for each queue that a territory names where no leads are routed to territories."""
    for queue, place in () if routes_leads else reading.queues:
        message = f"the queue `{queue[:80]}` cannot own accounts, and no leads are routed to territories"
        hint = "name reps or a pool, or add {territory: true} to `routing: leads`"
        reading.findings.error("SYN278", message, place, hint)
