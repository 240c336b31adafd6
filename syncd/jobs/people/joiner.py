"""A joiner's first book: accounts that have nobody, then what full books can spare, as one plan, by the ramp."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from syncd.errors import InputError, UsageError
from syncd.jobs.context import Context
from syncd.jobs.people.proposing import Look, propose
from syncd.planning.people.joining import Joining, fair_share, group_of, join, steps_of, territories_into
from syncd.planning.people.table import Table
from syncd.planning.proposing.reasons import JOINER
from syncd.rules.deciding.people import barred
from syncd.rules.facts import Facts
from syncd.rules.pack import Pack, Territory
from syncd.rules.suggestion import did_you_mean

WHOLE = Decimal(1)


def joiner(
    context: Context, email: str, into: str, *, share: Decimal = WHOLE, budget: int | None = None
) -> Mapping[str, Any]:
    """The plan for the first book of somebody who starts, saved; its document says under `people` what it is made of.

    `into` is a pool, or a territory by name or path; `share` is the part of a fair share that they get. Raises
    UsageError (SYN650 unknown person, SYN651 no such pool or territory), InputError (SYN652 not named there, SYN653 not
    able to receive accounts today).
    """
    look = Look.at(context)
    who, table = look.check_person(email), look.table()
    territories = territories_into(table, into)
    if not territories:
        raise _unknown(look.pack, table, into)
    empty = Facts(key="", accounts=())
    group = group_of(table, territories, empty)
    _check_member(table, who, into, group, territories, empty)
    whole = fair_share(table, group, who, share, full=True)
    target = fair_share(table, group, who, share)
    run = Joining(table, who, group, target, steps_of(table.entry(who), whole))
    before = table.loads.held(who)
    join(run, territories, budget)

    told = {"into": into, "share": f"{share.normalize():f}", "before": before, "group": list(group), **run.entry}
    return propose(look, JOINER, run.decided, lambda _source, _document: (told, ()))


def _unknown(pack: Pack, table: Table, into: str) -> UsageError:
    known = sorted({*pack.pools, *table.paths, *(path[-1].name for path in table.paths.values())})
    hint = did_you_mean(into, known) or "name a pool, or a territory of role owner"
    what = "names nobody" if into in known else "is no pool and no territory"
    return UsageError("SYN651", f"{into!r} {what}", hint=hint)


def _check_member(
    table: Table, who: str, into: str, group: Sequence[str], territories: Sequence[Territory], facts: Facts
) -> None:
    place = territories[0].place
    where = f"{place.path}:{place.line}"
    if who not in group:
        hint = f"add {who} to the pool or to `owners` first: what nobody names, the next plan takes away again"
        raise InputError("SYN652", f"{into} does not name {who}", where=where, hint=hint)
    why = barred(table.frame, who, facts)
    if why is not None:
        hint = "run it again once they can receive accounts; `start`, `end` and `out_of_office` stand in `reps`"
        raise InputError("SYN653", f"{who} cannot receive accounts today: {why}", where=where, hint=hint)
