"""Who changed an owner, and by what means: asked of the CRM's own history, once for each change that is not ours.

A pull sees that an owner differs; only the CRM knows who did it. What it does not keep, or cannot tell now, stays
untold: nothing waits for it but the words of a hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syncd.connectors.port import OwnerVersion
from syncd.errors import CrmError
from syncd.jobs.context import Context
from syncd.model.refs import Kind, Ref, System
from syncd.store import ownership

MOST = 500
"""So many records are asked about in one run, the newest first: a mass edit needs no name for each record."""


@dataclass(frozen=True, slots=True)
class Histories:
    """The owners that some accounts had, newest first; those of which their CRM keeps or tells none are left out.

    `later` are those whose CRM could not be asked: one that keeps no history, or hides it, says so without an error.
    """

    versions: Mapping[Ref, tuple[OwnerVersion, ...]]
    later: frozenset[Ref] = frozenset()


def histories(context: Context, refs: Sequence[Ref]) -> Histories:
    """The histories of some accounts, of the first `MOST` of them."""
    by_source: dict[tuple[System, Kind], list[str]] = defaultdict(list)
    for ref in refs[:MOST]:
        by_source[ref.system, ref.kind].append(ref.id)
    found: dict[Ref, tuple[OwnerVersion, ...]] = {}
    later: set[Ref] = set()
    for (system, kind), ids in by_source.items():
        try:
            told = context.reader(system).owner_history(kind, ids)
        except CrmError as error:
            context.log.event("history.unread", system=system.value, code=error.code, accounts=len(ids))
            later |= {ref for ref in refs if ref.system is system}
            continue
        found |= {Ref(system, kind, known): versions for known, versions in told.items()}
    return Histories(found, frozenset(later))


def tell_authors(context: Context) -> int:
    """Ask who made the changes of owners that pulls saw since adoption; returns how many were told."""
    with context.store.read() as conn:
        since = ownership.adopted_at(conn)
        untold = ownership.untold_changes(conn, since, MOST) if since is not None else {}
        marks = ownership.marks(conn) if untold else {}
    theirs = {
        seq: (ref, change)
        for seq, (ref, change) in untold.items()
        if ref.system in context.systems and (ref not in marks or marks[ref].owner != change.new)
    }
    versions = histories(context, [ref for ref, _ in theirs.values()]).versions
    told = 0
    with context.store.write() as conn:
        for seq, (ref, change) in untold.items():
            match = next((each for each in versions.get(ref, ()) if each.owner == change.new), None)
            if match is not None:
                ownership.tell_change(conn, seq, by=match.by, source=match.source)
                told += 1
            elif seq not in theirs:
                ownership.tell_change(conn, seq)
    return told
