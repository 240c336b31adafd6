"""A pack beside its territories, in sentences: exceptions, scores, limits, people, lists. Renders nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from syncd.errors import Place
from syncd.report.packs.condition_prose import Words, amount, called, clauses, joined, span
from syncd.report.wording import counted, plain
from syncd.rules.pack import DealHoldout, Dispute, Override, Pack, Pool, Protect, RepEntry, Seat

HOW = {
    "first": "the first of them who is available",
    "balanced": "whoever has the smallest load for their capacity",
    "rotate": "in turn, by their weights",
    "stable": "always the same one for a company, until they leave",
    "fit": "whoever fits best by skills, languages, industries and time zone",
}
_MOST_PEOPLE = 12


def segments(pack: Pack, words: Words) -> Iterator[str]:
    """Each segment and what it means."""
    for name, condition in sorted(pack.segments.items()):
        yield f"{name}: {joined(clauses(condition, words)) or 'every account'}."


def exceptions(pack: Pack, words: Words) -> Iterator[str]:
    """What holds, moves or takes back single accounts and opportunities."""
    yield from (_protect(rule, words) for rule in sorted(pack.protect, key=lambda rule: rule.name))
    yield from (_override(entry) for entry in pack.overrides)
    yield from (_dispute(entry) for entry in pack.disputes)
    yield from (_holdout(entry, words) for entry in pack.deal_holdouts)
    if (retrieve := pack.retrieve) is not None:
        terms = [f"the owner is told {span(retrieve.grace)} before"] if retrieve.grace else []
        terms += [f"not again for {span(retrieve.cool_off)}"] if retrieve.cool_off else []
        terms += [f"at most {retrieve.budget:,} a day"] if retrieve.budget is not None else []
        when = joined(clauses(retrieve.when, words)) or "always"
        told = f" ({'; '.join(terms)})" if terms else ""
        yield f"Taken back when {when}: given to a member of the pool “{retrieve.pool}”{told}. {at(retrieve.place)}"


def _protect(rule: Protect, words: Words) -> str:
    until = f" until {rule.until}" if rule.until is not None else ""
    roles = "" if rule.roles == ("owner",) else f" for {joined(rule.roles)}"
    when = joined(clauses(rule.when, words)) or "always"
    said = f"{rule.name}: an account with an active owner stays put{roles}{until} when {when}"
    return f"{said}. {plain(rule.reason)}. {at(rule.place)}"


def _override(entry: Override) -> str:
    until = f" until {entry.expires}" if entry.expires is not None else ""
    role = "" if entry.role == "owner" else f" as {entry.role}"
    why = f": {plain(entry.why)}, says {plain(entry.by)}"
    return f"{plain(entry.account)} belongs to {plain(entry.owner)}{role}{until}{why}. {at(entry.place)}"


def _dispute(entry: Dispute) -> str:
    since = f" since {entry.opened}" if entry.opened is not None else ""
    why = f": {plain(entry.why)}" if entry.why else ""
    return f"{plain(entry.account)} is disputed{since} and stays as it is{why}. {at(entry.place)}"


def _holdout(entry: DealHoldout, words: Words) -> str:
    where = f" of {entry.territory}" if entry.territory else ""
    until = f" until {entry.expires}" if entry.expires is not None else ""
    why = f": {plain(entry.why)}" if entry.why else ""
    which = joined(clauses(entry.opportunities, words)) or "anything holds"
    said = f"Opportunities{where} for which {which} keep their owner when the account moves{until}{why}"
    return f"{said}. {at(entry.place)}"


def grades(pack: Pack, words: Words) -> Iterator[str]:
    """The lifecycle's stages, the score's parts and bands."""
    for stage in pack.lifecycle:
        yield f"Stage “{stage.name}”: {joined(clauses(stage.when, words)) or 'every account that is left'}."
    if pack.scoring is None:
        return
    for part in pack.scoring.components:
        if part.field is not None:
            points = ", ".join(f"{amount(value)} gives {amount(score)}" for value, score in part.curve)
            yield f"Score, “{part.name}”: by the {called(part.field)}: {points}; straight lines between."
        else:
            when = joined(clauses(part.test, words)) or "always"
            yield f"Score, “{part.name}”: {amount(part.points)} points when {when}."
    for band in pack.scoring.bands:
        yield f"Band {band.name}: {joined(clauses(band.test, words))}."


def routing(pack: Pack) -> Iterator[str]:
    """Where a lead goes."""
    routing = pack.routing
    if routing is None:
        return
    steps = {"account": "to the owner of the account it matches", "territory": "by the territories"}
    said = (steps.get(step.match, f"to the pool “{step.pool}”") for step in routing.leads)
    yield f"A lead goes {', else '.join(said)}."
    if routing.sla is not None:
        sla = routing.sla
        yield f"It is touched within {span(sla.first_touch)} ({sla.hours} hours); if not: {sla.then}."


def limits(pack: Pack, currency: str) -> Iterator[str]:
    """What needs an approval that names it."""
    guard = pack.guard
    counts = {
        "changes": guard.changes_max,
        "changes for one person": guard.per_rep,
        "changes in one territory": guard.per_territory,
        "accounts owned by one person": guard.per_owner_total,
        "calls to a CRM": guard.api_calls,
    }
    for name, most in counts.items():
        if most is not None:
            yield f"A plan of more than {most:,} {name} needs an approval that names the limit."
    if guard.changes_share is not None:
        yield f"So does a plan that changes more than {amount(guard.changes_share * 100)} % of all accounts."
    if guard.money is not None:
        yield f"So does a plan that moves more than {amount(guard.money)} {currency} of open pipeline."
    for band, most in sorted(guard.per_band.items()):
        yield f"So does a plan that moves more than {most:,} accounts of band {band}."
    if guard.windows:
        yield f"Changes are written {joined(guard.windows, 'or')} only."


def pools(pack: Pack) -> Iterator[str]:
    """Each pool and who is in it."""
    return (_pool(pool) for _, pool in sorted(pack.pools.items()))


def _pool(pool: Pool) -> str:
    names = [
        plain(name) + (f" (weight {amount(weight)})" if weight != Decimal(1) else "") for name, weight in pool.members
    ]
    how = f" Picked: {HOW.get(pool.assign, pool.assign)}." if pool.assign is not None else ""
    how += " Who was out of office is dealt what they missed once they are back." if pool.catch_up else ""
    return f"{pool.name}, {counted(len(names), 'member')}: {several(names)}.{how} {at(pool.place)}"


def people(pack: Pack) -> Iterator[str]:
    """What is said of single people, and the seats."""
    for _, rep in sorted(pack.reps.items()):
        said = list(_rep(rep))
        if said:
            yield f"{plain(rep.email)}: {'; '.join(said)}."
    for _, seat in sorted(pack.seats.items()):
        yield f"Seat “{seat.name}”: {_seat(seat)}."


def _rep(rep: RepEntry) -> Iterator[str]:
    if rep.capacity is not None:
        yield f"capacity {amount(rep.capacity)}"
    if rep.max_accounts is not None:
        yield f"at most {counted(rep.max_accounts, 'account')}"
    if rep.start is not None:
        yield f"from {rep.start}"
    if rep.end is not None:
        yield f"until {rep.end}"
    if rep.ramp:
        yield f"ramps up by month: {', '.join(f'{amount(share * 100)} %' for share in rep.ramp)}"
    if rep.hours:
        yield f"works {plain(rep.hours)}"
    for name, values in (("speaks", rep.languages), ("knows", rep.industries), ("skills", rep.skills)):
        if values:
            yield f"{name} {joined(map(plain, values))}"
    for away in rep.out_of_office:
        cover = f", covered by {plain(away.cover)}" if away.cover else ""
        yield f"away {away.from_} to {away.until}{cover}"


def _seat(seat: Seat) -> str:
    parts = [f"held by {plain(seat.holder)}" if seat.holder else "empty"]
    parts += [f"covered by {plain(seat.cover)}"] if seat.cover else []
    parts += [f"from {seat.from_}"] if seat.from_ is not None else []
    parts += [f"until {seat.until}"] if seat.until is not None else []
    return ", ".join(parts)


def lists(pack: Pack) -> Iterator[str]:
    """The named lists, the longest first."""
    for _, each in sorted(pack.lists.items(), key=lambda pair: (-len(pair[1].entries), pair[0])):
        yield f"{each.name}: {counted(len(each.entries), 'entry', 'entries')}. {at(each.place)}"


def several(names: Iterable[str]) -> str:
    """Names joined, of very many the first."""
    found = [plain(name) for name in names]
    more = len(found) - _MOST_PEOPLE
    return joined(found[:_MOST_PEOPLE] + ([f"{more:,} more"] if more > 0 else []))


def where(place: Place) -> str:
    """A place as `file:line`."""
    return plain(f"{place.path}:{place.line}")


def at(place: Place) -> str:
    """The same in brackets, as it stands after a sentence."""
    return f"[{where(place)}]"
