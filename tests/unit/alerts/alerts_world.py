"""A small world for the tests of alerts: a pack in a folder, a mirror filled by hand, and receivers that remember."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from syncd.clock import ManualClock
from syncd.entropy import SeededEntropy
from syncd.jobs.context import Context
from syncd.jobs.watching.watch import WatchReport, watch
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref, System
from syncd.settings import load_settings
from syncd.store import episodes, mirror
from syncd.store.engine import Store

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
SF, HS = System.SALESFORCE, System.HUBSPOT
PACK = """\
format: 1
pack: {name: acme, working_hours: ["00:00-24:00"]}
territories:
  - name: emea
    when: {country: [DE, AT, CH, FR, GB]}
    owners: [anna@example.com]
    territories:
      - name: dach
        when: {country: [DE, AT, CH]}
        owners: [anna@example.com]
  - name: rest
    when: always
    owners: unassigned
"""


@dataclass
class RecordedLog:
    """A log that keeps its events."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def event(self, name: str, **facts: object) -> None:
        self.events.append((name, dict(facts)))

    def bind(self, **facts: object) -> RecordedLog:
        return self

    def named(self, name: str) -> list[dict[str, Any]]:
        return [facts for event, facts in self.events if event == name]


@dataclass
class World:
    """One database, its settings and a clock; CRMs exist only as what the mirror holds."""

    folder: Path
    context: Context
    clock: ManualClock
    log: RecordedLog
    _stamp: int = 0

    @classmethod
    def make(cls, folder: Path, store: Store, clock: ManualClock, *, config: str = "", pack: str = PACK) -> World:
        (folder / "pack").mkdir(exist_ok=True)
        (folder / "pack" / "pack.yaml").write_text(pack, encoding="utf-8")
        text = f"""\
{config}
[salesforce]
login_url = "https://acme.my.salesforce.com"
client_id = "id"
[hubspot]
"""
        (folder / "config.toml").write_text(text, encoding="utf-8")
        settings = load_settings(folder / "config.toml", {})
        log = RecordedLog()
        context = Context(
            settings, store, clock, SeededEntropy(1), log, "uid:7", {"HOOK_SECRET": "s3cret"}, _no_network
        )
        return cls(folder, context, clock, log)

    @property
    def store(self) -> Store:
        return self.context.store

    def pack(self, text: str) -> None:
        """Replace the pack."""
        (self.folder / "pack" / "pack.yaml").write_text(text, encoding="utf-8")

    def more_pack(self, text: str) -> None:
        """The usual pack with more in it."""
        self.pack(PACK + text)

    def file(self, name: str, text: str) -> None:
        """A file of the pack."""
        (self.folder / "pack" / name).write_text(text, encoding="utf-8")

    def put(self, *records: Record) -> None:
        """Put records into the mirror, each later than all before."""
        with self.store.write() as conn:
            self._stamp += 1
            at = NOW + timedelta(seconds=self._stamp)
            mirror.record_reading(conn, [replaced(record, at) for record in records], now=at, run_id="run")

    def users(self, *users: User, system: System = SF) -> None:
        """All users of a system, as a pull stores them."""
        with self.store.write() as conn:
            mirror.store_users(conn, system, users, now=self.clock.now(), run_id="run", max_share=1.0)

    def pulled(self, *systems: System, outcome: str = "ok") -> None:
        """Say that pulls of these systems (both without a name) read everything just now."""
        with self.store.write() as conn:
            for system in systems or tuple(System):
                mirror.bind_system(conn, system, f"{system.value}-1", now=self.clock.now())
                mirror.mark_complete(
                    conn,
                    system,
                    as_of=self.clock.now(),
                    run_id="run",
                    mapping_revision=self.context.mapping_revision(),
                )
                mirror.set_outcome(conn, system, outcome, None if outcome == "ok" else "cut", now=self.clock.now())

    def watch(self) -> WatchReport:
        return watch(self.context)

    def later(self, minutes: float, *fresh: System) -> None:
        """Let time pass; the systems named (both without a name) are pulled again."""
        self.clock.advance(timedelta(minutes=minutes))
        self.pulled(*fresh)

    def episodes(self, monitor: str | None = None, *, states: Iterable[Any] | None = None) -> list[episodes.Episode]:
        with self.store.read() as conn:
            found = episodes.list_episodes(conn, states=states)
        return [episode for episode in reversed(found) if monitor in (None, episode.monitor)]

    def firing(self, *monitors: str) -> list[str]:
        """Monitor and subject of every alert that fires, or of those of some monitors."""
        found = self.episodes(states=["firing"])
        return sorted(f"{each.monitor} {each.subject}" for each in found if not monitors or each.monitor in monitors)

    def notices(self) -> list[tuple[str, str, str]]:
        """Monitor, receiver and reason of every notice there is."""
        with self.store.read() as conn:
            found = [
                (episode.monitor, notice.receiver, notice.reason)
                for episode in episodes.list_episodes(conn)
                for notice in episodes.notices(conn, episode.id or 0)
            ]
        return sorted(found)


def replaced(record: Record, stamp: datetime) -> Record:
    return Record(
        record.ref,
        stamp,
        record.fields,
        record.owner,
        record.account,
        record.deleted,
        record.merged_into,
        record.merged_from,
    )


def account(number: int | str, *, system: System = SF, owner: str | None = "005anna", **fields: str) -> Record:
    """An account in Germany, a customer unless `fields` say otherwise."""
    told = {"name": f"Company {number}", "country": "Germany", "type": "Customer", **fields}
    return Record(Ref(system, Kind.ACCOUNT, str(number)), NOW, told, owner=owner)


def gone(record: Record, merged_into: str | None = None) -> Record:
    """The same account, deleted."""
    return Record(record.ref, record.stamp, record.fields, record.owner, None, True, merged_into)


def won(number: int, of: Record, amount: int, closed: str, *, owner: str = "005anna") -> Record:
    """A won opportunity of an account."""
    fields = {
        "name": f"Deal {number}",
        "is_closed": "true",
        "is_won": "true",
        "amount": str(amount),
        "close_date": closed,
        "stage": "Closed Won",
    }
    return Record(Ref(of.ref.system, Kind.OPPORTUNITY, f"006{number}"), NOW, fields, owner=owner, account=of.ref.id)


def user(name: str, *, system: System = SF, active: bool = True) -> User:
    key = f"{'005' if system is SF else '77'}{name}"
    return User(Ref(system, Kind.USER, key), f"{name}@example.com", name.title(), active)


def receiver(name: str, path: Path) -> str:
    """The settings of a file receiver."""
    return f'[[receivers]]\nname = "{name}"\ntype = "file"\npath = "{path}"\n'


def _no_network(system: System) -> Any:
    raise AssertionError(f"watching asked for a wire to {system.value}")
