"""Covers: who stands in for a member who is out of office (RULES.md section 5).

The cover is a candidate in the absent member's place, under their identity and weight; loads and limits are the
cover's own. Knows nothing of loads or of how a pick is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from syncd.rules.deciding.frame import Frame
from syncd.rules.deciding.member import Member
from syncd.rules.deciding.people import absence_of, availability_changes, keeping_ends, members_of, resolve
from syncd.rules.facts import Facts
from syncd.rules.pack import Owners, OwnersByEmail, OwnersByPool


def candidates_of(frame: Frame, owners: Owners, facts: Facts) -> tuple[Member, ...]:
    """The members that `owners` names, each who is away followed by their cover.

    A cover who is away too is followed by their own. Nobody comes twice: a cover who is a member is one already.
    """
    if not isinstance(owners, OwnersByEmail | OwnersByPool):
        return _candidates(frame, owners, facts)
    asked = (owners, frame.systems_of(facts))
    found = frame.recall.candidates.get(asked)
    if found is None:
        found = frame.recall.candidates[asked] = _candidates(frame, owners, facts)
    return found


def _candidates(frame: Frame, owners: Owners, facts: Facts) -> tuple[Member, ...]:
    members = members_of(frame, owners, facts)
    known = {member.email for member in members}
    found: list[Member] = []
    for member in members:
        found.append(member)
        for email in _stand_ins(frame, member.email, facts):
            if email not in known:
                known.add(email)
                found.append(Member(member.identity, email, member.weight, covers=member.email))
    return tuple(found)


def covered_by(frame: Frame, owners: Owners, email: str, facts: Facts) -> bool:
    """Whether a rep is written as the cover of any absence, past ones too, of a member that `owners` names."""
    return any(resolve(frame, name, facts) == email for name in _covers(frame, owners, facts))


def cover_changes(frame: Frame, owners: Owners, facts: Facts) -> datetime | None:
    """When time alone would next change which covers of `owners` may receive accounts."""
    names = _covers(frame, owners, facts)
    return availability_changes(frame, OwnersByEmail(names), facts) if names else None


def cover_ends(frame: Frame, owners: Owners, email: str, facts: Facts) -> datetime | None:
    """When time alone would end the keep of a rep as a cover of `owners`: at a date of a seat that covers."""
    names = _covers(frame, owners, facts)
    return keeping_ends(frame, email, OwnersByEmail(names), facts) if names else None


def _stand_ins(frame: Frame, email: str, facts: Facts) -> Iterable[str]:
    """The cover of a rep who is away and could otherwise receive accounts, then that one's, until somebody is there."""
    passed = {email}
    while (absence := absence_of(frame, email)) is not None and absence.cover is not None:
        cover = resolve(frame, absence.cover, facts)
        if cover is None or cover in passed:
            return
        yield cover
        passed.add(cover)
        email = cover


def _covers(frame: Frame, owners: Owners, facts: Facts) -> tuple[str, ...]:
    """The e-mails and seats that are written as covers of the members, and of those covers, in one order."""
    if not isinstance(owners, OwnersByEmail | OwnersByPool):
        return _written_covers(frame, owners, facts)
    asked, known = (owners, frame.systems_of(facts)), frame.recall.covers
    if asked not in known:
        known[asked] = _written_covers(frame, owners, facts)
    return known[asked]


def _written_covers(frame: Frame, owners: Owners, facts: Facts) -> tuple[str, ...]:
    found: dict[str, None] = {}
    asked = [member.email for member in members_of(frame, owners, facts)]
    seen = set(asked)
    while asked:
        entry = frame.pack.reps.get(asked.pop())
        for off in entry.out_of_office if entry is not None else ():
            if off.cover is None:
                continue
            found[off.cover] = None
            cover = resolve(frame, off.cover, facts)
            if cover is not None and cover not in seen:
                seen.add(cover)
                asked.append(cover)
    return tuple(sorted(found))
