"""Retrieving: accounts that nobody works come back (RULES.md section 6, `retrieve`).

An account is *due* once the rule's condition holds, its owner has known of it for the `grace`, and it does not cool off
from the last time. Of those due, the budget of a day takes the longest without activity. Picks nobody, writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from syncd.errors import Place
from syncd.rules.conditions import holds, next_change
from syncd.rules.deciding.frame import Frame, coming
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import leaves_past, local_day
from syncd.rules.memory import Retrieval
from syncd.rules.pack import Territory

OWNER = "owner"
"""The one role in which accounts are retrieved."""
_NEVER = datetime.min.replace(tzinfo=UTC)
_NOTHING = Retrieval()


class Reach(StrEnum):
    """How far `retrieve` reaches an account that is due: it is taken, or why it is not after all."""

    WITHIN = "within the budget"
    OVER = "today's budget is spent"
    NOBODY = "the pool has nobody for it"


@dataclass(frozen=True, slots=True)
class Recall:
    """What `retrieve` says of an account whose condition holds: whether it is due, and why or why not yet.

    `untold` says that the grace has not begun: its owner has to be told.
    """

    due: bool
    text: str
    place: Place
    rule_text: str
    untold: bool = False


def recall_of(frame: Frame, role: str, facts: Facts) -> Recall | None:
    """What `retrieve` says of an account; None where there is no rule, no owner, or its condition does not hold."""
    rule, owner = frame.pack.retrieve, facts.current_owner
    if rule is None or role != OWNER or owner is None or not holds(rule.when, facts, frame.context):
        return None
    state = frame.memory.retrievals.get(facts.key, _NOTHING)

    def not_yet(text: str, *, untold: bool = False) -> Recall:
        return Recall(False, f"not retrieved: {text}", rule.place, rule.text, untold)

    if facts.team_holds:
        return not_yet(f"the account {facts.team_holds}, which a change of owner would lose")
    cool = cool_off_ends(frame, facts)
    if cool is not None and frame.context.now < cool:
        return not_yet(f"it was on {_day(frame, state.retrieved_at)} and cools off until {_day(frame, cool)}")
    if rule.grace is not None:
        span = f"{rule.grace.count}{rule.grace.unit}"
        if state.noticed_at is None or state.noticed_owner != owner.email:
            return not_yet(f"{owner.email} is told first and has {span} to work it", untold=True)
        ends = leaves_past(state.noticed_at, rule.grace, frame.context)
        if ends is not None and frame.context.now < ends:
            told = _day(frame, state.noticed_at)
            return not_yet(f"{owner.email} was told on {told} and has until {_day(frame, ends)}")
    return Recall(True, f"retrieved from {owner.email}: {rule.text}", rule.place, rule.text)


def within_budget(frame: Frame, due: Iterable[Facts]) -> frozenset[str]:
    """The keys of the accounts that are retrieved in this run: the longest without activity first, then by key."""
    rule = frame.pack.retrieve
    ranked = sorted(due, key=lambda facts: (_last_activity(facts), facts.key))
    if rule is None or rule.budget is None:
        return frozenset(facts.key for facts in ranked)
    today = sum(
        1
        for state in frame.memory.retrievals.values()
        if state.retrieved_at is not None and local_day(state.retrieved_at, frame.pack.zone) == frame.today
    )
    return frozenset(facts.key for facts in ranked[: max(rule.budget - today, 0)])


def cooling_off(frame: Frame, role: str, facts: Facts) -> dict[str, str]:
    """The rep from whom an account was retrieved, who is no candidate for it while it cools off, with the reason."""
    state = frame.memory.retrievals.get(facts.key)
    if state is None or role != OWNER or state.from_owner is None:
        return {}
    ends = cool_off_ends(frame, facts)
    if ends is None or frame.context.now >= ends:
        return {}
    return {state.from_owner: f"it was retrieved from them; cools off until {_day(frame, ends)}"}


def was_given(frame: Frame, role: str, facts: Facts, territory: Territory, email: str) -> bool:
    """Whether a rep has this account because it was retrieved for them in this territory: they count as a member."""
    state = frame.memory.retrievals.get(facts.key)
    if state is None or role != OWNER or state.to_owner != email or state.territory is None:
        return False
    return state.territory.rpartition("/")[2] in (territory.name, territory.was)


def cool_off_ends(frame: Frame, facts: Facts) -> datetime | None:
    """When an account that was retrieved may be again; None where nothing cools off."""
    rule, state = frame.pack.retrieve, frame.memory.retrievals.get(facts.key, _NOTHING)
    if rule is None or rule.cool_off is None or state.retrieved_at is None:
        return None
    return leaves_past(state.retrieved_at, rule.cool_off, frame.context)


def recall_changes(frame: Frame, role: str, facts: Facts) -> datetime | None:
    """When time alone would next change what `retrieve` says of an account."""
    rule, owner = frame.pack.retrieve, facts.current_owner
    if rule is None or role != OWNER or owner is None:
        return None
    state = frame.memory.retrievals.get(facts.key, _NOTHING)
    noticed = state.noticed_at if state.noticed_owner == owner.email else None
    grace = leaves_past(noticed, rule.grace, frame.context) if noticed is not None and rule.grace is not None else None
    tomorrow = frame.end_of(frame.today) if rule.budget is not None and holds(rule.when, facts, frame.context) else None
    return coming(frame, next_change(rule.when, facts, frame.context), grace, cool_off_ends(frame, facts), tomorrow)


def _last_activity(facts: Facts) -> datetime:
    value = facts.values.get("last_activity_at")
    return value if isinstance(value, datetime) else _NEVER


def _day(frame: Frame, instant: datetime | None) -> str:
    return f"{instant.astimezone(frame.pack.zone):%Y-%m-%d %H:%M}" if instant is not None else "an unknown day"
