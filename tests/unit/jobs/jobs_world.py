"""The jobs' world: both sandboxes in process, settings and a pack in a folder, one process's context after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from syncd.cli.sandboxes import load_sandboxes
from syncd.clock import ManualClock
from syncd.connectors.wire import HttpResponse
from syncd.entropy import SeededEntropy
from syncd.jobs.context import Context
from syncd.jobs.leadership import leadership
from syncd.jobs.plans.apply import adopt, approve
from syncd.jobs.pulling.pull import PullReport, pull
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.planning.proposing.document import tripped_limits
from syncd.sandbox.dataset import Dataset, generate
from syncd.sandbox.hubspot import HubspotPortal
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.settings import Settings, load_settings
from syncd.store import mirror
from tests.inprocess import InProcessWire, Trouble, path_has

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
COMPANIES = 30
SALESFORCE, HUBSPOT = System.SALESFORCE, System.HUBSPOT
SWITCHED_OFF = HttpResponse(503, {}, b"")

PACK = """
format: 1
pack: {{name: jobs}}
guard:
  changes: {{max: {most}}}
pools:
  all:
    members: [{reps}]
territories:
  - name: everywhere
    when: always
    owners: {{pool: all}}
"""


@dataclass
class World:
    """Two CRMs, a clock, settings; `context` is the living process."""

    folder: Path
    url: str
    dataset: Dataset
    salesforce: SalesforceOrg
    hubspot: HubspotPortal
    clock: ManualClock
    mode: str = "approve"
    owner_writer: str | None = "both"
    extra: str = ""
    reps: tuple[str, ...] = ()
    skew: timedelta = timedelta(0)
    state: bool = False
    only: System | None = None
    told: Mapping[System, str] = field(default_factory=dict)
    context: Context = field(init=False)
    wires: dict[System, InProcessWire] = field(default_factory=dict)
    processes: int = 0

    @classmethod
    def make(cls, folder: Path, url: str, dataset: Dataset, **settings: Any) -> World:
        clock = ManualClock(NOW)
        salesforce, hubspot = load_sandboxes(dataset, clock=clock)
        salesforce.base_url, hubspot.base_url = "https://acme.my.salesforce.com", "https://api.hubapi.com"
        world = cls(folder, url, dataset, salesforce, hubspot, clock, reps=people_of(dataset), **settings)
        world.write_pack()
        world.start()
        return world

    def write_pack(self, most: int = 10_000) -> None:
        (self.folder / "pack").mkdir(exist_ok=True)
        text = PACK.format(most=most, reps=", ".join(self.reps))
        (self.folder / "pack" / "pack.yaml").write_text(text)

    def settings(self) -> Settings:
        login, base = self.salesforce.credentials(), self.hubspot.credentials()
        sections = {
            SALESFORCE: f"""[salesforce]
login_url = "{login["url"]}"
client_id = "{login["client_id"]}"
grant = "client_credentials"
""",
            HUBSPOT: f"""[hubspot]
base_url = "{base["url"]}"
""",
        }
        config = self.folder / "config.toml"
        config.write_text(
            f"""
mode = "{self.mode}"
{f'owner_writer = "{self.owner_writer}"' if self.owner_writer else ""}
{'state_dir = "state"' if self.state else ""}
[database]
url = "{self.url}"
[control]
socket = "control.sock"
freeze_file = "freeze"
{"".join(text + self.told.get(system, "") for system, text in sections.items() if self.only in (None, system))}
{self.extra}
"""
        )
        return load_settings(config, self.environ)

    @property
    def environ(self) -> Mapping[str, str]:
        secrets = {
            SALESFORCE: ("SYNCD_SALESFORCE__CLIENT_SECRET", self.salesforce.credentials()["client_secret"]),
            HUBSPOT: ("SYNCD_HUBSPOT__TOKEN", self.hubspot.credentials()["access_token"]),
        }
        told = {name: str(value) for system, (name, value) in secrets.items() if self.only in (None, system)}
        return {"SYNCD_ACTOR": "ruth", **told}

    def start(self, **changes: Any) -> Context:
        """A new process; the one before it is gone."""
        if self.processes:
            self.context.close()
        for name, value in changes.items():
            setattr(self, name, value)
        self.processes += 1
        self.wires = {}
        clock = ManualClock(self.clock.now() + self.skew) if self.skew else self.clock
        self.context = Context.open(
            self.settings(),
            clock=clock,
            entropy=SeededEntropy(self.processes),
            environ=self.environ,
            wire_of=self._wire,
            create=True,
        )
        return self.context

    def _wire(self, system: System) -> InProcessWire:
        face = self.salesforce if system is SALESFORCE else self.hubspot
        self.wires[system] = InProcessWire({"": face}, forbidden=lambda: self.context.store.in_transaction)
        return self.wires[system]

    def wire(self, system: System) -> InProcessWire:
        self.context.reader(system)
        return self.wires[system]

    def trouble(self, system: System, text: str, answer: Any = SWITCHED_OFF, **more: Any) -> Trouble:
        """From now on requests with `text` in their URL are answered with `answer`, for ever unless told otherwise."""
        trouble = Trouble(path_has(text), before=answer, **{"times": None, **more})
        self.wire(system).add(trouble)
        return trouble

    def pull(self, **options: Any) -> PullReport:
        return pull(self.context, **options)

    def pulled(self, **options: Any) -> PullReport:
        """A pull that must end well."""
        report = self.pull(**options)
        assert [one.error for one in report.systems if one.error] == []
        return report

    def adopt(self) -> int:
        with leadership(self.context) as leader:
            return adopt(self.context, leader).marked

    def approve(self, document: Mapping[str, Any]) -> str:
        with leadership(self.context) as leader:
            approve(self.context, leader, document["plan_id"], why="looks right", limits=tripped_limits(document))
        return str(document["plan_id"])

    def wait(self, minutes: float = 5) -> None:
        self.clock.advance(timedelta(minutes=minutes))

    def mirrored(self, system: System, kind: Kind) -> dict[str, Record]:
        with self.context.store.read() as conn:
            return {record.ref.id: record for record in mirror.records(conn, system, kind)}

    def cursor(self, system: System, kind: Kind) -> Any:
        with self.context.store.read() as conn:
            return mirror.get_cursor(conn, system, kind)

    def status(self, system: System) -> mirror.MirrorStatus:
        with self.context.store.read() as conn:
            return mirror.mirror_status(conn)[system]

    def truth(self, system: System, kind: Kind) -> dict[str, tuple[str, str | None]]:
        """Name and owner of every live record, as the CRM itself says."""
        if system is SALESFORCE:
            rows = self.salesforce.records("Account" if kind is Kind.ACCOUNT else "Opportunity")
            return {row["Id"]: (row["Name"], row["OwnerId"]) for row in rows if not row["IsDeleted"]}
        name, object_ = ("name", "companies") if kind is Kind.ACCOUNT else ("dealname", "deals")
        rows = [row for row in self.hubspot.records(object_) if not row["archived"] and row["mergedInto"] is None]
        return {row["id"]: (row["properties"][name], row["properties"].get("hubspot_owner_id") or None) for row in rows}

    def assert_equal(self) -> None:
        """The mirror holds exactly what the CRMs hold."""
        for system in System:
            for kind in (Kind.ACCOUNT, Kind.OPPORTUNITY):
                seen = {key: (one.fields["name"], one.owner) for key, one in self.mirrored(system, kind).items()}
                assert seen == self.truth(system, kind), (system, kind)

    def edit_salesforce(self, record: str, **values: Any) -> None:
        self.salesforce.edit({"object": "Account", "id": record, "set": values, "transfer": False})

    def edit_hubspot(self, record: str, **values: Any) -> None:
        self.hubspot.edit({"object": "companies", "id": record, "set": values})

    def names(self, ref: Ref) -> str:
        return self.truth(ref.system, Kind.ACCOUNT)[ref.id][0]

    def accounts(self, system: System) -> list[str]:
        return sorted(self.truth(system, Kind.ACCOUNT))

    @staticmethod
    def ref(system: System, account: str) -> Ref:
        return Ref(system, Kind.ACCOUNT, account)

    def account(self, system: System, number: int = 0) -> Ref:
        return Ref(system, Kind.ACCOUNT, sorted(self.truth(system, Kind.ACCOUNT))[number])


def people_of(dataset: Dataset) -> tuple[str, ...]:
    """The e-mail addresses of active people that both systems know, once each."""
    owners = [str(row["email"]).lower() for row in dataset.hubspot["owners"] if not row["archived"]]
    users = [str(row["Email"]).lower() for row in dataset.salesforce["User"] if row["IsActive"]]
    return tuple(email for email in users if owners.count(email) == 1 and users.count(email) == 1)[:6]


def dataset() -> Dataset:
    return generate(COMPANIES, 5, as_of=NOW - timedelta(hours=1))
