"""People who work in the CRMs behind syncd's back: owners, teams, fields, deals, deletions, leavers, founders.

An edit is drawn from what stands in the CRM at that moment, so that it always makes sense there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.model.refs import Kind, Ref, System
from tests.simulation.dice import Dice
from tests.simulation.world import World

Command = dict[str, Any]

NAMES: Mapping[tuple[System, Kind], str] = {
    (System.SALESFORCE, Kind.ACCOUNT): "Account",
    (System.SALESFORCE, Kind.OPPORTUNITY): "Opportunity",
    (System.HUBSPOT, Kind.ACCOUNT): "companies",
    (System.HUBSPOT, Kind.OPPORTUNITY): "deals",
    (System.SALESFORCE, Kind.CONTACT): "Contact",
    (System.SALESFORCE, Kind.LEAD): "Lead",
    (System.HUBSPOT, Kind.CONTACT): "contacts",
}
OWNER: Mapping[System, str] = {System.SALESFORCE: "OwnerId", System.HUBSPOT: "hubspot_owner_id"}
TEAMS: Mapping[str, tuple[Kind, str]] = {
    "AccountTeamMember": (Kind.ACCOUNT, "AccountId"),
    "OpportunityTeamMember": (Kind.OPPORTUNITY, "OpportunityId"),
}
"""Salesforce's objects of team members: of which records, and the field that names the record."""
_ROLES = ("Account Manager", "Executive Sponsor", "Sales Rep")
_LATEST = 480
"""Seconds after which a Salesforce transaction commits at the latest; syncd allows for ten minutes."""

_SALESFORCE_FIELDS: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("Type", ("Customer", "Former Customer", "Prospect")),
    ("BillingCountry", ("Germany", "US", "France", "United Kingdom")),
    ("NumberOfEmployees", (12, 480, 2400)),
    ("Industry", ("Banking", "Retail", "Finance")),
    ("Name", ("Renamed Ltd", "Newname GmbH", "Other Inc")),
)
_HUBSPOT_FIELDS: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("type", ("PROSPECT", "PARTNER", "Former Customer")),
    ("country", ("Germany", "US", "France", "United Kingdom")),
    ("numberofemployees", ("12", "480", "2400")),
    ("name", ("Renamed Ltd", "Newname GmbH", "Other Inc")),
)


def plain(ref: Ref) -> Ref:
    """A record named as its CRM names it: HubSpot knows no leads, only contacts in the stage of one."""
    return Ref(ref.system, Kind.CONTACT, ref.id) if (ref.system, ref.kind) == _HUBSPOT_LEAD else ref


_HUBSPOT_LEAD = (System.HUBSPOT, Kind.LEAD)


class People:
    """Draws edits and carries them out."""

    def __init__(self, world: World, dice: Dice) -> None:
        self.world = world
        self.dice = dice
        self._made = 0

    def act(self) -> str:
        """One edit in one CRM; what was done, in words."""
        system = self.dice.one_of((System.SALESFORCE, System.HUBSPOT))
        kind = self.dice.weighted(
            (
                (self._owner, 5.0),
                (self._team, 2.5),
                (self._field, 5.0),
                (self._deal, 2.0),
                (self._delete, 1.0),
                (self._restore, 0.6),
                (self._create, 1.5),
                (self._merge, 0.6),
                (self._leaver, 0.7),
                *(((self._written_field, 2.5),) if self.world.writes_fields else ()),
                *(((self._contact, 2.0),) if self.world.contacts_follow else ()),
                *(((self._lead, 4.0),) if self.world.leads else ()),
            )
        )
        command = kind(system)
        if command is None:
            return f"{system.value}: nothing to edit"
        return f"{system.value}: " + "; ".join(self.world.faces[system].edit(command))

    def seat(self) -> str:
        """Somebody is put into a team of Salesforce; what was done, in words."""
        command = self._join()
        return "nobody to seat" if command is None else "; ".join(self.world.salesforce.edit(command))

    def new_owner(self, ref: Ref) -> Command | None:
        """Somebody gives one record to another active person; None where that cannot be done."""
        live = {row_id(row): row for row in live_rows(self.world, ref.system, ref.kind)}
        others = [person for person in active(self.world, ref.system) if person != owner_of(live.get(ref.id), ref)]
        if ref.id not in live or not others:
            return None
        values = {OWNER[ref.system]: self.dice.one_of(others)}
        return {"object": NAMES[ref.system, ref.kind], "id": ref.id, "set": values}

    def _owner(self, system: System) -> Command | None:
        rows = live_rows(self.world, system, Kind.ACCOUNT)
        if not rows:
            return None
        command = self.new_owner(Ref(system, Kind.ACCOUNT, row_id(self.dice.one_of(rows))))
        return self._late(system, command) if command else None

    def _team(self, system: System) -> Command | None:
        """Somebody is put into a team, or taken out of one; HubSpot has no teams of a record."""
        if system is System.HUBSPOT:
            return None
        return self._join() if self.dice.chance(0.6) else self._leave()

    def _join(self) -> Command | None:
        name = self.dice.one_of(list(TEAMS))
        kind, parent = TEAMS[name]
        rows, people = live_rows(self.world, System.SALESFORCE, kind), active(self.world, System.SALESFORCE)
        if not rows or not people:
            return None
        record, user = row_id(self.dice.one_of(rows)), self.dice.one_of(people)
        members = self.world.salesforce.records(name)
        if any((row[parent], row["UserId"]) == (record, user) and not row["IsDeleted"] for row in members):
            return None
        values = {parent: record, "UserId": user, "TeamMemberRole": self.dice.one_of(_ROLES)}
        if self.dice.chance(0.5):
            values["OpportunityAccessLevel"] = "Edit"
        return {"object": name, "create": values}

    def _leave(self) -> Command | None:
        name = self.dice.one_of(list(TEAMS))
        rows = [row for row in self.world.salesforce.records(name) if not row["IsDeleted"]]
        return {"object": name, "id": row_id(self.dice.one_of(rows)), "delete": True} if rows else None

    def _field(self, system: System) -> Command | None:
        rows = live_rows(self.world, system, Kind.ACCOUNT)
        if not rows:
            return None
        choices = _SALESFORCE_FIELDS if system is System.SALESFORCE else _HUBSPOT_FIELDS
        name, values = self.dice.one_of(choices)
        command: Command = {
            "object": NAMES[system, Kind.ACCOUNT],
            "id": row_id(self.dice.one_of(rows)),
            "set": {name: self.dice.one_of(values)},
        }
        return self._late(system, command)

    def _written_field(self, system: System) -> Command | None:
        """Somebody changes the holder of the role, or types something into the field that syncd fills."""
        rows, people = live_rows(self.world, system, Kind.ACCOUNT), active(self.world, system)
        if not rows or not people:
            return None
        role, text = ("CSM__c", "Territory__c") if system is System.SALESFORCE else ("csm_owner", "territory_path")
        values = {role: self.dice.one_of(people)} if self.dice.chance(0.6) else {text: "typed by hand"}
        command = {"object": NAMES[system, Kind.ACCOUNT], "id": row_id(self.dice.one_of(rows)), "set": values}
        return self._late(system, command)

    def _contact(self, system: System) -> Command | None:
        """A contact of Salesforce is made, of an account and with its owner, or is given to somebody."""
        if system is System.HUBSPOT:
            return None
        kind = Kind.CONTACT
        people, contacts = active(self.world, system), live_rows(self.world, system, kind)
        if contacts and self.dice.chance(0.4):
            return self.new_owner(Ref(system, kind, row_id(self.dice.one_of(contacts))))
        accounts = live_rows(self.world, system, Kind.ACCOUNT)
        if not accounts or not people:
            return None
        account = self.dice.one_of(accounts)
        owner = account["OwnerId"] if account["OwnerId"] in people and self.dice.chance(0.8) else people[0]
        self._made += 1
        values = {"LastName": f"Contact {self._made}", "AccountId": row_id(account), "OwnerId": owner}
        return {"object": "Contact", "create": values}

    def _lead(self, system: System) -> Command | None:
        """A lead comes in, in Salesforce's queue or as nobody's contact in HubSpot, or somebody takes one."""
        kind = Kind.LEAD if system is System.SALESFORCE else Kind.CONTACT
        leads = live_rows(self.world, system, kind)
        if leads and self.dice.chance(0.3):
            return self.new_owner(Ref(system, kind, row_id(self.dice.one_of(leads))))
        self._made += 1
        if system is System.SALESFORCE:
            values = {"LastName": f"Lead {self._made}", "Company": "Nowhere Labs", "OwnerId": self.world.queue}
            return {"object": "Lead", "create": values}
        values = {"lastname": f"Lead {self._made}", "lifecyclestage": "lead"}
        return {"object": "contacts", "create": values}

    def _late(self, system: System, command: Command) -> Command:
        """Some transactions of Salesforce commit long after their rows were stamped (F19)."""
        if system is System.SALESFORCE and self.dice.chance(0.25):
            return {**command, "visible_after": self.dice.whole(30, _LATEST)}
        return command

    def _deal(self, system: System) -> Command | None:
        rows = live_rows(self.world, system, Kind.OPPORTUNITY)
        if not rows:
            return None
        values = (
            {"StageName": self.dice.one_of(("Closed Won", "Closed Lost", "Prospecting", "Qualification"))}
            if system is System.SALESFORCE
            else {"dealstage": self.dice.one_of(("closedwon", "closedlost", "appointmentscheduled"))}
        )
        return {
            "object": NAMES[system, Kind.OPPORTUNITY],
            "id": row_id(self.dice.one_of(rows)),
            "set": values,
        }

    def _delete(self, system: System) -> Command | None:
        kind = self.dice.one_of((Kind.ACCOUNT, Kind.OPPORTUNITY))
        rows = live_rows(self.world, system, kind)
        if not rows:
            return None
        verb = "hard_delete" if self.dice.chance(0.5) and kind is Kind.OPPORTUNITY else "delete"
        return {"object": NAMES[system, kind], "id": row_id(self.dice.one_of(rows)), verb: True}

    def _restore(self, system: System) -> Command | None:
        rows = [
            row
            for row in self.world.faces[system].records(NAMES[system, Kind.ACCOUNT])
            if is_deleted(row) and not row.get("mergedInto")
        ]
        if not rows:
            return None
        return {"object": NAMES[system, Kind.ACCOUNT], "id": row_id(self.dice.one_of(rows)), "undelete": True}

    def _create(self, system: System) -> Command | None:
        people = active(self.world, system)
        if not people:
            return None
        self._made += 1
        name, owner = f"Founded Today {self._made}", self.dice.one_of(people)
        country = self.dice.one_of(("Germany", "US"))
        if system is System.SALESFORCE:
            values = {"Name": name, "OwnerId": owner, "BillingCountry": country, "Type": "Prospect"}
        else:
            values = {"name": name, "hubspot_owner_id": owner, "country": country}
        return {"object": NAMES[system, Kind.ACCOUNT], "create": values}

    def _merge(self, system: System) -> Command | None:
        """Two accounts become one: in Salesforce one of them stays, in HubSpot a third takes their place."""
        if system is System.HUBSPOT and self.world.native:
            return None  # HubSpot merges no companies while its Salesforce integration is installed
        rows = live_rows(self.world, system, Kind.ACCOUNT)
        winner, loser = row_id(self.dice.one_of(rows)), row_id(self.dice.one_of(rows))
        return None if winner == loser else {"object": NAMES[system, Kind.ACCOUNT], "id": winner, "merge": [loser]}

    def _leaver(self, system: System) -> Command | None:
        """Somebody leaves one system, or comes back to it."""
        here = active(self.world, system)
        gone = inactive(self.world, system)
        name = "User" if system is System.SALESFORCE else "owners"
        if gone and (len(here) < 5 or self.dice.chance(0.4)):
            return {"object": name, "id": self.dice.one_of(gone), "activate": True}
        return {"object": name, "id": self.dice.one_of(here), "deactivate": True} if len(here) >= 5 else None


def live_rows(world: World, system: System, kind: Kind) -> list[Mapping[str, Any]]:
    """The rows of a CRM that are not deleted."""
    return [row for row in world.faces[system].records(NAMES[system, kind]) if not is_deleted(row)]


def row_id(row: Mapping[str, Any]) -> str:
    """The id of a row of either CRM."""
    return str(row["Id"] if "Id" in row else row["id"])


def is_deleted(row: Mapping[str, Any]) -> bool:
    """Whether a row of either CRM is in the recycle bin, or was merged away."""
    return bool(row["IsDeleted"]) if "Id" in row else row["archived"] or row["mergedInto"] is not None


def owner_of(row: Mapping[str, Any] | None, ref: Ref) -> str | None:
    """The owner in a row of either CRM."""
    if row is None:
        return None
    values = row if ref.system is System.SALESFORCE else row["properties"]
    return values.get(OWNER[ref.system]) or None


def active(world: World, system: System) -> list[str]:
    """The ids of people who may own records."""
    return _people(world, system, wanted=True)


def inactive(world: World, system: System) -> list[str]:
    """The ids of people who left."""
    return _people(world, system, wanted=False)


def _people(world: World, system: System, *, wanted: bool) -> list[str]:
    if system is System.SALESFORCE:
        robot = {world.salesforce.integration_user_id}
        return [
            str(row["Id"])
            for row in world.salesforce.records("User")
            if row.get("UserType") == "Standard"
            and bool(row["IsActive"]) == wanted
            and row["Id"] not in robot
            and str(row.get("Email", "")).endswith("northwind.example")
        ]
    return [
        str(row["id"])
        for row in world.hubspot.records("owners")
        if row["archived"] != wanted and row.get("type") == "PERSON"
    ]
