"""Who of those that a pack names could be given an account today: pools and territories where the answer is nobody.

Asks what a plan asks (`rules.deciding`), for a company that no CRM holds yet. Knows no load, cap or working hours:
those pass by themselves, and a plan says so of each account.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from syncd.errors import Finding, Place, Severity
from syncd.rules.deciding.covers import candidates_of
from syncd.rules.deciding.frame import Frame
from syncd.rules.deciding.people import barred, is_only_away
from syncd.rules.deciding.tree_result import in_effect
from syncd.rules.facts import Directory, Facts
from syncd.rules.pack import OwnersByEmail, OwnersByPool, Pack

_A_COMPANY = Facts(key="", accounts=())
_NAMED = 3
_MEANWHILE = (
    "until then accounts stay with an active owner, else are unassigned, and leads wait; the alerts Unassigned and "
    "LeadUnrouted tell of them: name somebody, a cover, or an `overflow`"
)
_OVERFLOW = "until then its `overflow` takes what comes"


def without_takers(pack: Pack, directory: Directory, now: datetime) -> Iterator[Finding]:
    """SYN374 for each pool, and each territory that names people, of whom nobody may be given an account at `now`.

    A warning; a note where time alone brings somebody back, or an overflow takes over. Which users there are the
    directory says; dates, absences, covers and seats are the pack's.
    """
    frame = Frame.of(pack, directory, now)
    for name, pool in pack.pools.items():
        yield from _told(frame, OwnersByPool(name), f"the pool `{name}`", pool.place)
    for role in pack.roles:
        for each in pack.territories(role):
            if isinstance(each.owners, OwnersByEmail) and in_effect(each, frame.today):
                what = f"the territory `{each.path}`"
                yield from _told(frame, each.owners, what, each.place, overflow=each.overflow is not None)


def _told(
    frame: Frame, owners: OwnersByEmail | OwnersByPool, what: str, place: Place, *, overflow: bool = False
) -> Iterator[Finding]:
    reasons: dict[str, str] = {}
    back = False
    for member in candidates_of(frame, owners, _A_COMPANY):
        why = barred(frame, member.email, _A_COMPANY)
        if why is None:
            return
        reasons[member.email] = why
        back = back or _comes_back(frame, member.email)
    named = [f"{person}: {why}" for person, why in list(reasons.items())[:_NAMED]]
    more = [f"and {len(reasons) - _NAMED:,} more"] if len(reasons) > _NAMED else []
    said = "; ".join([*named, *more]) or "its seats are empty"
    severity = Severity.NOTE if back or overflow else Severity.WARNING
    message = f"nobody of {what} can be given an account today ({said})"
    yield Finding("SYN374", severity, message, place, _OVERFLOW if overflow else _MEANWHILE)


def _comes_back(frame: Frame, email: str) -> bool:
    """Whether a day will come on which a rep who is barred today is there without anybody's doing."""
    entry = frame.pack.reps.get(email)
    starts_later = entry is not None and entry.start is not None and frame.today < entry.start
    return starts_later or is_only_away(frame, email, _A_COMPANY)
