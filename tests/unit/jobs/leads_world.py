"""The world of leads: the jobs' world with a queue, a pack that routes, and people whose names are short."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from jobs_world import HUBSPOT, SALESFORCE, World

from syncd.clock import iso
from syncd.jobs.leadership import leadership
from syncd.jobs.leads.lane import LeadReport, run_leads
from syncd.model.refs import Kind, Ref, System
from syncd.store import leads as store
from syncd.store.leads import LeadTrack

PACK = """
format: 1
pack: {{name: leads, time_zone: Europe/Berlin, working_hours: ["Mon-Fri 09:00-17:00"]}}
guard: {guard}
pools:
  all: {{members: [{reps}]}}
  inbound: {{members: [{turn}], assign: rotate}}
routing:
  leads: {steps}
  {sla}
territories:
  - {{name: south, when: {{country: CH}}, owners: {south}}}
  - {{name: everywhere, when: always, owners: {{pool: all}}}}
"""
STEPS = "[{match: account}, {pool: inbound}]"


@dataclass
class LeadsWorld:
    """Both CRMs with leads; `reps` are three e-mails that both know."""

    world: World
    queue: str
    reps: tuple[str, ...]

    @classmethod
    def make(
        cls,
        make_world: Callable[..., World],
        *,
        auto: bool = True,
        leads: str = "",
        sla: str = "",
        steps: str = STEPS,
        guard: str = "{changes: {max: 10000}}",
        south: str = "unassigned",
        only: System | None = SALESFORCE,
        **settings: Any,
    ) -> LeadsWorld:
        extra = f"[leads]\nread = true\nauto = {str(auto).lower()}\n{leads}"
        world = make_world(extra=extra, only=only, **settings)
        (queue,) = world.salesforce.load("Group", [{"Name": "Inbound", "Type": "Queue", "DeveloperName": "Inbound"}])
        world.salesforce.load("QueueSobject", [{"QueueId": queue, "SobjectType": "Lead"}])
        made = cls(world, queue, world.reps[:3])
        text = PACK.format(
            reps=", ".join(world.reps), turn=", ".join(made.reps), steps=steps, sla=sla, guard=guard, south=south
        )
        (world.folder / "pack" / "pack.yaml").write_text(text)
        world.pulled()
        world.adopt()
        return made

    def lead(self, **values: Any) -> Ref:
        """A new Salesforce lead, in the queue unless told otherwise."""
        row = {"LastName": "Fox", "Company": "Nowhere Labs", "OwnerId": self.queue, **values}
        (made,) = self.world.salesforce.load("Lead", [row])
        return Ref(SALESFORCE, Kind.LEAD, made)

    def contact(self, **values: Any) -> Ref:
        """A new HubSpot contact in the stage of a lead."""
        now = iso(self.world.clock.now())
        row = {"lastname": "Fox", "lifecyclestage": "lead", "createdate": now, "lastmodifieddate": now, **values}
        (made,) = self.world.hubspot.load("contacts", [row])
        return Ref(HUBSPOT, Kind.LEAD, made)

    def edit(self, ref: Ref, **values: Any) -> None:
        if ref.system is SALESFORCE:
            self.world.salesforce.edit({"object": "Lead", "id": ref.id, "set": values})
        else:
            self.world.hubspot.edit({"object": "contacts", "id": ref.id, "set": values})

    def look(self, **options: Any) -> LeadReport:
        with leadership(self.world.context) as leader:
            return run_leads(self.world.context, leader, **options)

    def later(self, minutes: float = 1, **options: Any) -> LeadReport:
        """Time passes, accounts are pulled where they would be stale, and leads are looked at."""
        self.world.clock.advance(timedelta(minutes=minutes))
        if minutes >= 10:
            self.world.pulled()
        return self.look(**options)

    def owner(self, ref: Ref) -> str | None:
        """Who owns a lead in its CRM: an e-mail, `queue`, or None."""
        if ref.system is SALESFORCE:
            row = next(row for row in self.world.salesforce.records("Lead") if row["Id"] == ref.id)
            return "queue" if row["OwnerId"] == self.queue else self.email(row["OwnerId"])
        row = next(row for row in self.world.hubspot.records("contacts") if row["id"] == ref.id)
        return self.email(row["properties"].get("hubspot_owner_id") or None, HUBSPOT)

    def email(self, user: str | None, system: System = SALESFORCE) -> str | None:
        if user is None:
            return None
        if system is SALESFORCE:
            rows: Mapping[str, str] = {r["Id"]: r["Email"] for r in self.world.salesforce.records("User")}
        else:
            rows = {str(r["id"]): r["email"] for r in self.world.hubspot.records("owners")}
        return rows[user].lower()

    def user(self, email: str, system: System = SALESFORCE) -> str:
        """The id by which a system knows a person."""
        if system is SALESFORCE:
            rows = self.world.salesforce.records("User")
            return str(next(r["Id"] for r in rows if r["Email"].lower() == email and r["IsActive"]))
        rows = self.world.hubspot.records("owners")
        return str(next(r["id"] for r in rows if r["email"].lower() == email and not r["archived"]))

    def track(self, ref: Ref) -> LeadTrack:
        with self.world.context.store.read() as conn:
            return store.tracks_of(conn, [ref])[ref]
