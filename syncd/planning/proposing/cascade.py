"""The children that take their account's new owner: open opportunities, contacts and open tasks. Pure.

The pack's `cascade` says for each kind which of them follow, `deal_holdouts` which opportunities stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from syncd.model.records import Record
from syncd.model.refs import Kind, Ref
from syncd.rules.conditions import EvaluationContext, holds
from syncd.rules.facts import Facts
from syncd.rules.pack import DealHoldout, Pack

CHILD_KINDS = (Kind.OPPORTUNITY, Kind.CONTACT, Kind.TASK)
"""The kinds of records that may follow the owner of their account."""
PERSON = "person"
"""The field of a contact that says that it is a person account's: the platform moves it with its account."""


@dataclass(frozen=True, slots=True)
class Children:
    """The records that may follow, by their account, and what the pack says of each kind of them."""

    by_account: Mapping[Ref, tuple[Record, ...]]
    follow: Mapping[Kind, str]
    holdouts: tuple[DealHoldout, ...]
    context: EvaluationContext

    @classmethod
    def of(cls, records: Iterable[Record], pack: Pack, now: datetime) -> Children:
        """The children of a book; of opportunities and tasks only the open ones."""
        by_account: dict[Ref, list[Record]] = {}
        for record in records:
            if record.account is not None and not record.deleted and record.fields.get(PERSON) != "true":
                parent = Ref(record.ref.system, Kind.ACCOUNT, record.account)
                by_account.setdefault(parent, []).append(record)
        today = now.astimezone(pack.zone).date()
        return cls(
            by_account={
                parent: tuple(sorted(records, key=lambda record: record.ref)) for parent, records in by_account.items()
            },
            follow={
                Kind.OPPORTUNITY: pack.cascade.open_opportunities,
                Kind.CONTACT: pack.cascade.contacts,
                Kind.TASK: pack.cascade.open_tasks,
            },
            holdouts=tuple(item for item in pack.deal_holdouts if item.expires is None or item.expires >= today),
            context=EvaluationContext(now=now, zone=pack.zone, fiscal_year_start=pack.fiscal_year_start),
        )

    def following(
        self, account: Ref, old: str | None, new: str, *, facts: Facts, territory: str | None
    ) -> tuple[tuple[Record, ...], tuple[tuple[Ref, str], ...]]:
        """The records that take the owner `new` with their account, and the opportunities held out with the reason.

        `follow` takes those whose owner is the account's old owner, `follow-all` all, `stay` none.
        """
        moving: list[Record] = []
        held: list[tuple[Ref, str]] = []
        for record in self.by_account.get(account, ()):
            word = self.follow.get(record.ref.kind, "stay")
            if word == "stay" or record.owner == new:
                continue
            if word == "follow" and (old is None or record.owner != old):
                continue
            holdout = self._holdout(record, facts, territory) if record.ref.kind is Kind.OPPORTUNITY else None
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
