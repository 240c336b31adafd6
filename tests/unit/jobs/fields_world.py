"""A world whose settings map a role and texts of ours to fields of both CRMs, and how to look at these fields."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from jobs_world import HUBSPOT, SALESFORCE, World

from syncd.jobs.leadership import leadership
from syncd.jobs.plans.apply import apply
from syncd.jobs.plans.plan import make_plan
from syncd.jobs.pulling.marking import look_at_roles
from syncd.model.plans import OutboxRow
from syncd.model.refs import Kind, Ref, System
from syncd.planning.writing.applied import ApplyReport
from syncd.store import outbox, plans

MAPPED = """
[salesforce.roles]
csm = "CSM__c"
[hubspot.roles]
csm = "csm_owner"
[salesforce.write]
territory = "Territory__c"
band = "Band__c"
[hubspot.write]
territory = "territory_path"
"""
COLUMNS = {
    SALESFORCE: {"owner": "OwnerId", "csm": "CSM__c", "territory": "Territory__c", "band": "Band__c"},
    HUBSPOT: {"owner": "hubspot_owner_id", "csm": "csm_owner", "territory": "territory_path"},
}
PACK = """
format: 1
pack: {{name: fields, write: [territory, band]{more}}}
score: {{components: {{any: {{when: always, points: 50}}}}, bands: {{A: ">= 40", B: "< 40"}}}}
pools: {{all: {{members: [{reps}]}}}}
territories:
  - {{name: everywhere, when: always, owners: {{pool: all}}}}
{csm}
"""
CSM = "  - {{name: csm-all, role: csm, when: always, owners: [{0}, {1}]}}"
CLEARED = "  - {{name: csm-none, role: csm, otherwise: clear, when: {{name: nobody}}, owners: [{0}]}}"


def fields_world(make_world: Callable[..., World], *, length: int = 255, **settings: Any) -> World:
    """Both CRMs with the fields, a pack that decides `csm` and writes territory and band; nothing is pulled yet."""
    world = make_world(**{"extra": MAPPED, **settings})
    csm = {"name": "CSM__c", "type": "reference", "targets": ["User"]}
    texts = [{"name": name, "type": "string", "length": length} for name in ("Territory__c", "Band__c")]
    for field in (csm, *texts):
        world.salesforce.edit({"object": "Account", "field": field})
    for name in ("csm_owner", "territory_path"):
        world.hubspot.edit({"object": "companies", "define": {"name": name, "type": "string"}})
    use_pack(world)
    return world


def use_pack(world: World, csm: str = CSM, more: str = "") -> None:
    """Put another pack into use."""
    text = PACK.format(reps=", ".join(world.reps), csm=csm.format(*world.reps), more=more)
    (world.folder / "pack" / "pack.yaml").write_text(text)


def planned(world: World) -> Mapping[str, Any]:
    """A new plan, saved."""
    return make_plan(world.context)


def ready(world: World) -> str:
    """A mirror, a baseline and an approved plan."""
    world.pulled()
    world.adopt()
    return world.approve(planned(world))


def run(world: World, plan_id: str) -> ApplyReport:
    """Apply an approved plan."""
    with leadership(world.context) as leader:
        return apply(world.context, leader, plan_id)


def pulled_again(world: World) -> None:
    """Some time later: what people did meanwhile is in the mirror, and looked at."""
    world.wait(20)
    world.pulled()
    look_at_roles(world.context)


def value(world: World, ref: Ref, field: str) -> str | None:
    """What the CRM itself has in a field of an account."""
    if ref.system is SALESFORCE:
        found = world.salesforce.record("Account", ref.id)
        return (found or {}).get(COLUMNS[SALESFORCE][field])
    row = next(row for row in world.hubspot.records("companies") if row["id"] == ref.id)
    return row["properties"].get(COLUMNS[HUBSPOT][field]) or None


def edit(world: World, ref: Ref, field: str, to: str) -> None:
    """A person puts something into a field of an account."""
    world.wait(1)
    if ref.system is SALESFORCE:
        world.edit_salesforce(ref.id, **{COLUMNS[SALESFORCE][field]: to})
    else:
        world.edit_hubspot(ref.id, **{COLUMNS[HUBSPOT][field]: to})


def changes(document: Mapping[str, Any], field: str) -> dict[Ref, str | None]:
    """The rows of one field of a plan: what each record is to hold."""
    return {Ref.parse(row["ref"]): row["to"] for row in document["changes"] if row["field"] == field}


def rows(world: World, plan_id: str, field: str | None = None) -> dict[tuple[Ref, str], OutboxRow]:
    """The rows of a plan in the outbox, by record and field."""
    with world.context.store.read() as conn:
        return {row.slot: row for row in outbox.rows(conn, plan_id) if field in (None, row.field)}


def document_of(world: World, plan_id: str) -> Mapping[str, Any]:
    """The document of a saved plan."""
    with world.context.store.read() as conn:
        return plans.get_plan(conn, plan_id).document


def asked(world: World) -> set[tuple[Ref, str, str | None]]:
    """Every value that syncd asked a CRM to write, by the CRMs' own journals: the wire log."""
    found: set[tuple[Ref, str, str | None]] = set()
    for system, face in ((SALESFORCE, world.salesforce), (HUBSPOT, world.hubspot)):
        names = {column: field for field, column in COLUMNS[system].items()}
        for entry in face.journal.entries:
            if entry.source != "api" or not entry.body or entry.method not in ("PATCH", "POST"):
                continue
            written = _written(system, entry, names)
            found |= {(ref, names[column], text or None) for ref, column, text in written if column in names}
    return found


def _written(system: System, entry: Any, names: Mapping[str, str]) -> list[tuple[Ref, str, str | None]]:
    """The rows of one request, with the column and the value of each."""
    if system is HUBSPOT:
        if not entry.path.endswith("/batch/update"):
            return []
        kind = Kind.ACCOUNT if "/companies/" in entry.path else Kind.OPPORTUNITY
        kind = Kind.CONTACT if "/contacts/" in entry.path else kind
        inputs = json.loads(entry.body)["inputs"]
        return [(Ref(system, kind, row["id"]), *pair) for row in inputs for pair in row["properties"].items()]
    if entry.method != "PATCH":
        return []
    kinds = {"Account": Kind.ACCOUNT, "Opportunity": Kind.OPPORTUNITY, "Contact": Kind.CONTACT, "Task": Kind.TASK}
    document = json.loads(entry.body)
    if "records" not in document:
        *_, name, record = entry.path.split("/")
        return [(Ref(system, kinds[name], record), *pair) for pair in document.items() if pair[0] in names]
    return [
        (Ref(system, kinds[row["attributes"]["type"]], row["id"]), column, row[column])
        for row in document["records"]
        for column in names
        if column in row
    ]
