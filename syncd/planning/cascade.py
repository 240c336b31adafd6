"""The children that take their account's new owner: open opportunities, as cascade and holdouts say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from syncd.model.records import Record
from syncd.model.refs import Kind, Ref
from syncd.rules.conditions import EvaluationContext, holds
from syncd.rules.facts import Facts
from syncd.rules.pack import DealHoldout, Pack


@dataclass(frozen=True, slots=True)
class Children:
    """Open opportunities by their account, and what the pack says of them."""

    by_account: Mapping[Ref, tuple[Record, ...]]
    follow: str
    holdouts: tuple[DealHoldout, ...]
    context: EvaluationContext

    @classmethod
    def of(cls, opportunities: Iterable[Record], pack: Pack, now: datetime) -> Children:
        """The children of a book; `opportunities` are the open ones."""
        by_account: dict[Ref, list[Record]] = {}
        for record in opportunities:
            if record.account is not None and not record.deleted:
                parent = Ref(record.ref.system, Kind.ACCOUNT, record.account)
                by_account.setdefault(parent, []).append(record)
        today = now.astimezone(pack.zone).date()
        return cls(
            by_account={
                parent: tuple(sorted(records, key=lambda record: record.ref)) for parent, records in by_account.items()
            },
            follow=pack.cascade.open_opportunities,
            holdouts=tuple(item for item in pack.deal_holdouts if item.expires is None or item.expires >= today),
            context=EvaluationContext(now=now, zone=pack.zone, fiscal_year_start=pack.fiscal_year_start),
        )

    def following(
        self, account: Ref, old: str | None, new: str, *, facts: Facts, territory: str | None
    ) -> tuple[tuple[Record, ...], tuple[tuple[Ref, str], ...]]:
        """The opportunities that take the owner `new` with their account, and those held out with the reason.

        `follow` takes those whose owner is the account's old owner, `follow-all` all, `stay` none.
        """
        if self.follow == "stay":
            return (), ()
        moving: list[Record] = []
        held: list[tuple[Ref, str]] = []
        for record in self.by_account.get(account, ()):
            if record.owner == new or (self.follow == "follow" and (old is None or record.owner != old)):
                continue
            holdout = self._holdout(record, facts, territory)
            if holdout is None:
                moving.append(record)
            else:
                held.append((record.ref, f"deal holdout {holdout.place.path}:{holdout.place.line}"))
        return tuple(moving), tuple(held)

    def _holdout(self, record: Record, facts: Facts, territory: str | None) -> DealHoldout | None:
        """The first holdout that keeps an opportunity where it is."""
        if not self.holdouts:
            return None
        seen = next((item for item in facts.opportunities if item.key == str(record.ref)), None)
        for holdout in self.holdouts:
            if holdout.territory is not None and not is_within(territory, holdout.territory):
                continue
            if seen is not None and holds(holdout.opportunities, seen, self.context):
                return holdout
        return None


def is_within(path: str | None, name: str) -> bool:
    """Whether a territory path is the territory `name` (a name or a path) or stands below it."""
    if path is None:
        return False
    return path == name or path.startswith(f"{name}/") or ("/" not in name and name in path.split("/"))


def any_within(path: str | None, names: Sequence[str]) -> bool:
    """Whether a territory path is, or is below, one of `names`."""
    return any(is_within(path, name) for name in names)
