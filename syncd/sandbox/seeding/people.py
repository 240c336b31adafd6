"""The made-up sales floor: reps of three regions, some who left, one queue, one known to a single CRM only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.clock import iso
from syncd.sandbox.seeding.dice import Dice
from syncd.sandbox.seeding.ids import FIRST_OWNER, FIRST_USER, salesforce_id
from syncd.sandbox.seeding.stamps import salesforce_instant
from syncd.sandbox.seeding.vocabulary import FIRST_NAMES, LAST_NAMES

REGIONS = ("amer", "emea", "apac", "amer", "emea")
COMPANY_DOMAIN = "northwind.example"


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who may own records; an id is None where that CRM does not know the person.

    `eligible` is False for queues and partners, which own a few records and may never be given more.
    """

    email: str
    first: str
    last: str
    region: str
    salesforce: str | None
    hubspot: str | None
    user_number: int
    active: bool
    eligible: bool = True

    @property
    def weight(self) -> float:
        """The share of records this person holds, against 1 for an active rep."""
        if not self.eligible:
            return 0.2
        return 1.0 if self.active else 0.4


def head_count(companies: int) -> int:
    """How many people a book of `companies` has: about 50 for 2,000, at most 250, at least 8."""
    return max(8, min(40 + companies // 200, 250, max(8, companies // 4)))


def sales_floor(count: int, throw: Dice) -> tuple[Person, ...]:
    """`count` people. Every twelfth has left; the last are a queue, one only in Salesforce and one only in HubSpot."""
    names = [(first, last) for first in FIRST_NAMES for last in LAST_NAMES]
    people = []
    for index, (first, last) in enumerate(throw.sample(names, count)):
        queue, only_salesforce, only_hubspot = (index == count - back for back in (3, 2, 1))
        if queue:
            first, last = "Triage", "Queue"
        people.append(
            Person(
                email=f"{first}.{last}@{COMPANY_DOMAIN}".lower(),
                first=first,
                last=last,
                region=REGIONS[index % len(REGIONS)],
                salesforce=None if only_hubspot else salesforce_id("005", index + 1),
                hubspot=None if only_salesforce else str(FIRST_OWNER + index),
                user_number=FIRST_USER + index,
                active=index % 12 != 5 or index >= count - 3,
                eligible=not queue,
            )
        )
    return tuple(people)


def user_rows(people: Sequence[Person], as_of: datetime) -> list[dict[str, object]]:
    """The rows of Salesforce's User object."""
    joined = salesforce_instant(as_of - timedelta(days=900))
    return [
        {
            "Id": person.salesforce,
            "Username": f"{person.email}.crm",
            "Email": person.email,
            "Name": f"{person.first} {person.last}",
            "FirstName": person.first,
            "LastName": person.last,
            "IsActive": person.active,
            "UserType": "Standard" if person.eligible else "PowerPartner",
            "CreatedDate": joined,
            "LastModifiedDate": joined,
            "SystemModstamp": joined,
        }
        for person in people
        if person.salesforce is not None
    ]


def owner_rows(people: Sequence[Person], as_of: datetime) -> list[dict[str, object]]:
    """The rows of HubSpot's owners; those who left are archived and, as HubSpot does, have lost their user id."""
    joined = iso(as_of - timedelta(days=900))
    return [
        {
            "id": person.hubspot,
            # HubSpot keeps the address as it was typed at the invitation.
            "email": person.email.title() if number % 9 == 4 else person.email,
            "type": "PERSON" if person.eligible else "QUEUE",
            "firstName": person.first if person.active else "",
            "lastName": person.last if person.active else "",
            "userId": person.user_number if person.active else None,
            "userIdIncludingInactive": person.user_number,
            "createdAt": joined,
            "updatedAt": joined,
            "archived": not person.active,
            "teams": [{"id": f"30{REGIONS.index(person.region) + 1}", "name": person.region.upper(), "primary": True}]
            if person.active
            else [],
        }
        for number, person in enumerate(people)
        if person.hubspot is not None
    ]
