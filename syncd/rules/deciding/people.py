"""Who a territory names, and whether a rep may own or receive an account today.

Resolves e-mails, seats, pools and look-ups to members, and reads dates, absences and ramps. Knows nothing of loads,
holds or how a pick is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal

from syncd.rules.deciding.frame import Frame, coming
from syncd.rules.deciding.member import ONE, Member
from syncd.rules.facts import Facts, Value
from syncd.rules.matching.working_hours import parse_hours
from syncd.rules.pack import (
    NoOwners,
    OutOfOffice,
    Owners,
    OwnersByEmail,
    OwnersByLookup,
    OwnersByPair,
    OwnersByPool,
    OwnersByQueue,
    RepEntry,
    Seat,
    Territory,
    Unassigned,
)

SEAT = "seat:"


def members_of(frame: Frame, owners: Owners, facts: Facts) -> tuple[Member, ...]:
    """The members that `owners` names for this account, in the order written; seats that are empty are left out."""
    if not isinstance(owners, OwnersByEmail | OwnersByPool):
        return _members_of(frame, owners, facts)
    asked, known = (owners, frame.systems_of(facts)), frame.recall.members
    if asked not in known:
        known[asked] = _members_of(frame, owners, facts)
    return known[asked]


def _members_of(frame: Frame, owners: Owners, facts: Facts) -> tuple[Member, ...]:
    resolved = ((name, resolve(frame, name, facts), weight) for name, weight in named_by(frame, owners, facts))
    return tuple(Member(name, email, weight) for name, email, weight in resolved if email)


def named_by(frame: Frame, owners: Owners, facts: Facts) -> tuple[tuple[str, Decimal], ...]:
    """The e-mails and seats that `owners` names for this account, with their weights, in the order written."""
    match owners:
        case OwnersByEmail(members):
            return tuple((name, ONE) for name in members)
        case OwnersByPool(pool):
            return frame.pack.pools[pool].members
        case OwnersByLookup():
            found = looked_up(owners, facts)
        case OwnersByPair():
            found = paired(frame, owners, facts)
        case OwnersByQueue() | Unassigned() | NoOwners():
            found = None
    return ((found, ONE),) if found else ()


def overflows(path: tuple[Territory, ...]) -> tuple[tuple[Territory, Owners], ...]:
    """The overflows to ask, from the territory upward, each with the territory that it is written at.

    Territories carry what they inherit, so one that equals its parent's is the parent's.
    """
    found: list[tuple[Territory, Owners]] = []
    for territory in path:
        if territory.overflow is not None and not (found and found[-1][1] == territory.overflow):
            found.append((territory, territory.overflow))
    return tuple(reversed(found))


def looked_up(owners: OwnersByLookup, facts: Facts) -> str | None:
    """The rep of this account's key in the look-up file, or None."""
    value = facts.values.get(owners.key)
    if value is None:
        return None
    return next((owners.table[key] for key in sorted(_keys(value)) if key in owners.table), None)


def paired(frame: Frame, owners: OwnersByPair, facts: Facts) -> str | None:
    """The rep beside whom an earlier role was just decided to, by their e-mail or a seat that they have; or None."""
    email = facts.decided.get(owners.pair_with)
    if email is None:
        return None
    if email in owners.table:
        return owners.table[email]
    seats = (name for name in sorted(owners.table) if name.startswith(SEAT))
    return next((owners.table[name] for name in seats if resolve(frame, name, facts) == email), None)


def _keys(value: Value) -> frozenset[str]:
    if isinstance(value, frozenset):
        return value
    if isinstance(value, Decimal):
        return frozenset({f"{value.normalize():f}"})
    return frozenset({str(value)})


def resolve(frame: Frame, name: str, facts: Facts) -> str | None:
    """The e-mail behind a member: a seat is its holder while in dates and able to own this account, else its cover."""
    if not name.startswith(SEAT):
        return name
    seat = frame.pack.seats.get(name.removeprefix(SEAT))
    if seat is None:
        return None
    in_dates = (seat.from_ is None or seat.from_ <= frame.today) and (seat.until is None or frame.today <= seat.until)
    if seat.holder and in_dates and inactive_in(frame, seat.holder, facts) is None:
        return seat.holder
    return seat.cover


def inactive_in(frame: Frame, email: str, facts: Facts) -> str | None:
    """Why a rep may not own this account in some system that would be written, or None if they may in all of them."""
    if email in frame.directory.ambiguous:
        return "the e-mail names several users"
    rep = frame.directory.reps.get(email)
    if rep is None:
        return None if frame.directory.assume_active else "not a user"
    needed = frame.systems_of(facts)
    if not needed:
        return None if rep.active_in & rep.eligible_in else "not an active user"
    missing = sorted(system.value for system in needed - rep.active_in)
    if missing:
        return f"not an active user in {', '.join(missing)}"
    wrong = sorted(system.value for system in needed - rep.eligible_in)
    return f"of a type that may not own accounts in {', '.join(wrong)}" if wrong else None


def left_elsewhere(frame: Frame, email: str) -> str | None:
    """Why nobody gives a rep new accounts whom another CRM knows as gone, or None.

    Who is deactivated in one CRM has left (RepLeft says so); what they own where they are still active they keep until
    it is given away.
    """
    rep = frame.directory.reps.get(email)
    gone = sorted(system.value for system in rep.ids.keys() - rep.active_in) if rep is not None else []
    return f"no longer active in {', '.join(gone)}" if gone else None


def out_of_dates(frame: Frame, email: str) -> str | None:
    """Why today is outside a rep's `start` and `end`, or None."""
    entry = frame.pack.reps.get(email)
    if entry is None:
        return None
    if entry.start is not None and frame.today < entry.start:
        return f"starts on {entry.start}"
    if entry.end is not None and frame.today > entry.end:
        return f"ended on {entry.end}"
    return None


def identity_of(frame: Frame, path: tuple[Territory, ...], email: str, facts: Facts) -> str:
    """Who an account counts for: the seat by which its territory or an overflow names its owner, or theirs."""
    if not frame.pack.seats or not path:
        return email
    groups = (path[-1].owners, *(owners for _, owners in overflows(path)))
    members = (member for owners in groups for member in members_of(frame, owners, facts))
    return next((member.identity for member in members if member.email == email), email)


def may_keep(frame: Frame, email: str, facts: Facts) -> bool:
    """Whether a rep may go on owning this account: active wherever it would be written, and in their dates."""
    return inactive_in(frame, email, facts) is None and out_of_dates(frame, email) is None


def barred(frame: Frame, email: str, facts: Facts) -> str | None:
    """Why a rep may not receive this account (or lead) now, loads apart, or None."""
    asked, known = (email, frame.systems_of(facts)), frame.recall.barred
    if asked not in known:
        known[asked] = _barred(frame, email, facts)
    return known[asked]


def _barred(frame: Frame, email: str, facts: Facts) -> str | None:
    reason = inactive_in(frame, email, facts) or left_elsewhere(frame, email) or out_of_dates(frame, email)
    if reason is not None:
        return reason
    away = absence_of(frame, email)
    if away is not None:
        return (
            f"out of office until {away.ends.astimezone(frame.pack.zone):%Y-%m-%d %H:%M}"
            if away.ends
            else (f"out of office until {away.until}")
        )
    return off_hours(frame, email) if frame.leads and not frame.any_hour else None


def is_only_away(frame: Frame, email: str, facts: Facts) -> bool:
    """Whether a rep could have this account but for being out of office now: they will be back for more."""
    gone = inactive_in(frame, email, facts) or left_elsewhere(frame, email) or out_of_dates(frame, email)
    return gone is None and absence_of(frame, email) is not None


def absence_of(frame: Frame, email: str) -> OutOfOffice | None:
    """The absence that a rep is in now, or None; the first written of several."""
    entry = frame.pack.reps.get(email)
    if entry is None:
        return None
    now = frame.context.now
    return next((off for off in entry.out_of_office if _begins(frame, off) <= now < _is_over(frame, off)), None)


def off_hours(frame: Frame, email: str) -> str | None:
    """Why a rep does not work at this hour, or None. Hours without a zone are in the pack's."""
    entry = frame.pack.reps.get(email)
    hours = parse_hours(entry.hours) if entry is not None and entry.hours else None
    if entry is None or hours is None or hours.holds(frame.context.now, frame.pack.zone):
        return None
    return f"off hours ({entry.hours})"


def hours_change(frame: Frame, email: str) -> datetime | None:
    """When a rep's working hours next begin or end; None without hours."""
    entry = frame.pack.reps.get(email)
    hours = parse_hours(entry.hours) if entry is not None and entry.hours else None
    return hours.next_change(frame.context.now, frame.pack.zone) if hours is not None else None


def _begins(frame: Frame, absence: OutOfOffice) -> datetime:
    return absence.starts or frame.start_of(absence.from_)


def _is_over(frame: Frame, absence: OutOfOffice) -> datetime:
    return absence.ends or frame.end_of(absence.until)


def ramp(frame: Frame, entry: RepEntry) -> Decimal:
    """The share of full capacity in this calendar month: one value a month from `start`, the last one stays."""
    if not entry.ramp:
        return ONE
    if entry.start is None:
        return entry.ramp[-1]
    months = (frame.today.year - entry.start.year) * 12 + frame.today.month - entry.start.month
    return entry.ramp[min(max(months, 0), len(entry.ramp) - 1)]


def keeping_ends(frame: Frame, email: str, owners: Owners, facts: Facts) -> datetime | None:
    """When time alone would end a rep's keep: after their `end`, or at a date of a seat that names them."""
    entry = frame.pack.reps.get(email)
    ends = frame.end_of(entry.end) if entry and entry.end else None
    seats = [seat for seat in _seats_of(frame, owners, facts) if email in (seat.holder, seat.cover)]
    return coming(frame, ends, *_bounds_of_seats(frame, seats))


def availability_changes(frame: Frame, owners: Owners, facts: Facts) -> datetime | None:
    """When time alone would next change who of `owners` may receive accounts, or how many."""
    if not isinstance(owners, OwnersByEmail | OwnersByPool):
        return _availability_changes(frame, owners, facts)
    asked, known = (owners, frame.systems_of(facts)), frame.recall.changes
    if asked not in known:
        known[asked] = _availability_changes(frame, owners, facts)
    return known[asked]


def _availability_changes(frame: Frame, owners: Owners, facts: Facts) -> datetime | None:
    bounds: list[datetime] = list(_bounds_of_seats(frame, _seats_of(frame, owners, facts)))
    for member in members_of(frame, owners, facts):
        entry = frame.pack.reps.get(member.email)
        if entry is not None:
            bounds += _bounds_of(frame, entry)
    return coming(frame, *bounds)


def _bounds_of(frame: Frame, entry: RepEntry) -> Iterator[datetime]:
    if entry.start:
        yield frame.start_of(entry.start)
    if entry.end:
        yield frame.end_of(entry.end)
    for off in entry.out_of_office:
        yield _begins(frame, off)
        yield _is_over(frame, off)
    if entry.ramp and entry.start and ramp(frame, entry) != entry.ramp[-1]:
        year, month = divmod(frame.today.year * 12 + frame.today.month, 12)
        yield frame.start_of(date(year, month + 1, 1))


def _seats_of(frame: Frame, owners: Owners, facts: Facts) -> Iterator[Seat]:
    names = {name for name, _ in named_by(frame, owners, facts)}
    if isinstance(owners, OwnersByPair):
        names.update(owners.table)
    seats = (frame.pack.seats.get(name.removeprefix(SEAT)) for name in sorted(names) if name.startswith(SEAT))
    yield from (seat for seat in seats if seat is not None)


def _bounds_of_seats(frame: Frame, seats: Iterable[Seat]) -> Iterator[datetime]:
    for seat in seats:
        if seat.from_:
            yield frame.start_of(seat.from_)
        if seat.until:
            yield frame.end_of(seat.until)
