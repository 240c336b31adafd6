"""The made-up people outside as Salesforce holds them: Contact, Task, the queue of new leads and Lead, by API names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from syncd.sandbox.seeding import vocabulary as words
from syncd.sandbox.seeding.callers import INBOUND_QUEUE, Caller, employees_of
from syncd.sandbox.seeding.companies import Company
from syncd.sandbox.seeding.dice import Dice, chance, dice
from syncd.sandbox.seeding.ids import salesforce_id
from syncd.sandbox.seeding.staffing import Staffing
from syncd.sandbox.seeding.stamps import day, salesforce_instant

Row = dict[str, object]
Holdings = Sequence[tuple[Company, str, str]]
_QUEUE = salesforce_id("00G", 1)
_STATUS = {
    "open": "Open - Not Contacted",
    "worked": "Working - Contacted",
    "converted": "Closed - Converted",
    "closed": "Closed - Not Converted",
}


def contacts(holdings: Holdings, staffing: Staffing, seed: int, as_of: datetime) -> list[Row]:
    """Contact rows; one in ten belongs to somebody else than its account."""
    throw = dice(seed, "contacts")
    rows: list[Row] = []
    for company, account, owner in holdings:
        for person in employees_of(company, throw):
            holder = (
                staffing.in_salesforce(staffing.owner(company.region, throw), throw) if chance(throw, 0.1) else owner
            )
            made = salesforce_instant(max(company.created, as_of - timedelta(days=throw.randrange(1, 900))))
            rows.append(
                {
                    "Id": salesforce_id("003", len(rows) + 1),
                    "AccountId": account,
                    "FirstName": person.first,
                    "LastName": person.last,
                    "Email": person.email,
                    "Title": person.title,
                    "OwnerId": holder,
                    **_stamped(made),
                }
            )
    return rows


def tasks(holdings: Holdings, seed: int, as_of: datetime) -> list[Row]:
    """Task rows: something to do at one account in five, something done at one in ten; they are its owner's."""
    throw = dice(seed, "tasks")
    rows: list[Row] = []
    for _, account, owner in holdings:
        for share, status in ((0.2, "Not Started"), (0.1, "Completed")):
            if not chance(throw, share):
                continue
            made = as_of - timedelta(hours=throw.randrange(2, 900))
            rows.append(
                {
                    "Id": salesforce_id("00T", len(rows) + 1),
                    "Subject": throw.choice(words.TASKS),
                    "WhatId": account,
                    "OwnerId": owner,
                    "Status": status,
                    "ActivityDate": day(made + timedelta(days=throw.randrange(1, 30))),
                    **_stamped(salesforce_instant(made)),
                }
            )
    return rows


def queues() -> tuple[list[Row], list[Row]]:
    """The queue in which leads wait: rows of Group and of QueueSobject."""
    group: Row = {"Id": _QUEUE, "Name": INBOUND_QUEUE, "DeveloperName": INBOUND_QUEUE, "Type": "Queue"}
    return [group], [{"Id": salesforce_id("03g", 1), "QueueId": _QUEUE, "SobjectType": "Lead"}]


def leads(callers: Sequence[Caller], holdings: Holdings, staffing: Staffing, seed: int, as_of: datetime) -> list[Row]:
    """Lead rows: what is open waits in the queue, the rest belongs to a rep of the region."""
    throw = dice(seed, "leads")
    accounts = {company.index: account for company, account, _ in holdings}
    rows: list[Row] = []
    for caller in callers:
        account = accounts.get(caller.at.index) if caller.at is not None else None
        outcome = "closed" if caller.outcome == "converted" and account is None else caller.outcome
        rows.append(_lead(salesforce_id("00Q", len(rows) + 1), caller, outcome, account, staffing, throw, as_of))
    return rows


def _lead(
    record: str, caller: Caller, outcome: str, account: str | None, staffing: Staffing, throw: Dice, as_of: datetime
) -> Row:
    owner = _QUEUE
    changed = caller.asked
    if outcome != "open":
        owner = staffing.in_salesforce(staffing.owner(caller.region, throw), throw)
        changed = min(as_of - timedelta(minutes=1), caller.asked + timedelta(minutes=throw.randrange(5, 600)))
    converted = outcome == "converted"
    return {
        "Id": record,
        "FirstName": caller.first,
        "LastName": caller.last,
        "Company": caller.company,
        "Email": caller.email,
        "Country": caller.country,
        "State": caller.state,
        "PostalCode": caller.postal_code,
        "Industry": caller.industry[0] if caller.employees is not None else None,
        "NumberOfEmployees": caller.employees,
        "LeadSource": caller.source,
        "Status": _STATUS[outcome],
        "OwnerId": owner,
        "IsConverted": converted,
        "ConvertedAccountId": account if converted else None,
        "ConvertedDate": day(changed) if converted else None,
        "LastActivityDate": day(changed) if outcome != "open" else None,
        "CreatedDate": salesforce_instant(caller.asked),
        "LastModifiedDate": salesforce_instant(changed),
        "SystemModstamp": salesforce_instant(changed),
    }


def _stamped(made: str) -> Row:
    return {"CreatedDate": made, "LastModifiedDate": made, "SystemModstamp": made}
