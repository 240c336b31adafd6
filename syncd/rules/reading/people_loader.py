"""The people of a pack: `reps` with their seats, and `pools`.

Reads and checks what is written; who is active, present or under a limit is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType

from syncd.rules.matching.working_hours import parse_hours
from syncd.rules.nodes import Entry, Node, Scalar, Sequence
from syncd.rules.nodes import Mapping as MappingNode
from syncd.rules.pack import OutOfOffice, Pool, RepEntry, Seat
from syncd.rules.reading import plain_values
from syncd.rules.reading.options import Options, described, read_email, read_name, read_rep
from syncd.rules.reading.pack_reading import Reading

ASSIGN = ("first", "balanced", "rotate", "stable", "fit")
REP_OPTIONS = (
    "email",
    "capacity",
    "max_accounts",
    "languages",
    "industries",
    "skills",
    "start",
    "end",
    "ramp",
    "hours",
    "out_of_office",
    "salesforce",
    "hubspot",
    "manager",
)
SEAT_OPTIONS = ("seat", "holder", "cover", "from", "until")
POOL_OPTIONS = ("members", "assign", "catch_up")
People = tuple[Mapping[str, RepEntry], Mapping[str, Seat]]


def read_reps(items: Iterable[Node], reading: Reading) -> tuple[Mapping[str, RepEntry], Mapping[str, Seat]]:
    """Every rep by e-mail and every seat by name; one that stands twice is an error (SYN206) that names both places."""
    reps: dict[str, RepEntry] = {}
    seats: dict[str, Seat] = {}
    for item in items:
        if isinstance(item, Scalar):
            email = read_email(item, reading)
            if email is not None:
                _keep(reps, email, RepEntry(email, item.place), reading)
        elif isinstance(item, MappingNode) and item.get("seat") is not None:
            seat = _seat(Options(item, "a seat", SEAT_OPTIONS, reading), reading)
            if seat is not None:
                _keep(seats, seat.name, seat, reading)
        else:
            rep = _rep(Options(item, "a rep", REP_OPTIONS, reading), reading)
            if rep is not None:
                _keep(reps, rep.email, rep, reading)
    return MappingProxyType(reps), MappingProxyType(seats)


def _keep(found: dict[str, RepEntry] | dict[str, Seat], name: str, entry: RepEntry | Seat, reading: Reading) -> None:
    first = found.get(name)
    if first is not None:
        message = f"`{name}` stands twice in `reps`, first at {first.place}"
        reading.findings.error("SYN206", message, entry.place, "keep one")
        return
    found[name] = entry  # type: ignore[assignment]


def _rep(options: Options, reading: Reading) -> RepEntry | None:
    if not options.require("email", "write `email: anna@example.com`, or `seat: west-4`"):
        return None
    email = options.email("email")
    start, end = options.days("start", "end")
    ramp = options.each("ramp", plain_values.number, "no share: write [0.25, 0.5, 1.0]")
    if any(share < 0 for share in ramp):
        reading.findings.error("SYN242", "a share of `ramp` must be at least 0", options.place_of("ramp"))
    entry = RepEntry(
        email=email or "",
        place=options.place,
        capacity=options.number("capacity", above=True),
        max_accounts=options.whole("max_accounts"),
        languages=options.texts("languages"),
        industries=options.texts("industries"),
        skills=options.texts("skills"),
        start=start,
        end=end,
        ramp=ramp,
        hours=_hours(options, reading),
        out_of_office=tuple(_absences(options, reading)),
        salesforce=options.text("salesforce"),
        hubspot=options.text("hubspot"),
        manager=options.email("manager"),
    )
    if entry.ramp and entry.start is None and not options.broken:
        message = "`ramp` counts months from `start`, and there is no `start`"
        reading.findings.warning("SYN274", message, options.place_of("ramp"), "add `start: 2026-02-01`")
    return entry if email is not None else None


def _hours(options: Options, reading: Reading) -> str | None:
    """Working hours; across midnight is fine, hours of no length are not (SYN295)."""
    hours = options.read("hours", plain_values.hours, "no working hours: write 09:00-17:00 Europe/Berlin")
    if hours is not None and parse_hours(hours) is None:
        message = f"the hours `{hours}` begin and end at the same time"
        reading.findings.error("SYN295", message, options.place_of("hours"), "for the whole day write 00:00-24:00")
        return None
    return hours


def _absences(options: Options, reading: Reading) -> Iterable[OutOfOffice]:
    for item in options.items("out_of_office"):
        absence = Options(item, "a time out of office", ("from", "until", "cover"), reading)
        needed = [absence.require(key, "write {from: 2026-12-20, until: 2027-01-06}") for key in ("from", "until")]
        cover = absence.rep("cover")
        first, starts = _day_or_hour(absence, "from", reading)
        last, ends = _day_or_hour(absence, "until", reading)
        if not all(needed) or first is None or last is None:
            continue
        if last < first or (starts is not None and ends is not None and ends <= starts):
            message = "`until` lies before `from`, so a time out of office never applies"
            reading.findings.warning("SYN273", message, absence.place_of("until"), "swap them")
        yield OutOfOffice(first, last, cover, starts, ends)


def _day_or_hour(options: Options, key: str, reading: Reading) -> tuple[date | None, datetime | None]:
    """A day, or an hour of one (`2026-12-24T13:00`, in the pack's zone unless it says another)."""
    written = options.scalar(key)
    if written is None or "T" not in written.text:
        return options.day(key), None
    instant = options.instant(key)
    return (instant.astimezone(reading.zone).date() if instant is not None else None), instant


def _seat(options: Options, reading: Reading) -> Seat | None:
    name = options.name("seat")
    start, end = options.days("from", "until")
    holder, cover = options.email("holder"), options.email("cover")
    if "holder" not in options and "cover" not in options:
        message = "a seat with neither `holder` nor `cover` is nobody"
        reading.findings.warning("SYN274", message, options.place, "add `holder: anna@example.com`")
    return Seat(name, options.place, holder, cover, start, end) if name is not None else None


def written_seats(items: Iterable[Node]) -> frozenset[str]:
    """The names of all seats as written, also of those that could not be read."""
    named = (item.get("seat") for item in items if isinstance(item, MappingNode))
    return frozenset(name.text for name in named if isinstance(name, Scalar))


def read_pools(entries: Iterable[Entry], reading: Reading) -> Mapping[str, Pool]:
    """Every pool by name."""
    pools: dict[str, Pool] = {}
    for entry in entries:
        name = read_name(entry.key, reading)
        value = entry.value
        if isinstance(value, Sequence):
            if not value.items:
                message = f"the pool `{entry.key.text}` is empty"
                reading.findings.error("SYN241", message, value.place, "name its members, or remove it")
            members = _members(value.items, entry.key.text, reading)
            pool = Pool(entry.key.text, entry.key.place, members)
        else:
            options = Options(value, f"the pool `{entry.key.text}`", POOL_OPTIONS, reading)
            options.require("members", "write `members: [anna@example.com]`")
            members = _members(options.items("members"), entry.key.text, reading)
            assign, catch_up = options.choice("assign", ASSIGN), bool(options.flag("catch_up"))
            if catch_up and assign != "rotate":
                message = f"`catch_up` is about turns, and the pool `{entry.key.text}` is not dealt to in turn"
                reading.findings.error("SYN268", message, options.place_of("catch_up"), "add `assign: rotate`")
            pool = Pool(entry.key.text, entry.key.place, members, assign, catch_up)
        if name is not None:
            pools[name] = pool
    return MappingProxyType(pools)


def check_pools(pools: Mapping[str, Pool], people: People, reading: Reading) -> None:
    """A warning (SYN297) for each pool that nobody is in today by the dates of `reps`; dates never make an error."""
    today = reading.today
    if today is None:
        return
    reps, seats = people
    for pool in pools.values():
        named = [
            seats.get(name.removeprefix("seat:")) if name.startswith("seat:") else name for name, _ in pool.members
        ]
        emails = [email for each in named for email in (_of_seat(each) if isinstance(each, Seat) else (each,))]
        entries = [reps.get(email) if email is not None else None for email in emails]
        gone = [
            entry is not None and ((entry.end or today) < today or (entry.start or today) > today) for entry in entries
        ]
        if pool.members and all(gone):
            message = f"nobody in the pool `{pool.name}` can receive anything today: all have ended or not started"
            reading.findings.warning("SYN297", message, pool.place, "what it is asked for goes to `overflow`")


def _of_seat(seat: Seat) -> Iterable[str]:
    return [email for email in (seat.holder, seat.cover) if email is not None]


def _members(items: tuple[Node, ...], pool: str, reading: Reading) -> tuple[tuple[str, Decimal], ...]:
    members: dict[str, Decimal] = {}
    broken = False
    for item in items:
        read = _member(item, reading)
        if read is None:
            broken = True
        elif read[0] in members:
            reading.findings.error(
                "SYN206", f"`{read[0]}` stands twice in the pool `{pool}`", item.place, "use `weight`"
            )
        else:
            members[read[0]] = read[1]
    if items and not broken and not sum(members.values()):
        message = f"the weights of the pool `{pool}` sum to 0, so it can never pick anybody"
        reading.findings.error("SYN257", message, items[0].place, "give a member a weight above 0")
    return tuple(members.items())


def _member(item: Node, reading: Reading) -> tuple[str, Decimal] | None:
    if isinstance(item, Scalar):
        rep = read_rep(item, reading)
        return (rep, Decimal(1)) if rep is not None else None
    if isinstance(item, Sequence):
        message = f"a member is an e-mail, a seat or {{rep, weight}}, not {described(item)}"
        reading.findings.error("SYN241", message, item.place)
        return None
    own = item.get("capacity") or item.get("max_accounts")
    if own is not None:
        message = "a rep has one capacity, wherever they are a member"
        hint = "write it once, beside the rep's e-mail in `reps`; a pool gives them a `weight`"
        reading.findings.error("SYN296", message, own.place, hint)
        return None
    options = Options(item, "a member of a pool", ("rep", "weight"), reading)
    if not options.require("rep", "write {rep: anna@example.com, weight: 2}"):
        return None
    rep = options.rep("rep")
    weight = options.number("weight") if "weight" in options else Decimal(1)
    return (rep, weight) if rep is not None and weight is not None else None
