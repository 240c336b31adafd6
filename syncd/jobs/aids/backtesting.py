"""The job behind `backtest`: history as the mirror, the ledger and the CRMs tell it, replayed under a pack."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from syncd.clock import iso
from syncd.connectors.port import OwnerVersion
from syncd.errors import UsageError
from syncd.jobs.aids.comparing import quotas_under_way
from syncd.jobs.aids.stage_history import ask_ways, ways_of
from syncd.jobs.books.book import MirrorBook, directory_of, read_book
from syncd.jobs.context import Context
from syncd.jobs.plans.plan import require_mirror
from syncd.jobs.pulling.authors import MOST, histories
from syncd.model.records import User
from syncd.model.refs import Kind, Ref
from syncd.planning.aids.deals import Deal, read_deals
from syncd.planning.aids.past import DATED, OwnerSince, Past
from syncd.planning.aids.replay import Replay, changed_between, replay_document
from syncd.rules.collector import without_collector
from syncd.rules.conditions import OpportunityTest, fields_read, walk
from syncd.rules.deciding.frame import Traits
from syncd.rules.engine import Book, decide
from syncd.rules.facts import Directory, Facts
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.memory import Memory
from syncd.rules.pack import Pack
from syncd.store import companies, mirror
from syncd.store.operations import owner_changes_since
from syncd.store.ownership import OwnerChange

FORMAT = 1
MOST_STEPS = 400
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """What is replayed: from an instant to another, in steps of so much time."""

    start: datetime
    end: datetime
    step: timedelta

    def instants(self) -> tuple[datetime, ...]:
        """The instants of the steps, the first and the last included."""
        count = -(-(self.end - self.start) // self.step)
        return (*(self.start + number * self.step for number in range(count)), self.end)


def span_of(start: datetime | None, end: datetime | None, step: timedelta, now: datetime) -> Span:
    """The span that options name; the last 90 days where they name none. UsageError SYN748 where it is none."""
    until = end or now
    since = start or until - timedelta(days=90)
    if since >= until or until > now or step <= timedelta(0):
        hint = "--from lies before --to, --to not in the future, and --step is a time such as 7d"
        raise UsageError("SYN748", f"{iso(since)} to {iso(until)} is no stretch of the past", hint=hint)
    span = Span(since, until, step)
    if -(-(until - since) // step) > MOST_STEPS:
        raise UsageError("SYN748", f"that is more than {MOST_STEPS} steps", hint="choose a longer --step")
    return span


def backtest(context: Context, span: Span, *, pack: Path | None = None, ask_crm: bool = False) -> dict[str, Any]:
    """Replay history under a pack (the settings' own without one) and say what came of it, and what it cannot prove.

    With `ask_crm` the CRMs' own history of owners is read too, for the accounts of which no change was seen.
    Raises RefusedError SYN550 before the first complete mirror.
    """
    now = context.clock.now()
    rules = context.pack(pack, now=now)
    staged = _asks_for_stages(rules)
    if ask_crm and staged:
        ask_ways(context, rules, now)
    source, deals, changes = _read(context, rules, now)
    told: Mapping[Ref, tuple[OwnerVersion, ...]] = {}
    leading = {facts.key: _leading(context, facts) for facts in source.book.facts if facts.refs}
    if ask_crm:
        unseen = [ref for ref in leading.values() if ref not in changes]
        told = _asked(context, unseen)
    pasts = tuple(_pasts(source, deals, changes, told, leading))
    with without_collector():
        replay = _replayed(rules, source, pasts, span)
    quotas = tuple(quotas_under_way(rules, span.end, context.rates().on(span.end.date())))
    return {
        "format": FORMAT,
        "kind": "backtest",
        "from": iso(span.start),
        "to": iso(span.end),
        "step_days": span.step / timedelta(days=1),
        "pack_revision": rules.revision,
        "currency": context.settings.money.reporting_currency,
        **replay_document(replay, quotas, span.start, span.end),
        "cannot_prove": list(_doubts(rules, pasts, source, span)),
    }


def _read(
    context: Context, pack: Pack, now: datetime
) -> tuple[MirrorBook, dict[str, list[Deal]], Mapping[Ref, tuple[OwnerChange, ...]]]:
    """The book of today before it is graded, all deals by company, and every change of owner that was seen."""
    with without_collector(), context.store.read() as conn:
        require_mirror(context, conn)
        source = read_book(context, conn, replace(pack, scoring=None, lifecycle=()), now)
        links = companies.links(conn)
        records = (each for system in context.systems for each in mirror.records(conn, system, Kind.OPPORTUNITY))
        deals: dict[str, list[Deal]] = defaultdict(list)
        company_of: Callable[[Ref], str] = lambda ref: links.get(ref, str(ref))  # noqa: E731 - a door for read_deals
        for deal in read_deals(records, company_of, context.rates(), pack.zone, ways_of(conn)):
            deals[deal.company].append(deal)
        return source, dict(deals), owner_changes_since(conn, _EVER)


def _leading(context: Context, facts: Facts) -> Ref:
    """The record whose owner is the company's: that of the leading system, else its first."""
    return next((ref for ref in facts.refs if ref.system.value == context.settings.leading_system), facts.refs[0])


def _asked(context: Context, refs: list[Ref]) -> Mapping[Ref, tuple[OwnerVersion, ...]]:
    """What the CRMs remember of owners, asked in portions."""
    found: dict[Ref, tuple[OwnerVersion, ...]] = {}
    for start in range(0, len(refs), MOST):
        found |= histories(context, refs[start : start + MOST]).versions
    return found


def _pasts(
    source: MirrorBook,
    deals: Mapping[str, list[Deal]],
    changes: Mapping[Ref, tuple[OwnerChange, ...]],
    told: Mapping[Ref, tuple[OwnerVersion, ...]],
    leading: Mapping[str, Ref],
) -> Iterable[Past]:
    for facts in source.book.facts:
        ref = leading.get(facts.key)
        if ref is None:
            continue
        today = facts.current_owner.email if facts.current_owner is not None else None
        owners = _owners(ref, changes.get(ref, ()), told.get(ref, ()), source.users)
        known = len(owners) > 1
        yield Past(facts, owners or (OwnerSince(None, today),), tuple(deals.get(facts.key, ())), known)


def _owners(
    ref: Ref, seen: tuple[OwnerChange, ...], told: tuple[OwnerVersion, ...], users: Mapping[Ref, User]
) -> tuple[OwnerSince, ...]:
    """The owners of an account, oldest first: by the changes that pulls saw, else by the CRM's own history."""

    def email_of(owner: str | None) -> str | None:
        user = users.get(Ref(ref.system, Kind.USER, owner)) if owner else None
        return user.email if user is not None and user.email else owner and str(Ref(ref.system, Kind.USER, owner))

    if seen:
        return (OwnerSince(None, email_of(seen[0].old)), *(OwnerSince(each.at, email_of(each.new)) for each in seen))
    return tuple(OwnerSince(each.at, email_of(each.owner)) for each in reversed(told))


def _replayed(pack: Pack, source: MirrorBook, pasts: tuple[Past, ...], span: Span) -> Replay:
    """The replay, run to its end."""
    rules, traits = replace(pack, retrieve=None), Traits.of(pack)
    people = directory_of(source.users.values(), pack, frozenset())
    left = _left(people, pasts)

    def active(at: datetime) -> frozenset[str]:
        return frozenset(
            email for email, rep in people.reps.items() if rep.active_in or (email in left and at < left[email])
        )

    def decided(book: tuple[Facts, ...], memory: Memory, at: datetime) -> Any:
        return decide(rules, Book(book, _directory(people, active(at)), memory=memory), at, traits=traits)

    def context_at(at: datetime) -> EvaluationContext:
        return EvaluationContext(at, pack.zone, pack.fiscal_year_start)

    replay = Replay(pasts, active, decided, context_at, pack.revision)
    replay.run(span.instants())
    return replay


def _left(people: Directory, pasts: Iterable[Past]) -> Mapping[str, datetime]:
    """When people who are inactive today left: the last change of owner that took an account from them."""
    left: dict[str, datetime] = {}
    for past in pasts:
        for before, after in zip(past.owners, past.owners[1:], strict=False):
            rep = people.reps.get(before.owner or "")
            if rep is not None and not rep.active_in and after.at is not None:
                left[rep.email] = max(left.get(rep.email, after.at), after.at)
    return left


def _directory(people: Directory, active: frozenset[str]) -> Directory:
    """The directory with those who were active: in every system that knows them, for a replay writes to none."""
    reps = {
        email: replace(rep, active_in=frozenset(rep.ids) if email in active else frozenset())
        for email, rep in people.reps.items()
    }
    return replace(people, reps=reps)


def _doubts(pack: Pack, pasts: tuple[Past, ...], source: MirrorBook, span: Span) -> Iterable[str]:
    """What the replay does not show, in sentences with the figures of this one."""
    read = sorted(_read_by(pack) - DATED)
    if read:
        yield (
            f"The rules read {', '.join(read)}: their values of today were taken for the whole time, for no history of"
            " them is kept."
        )
    known = sum(past.known for past in pasts)
    first = min((each.at for past in pasts for each in past.owners[1:] if each.at is not None), default=None)
    since = f", the oldest of {first:%Y-%m-%d}" if first is not None else ""
    yield (
        f"Changes of owner are on record for {known:,} of {len(pasts):,} companies{since}; of the others today's owner"
        " was taken for the whole time."
    )
    unborn = sum(past.born is None for past in pasts)
    if unborn:
        yield f"When {unborn:,} companies came into the CRM is not known; they were taken to be there from the start."
    really = sum(changed_between(past, span.start, span.end) for past in pasts)
    yield (
        f"What people did meanwhile is not repeated: {really:,} changes of owner happened, each perhaps for a reason"
        " that no field holds."
    )
    yield "A deal that was won under one owner might not have been won under another: wins are only counted anew."
    yield "Activity before a company's last one is not known: the count of unworked companies is the least there were."
    yield "Records that were deleted or merged since are missing, so the book of then looks cleaner than it was."
    inactive = sum(not user.active for user in source.users.values())
    if inactive:
        yield (
            f"When {inactive:,} inactive users left is not known: each counts as active until the last account was"
            " taken from them, and as gone all along where none was."
        )
    if _asks_for_stages(pack):
        yield _stages_known(pasts, span)
    if pack.retrieve is not None:
        yield "`retrieve` was left out: whom it would have told, and what they would have done, is not known."


def _asks_for_stages(pack: Pack) -> bool:
    """Whether a rule reads the stages of open deals, or asks for deals of a kind."""
    tests = (isinstance(each, OpportunityTest) for rule in _conditions(pack) for each in walk(rule))
    return "open_stages" in _read_by(pack) or any(tests)


def _stages_known(pasts: Iterable[Past], span: Span) -> str:
    """Of how many deals that were open in the span the stage is known from its beginning, or their own, on."""
    whole = known = 0
    for deal in (deal for past in pasts for deal in past.deals):
        since = max(span.start, deal.created or span.start)
        if since > span.end or (deal.won is not None and (deal.closed or since) <= span.start):
            continue
        whole += 1
        known += deal.stage_at(since) is not None
    return (
        f"Rules read the stages of deals: they are known for {known:,} of the {whole:,} deals that were open; of the"
        " others today's stage was taken, and none where they closed since."
    )


def _conditions(pack: Pack) -> Iterable[Any]:
    yield from (territory.when for role in pack.roles for territory in pack.territories(role))
    yield from (rule.when for rule in pack.protect)
    yield from (stage.when for stage in pack.lifecycle)
    if pack.scoring is not None:
        yield from (component.test for component in pack.scoring.components)


def _read_by(pack: Pack) -> frozenset[str]:
    """The mapped fields that decisions read; what the pack itself derives is no field of the CRM."""
    found: frozenset[str] = frozenset().union(*(fields_read(each) for each in _conditions(pack)))
    return found - {"lifecycle", "score", "band"}
