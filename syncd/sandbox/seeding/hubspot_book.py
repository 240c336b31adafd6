"""The made-up book as HubSpot holds it: companies and deals, by property names, every value as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from syncd.clock import iso
from syncd.sandbox.seeding import vocabulary as words
from syncd.sandbox.seeding.companies import Company
from syncd.sandbox.seeding.deals import Deal, deals_of
from syncd.sandbox.seeding.dice import Dice, chance, dice
from syncd.sandbox.seeding.ids import FIRST_COMPANY, FIRST_DEAL
from syncd.sandbox.seeding.people import Person
from syncd.sandbox.seeding.spelling import Spelling, doubled, spelled
from syncd.sandbox.seeding.staffing import Staffing

Row = dict[str, object]
DUPLICATES = 0.025


class HubspotBook:
    """Builds the rows of HubSpot for companies and their true owners (by index of the company)."""

    def __init__(
        self, companies: Sequence[Company], owners: Sequence[Person], staffing: Staffing, *, seed: int, as_of: datetime
    ) -> None:
        self._companies = [company for company in companies if company.in_hubspot]
        self._owners = owners
        self._staffing = staffing
        self._seed = seed
        self._as_of = as_of
        throw = dice(seed, "company ids")
        self._next_id = FIRST_COMPANY
        self._ids = {company.index: self._id(throw) for company in self._companies}
        self._held: dict[int, str | None] = {}

    def companies(self) -> list[Row]:
        """Company rows in the order of their ids, the duplicates at the end."""
        throw = dice(self._seed, "hubspot companies")
        rows = []
        for company in self._companies:
            owner = self._staffing.in_hubspot(self._owners[company.index], throw)
            self._held[company.index] = owner
            rows.append(
                self._company(
                    company, spelled(throw, company, company.industry[1]), self._ids[company.index], owner, throw
                )
            )
        return rows + self._duplicates(dice(self._seed, "company duplicates"))

    def deals(self) -> list[Row]:
        """Deal rows; call it after `companies`. Where Salesforce knows the company too, deals here are rare."""
        throw = dice(self._seed, "deals")
        rows: list[Row] = []
        for company in self._companies:
            if company.in_salesforce and not chance(throw, 0.1):
                continue
            for deal in deals_of(company, throw, self._as_of):
                owner = self._held[company.index]
                if chance(throw, 0.12):
                    owner = self._staffing.in_hubspot(self._staffing.owner(company.region, throw), throw)
                rows.append(self._deal(str(FIRST_DEAL + 17 * len(rows)), self._ids[company.index], deal, owner, throw))
        return rows

    def holdings(self) -> list[tuple[Company, str, str | None]]:
        """Each company with its record and who owns that, duplicates left out; call it after `companies`."""
        return [(each, self._ids[each.index], self._held[each.index]) for each in self._companies]

    def _id(self, throw: Dice) -> str:
        self._next_id += throw.randrange(1, 9)
        return str(self._next_id)

    def _duplicates(self, throw: Dice) -> list[Row]:
        rows = []
        for company in self._companies:
            if not chance(throw, DUPLICATES):
                continue
            owner = self._staffing.in_hubspot(self._staffing.owner(company.region, throw), throw)
            rows.append(
                self._company(company, doubled(throw, company, company.industry[1]), self._id(throw), owner, throw)
            )
        return rows

    def _company(self, company: Company, spelling: Spelling, record: str, owner: str | None, throw: Dice) -> Row:
        created = min(
            self._as_of - timedelta(hours=2), company.created + timedelta(milliseconds=throw.randrange(40 * 86_400_000))
        )
        changed = max(
            created, self._as_of - timedelta(milliseconds=round(throw.expovariate(1 / (45 * 86_400_000))) + 3_600_000)
        )
        noted = (
            None
            if chance(throw, 0.3)
            else max(created, self._as_of - timedelta(hours=round(throw.expovariate(1 / 1_700)) + 1))
        )
        return {
            "id": record,
            "name": spelling.name,
            "domain": spelling.domain,
            "website": spelling.website,
            "phone": spelling.phone,
            "industry": spelling.industry,
            "numberofemployees": _text(spelling.employees),
            "annualrevenue": _text(spelling.revenue),
            "country": spelling.country,
            "state": spelling.state,
            "city": spelling.city,
            "zip": spelling.postal_code,
            "type": "PARTNER" if chance(throw, 0.06) else "PROSPECT" if not company.customer else None,
            "lifecyclestage": "customer"
            if company.customer
            else throw.choice(("lead", "marketingqualifiedlead", "opportunity")),
            "hs_parent_company_id": None if company.parent is None else self._ids.get(company.parent),
            "hubspot_owner_id": owner,
            "notes_last_updated": None if noted is None else iso(noted),
            "createdate": iso(created),
            "hs_lastmodifieddate": iso(changed),
        }

    def _deal(self, record: str, company: str, deal: Deal, owner: str | None, throw: Dice) -> Row:
        stage = (
            words.HUBSPOT_STAGES[deal.stage] if deal.stage is not None else "closedwon" if deal.won else "closedlost"
        )
        changed = min(self._as_of, max(deal.created, deal.close)) - timedelta(
            milliseconds=3_600_000 + throw.randrange(86_400_000)
        )
        return {
            "id": record,
            "dealname": deal.name,
            "dealstage": stage,
            "amount": _text(deal.amount),
            "closedate": iso(deal.close),
            "pipeline": "default",
            "dealtype": words.OPPORTUNITY_TYPES[deal.existing_customer][1],
            "hubspot_owner_id": owner,
            "hs_is_closed": "true" if deal.stage is None else "false",
            "hs_is_closed_won": "true" if deal.won else "false",
            "createdate": iso(min(deal.created, changed)),
            "hs_lastmodifieddate": iso(changed),
            "associatedcompanyid": company,
        }


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
