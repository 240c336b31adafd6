"""Facts that were derived before: whether they still are what deriving would give now.

A company is derived anew where its records say something else, where the ledger knows something else of its owner, or
where time has moved past an instant at which its sums may change. What holds for all companies alike (settings, people,
rates) is for the caller to know: with other ones nothing that was derived before counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.rules.facts import Facts, OpportunityFacts
from syncd.rules.matching.time_window import EvaluationContext, local_day, local_midnight


@dataclass(frozen=True, slots=True)
class KnownFacts:
    """The facts of a company before families are joined, and of what they were made.

    `content` are its records and the hashes of what they say. They hold at the instants from `since` on and before
    `until`; without `since` at any.
    """

    content: tuple[str, ...]
    facts: Facts
    since: datetime | None = None
    until: datetime | None = None

    def hold(self, content: tuple[str, ...], now: datetime) -> bool:
        """Whether they are of these records, and still hold at an instant."""
        if self.since is not None and self.until is not None and not self.since <= now < self.until:
            return False
        return self.content == content


def holds_between(deals: Iterable[OpportunityFacts], context: EvaluationContext) -> tuple[datetime, datetime] | None:
    """From when and until when what was derived from these deals holds at least; None where time changes nothing.

    What lies in the last twelve months changes at local midnight, what is dated ahead on its day.
    """
    dated = [
        closed for each in deals if not each.is_open and isinstance(closed := each.values.get("close_date"), datetime)
    ]
    if not dated:
        return None
    tomorrow = local_day(context.now, context.zone) + timedelta(days=1)
    return context.now, min([local_midnight(tomorrow, context.zone), *(each for each in dated if each > context.now)])
