"""Who owns what: most companies belong to a rep of their region, some to one who left, some to another in each CRM."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from syncd.sandbox.seeding.dice import Dice, chance
from syncd.sandbox.seeding.people import Person


class Staffing:
    """Draws owners by region and weight."""

    def __init__(self, people: Sequence[Person]) -> None:
        self._all = _crowd(people)
        self._regions = {
            region: _crowd([person for person in people if person.region == region])
            for region in sorted({person.region for person in people})
        }
        self._salesforce = [person for person in people if person.salesforce and person.eligible]
        self._hubspot = [person for person in people if person.hubspot and person.eligible]

    def owner(self, region: str, throw: Dice) -> Person:
        """The person a company belongs to: in four of five cases someone of its region."""
        crowd, weights = self._regions.get(region, self._all) if chance(throw, 0.8) else self._all
        return throw.choices(crowd, cum_weights=weights)[0]

    def in_salesforce(self, owner: Person, throw: Dice) -> str:
        """The Salesforce id of the owner, or of another rep where Salesforce does not know the owner."""
        person = owner if owner.salesforce else throw.choice(self._salesforce)
        return str(person.salesforce)

    def in_hubspot(self, owner: Person, throw: Dice) -> str | None:
        """The HubSpot id of the owner; one company in ten has none there, one in twelve another rep."""
        roll = throw.random()
        if roll < 0.1:
            return None
        person = owner if owner.hubspot and roll < 0.92 else throw.choice(self._hubspot)
        return person.hubspot


def _crowd(people: Sequence[Person]) -> tuple[list[Person], list[float]]:
    """People with their weights added up, as `choices` wants them."""
    return list(people), list(accumulate(person.weight for person in people))
