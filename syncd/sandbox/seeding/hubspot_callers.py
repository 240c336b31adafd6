"""The made-up people outside as HubSpot holds them: contacts, some of them leads, and tasks, by property names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from syncd.clock import iso
from syncd.sandbox.seeding import vocabulary as words
from syncd.sandbox.seeding.callers import Caller, employees_of
from syncd.sandbox.seeding.companies import Company
from syncd.sandbox.seeding.dice import chance, dice
from syncd.sandbox.seeding.ids import FIRST_CONTACT, FIRST_TASK
from syncd.sandbox.seeding.staffing import Staffing

Row = dict[str, object]
Holdings = Sequence[tuple[Company, str, str | None]]
_STAGES = {"open": "lead", "worked": "salesqualifiedlead", "converted": "opportunity", "closed": "other"}
_STATUS = {"open": "NEW", "worked": "CONNECTED", "converted": "OPEN_DEAL", "closed": "UNQUALIFIED"}


def contacts(
    callers: Sequence[Caller], holdings: Holdings, staffing: Staffing, seed: int, as_of: datetime
) -> list[Row]:
    """Contact rows: the people of companies, then those who asked; an open lead has no owner. E-mails are unique."""
    throw = dice(seed, "hubspot contacts")
    rows: list[Row] = []
    for company, record, owner in holdings:
        for person in employees_of(company, throw):
            other = staffing.in_hubspot(staffing.owner(company.region, throw), throw) if chance(throw, 0.1) else owner
            made = max(company.created, as_of - timedelta(hours=throw.randrange(24, 20_000)))
            rows.append(
                {
                    "id": str(FIRST_CONTACT + 50 * len(rows)),
                    "firstname": person.first,
                    "lastname": person.last,
                    "email": person.email,
                    "jobtitle": person.title,
                    "company": company.name,
                    "lifecyclestage": "customer" if company.customer else "opportunity",
                    "hubspot_owner_id": other,
                    "associatedcompanyid": record,
                    "createdate": iso(made),
                    "lastmodifieddate": iso(made),
                }
            )
    known = {company.index: record for company, record, _ in holdings}
    taken = {str(row["email"]) for row in rows}
    for caller in callers:
        if caller.email is None or caller.email in taken:
            continue
        taken.add(caller.email)
        free = caller.outcome == "open"
        owner = None if free else staffing.in_hubspot(staffing.owner(caller.region, throw), throw)
        rows.append(
            {
                "id": str(FIRST_CONTACT + 50 * len(rows)),
                "firstname": caller.first,
                "lastname": caller.last,
                "email": caller.email,
                "company": caller.company,
                "country": caller.country,
                "state": caller.state,
                "zip": caller.postal_code,
                "numemployees": None if caller.employees is None else str(caller.employees),
                "hs_analytics_source": "DIRECT_TRAFFIC" if caller.source == "Web" else "OFFLINE",
                "lifecyclestage": _STAGES[caller.outcome],
                "hs_lead_status": _STATUS[caller.outcome],
                "hubspot_owner_id": owner,
                # A lead that is worked has an activity; one in eight of them has none.
                "notes_last_updated": None if free or chance(throw, 1 / 8) else iso(_touched(caller, as_of)),
                # HubSpot links a contact to the company of its e-mail's domain.
                "associatedcompanyid": known.get(caller.at.index) if caller.at and _says_where(caller) else None,
                "createdate": iso(caller.asked),
                "lastmodifieddate": iso(caller.asked),
            }
        )
    return rows


def tasks(holdings: Holdings, seed: int, as_of: datetime) -> list[Row]:
    """Task rows: something to do at one company in six, something done at one in twelve; they are its owner's."""
    throw = dice(seed, "hubspot tasks")
    rows: list[Row] = []
    for _, record, owner in holdings:
        for share, status in ((1 / 6, "NOT_STARTED"), (1 / 12, "COMPLETED")):
            if not chance(throw, share) or owner is None:
                continue
            made = as_of - timedelta(hours=throw.randrange(2, 900))
            rows.append(
                {
                    "id": str(FIRST_TASK + 11 * len(rows)),
                    "hs_task_subject": throw.choice(words.TASKS),
                    "hs_task_status": status,
                    "hs_timestamp": iso(made + timedelta(days=throw.randrange(1, 30))),
                    "hubspot_owner_id": owner,
                    "associatedcompanyid": record,
                    "createdate": iso(made),
                    "hs_lastmodifieddate": iso(made),
                }
            )
    return rows


def _touched(caller: Caller, as_of: datetime) -> datetime:
    return min(as_of - timedelta(minutes=1), caller.asked + timedelta(minutes=12))


def _says_where(caller: Caller) -> bool:
    return caller.at is not None and caller.email is not None and caller.email.endswith(f"@{caller.at.domain}")
