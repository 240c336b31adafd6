"""Companies as they were: what history tells of an earlier instant, and nothing more. Pure.

Owners, deals with their stages and births are dated, so they are taken back. Every other field is today's: CRMs keep no
history of them here. An activity after the instant hides those before it: such a company counts as active then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from syncd.model.decisions import Owner
from syncd.model.normalisation import text
from syncd.planning.aids.deals import Deal
from syncd.rules.deriving.families import join_families
from syncd.rules.deriving.opportunity_facts import derived_from_opportunities, worth_keeping
from syncd.rules.facts import Applied, Facts, OpportunityFacts, Value
from syncd.rules.matching.time_window import EvaluationContext

DATED = frozenset(
    {"owner", "owner_active", "owner_changed_at", "territory", "created_at", "open_opportunities", "open_pipeline"}
    | {"open_stages", "won_amount_12m", "won_count_12m", "last_won_at", "family_open_pipeline", "has_customer_parent"}
)
"""Fields that are taken back to the instant; of all others today's value is taken."""


@dataclass(frozen=True, slots=True)
class OwnerSince:
    """Who owned a company since when (None: as far back as is known), by e-mail; None for nobody."""

    at: datetime | None
    owner: str | None


@dataclass(frozen=True, slots=True)
class Past:
    """One company with its history: its facts of today, ungraded; its owners, oldest first; all its deals.

    `known` says that a change of owner is on record; without one today's owner is taken for all time.
    """

    facts: Facts
    owners: tuple[OwnerSince, ...]
    deals: tuple[Deal, ...]
    known: bool

    @property
    def born(self) -> datetime | None:
        """When the company came into the CRM, as far as is known."""
        created = self.facts.values.get("created_at")
        return created if isinstance(created, datetime) else None

    def owner_at(self, at: datetime) -> str | None:
        """Who owned it at an instant."""
        found = self.owners[0].owner if self.owners else None
        for each in self.owners:
            if each.at is not None and each.at > at:
                break
            found = each.owner
        return found


@dataclass(frozen=True, slots=True)
class Standing:
    """How a company stands in a replay: who owns it, since when, and what was last applied."""

    owner: str | None
    since: datetime | None = None
    applied: Applied | None = None


def book_at(
    pasts: Sequence[Past], standings: Mapping[str, Standing], active: frozenset[str], context: EvaluationContext
) -> tuple[Facts, ...]:
    """The companies that were there at the instant of the context, owned as the replay has it."""
    present = (past for past in pasts if past.born is None or past.born <= context.now)
    return tuple(join_families(_at(past, standings[past.facts.key], active, context) for past in present))


def _at(past: Past, standing: Standing, active: frozenset[str], context: EvaluationContext) -> Facts:
    facts, deals = past.facts, tuple(_deals_at(past, context.now))
    values: dict[str, Value] = {name: value for name, value in facts.values.items() if name not in DATED}
    if "created_at" in facts.values:
        values["created_at"] = facts.values["created_at"]
    last = values.get("last_activity_at")
    if isinstance(last, datetime) and last > context.now:
        values["last_activity_at"] = context.now
    values.update(derived_from_opportunities(deals, context))
    owner = standing.owner
    if owner is not None:
        values["owner"], values["owner_active"] = owner, owner in active
    if standing.since is not None:
        values["owner_changed_at"] = standing.since
    if standing.applied is not None and standing.applied.territory:
        values["territory"] = standing.applied.territory
    return replace(
        facts,
        values=values,
        opportunities=tuple(each for each in deals if worth_keeping(each, context)),
        current_owner=Owner(owner) if owner is not None else None,
        owner_active=owner in active,
        owner_ids=MappingProxyType({}),
        applied=MappingProxyType({"owner": standing.applied}) if standing.applied is not None else MappingProxyType({}),
        changed_by_person_at=None,
        changed_by_person_text=None,
        team_holds=None,
        amounts=None,
        rates=None,
        grade=None,
    )


def _deals_at(past: Past, at: datetime) -> Iterator[OpportunityFacts]:
    """The deals that were there, open or closed as they were then, in the stage of then where their way is known.

    What else is known of an open one is today's.
    """
    today = {deal.key: deal for deal in past.facts.opportunities}
    for deal in past.deals:
        if deal.created is not None and deal.created > at:
            continue
        known = today.get(str(deal.ref))
        ended = deal.won is not None and (deal.closed is None or deal.closed <= at)
        values: dict[str, Value] = dict(known.values) if known is not None and (ended or deal.won is None) else {}
        stage = None if ended else deal.stage_at(at)
        told: dict[str, Value | None] = {
            "amount": deal.amount,
            "close_date": deal.closed,
            "created_at": deal.created,
            "stage": text(stage) if stage is not None else None,
        }
        values |= {name: value for name, value in told.items() if value is not None}
        values |= {"is_closed": ended, "is_won": ended and deal.won is True}
        yield OpportunityFacts(str(deal.ref), values, not ended, known.owner if known is not None else None)
