"""Plans of one mirror again and again, while somebody edits the pack: what `plan --watch` and a console ask.

The facts stay in memory: an edit costs the reading of the pack and the deciding. They are read anew where the mirror,
the ledger or the people moved, or where the pack's zone or default country did. Nothing is saved, nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from syncd.errors import Finding
from syncd.jobs.book import MirrorBook, derivation_of, directory_of, memory_of, read_book
from syncd.jobs.comparison import Side, entries_between, rule_changes
from syncd.jobs.context import Context
from syncd.jobs.engines import missing_libraries
from syncd.jobs.footprint import footprint
from syncd.jobs.plan import require_mirror, with_adopted
from syncd.jobs.signals import signals_mark
from syncd.jobs.stages import Stages
from syncd.jobs.written import refuse_self_reading
from syncd.planning.proposals import differing_records
from syncd.rules.classes.territories import TerritoryAnswers
from syncd.rules.collector import without_collector
from syncd.rules.deciding.exceptions import match_exceptions
from syncd.rules.engine import MANY, Book, decide
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.pack import Pack
from syncd.rules.scoring import graded
from syncd.store import mirror, ownership
from syncd.store.leads import last_change_of_book
from syncd.store.operations import last_applied_plan

if TYPE_CHECKING:
    from syncd.rules.batch.live_answers import LiveBook
    from syncd.rules.batch.live_plan import Decided, LivePlan

MANY_COUNTED = 2_000
"""From so many companies on those who stay where they are are counted, not decided one by one."""


@dataclass(frozen=True, slots=True)
class Replan:
    """One plan and its difference to the one before: rules that were edited, and decisions that come out otherwise.

    The first has none. `read` is whether the mirror was read for it, `now` the instant that it is as of; `findings` are
    warnings that only the accounts show. Where a large book allows it, companies that keep their owners under this pack
    and the last one are only counted, in `kept`; the side holds all others.
    """

    side: Side
    now: datetime
    read: bool
    rules: tuple[Mapping[str, Any], ...] = ()
    entries: tuple[Mapping[str, Any], ...] = ()
    findings: tuple[Finding, ...] = ()
    kept: int = 0


class Replanner:
    """Plans by the pack in one folder, as often as it is asked."""

    def __init__(self, context: Context, root: Path | None = None) -> None:
        self._context = context
        self._root = root or context.settings.pack.path
        self._source: MirrorBook | None = None
        self._state: object = None
        self._now = context.clock.now()
        self._last: Side | None = None
        self._live: LiveBook | None = None
        self._plan: LivePlan | None = None
        self._decided: Decided | None = None

    def footprint(self) -> str:
        """What the files of the pack are now: another one is an edit."""
        return footprint(self._root)

    def plan(self, stages: Stages | None = None) -> Replan:
        """Decide anew by the pack as it is, and compare with the last time it could be used.

        Raises InputError for an invalid pack and RefusedError SYN550 before the first complete mirror; what was known
        stays known.
        """
        context, stages = self._context, stages or Stages(self._context.clock.monotonic)
        now = context.clock.now()
        with stages.stage("read the pack"):
            pack = with_adopted(context, context.pack(self._root, now=now))
        refuse_self_reading(context.settings, pack)
        with without_collector():
            with stages.stage("read the mirror"), context.store.read() as conn:
                source, read = self._held(conn, pack, now)
                memory = memory_of(conn, pack, self._now)
            with stages.stage("decide"):
                facts = tuple(graded(pack, source.book.facts, self._now))
                directory = directory_of(source.users.values(), pack, context.written_systems)
                side, last, kept = self._sides(pack, source, Book(facts, directory, memory=memory))
        _, unmatched = match_exceptions(pack, facts, self._now)
        side = replace(side, findings=tuple(unmatched))
        if last is None:
            return Replan(side, self._now, read, findings=tuple(unmatched), kept=kept)
        with stages.stage("compare"):
            rules, entries = tuple(rule_changes(last.pack, pack)), tuple(entries_between(last, side))
        return Replan(side, self._now, read, rules, entries, tuple(unmatched), kept)

    def _sides(self, pack: Pack, source: MirrorBook, book: Book) -> tuple[Side, Side | None, int]:
        """What the pack says, what the last one said, and how many companies beside those of both keep their owners."""
        counted = self._counted(pack, source, book)
        if counted is not None:
            return counted
        last = self._whole_last()
        decisions = decide(pack, book, self._now, classes=self._classes(pack, source))
        self._last, self._decided = Side(pack, decisions, {each.key: each for each in book.facts}), None
        return self._last, last, 0

    def _counted(self, pack: Pack, source: MirrorBook, book: Book) -> tuple[Side, Side | None, int] | None:
        """The same where those who stay can be counted; None where each has to be decided."""
        if len(book.facts) < MANY_COUNTED or missing_libraries():
            return None
        from syncd.jobs.batch_book import unsuited_mirror
        from syncd.rules.batch.live_plan import LivePlan

        if unsuited_mirror(self._context, pack, derivation_of(self._context, pack, self._now.date())) is not None:
            return None
        same = self._plan is not None and self._plan.facts is source.book.facts
        before = self._decided if same else None
        whole = self._whole_last() if before is None else None
        plan = self._plan if self._plan is not None and same else None
        plan = plan or LivePlan(source.book.facts, self._agreed, self._now)
        found = plan.decide(pack, book, before)
        if found is None:
            return None
        now, then = found
        self._plan, self._decided, self._last = plan, now, None
        if whole is not None:
            return _side_of(plan.whole(now), book), whole, 0
        return _side_of(now, book), None if then is None else _side_of(then, book), now.kept

    def _agreed(self, facts: Facts) -> bool:
        """Whether a company's owner is the same in every system that is written."""
        owner = facts.current_owner
        return owner is not None and not differing_records(facts, owner, self._context.written_systems)

    def _whole_last(self) -> Side | None:
        """What the last pack said of every company of its book."""
        if self._plan is None or self._decided is None:
            return self._last
        return _side_of(self._plan.whole(self._decided), self._decided.book)

    def _classes(self, pack: Pack, source: MirrorBook) -> TerritoryAnswers | None:
        """The pack's territories for this book, of which an edit asks anew only what it changed; None where that is
        not worth it: in a small book, for a pack that grades (the fields change with it), without the extra `fast`.
        """
        facts = source.book.facts
        if len(facts) < MANY or pack.scoring is not None or pack.lifecycle or missing_libraries():
            return None
        from syncd.rules.batch.live_answers import LiveBook

        if self._live is None or self._live.facts is not facts:
            self._live = LiveBook(facts)
        return self._live.answers(pack, EvaluationContext(self._now, pack.zone, pack.fiscal_year_start))

    def _held(self, conn: Connection, pack: Pack, now: datetime) -> tuple[MirrorBook, bool]:
        """The book without grades, and whether it was read just now."""
        require_mirror(self._context, conn)
        state = _state(self._context, conn, pack)
        if self._source is not None and state == self._state:
            return self._source, False
        source = read_book(self._context, conn, replace(pack, scoring=None, lifecycle=()), now)
        self._source, self._state, self._now = source, state, now
        return source, True


def _side_of(decided: Decided, book: Book) -> Side:
    told = tuple(decided.decisions[key] for key in sorted(decided.decisions))
    return Side(decided.pack, told, {each.key: each for each in book.facts})


def _state(context: Context, conn: Connection, pack: Pack) -> object:
    """All that the facts of the book depend on, time apart: equal ones give equal facts."""
    derived_by = (pack.zone.key, pack.default_country, pack.fill_missing_country)
    priced_by = pack.revision if context.rates().rows else None
    ledger = (last_applied_plan(conn), ownership.adopted_at(conn), signals_mark(context, conn))
    return derived_by, priced_by, last_change_of_book(conn), ledger, mirror.users(conn)
