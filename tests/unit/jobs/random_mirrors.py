"""Random mirrors, written straight into a database: two CRMs' accounts, deals and users, dirty, linked and changing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - seeded by the tests, which must repeat

from sqlalchemy import Connection

from syncd.clock import ManualClock
from syncd.entropy import SeededEntropy
from syncd.jobs.context import Context
from syncd.model.records import Record, Team, TeamMember, User
from syncd.model.refs import Kind, Ref, System
from syncd.settings import load_settings
from syncd.store import companies, mirror, ownership
from syncd.store.ownership import AppliedRow
from tests.databases import NOW

SALESFORCE, HUBSPOT = System.SALESFORCE, System.HUBSPOT
REPS = [f"rep{number}@example.com" for number in range(8)]
_SECRETS = {"SYNCD_SALESFORCE__CLIENT_SECRET": "s", "SYNCD_HUBSPOT__TOKEN": "t", "SYNCD_ACTOR": "ruth"}


class Mirrors:
    """One database that is filled and then changed step by step, with a pack that fits it."""

    def __init__(self, seed: int, folder: Path, url: str) -> None:
        self.dice = Random(f"mirror {seed}")
        self.folder, self.url = folder, url
        self.clock = ManualClock(NOW)
        self.accounts: dict[Ref, Record] = {}
        self.deals: dict[Ref, Record] = {}
        self.links: dict[Ref, str] = {}
        self.writer = self.dice.choice(["both", "salesforce"])
        self.context = self.process()

    def process(self, *, kept: bool = True) -> Context:
        """A process that opens the database; with or without a state folder that its settings name."""
        config = self.folder / "config.toml"
        config.write_text(
            f'owner_writer = "{self.writer}"\n[database]\nurl = "{self.url}"\n'
            '[salesforce]\nlogin_url = "https://x.my.salesforce.com"\nclient_id = "c"\ngrant = "client_credentials"\n'
            '[hubspot]\nbase_url = "https://api.hubapi.com"\n[control]\nsocket = "s"\nfreeze_file = "f"\n'
        )
        settings = load_settings(config, _SECRETS)
        if not kept:
            settings.model_fields_set.discard("state_dir")
        return Context.open(settings, clock=self.clock, entropy=SeededEntropy(1), environ=_SECRETS, create=True)

    def write_pack(self) -> None:
        """Territories that name most of the reps, so that most companies stay where they are."""
        dice = self.dice
        lines = ["format: 1", "pack:", "  name: drawn", "  time_zone: Europe/Berlin"]
        if dice.random() < 0.5:
            lines.append("  defaults: {country: US, fill_missing_country: true}")
        if dice.random() < 0.3:
            lines.append("  manage: {territories: [t0]}")
        lines += ["pools:", f"  triage: {{members: [{self._reps(7)}], assign: rotate}}"]
        lines += ["reps:", "  - {email: rep0@example.com, capacity: 10, max_accounts: 60}"]
        lines += ["  - {seat: west, holder: rep4@example.com, cover: rep5@example.com}"]
        if dice.random() < 0.5:
            test = dice.choice(["owner_active: true", "territory: t1", "owner: rep1@example.com", "domain: acme7.com"])
            lines.append(f"protect: {{big: {{when: {{employees: '>= 5000', {test}}}, reason: too big}}}}")
        if dice.random() < 0.6:
            lines.append(
                "overrides: [{account: 001000000000000001, owner: rep6@example.com, by: x@example.com, why: asked}]"
            )
            lines.append(
                "disputes: [{account: 'hubspot:account:70003', opened: 2026-01-01, by: x@example.com, why: two}]"
            )
        lines.append("territories:")
        for number in range(dice.randint(2, 5)):
            lines += self._territory(number)
        lines.append(
            f"  - {{name: rest, when: always, owners: {dice.choice(['{pool: triage}', f'[{self._reps(6)}]'])}}}"
        )
        (self.folder / "pack").mkdir(exist_ok=True)
        (self.folder / "pack" / "pack.yaml").write_text("\n".join(lines) + "\n")

    def _reps(self, count: int) -> str:
        return ", ".join(self.dice.sample(REPS, count))

    def _territory(self, number: int) -> list[str]:
        dice = self.dice
        whens = (
            "{country: [DE, AT]}",
            "{country: US, postal_code: '94*'}",
            "{industry: Banking, employees: '>= 100'}",
            "{name: '*bank*'}",
            "{any: [{open_opportunities: '>= 1'}, {annual_revenue: '>= 1M'}]}",
            "{opportunities: {any: {stage: Negotiation}}}",
            "{won_amount_12m: '> 0'}",
            "{created_at: {last: 90d}}",
            "{systems: {all_of: [salesforce, hubspot]}}",
            "{not: {domain: missing}, state: missing}",
        )
        owners = (f"[{self._reps(5)}, seat:west]", "{pool: triage}", f"[{self._reps(6)}]")
        options = ("keep: false", "cap: 40", "balance_by: open_pipeline", "balance_by: annual_revenue")
        found = [f"  - name: t{number}", f"    when: {dice.choice(whens)}", f"    owners: {dice.choice(owners)}"]
        if dice.random() < 0.5:
            found.append(f"    {dice.choice(options)}")
        return found

    def fill(self, count: int) -> None:
        """Accounts of both systems, their deals, users, links, and marks of what was adopted."""
        dice = self.dice
        for number in range(count):
            ref = Ref(SALESFORCE, Kind.ACCOUNT, f"001{number:015}") if number % 3 else self._hubspot(number)
            self.accounts[ref] = self._account(ref, NOW - timedelta(days=9))
        for number in range(count // 4):
            self._deal(number, NOW - timedelta(days=9))
        lone = [ref for ref in self.accounts if ref.system is HUBSPOT]
        for ref in (ref for ref in self.accounts if ref.system is SALESFORCE):
            if lone and dice.random() < 0.3:
                self.links[lone.pop()] = self._company(ref, lone)
        with self.context.store.write() as conn:
            for system in System:
                mirror.bind_system(conn, system, f"org-{system.value}", now=NOW)
                users = [self._user(system, number) for number in range(len(REPS) + 2)]
                mirror.store_users(conn, system, users, now=NOW, run_id="r1")
            mirror.upsert_records(conn, [*self.accounts.values(), *self.deals.values()], now=NOW, run_id="r1")
            self._save_links(conn)
            ownership.adopt_all(conn, now=NOW, run_id="r1")
            self._apply(conn, dice.sample(sorted(self.accounts), count // 3))
            team = Team(next(iter(self.accounts)), (TeamMember("005x", ()),), restorable=False)
            mirror.store_teams(conn, SALESFORCE, [team], now=NOW)
            self._complete(conn)

    def steps(self) -> Iterator[str]:
        """Things that happen one after the other; what each was."""
        for name in ("nothing", "edit", "deals", "owners", "links", "applied", "marks", "delete", "users", "months"):
            self.clock.advance(timedelta(minutes=7) if name != "months" else timedelta(days=70))
            with self.context.store.write() as conn:
                getattr(self, f"_{name}")(conn)
                self._complete(conn)
            yield name

    def _nothing(self, conn: Connection) -> None:
        pass

    def _edit(self, conn: Connection) -> None:
        self._store(conn, [self._account(ref, self.clock.now()) for ref in self._some(9)])
        fresh = Ref(SALESFORCE, Kind.ACCOUNT, "001999999999999999")
        self._store(conn, [self._account(fresh, self.clock.now())])

    def _deals(self, conn: Connection) -> None:
        mirror.upsert_records(
            conn, [self._deal(number, self.clock.now()) for number in range(5)], now=self.clock.now(), run_id="r2"
        )

    def _owners(self, conn: Connection) -> None:
        changed = []
        for ref in self._some(8):
            known = self.accounts[ref]
            changed.append(Record(ref, self.clock.now(), known.fields, self._owner(ref.system), known.account))
        self._store(conn, changed)

    def _links(self, conn: Connection) -> None:
        joined = sorted(self.links)
        for ref in joined[:3]:
            del self.links[ref]
        lone = [ref for ref in sorted(self.accounts) if ref.system is HUBSPOT and ref not in self.links]
        free = [
            ref for ref in sorted(self.accounts) if ref.system is SALESFORCE and str(ref) not in self.links.values()
        ]
        for left, right in zip(lone[:2], free[:2], strict=False):
            self.links[left] = self._company(right, [])
        self._save_links(conn)

    def _applied(self, conn: Connection) -> None:
        self._apply(conn, self._some(12))

    def _marks(self, conn: Connection) -> None:
        marked = {(ref, "owner"): (self.accounts[ref].owner, "written") for ref in self._some(6)}
        ownership.set_marks(conn, marked, now=self.clock.now())

    def _delete(self, conn: Connection) -> None:
        gone = self._some(4)
        self._store(conn, [Record(ref, self.clock.now(), deleted=True) for ref in gone])
        for ref in gone:
            del self.accounts[ref]
            self.links.pop(ref, None)
        self._save_links(conn)

    def _users(self, conn: Connection) -> None:
        for system in System:
            users = [self._user(system, number) for number in range(len(REPS) + 2)]
            mirror.store_users(conn, system, users, now=self.clock.now(), run_id="r3")

    def _months(self, conn: Connection) -> None:
        pass

    def _store(self, conn: Connection, records: list[Record]) -> None:
        mirror.upsert_records(conn, records, now=self.clock.now(), run_id="r2")
        for record in records:
            self.accounts[record.ref] = record

    def _complete(self, conn: Connection) -> None:
        for system in System:
            mirror.mark_complete(
                conn,
                system,
                as_of=self.clock.now(),
                run_id="r1",
                mapping_revision=self.context.mapping_revision(),
            )

    def _save_links(self, conn: Connection) -> None:
        links = {ref: str(ref) for ref in self.accounts} | self.links
        companies.save_links(conn, links, dict.fromkeys(self.links, "asked"), now=self.clock.now())

    def _company(self, ref: Ref, lone: list[Ref]) -> str:
        """The key of a company: its smallest ref, most of the time."""
        return str(ref) if not lone or self.dice.random() < 0.9 else f"{ref.system.value}:account:{ref.id}"

    def _apply(self, conn: Connection, refs: list[Ref]) -> None:
        rows = {
            self.links.get(ref, str(ref)): AppliedRow(
                self.dice.choice(["t0", "t1", "rest"]), self.dice.choice(REPS), NOW - timedelta(days=3), "old"
            )
            for ref in refs
        }
        ownership.set_applied(conn, "owner", rows)

    def _some(self, count: int) -> list[Ref]:
        return self.dice.sample(sorted(self.accounts), count)

    def _hubspot(self, number: int) -> Ref:
        return Ref(HUBSPOT, Kind.ACCOUNT, str(70_000 + number))

    def _owner(self, system: System) -> str | None:
        if self.dice.random() < 0.05:
            return self.dice.choice([None, "nobody"])
        return f"{system.value[0]}{self.dice.choice([*range(3), *range(len(REPS) + 2)])}"

    def _user(self, system: System, number: int) -> User:
        dice = self.dice
        email = REPS[number] if number < len(REPS) else dice.choice(["", "else@example.com"])
        ref = Ref(system, Kind.USER, f"{system.value[0]}{number}")
        return User(ref, email, f"Rep {number}", dice.random() > 0.1, dice.random() > 0.05)

    def _account(self, ref: Ref, stamp: datetime) -> Record:
        dice, number = self.dice, self.dice.randrange(60)

        def one(*texts: str) -> str:
            return dice.choice(texts)

        fields = {
            "name": one("Big Bank", "Acme GmbH", "Überbank", "sand\ud800bank") + f" {number}",
            "domain": one(f"acme{number}.com", f"https://www.acme{number}.com/x", "gmail.com", "no domain", ""),
            "country": one("DE", "Germany", "AT", "US", "USA", "Atlantis", ""),
            "state": one("", "", "CA", "Bayern"),
            "postal_code": one("94105", "94105-1234", "", "941", "K1A 0B1"),
            "industry": one("Banking", "insurance", " Retail ", "Software", ""),
            "employees": one("10", "100", "5000", "99.5", "1.0", "ten", ""),
            "annual_revenue": one("1000000", "USD 2M", "999.99", "5 XYZ", ""),
            "locked": one("", "", "", "", "true", "false", "maybe"),
            "created_at": one("2026-11-01", "2025-01-01T10:00:00Z", "", "yesterday"),
        }
        merged = ("001merged",) if dice.random() < 0.03 else ()
        told = {name: text for name, text in fields.items() if text}
        return Record(ref, stamp, told, self._owner(ref.system), merged_from=merged)

    def _deal(self, number: int, stamp: datetime) -> Record:
        dice = self.dice
        account = dice.choice(sorted(self.accounts))
        ref = Ref(SALESFORCE, Kind.OPPORTUNITY, f"006{number:015}")
        fields = {
            "name": "deal",
            "stage": dice.choice(["Negotiation", "Won"]),
            "amount": dice.choice(["100", "2.50", "much", "7.0"]),
            "is_closed": dice.choice(["true", "false"]),
            "is_won": dice.choice(["true", "false"]),
            "close_date": dice.choice(["2026-01-20", "2025-12-15", "2026-12-24", "2020-01-01"]),
        }
        owner = self._owner(SALESFORCE)
        self.deals[ref] = Record(ref, stamp, fields, owner, account.id if account.system is SALESFORCE else None)
        return self.deals[ref]
