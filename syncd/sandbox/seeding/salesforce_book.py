"""The made-up book as Salesforce holds it: Account, Opportunity, AccountTeamMember, by API field names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from syncd.sandbox.seeding import vocabulary as words
from syncd.sandbox.seeding.companies import Company
from syncd.sandbox.seeding.deals import Deal, deals_of
from syncd.sandbox.seeding.dice import Dice, chance, dice
from syncd.sandbox.seeding.ids import salesforce_id
from syncd.sandbox.seeding.people import Person
from syncd.sandbox.seeding.spelling import Spelling, clean, doubled, spelled
from syncd.sandbox.seeding.staffing import Staffing
from syncd.sandbox.seeding.stamps import day, salesforce_instant

Row = dict[str, object]
DUPLICATES = 0.02


class SalesforceBook:
    """Builds the rows of Salesforce for companies and their true owners (by index of the company)."""

    def __init__(
        self, companies: Sequence[Company], owners: Sequence[Person], staffing: Staffing, *, seed: int, as_of: datetime
    ) -> None:
        self._companies = [company for company in companies if company.in_salesforce]
        self._owners = owners
        self._staffing = staffing
        self._seed = seed
        self._as_of = as_of
        self._ids = {company.index: salesforce_id("001", number + 1) for number, company in enumerate(self._companies)}
        self._held: dict[int, str] = {}

    def accounts(self, *, dirty: bool) -> list[Row]:
        """Account rows in the order of their ids; with `dirty`, misspelled and with duplicates at the end."""
        throw = dice(self._seed, "accounts")
        rows = []
        for company in self._companies:
            word = company.industry[0]
            spelling = spelled(throw, company, word) if dirty else clean(company, word)
            owner = self._staffing.in_salesforce(self._owners[company.index], throw)
            self._held[company.index] = owner
            rows.append(self._account(company, spelling, self._ids[company.index], owner, throw))
        if dirty:
            rows += self._duplicates(len(rows), dice(self._seed, "account duplicates"))
        return rows

    def opportunities(self) -> list[Row]:
        """Opportunity rows of all accounts; call it after `accounts`, whose owners they mostly share."""
        throw = dice(self._seed, "opportunities")
        rows: list[Row] = []
        for company in self._companies:
            for deal in deals_of(company, throw, self._as_of):
                owner = self._held[company.index]
                if chance(throw, 0.12):
                    owner = self._staffing.in_salesforce(self._staffing.owner(company.region, throw), throw)
                rows.append(
                    self._opportunity(salesforce_id("006", len(rows) + 1), self._ids[company.index], deal, owner, throw)
                )
        return rows

    def teams(self, people: Sequence[Person]) -> list[Row]:
        """AccountTeamMember rows: one account in twenty has a team of one to three."""
        throw = dice(self._seed, "teams")
        crowd = [person.salesforce for person in people if person.salesforce and person.active and person.eligible]
        rows: list[Row] = []
        for company in self._companies:
            if not chance(throw, 0.05):
                continue
            for user, role in zip(
                throw.sample(crowd, min(len(crowd), throw.randrange(1, 4))), words.TEAM_ROLES, strict=False
            ):
                rows.append(
                    {
                        "Id": salesforce_id("01M", len(rows) + 1),
                        "AccountId": self._ids[company.index],
                        "UserId": user,
                        "TeamMemberRole": role,
                        "AccountAccessLevel": "Edit",
                        "OpportunityAccessLevel": "Read",
                        "CaseAccessLevel": "None",
                        "ContactAccessLevel": "Read",
                    }
                )
        return rows

    def holdings(self) -> list[tuple[Company, str, str]]:
        """Each company with its account and who owns that, duplicates left out; call it after `accounts`."""
        return [(each, self._ids[each.index], self._held[each.index]) for each in self._companies]

    def _duplicates(self, taken: int, throw: Dice) -> list[Row]:
        rows: list[Row] = []
        for company in self._companies:
            if not chance(throw, DUPLICATES):
                continue
            number = taken + len(rows) + 1
            owner = self._staffing.in_salesforce(self._staffing.owner(company.region, throw), throw)
            rows.append(
                self._account(
                    company, doubled(throw, company, company.industry[0]), salesforce_id("001", number), owner, throw
                )
            )
        return rows

    def _account(self, company: Company, spelling: Spelling, record: str, owner: str, throw: Dice) -> Row:
        changed = max(
            company.created, self._as_of - timedelta(seconds=round(throw.expovariate(1 / (60 * 86_400))) + 3_600)
        )
        active = (
            None
            if chance(throw, 0.2)
            else max(company.created, self._as_of - timedelta(days=round(throw.expovariate(1 / 70))))
        )
        kind = "Customer" if company.customer else throw.choices(("Prospect", "Partner", None), (80, 8, 12))[0]
        return {
            "Id": record,
            "Name": spelling.name,
            "Website": spelling.website,
            "Phone": spelling.phone,
            "Industry": spelling.industry,
            "NumberOfEmployees": spelling.employees,
            "AnnualRevenue": spelling.revenue,
            "BillingCountry": spelling.country,
            "BillingState": spelling.state,
            "BillingCity": spelling.city,
            "BillingPostalCode": spelling.postal_code,
            "Type": kind,
            "ParentId": None if company.parent is None else self._ids.get(company.parent),
            "OwnerId": owner,
            "LastActivityDate": None if active is None else day(active),
            "CreatedDate": salesforce_instant(company.created),
            "LastModifiedDate": salesforce_instant(changed),
            "SystemModstamp": salesforce_instant(changed),
        }

    def _opportunity(self, record: str, account: str, deal: Deal, owner: str, throw: Dice) -> Row:
        if deal.stage is None:
            stage, probability, forecast = ("Closed Won", 100, "Closed") if deal.won else ("Closed Lost", 0, "Omitted")
        else:
            stage, probability, forecast = words.SALESFORCE_STAGES[deal.stage]
        changed = salesforce_instant(
            min(self._as_of, max(deal.created, deal.close)) - timedelta(seconds=3_600 + throw.randrange(86_400))
        )
        return {
            "Id": record,
            "AccountId": account,
            "Name": deal.name,
            "StageName": stage,
            "IsClosed": deal.stage is None,
            "IsWon": deal.won,
            "Amount": deal.amount,
            "CloseDate": day(deal.close),
            "Type": words.OPPORTUNITY_TYPES[deal.existing_customer][0],
            "Probability": probability,
            "ForecastCategoryName": forecast,
            "OwnerId": owner,
            "CreatedDate": salesforce_instant(deal.created),
            "LastModifiedDate": changed,
            "SystemModstamp": changed,
        }
