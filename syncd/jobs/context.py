"""The composition root: everything a job needs, made from the settings once a process.

Tests and the simulation pass their own clock, entropy and wires; nothing else differs from production.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from syncd.clock import Clock, SystemClock
from syncd.connectors.budget import RateBudget, hubspot_budget, salesforce_budget
from syncd.connectors.port import Reader, Writer
from syncd.entropy import Entropy, SystemEntropy
from syncd.errors import ConfigError
from syncd.jobs.connections import Ports, new_reader, new_writer
from syncd.jobs.currencies.money import dated_rates
from syncd.jobs.currencies.rates_file import lay_out_rates
from syncd.jobs.mapping import configured_systems, field_catalogue, mapping_revision
from syncd.jobs.packs.packs import open_pack
from syncd.jobs.packs.picklists import Picklists
from syncd.model.fields import FieldCatalogue
from syncd.model.money import DatedRates, MoneyTable
from syncd.model.refs import System
from syncd.rules.pack import Pack
from syncd.rules.reading.reading_memory import ReadingMemory
from syncd.settings import Mode, OwnerWriter, Settings
from syncd.store import mirror, runs
from syncd.store.engine import Store
from syncd.telemetry import Log, get_log
from syncd.telemetry.tally import Tally

if TYPE_CHECKING:
    from syncd.connectors.metering import MeteredWire
    from syncd.connectors.wire import Wire

EPOCH_VARIABLE = "SYNCD_LEASE_EPOCH"
"""The variable by which a daemon hands its lease's epoch to the processes that it starts."""
WRITE_DEADLINE = 15.0
"""Seconds after which a call that writes is cut, its outcome unknown: a new leader waits that long (store/lease.py)."""
_CALLING_JOBS = ("pull", "delayed-pass", "sweep", "apply", "leads")
"""The jobs that call CRMs."""


@dataclass(slots=True)
class Context:
    """One process's settings, ports and connections. Connectors are made on first use and kept.

    `native_sync` is the sign that HubSpot's own Salesforce sync is on, as the last pull saw it. `tally` is what this
    process counted for metrics; the next recorded run saves it.
    """

    settings: Settings
    store: Store
    clock: Clock
    entropy: Entropy
    log: Log
    actor: str
    environ: Mapping[str, str]
    wire_of: Callable[[System], Wire]
    native_sync: str | None = None
    write_wire_of: Callable[[System], Wire] | None = None
    tally: Tally = field(default_factory=Tally)
    _readers: dict[System, Reader] = field(default_factory=dict)
    _writers: dict[System, Writer] = field(default_factory=dict)
    _budgets: dict[System, RateBudget] = field(default_factory=dict)
    _wires: dict[System, MeteredWire] = field(default_factory=dict)
    _write_wires: dict[System, MeteredWire] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        environ: Mapping[str, str] | None = None,
        wire_of: Callable[[System], Wire] | None = None,
        create: bool = False,
    ) -> Context:
        """Open the store and make the ports; StorageError where the database is not there or of another version."""
        clock = clock or SystemClock()
        environ = os.environ if environ is None else environ
        store = Store.open(settings.database.url, clock=clock, create=create)

        if epoch := environ.get(EPOCH_VARIABLE):
            store.fence(int(epoch))
        lay_out_rates(settings.money, store)

        def network(_: System, deadline: float | None = None) -> Wire:
            from syncd.connectors.wire import CALL_DEADLINE, NetworkWire  # loads urllib3, for those who call

            bundle = settings.http.ca_bundle
            return NetworkWire(
                proxy=settings.http.proxy,
                ca_bundle=str(bundle) if bundle else None,
                forbidden=lambda: store.in_transaction,
                deadline=CALL_DEADLINE if deadline is None else deadline,
            )

        actor = environ.get("SYNCD_ACTOR") or f"uid:{os.getuid()}"
        with store.read() as conn:
            sign = mirror.native_sync_sign(conn)
        log = get_log()
        if "state_dir" in settings.model_fields_set and not settings.state_dir.is_dir():
            log.event("state.missing", path=str(settings.state_dir))
        ports = (clock, entropy or SystemEntropy(), log, actor, environ, wire_of or network)
        write_wire_of = None if wire_of else lambda system: network(system, WRITE_DEADLINE)
        return cls(settings, store, *ports, native_sync=sign, write_wire_of=write_wire_of)

    def close(self) -> None:
        """Let go of the database and of the connections to the CRMs."""
        for wire in (*self._wires.values(), *self._write_wires.values()):
            wire.close()
        self.store.close()

    def calls(self) -> Mapping[System, int]:
        """The HTTP calls that this process made, by system."""
        connectors: tuple[Reader | Writer, ...] = (*self._readers.values(), *self._writers.values())
        return {
            system: sum(connector.calls for connector in connectors if connector.system is system)
            for system in {connector.system for connector in connectors}
        }

    @property
    def systems(self) -> tuple[System, ...]:
        """The configured systems; ConfigError SYN109 where there is none."""
        systems = configured_systems(self.settings)
        if not systems:
            raise ConfigError("SYN109", "no CRM is configured", hint="add a [salesforce] or [hubspot] section")
        return systems

    @property
    def written_systems(self) -> frozenset[System]:
        """The systems that syncd itself writes owners to, whatever the mode.

        None of them where `owner_writer` is not set and HubSpot's own Salesforce sync seems to be on: two writers that
        do not know of each other would hand owners back and forth.
        """
        writer = self.settings.owner_writer
        if writer is None and self.native_sync is not None:
            return frozenset()
        if writer in (None, OwnerWriter.BOTH) or len(self.systems) == 1:
            return frozenset(self.systems)
        return frozenset({System(writer.value)}) & frozenset(self.systems)

    @property
    def expected_systems(self) -> frozenset[System]:
        """The systems whose owners the native sync writes after ours."""
        written = self.written_systems
        return frozenset(self.systems) - written if written else frozenset()

    @property
    def stale_after(self) -> timedelta:
        """The age from which a mirror is stale."""
        return self.settings.schedule.stale_after or 3 * self.settings.schedule.pull

    def catalogue(self) -> FieldCatalogue:
        """The fields rules may read."""
        return field_catalogue(self.settings)

    def rates(self) -> DatedRates:
        """The reporting currency and its dated rates."""
        return dated_rates(self.settings.money)

    def money(self) -> MoneyTable:
        """The table of today's rates."""
        return self.rates().on(self.clock.now().date())

    def mapping_revision(self) -> str:
        """The hash of all field mappings."""
        return mapping_revision(self.settings)

    def pack(
        self,
        path: Path | None = None,
        *,
        now: datetime | None = None,
        rates_on: date | None = None,
        memory: ReadingMemory | None = None,
    ) -> Pack:
        """The pack of the settings, or of `path`, as of now or another instant; InputError where it is invalid.

        Its amounts are converted by the rates of that instant, or of the day that `rates_on` names. With the `memory`
        of earlier readings only what changed since is read.
        """
        instant = now or self.clock.now()
        return open_pack(
            self.settings,
            path or self.settings.pack.path,
            now=instant,
            rates_on=rates_on,
            picklists=Picklists.of_store(self.settings, self.store),
            memory=memory,
        )

    def reader(self, system: System) -> Reader:
        """The connector that reads a system."""
        if system not in self._readers:
            self._readers[system] = self._new_reader(system)
        return self._readers[system]

    def writer(self, system: System) -> Writer:
        """The connector that writes a system; constructed only where the mode allows writing."""
        if self.settings.mode is Mode.OBSERVE:
            raise AssertionError("a write client is never constructed in observe mode")
        if system not in self._writers:
            self._writers[system] = self._new_writer(system)
        return self._writers[system]

    def _new_reader(self, system: System) -> Reader:
        return new_reader(self.settings, system, self.environ, self._ports(system, self._wire(system)))

    def _new_writer(self, system: System) -> Writer:
        return new_writer(self.settings, system, self.environ, self._ports(system, self._write_wire(system)))

    def _ports(self, system: System, wire: Wire) -> Ports:
        return Ports(wire, self.clock, self.entropy, self._budget(system))

    def _budget(self, system: System) -> RateBudget:
        """One budget a system, shared by its reader and its writer, that knows what earlier processes took today."""
        if system not in self._budgets:
            share = float(self.settings.limits.api_share)
            make = salesforce_budget if system is System.SALESFORCE else hubspot_budget
            self._budgets[system] = make(self.clock, api_share=share, spent=self._spent_today(system))
        return self._budgets[system]

    def allowances(self) -> Mapping[System, int]:
        """The calls that syncd may make today of what each CRM grants, as far as a CRM has said so to this process."""
        usages = ((system, budget.usage()) for system, budget in self._budgets.items())
        return {system: int(each.org_total * each.share) for system, each in usages if each.org_total is not None}

    def tell_levels(self) -> None:
        """Put into the tally where each CRM's allowance stands, as far as one has said so to this process."""
        for system, budget in self._budgets.items():
            usage, labels = budget.usage(), {"system": system.value}
            if usage.org_total:
                ours = max(1.0, usage.org_total * usage.share)
                self.tally.level("api_quota_used_ratio", usage.spent / ours, **labels)
                if usage.org_used is not None:
                    self.tally.level("api_org_used_ratio", usage.org_used / usage.org_total, **labels)
            self.tally.count("rate_wait_seconds_total", budget.take_waited(), **labels)

    def spent_today(self, conn: Connection, system: System) -> int:
        """The calls that recorded runs made to a system today (UTC)."""
        midnight = datetime.combine(self.clock.now().date(), time.min, UTC)
        today = runs.summaries_since(conn, _CALLING_JOBS, midnight)
        return sum(summary.get("api_calls", {}).get(system.value, 0) for summary in today)

    def _spent_today(self, system: System) -> int:
        """The calls of today's recorded runs: each sync of the daemon is a process, and the day's share is one."""
        with self.store.read() as conn:
            return self.spent_today(conn, system)

    def _write_wire(self, system: System) -> Wire:
        if self.write_wire_of is None:
            return self._wire(system)
        if system not in self._write_wires:
            self._write_wires[system] = self._metered(system, self.write_wire_of(system))
        return self._write_wires[system]

    def _wire(self, system: System) -> Wire:
        if system not in self._wires:
            self._wires[system] = self._metered(system, self.wire_of(system))
        return self._wires[system]

    def _metered(self, system: System, wire: Wire) -> MeteredWire:
        from syncd.connectors.metering import MeteredWire

        return MeteredWire(wire, system.value, self.tally, self.clock)
