"""Plans of one mirror again and again, while somebody edits the pack: what `plan --watch` and a console ask.

The facts stay in memory: an edit costs the reading of what was edited and the deciding. After a pull only what changed
is read, where companies may be counted; all facts are read anew where the ledger or the people moved, or where the
pack's zone or default country did. A plan is saved where that is asked for; nothing is written to a CRM.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from syncd.errors import Finding
from syncd.jobs.books.adopted import with_adopted
from syncd.jobs.books.book import MirrorBook, derivation_of, directory_of, memory_of
from syncd.jobs.books.engines import missing_libraries
from syncd.jobs.books.live_mirror import LiveMirror
from syncd.jobs.books.signals import signals_mark
from syncd.jobs.books.written import refuse_self_reading
from syncd.jobs.context import Context
from syncd.jobs.packs.footprint import footprint
from syncd.jobs.plans.comparison import Side, entries_between, rule_changes
from syncd.jobs.plans.plan import Deliberation, plan_of, require_mirror, save
from syncd.jobs.stages import Stages
from syncd.model.decisions import Decision
from syncd.model.records import User
from syncd.model.refs import Ref
from syncd.planning.proposing.proposals import differing_records
from syncd.rules.classes.territories import TerritoryAnswers
from syncd.rules.collector import set_aside, without_collector
from syncd.rules.deciding.exceptions import match_exceptions
from syncd.rules.deciding.kept import Kept
from syncd.rules.engine import MANY, Book, decide
from syncd.rules.facts import Directory, Facts
from syncd.rules.matching.time_window import EvaluationContext, local_day
from syncd.rules.pack import Pack
from syncd.rules.reading.reading_memory import ReadingMemory
from syncd.rules.scoring import graded
from syncd.store import mirror, overrides, ownership
from syncd.store.leads import last_change_of_book
from syncd.store.operations import last_applied_plan
from syncd.store.versions import versions

if TYPE_CHECKING:
    from syncd.rules.batch.live_answers import LiveBook
    from syncd.rules.batch.live_plan import Decided, LivePlan

_LARGE = 20_000
"""A book of so many companies is set aside: walking it for cycles again and again would be most of the work."""
MANY_COUNTED = 2_000
"""From so many companies on those who stay where they are are counted, not decided one by one."""


@dataclass(frozen=True, slots=True)
class Replan:
    """One plan and its difference to the one before: rules that were edited, and decisions that come out otherwise.

    The `first` has none. `read` is whether anything of the mirror was read for it, `now` the instant that it is as of;
    `findings` are warnings that only the accounts show. Where a large book allows it, companies that keep their owners
    under this pack and the last one are only counted, in `kept`; the side holds all others.
    """

    side: Side
    now: datetime
    read: bool
    rules: tuple[Mapping[str, Any], ...] = ()
    entries: tuple[Mapping[str, Any], ...] = ()
    findings: tuple[Finding, ...] = ()
    kept: int = 0
    first: bool = False


class Replanner:
    """Plans by the pack in one folder, as often as it is asked."""

    def __init__(self, context: Context, root: Path | None = None) -> None:
        self._context = context
        self._root = root or context.settings.pack.path
        self._reading = ReadingMemory()
        self._mirror: LiveMirror | None = None
        self._state: _State | None = None
        self._last: Side | None = None
        self._live: LiveBook | None = None
        self._plan: LivePlan | None = None
        self._decided: Decided | None = None
        self._known: Pack | None = None
        self._read_as: object = None
        self._day: date | None = None
        self._judged: tuple[Pack, bool] | None = None
        self._known_people: tuple[Pack, Mapping[Ref, User], Directory] | None = None
        self.thought: Deliberation | None = None

    def footprint(self) -> str:
        """What the files of the pack are now: another one is an edit."""
        return footprint(self._root)

    def pulled(self) -> object:
        """How far the pulls have come: another answer is news from the CRMs."""
        with self._context.store.read() as conn:
            return mirror.mirror_status(conn, counted=False)

    def plan(self, stages: Stages | None = None) -> Replan:
        """Decide anew by the pack and the mirror as they are, and compare with the last time that could be done.

        Raises InputError for an invalid pack and RefusedError SYN550 before the first complete mirror; what was known
        stays known.
        """
        context, stages = self._context, stages or Stages(self._context.clock.monotonic)
        now = context.clock.now()
        with stages.stage("read the pack"):
            pack = self._pack(now)
        refuse_self_reading(context.settings, pack)
        with without_collector():
            with stages.stage("read the mirror"), context.store.read() as conn:
                held, read = self._held(conn, pack, now)
                memory = memory_of(conn, pack, held.now)
            with stages.stage("decide"):
                side, last, kept = self._sides(pack, held, Book((), self._people(pack, held), memory=memory))
        if last is None:
            return Replan(side, held.now, read, findings=side.findings, kept=kept, first=True)
        with stages.stage("compare"):
            rules = () if last.pack is pack else tuple(rule_changes(last.pack, pack))
            entries = tuple(entries_between(last, side))
        return Replan(side, held.now, read, rules, entries, side.findings, kept)

    def save(self) -> Mapping[str, Any]:
        """Save what was planned last as a preview, where it is another than the last plan that was saved.

        Its document, without an id where there is nothing to do. Equal to what `syncd plan` makes of this mirror.
        """
        thought = self.thought
        if thought is None:
            raise AssertionError("nothing was planned yet")
        with without_collector():
            return save(self._context, plan_of(self._context, thought, offered=False), again=False)

    def _people(self, pack: Pack, held: LiveMirror) -> Directory:
        """Everybody who may be an owner, the very same object where neither pack nor users are others."""
        users, known = held.source.users, self._known_people
        if known is None or known[0] is not pack or known[1] is not users:
            directory = directory_of(users.values(), pack, self._context.written_systems)
            known = self._known_people = (pack, users, directory)
        return known[2]

    def _pack(self, now: datetime) -> Pack:
        """The pack, the very same object where neither its files nor the day nor the ledger's overrides are others."""
        with self._context.store.read() as conn:
            adopted = overrides.counting(conn)
        read_as = (self.footprint(), now.date(), adopted, self._context.rates())
        known = self._known
        if known is None or read_as != self._read_as or local_day(now, known.zone) != self._day:
            known = with_adopted(self._context, self._context.pack(self._root, now=now, memory=self._reading))
            self._known, self._read_as, self._day = known, read_as, local_day(now, known.zone)
        return known

    def _sides(self, pack: Pack, held: LiveMirror, book: Book) -> tuple[Side, Side | None, int]:
        """What the pack says, what the last one said, and how many companies beside those of both keep their owners."""
        counted = self._counted(pack, held, book)
        if counted is not None:
            return counted
        last = self._whole_last()
        facts = tuple(graded(pack, _living(held), held.now))
        _, unmatched = match_exceptions(pack, facts, held.now)
        book = replace(book, facts=facts)
        decisions = decide(pack, book, held.now, classes=self._classes(pack, held))
        side = Side(pack, decisions, {each.key: each for each in facts}, tuple(unmatched))
        self._last, self._decided = side, None
        self.thought = self._deliberation(pack, replace(held.source, book=book), decisions, held.now, unmatched)
        return side, last, 0

    def _counted(self, pack: Pack, held: LiveMirror, book: Book) -> tuple[Side, Side | None, int] | None:
        """The same where those who stay can be counted; None where each has to be decided."""
        if len(held.facts) < MANY_COUNTED or missing_libraries():
            return None
        from syncd.rules.batch.live_plan import LivePlan

        if self._unsuited(pack, held.now):
            return None
        same = self._plan is not None and self._plan.facts is held.facts
        before = self._decided if same else None
        whole = self._whole_last() if before is None else None
        plan = self._plan if self._plan is not None and same else None
        plan = plan or LivePlan(held.facts, self._agreed, held.now)
        found = plan.decide(pack, book, before)
        if found is None:
            return None
        now, then = found
        _, unmatched = match_exceptions(pack, _living(held) if pack.overrides or pack.disputes else (), held.now)
        self._plan, self._decided, self._last = plan, now, None
        some = Book(tuple(now.facts.values()), book.directory, memory=book.memory)
        source = replace(held.source, book=some, open_opportunities=held.open_deals(now.facts))
        told = tuple(now.decisions[key] for key in sorted(now.decisions))
        self.thought = self._deliberation(pack, source, told, held.now, unmatched, now.kept)
        if whole is not None:
            return replace(_side_of(plan.whole(now)), findings=tuple(unmatched)), whole, 0
        side = replace(_side_of(now), findings=tuple(unmatched))
        return side, None if then is None else _side_of(then), now.count

    def _deliberation(
        self,
        pack: Pack,
        source: MirrorBook,
        decisions: tuple[Decision, ...],
        now: datetime,
        unmatched: Sequence[Finding],
        kept: tuple[Kept, ...] = (),
    ) -> Deliberation:
        """What was decided, as plans are made of it."""
        rates_as_of = self._context.rates().on(now.date()).as_of
        return Deliberation(pack, source, decisions, now, tuple(unmatched), rates_as_of, kept)

    def _unsuited(self, pack: Pack, now: datetime) -> bool:
        """Whether companies of this pack have to be decided one by one, or looked at with others of the book."""
        from syncd.jobs.books.batch_book import unsuited_mirror

        if self._judged is None or self._judged[0] is not pack:
            reason = unsuited_mirror(self._context, pack, derivation_of(self._context, pack, now.date()))
            self._judged = (pack, reason is not None)
        return self._judged[1]

    def _agreed(self, facts: Facts) -> bool:
        """Whether a company's owner is the same in every system that is written."""
        owner = facts.current_owner
        return owner is not None and not differing_records(facts, owner, self._context.written_systems)

    def _whole_last(self) -> Side | None:
        """What the last pack said of every company of its book."""
        if self._plan is None or self._decided is None:
            return self._last
        return _side_of(self._plan.whole(self._decided))

    def _classes(self, pack: Pack, held: LiveMirror) -> TerritoryAnswers | None:
        """The pack's territories for this book, of which an edit asks anew only what it changed; None where that is
        not worth it: in a small book, for a pack that grades (the fields change with it), without the extra `fast`.
        """
        facts = held.facts
        if len(facts) < MANY or pack.scoring is not None or pack.lifecycle or missing_libraries():
            return None
        from syncd.rules.batch.live_answers import LiveBook

        if self._live is None or self._live.facts is not facts:
            self._live = LiveBook(facts)
        return self._live.answers(pack, EvaluationContext(held.now, pack.zone, pack.fiscal_year_start))

    def _held(self, conn: Connection, pack: Pack, now: datetime) -> tuple[LiveMirror, bool]:
        """The book without grades, and whether anything was read for it just now."""
        require_mirror(self._context, conn)
        state = _state(self._context, conn, pack)
        held, before = self._mirror, self._state
        if held is not None and state == before:
            return held, False
        self._state = state
        if held is not None and before is not None and state.followed(before):
            if self._followed(conn, held, pack, now, state.users):
                return held, True
            if replace(state, pulled=None) == replace(before, pulled=None):
                return held, False  # a pull that found nothing: the facts are what they were
        held = self._mirror = LiveMirror(self._context, conn, pack, now)
        if len(held.facts) >= _LARGE:
            set_aside()
        return held, True

    def _followed(self, conn: Connection, held: LiveMirror, pack: Pack, now: datetime, users: Sequence[User]) -> bool:
        """Whether the book and what was decided of it could be brought up to what the mirror says now."""
        plan, decided = self._plan, self._decided
        if plan is None or decided is None or plan.facts is not held.facts or self._unsuited(pack, now):
            return False
        moved = held.follow(conn, pack, now, users)
        if moved is None:
            return False
        self._decided = plan.follow(moved.before, moved.dead, now, decided)
        return True


def _living(held: LiveMirror) -> tuple[Facts, ...]:
    """The companies of a book."""
    return tuple(each for row, each in enumerate(held.facts) if row not in held.dead)


def _side_of(decided: Decided) -> Side:
    told = tuple(decided.decisions[key] for key in sorted(decided.decisions))
    return Side(decided.pack, told, decided.facts)


@dataclass(frozen=True, slots=True)
class _State:
    """All that the facts of a book depend on, time apart, and how far pulls have come."""

    derived_by: object
    ledger: object
    users: tuple[User, ...]
    changes: object
    pulled: object

    def followed(self, before: _State) -> bool:
        """Whether only the mirror moved since."""
        return (self.derived_by, self.ledger, self.users) == (before.derived_by, before.ledger, before.users)


def _state(context: Context, conn: Connection, pack: Pack) -> _State:
    derived_by = (pack.zone.key, pack.default_country, pack.fill_missing_country)
    priced_by = pack.revision if context.rates().rows else None
    ledger = (last_applied_plan(conn), ownership.adopted_at(conn), signals_mark(context, conn))
    changes = (last_change_of_book(conn), versions(conn))
    return _State(
        (derived_by, priced_by), ledger, tuple(mirror.users(conn)), changes, mirror.mirror_status(conn, counted=False)
    )
