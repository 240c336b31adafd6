"""On call: every alert is made to happen once in the sandbox, and its runbook's first command is run.

`make walk-oncall`. Each walk begins with a sound installation that was adopted and watched. Then somebody does in the
CRM, in the pack or on the machine what the alert is about; syncd pulls and watches as the daemon does. Prints the
table of docs/walks/on-call.md. Too long for `make test`, where test_docs_runbooks.py runs every first command once.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "unit" / "jobs"))

from jobs_world import HUBSPOT, SALESFORCE, World, dataset  # noqa: E402 - after its folder is known
from leads_world import STEPS, LeadsWorld  # noqa: E402

from syncd.alerts.baseline import NAME as BASELINE_FINDINGS  # noqa: E402
from syncd.alerts.monitors import MONITORS  # noqa: E402
from syncd.cli.main import cli  # noqa: E402
from syncd.connectors.wire import HttpResponse  # noqa: E402
from syncd.errors import SyncdError  # noqa: E402
from syncd.jobs.leadership import leadership  # noqa: E402
from syncd.jobs.plans import apply as applying  # noqa: E402
from syncd.jobs.plans.plan import make_plan  # noqa: E402
from syncd.jobs.sync import sync  # noqa: E402
from syncd.jobs.watching.alerting import acknowledge  # noqa: E402
from syncd.jobs.watching.watch import watch  # noqa: E402
from syncd.store import episodes  # noqa: E402
from tests.acceptance.test_docs_runbooks import commands, part  # noqa: E402

PACK = """\
format: 1
pack: {{name: walk, working_hours: ["00:00-24:00"]}}
guard: {{changes: {{max: {most}}}}}
pools:
  all: {{members: [{reps}]}}
territories:
{territories}
{more}
"""
EVERYWHERE = "  - {name: everywhere, when: always, owners: {pool: all}}"
CUSTOMER, LOST = "Customer - Direct", "Former Customer"
Step = Callable[["Walk"], Mapping[str, str] | None]


@dataclass
class Walk:
    """One installation, and the values that its runbook's placeholders have here."""

    world: World
    values: dict[str, str] = field(default_factory=dict)
    leads: LeadsWorld | None = None

    def pack(self, more: str = "", *, territories: str = EVERYWHERE, most: int = 10_000) -> None:
        """Write the pack anew."""
        text = PACK.format(reps=", ".join(self.world.reps), territories=territories, more=more, most=most)
        (self.world.folder / "pack" / "pack.yaml").write_text(text)

    def sound(self, more: str = "", **options: Any) -> None:
        """A mirror, a baseline and a first watch under this pack."""
        self.pack(more, **options)
        self.world.pulled()
        self.world.adopt()
        self.watch()

    def watch(self) -> None:
        watch(self.world.context)

    def later(self, minutes: float = 5, *, times: int = 1, pulls: bool = True) -> None:
        """Time passes; each time syncd pulls, unless it cannot, and watches."""
        for _ in range(times):
            self.world.wait(minutes)
            if pulls:
                self.world.pulled()
            self.watch()

    def set(self, record: str, **values: Any) -> None:
        self.world.edit_salesforce(record, **values)

    @property
    def records(self) -> list[str]:
        return self.world.accounts(SALESFORCE)

    def user(self, number: int) -> str:
        """The Salesforce id of a rep of the pack."""
        rows = self.world.salesforce.records("User")
        return str(next(row["Id"] for row in rows if row["Email"].lower() == self.world.reps[number]))

    def firing(self, monitor: str) -> episodes.Episode | None:
        with self.world.context.store.read() as conn:
            found = episodes.open_episodes(conn)
        return next((each for each in found if each.monitor == monitor and each.state == "firing"), None)


def churned(walk: Walk) -> None:
    walk.sound()
    record = walk.records[0]
    walk.set(record, Type=CUSTOMER)
    walk.later()
    walk.set(record, Type=LOST)
    walk.later()


def behind(walk: Walk) -> None:
    quota(walk, "100M", "")


def ahead(walk: Walk) -> None:
    quota(walk, "100", "monitors: {AttainmentAbove: {min_expected: 1}}\n")


def quota(walk: Walk, amount: str, more: str) -> None:
    """A deal is won this quarter, against a quota that is far off."""
    path = walk.world.folder / "pack" / "quotas.csv"
    walk.world.folder.joinpath("pack").mkdir(exist_ok=True)
    path.write_text(f"territory,rep,period,quota,currency\neverywhere,,2026-Q4,{amount},USD\n")
    walk.sound(f"{more}quotas: {{file: quotas.csv}}")
    deal = {"Name": "Won", "AccountId": walk.records[0], "StageName": "Closed Won", "Amount": 5000}
    deal |= {"CloseDate": "2026-11-19"}
    walk.world.salesforce.edit({"object": "Opportunity", "create": deal})
    walk.later()


def first_look(walk: Walk) -> None:
    for record in walk.records[:3]:
        walk.set(record, BillingCountry="Norway", BillingState=None, BillingPostalCode=None)
    walk.world.wait()
    walk.sound(territories=NORTH)


NORTH = "  - {name: north, when: {country: NO}, owners: unassigned}\n" + EVERYWHERE
SOUTH = "  - {name: south, when: {country: CH}, owners: {pool: all}}\n" + EVERYWHERE


def nobody(walk: Walk) -> None:
    walk.sound(territories=NORTH)
    walk.set(walk.records[0], BillingCountry="Norway", BillingState=None, BillingPostalCode=None)
    walk.later()


def moved(walk: Walk) -> None:
    walk.sound(territories=SOUTH)
    for record in walk.records[:12]:
        walk.set(record, BillingCountry="Switzerland", BillingState=None, BillingPostalCode=None)
    walk.later()


def overfull(walk: Walk) -> None:
    walk.sound(f"reps: [{{email: {walk.world.reps[0]}, max_accounts: 2}}]")
    for record in walk.records[:6]:
        walk.set(record, OwnerId=walk.user(0))
    walk.later()


def uneven(walk: Walk) -> None:
    walk.sound("monitors: {Imbalance: {for: 1h}}")
    for number, record in enumerate(walk.records):
        walk.set(record, OwnerId=walk.user(0 if number % 4 else 1))
    walk.later(30, times=4)


def unreadable(walk: Walk) -> None:
    walk.sound("monitors: {DataQuality: {accounts: 3}}")
    for record in walk.records[:9]:
        walk.set(record, BillingCountry="United States", BillingPostalCode="941", BillingState=None)
    walk.later()


def disputed(walk: Walk) -> Mapping[str, str]:
    record = walk.records[0]
    walk.sound(f"disputes: [{{account: {record}, opened: 2026-11-10, by: mei@example.com, why: two claims}}]")
    walk.later()
    return {"REF": f"salesforce:account:{record}"}


def expiring(walk: Walk) -> Mapping[str, str]:
    record, rep = walk.records[0], walk.world.reps[0]
    entry = f"{{account: {record}, owner: {rep}, by: mei@example.com, why: sponsor, expires: 2026-11-25}}"
    walk.sound(f"overrides: [{entry}]")
    walk.later()
    return {"REF": f"salesforce:account:{record}"}


def drifted(walk: Walk) -> None:
    walk.sound()
    for number, record in enumerate(walk.records[:16]):
        walk.set(record, OwnerId=walk.user(number % 3))
    walk.later()


def flapping(walk: Walk) -> Mapping[str, str]:
    walk.sound()
    record = walk.records[0]
    for number in (0, 1, 0, 1):
        walk.set(record, OwnerId=walk.user(number))
        walk.later()
    return {"REF": f"salesforce:account:{record}"}


def disagreeing(walk: Walk) -> None:
    walk.sound()
    owners = {row["email"].lower(): str(row["id"]) for row in walk.world.hubspot.records("owners")}
    for record in walk.records:
        walk.set(record, OwnerId=walk.user(0))
    for record in walk.world.accounts(HUBSPOT):
        walk.world.edit_hubspot(record, hubspot_owner_id=owners[walk.world.reps[1]])
    walk.later(35, times=5)


def deactivated(walk: Walk) -> None:
    walk.sound("monitors: {OwnerInactive: {for: 1h}, RepLeft: false}")
    owner_leaves(walk)
    walk.later(30, times=4)


def left(walk: Walk) -> None:
    walk.sound()
    owner_leaves(walk)
    walk.later()


def owner_leaves(walk: Walk) -> None:
    owners = [owner for _, owner in walk.world.truth(SALESFORCE, "account").values()]  # type: ignore[arg-type]
    active = {row["Id"] for row in walk.world.salesforce.records("User") if row["IsActive"]}
    owner = next(each for each in owners if each in active)
    walk.world.salesforce.edit({"object": "User", "id": owner, "deactivate": True})


def leaving(walk: Walk) -> None:
    walk.sound(f"reps: [{{email: {walk.world.reps[0]}, end: 2026-11-28}}]")
    walk.set(walk.records[0], OwnerId=walk.user(0))
    walk.later()


def idle(walk: Walk) -> None:
    walk.sound("monitors: {UnworkedAccounts: {accounts: 2, not_since: 1d}}")
    for record in walk.records[:8]:
        walk.set(record, OwnerId=walk.user(0), LastActivityDate="2026-01-05")
    walk.later()


def tripped(walk: Walk) -> None:
    walk.sound(most=0)
    make_plan(walk.world.context)
    walk.watch()


def failing(walk: Walk) -> Mapping[str, str]:
    walk.sound()
    denied = HttpResponse(403, {}, b'[{"errorCode": "API_DISABLED_FOR_ORG", "message": "no API"}]')
    walk.world.trouble(SALESFORCE, "/query", denied)
    for _ in range(4):
        walk.world.wait(3)
        walk.world.pull()
        walk.watch()
    return {"JOB": "pull"}


def shrunk(walk: Walk) -> None:
    walk.sound("monitors: {MirrorShrank: {records: 10}}")
    for record in walk.records[: len(walk.records) // 2]:
        walk.world.salesforce.edit({"object": "Account", "id": record, "delete": True})
    walk.later()


def stale(walk: Walk) -> None:
    walk.sound()
    walk.later(20, pulls=False)


def broken(walk: Walk) -> None:
    walk.sound()
    (walk.world.folder / "pack" / "pack.yaml").write_text("format: 1\nterritories: [\n")
    walk.later()


def spent(walk: Walk) -> None:
    walk.sound("monitors: {QuotaHigh: {share: 0.01%, resolve: 0.001%}}")
    walk.later()


def untold(walk: Walk) -> Mapping[str, str]:
    walk.world.start(extra='[[receivers]]\nname = "on-call"\ntype = "file"\npath = "told.jsonl"\n')
    (walk.world.folder / "told.jsonl").mkdir()
    churned(walk)
    walk.later(5, times=6)
    (walk.world.folder / "told.jsonl").rmdir()  # the page's fix, so that its first command can say so
    return {"RECEIVER": "on-call"}


def stuck(walk: Walk) -> Mapping[str, str]:
    walk.world.start(mode="apply")
    walk.sound()
    walk.world.approve(make_plan(walk.world.context))
    walk.later(20, times=3)
    return {"REF": f"salesforce:account:{walk.records[0]}"}


def refused(walk: Walk) -> None:
    walk.sound()
    plan = walk.world.approve(make_plan(walk.world.context))
    for record in walk.records:
        walk.world.salesforce.edit({"object": "Account", "id": record, "lock": True})
    with suppress(SyncdError), leadership(walk.world.context) as leader:
        applying.apply(walk.world.context, leader, plan)
    walk.watch()


def unrouted(walk: Walk) -> None:
    leads = leads_of(walk, steps="[{match: account}, {territory: true}]")
    leads.lead(Country="Switzerland")
    leads.later(1)
    leads.later(6)
    walk.watch()


def overdue(walk: Walk) -> None:
    leads = leads_of(walk, sla="sla: {first_touch: 30min, hours: business, then: reassign}", steps=STEPS)
    leads.lead()
    for minutes in (1, 31, 31, 1):
        leads.later(minutes)
    walk.watch()


def leads_of(walk: Walk, **options: Any) -> LeadsWorld:
    """The same world with leads; it is made anew over the walk's database."""
    walk.world.context.close()
    walk.world.processes = 0

    def make(**settings: Any) -> World:
        made = World.make(walk.world.folder, walk.world.url, walk.world.dataset, **settings)
        walk.world = made
        return made

    leads = LeadsWorld.make(make, **options)
    walk.watch()
    return leads


def taken(walk: Walk) -> None:
    """Somebody looks after whatever fires."""
    for episode in all_open(walk):
        if episode.state == "firing" and episode.monitor in LATCHED:
            acknowledge(walk.world.context, episode.id or 0)
    walk.later()


def pulled_again(walk: Walk) -> None:
    """The CRM answers again: the troubles of the wires went with the process."""
    walk.later(times=2)


def repaired(walk: Walk) -> None:
    walk.pack()
    walk.later()


def sent(walk: Walk) -> None:
    with leadership(walk.world.context) as leader:
        sync(walk.world.context, leader)
    walk.later()


def approved(walk: Walk) -> None:
    walk.world.wait()
    walk.world.approve(make_plan(walk.world.context))
    walk.later(times=4)


def waited(walk: Walk) -> None:
    """What a receiver did not take is tried again within an hour, later after each attempt."""
    walk.later(31, times=3)


def unlocked(walk: Walk) -> None:
    for record in walk.records:
        walk.world.salesforce.edit({"object": "Account", "id": record, "lock": False})
    walk.later(31, times=3)


def agreed(walk: Walk) -> None:
    owners = {row["email"].lower(): str(row["id"]) for row in walk.world.hubspot.records("owners")}
    for record in walk.world.accounts(HUBSPOT):
        walk.world.edit_hubspot(record, hubspot_owner_id=owners[walk.world.reps[0]])
    walk.later(35, times=2)


def moved_back(walk: Walk) -> None:
    walk.set(walk.records[0], BillingCountry="Germany")
    walk.later()


LATCHED = {"AccountChurned", "RepLeft", "TerritoryComposition", "MirrorShrank", "BaselineFindings"}
MENDS: Mapping[str, Step] = {
    **dict.fromkeys(sorted(LATCHED), taken),
    "GuardTripped": approved,
    "JobFailing": pulled_again,
    "NotificationsFailing": waited,
    "OutboxStuck": sent,
    "OwnerDisagreement": agreed,
    "PackInvalid": repaired,
    "SourceStale": pulled_again,
    "Unassigned": moved_back,
    "WritesFailing": unlocked,
}
"""What the pages say under Fix, where it is something that can be done here; then the alert has to be over."""

WALKS: Mapping[str, tuple[str, Step]] = {
    "AccountChurned": ("a customer's type becomes Former Customer", churned),
    "AttainmentAbove": ("a quota of 100, and a deal of 5,000 is won", ahead),
    "AttainmentBelow": ("a quota of 100M, and hardly anything is won", behind),
    BASELINE_FINDINGS: ("the first look finds what stood already", first_look),
    "BookOverCapacity": ("six accounts are given to a rep who may have two", overfull),
    "DataQuality": ("nine ZIP codes lose their digits", unreadable),
    "DisputeOpen": ("a dispute in the pack is ten days old", disputed),
    "Drift": ("somebody gives 16 accounts to others in the CRM", drifted),
    "GuardTripped": ("a plan, and a guard that allows no change", tripped),
    "Imbalance": ("one rep is given three quarters of all accounts", uneven),
    "JobFailing": ("Salesforce refuses four pulls in a row", failing),
    "LeadUnrouted": ("a lead from where nobody takes any", unrouted),
    "MirrorShrank": ("half of Salesforce's accounts are deleted", shrunk),
    "NotificationsFailing": ("a receiver's file cannot be written", untold),
    "OutboxStuck": ("a plan is approved in mode apply, and nothing goes out", stuck),
    "OverrideExpiring": ("an override ends in five days", expiring),
    "OwnerDisagreement": ("the CRMs name two owners for three hours", disagreeing),
    "OwnerInactive": ("an owner is deactivated, and nobody moves the accounts", deactivated),
    "OwnershipFlapping": ("an owner changes four times in 20 min", flapping),
    "PackInvalid": ("a broken file is pushed", broken),
    "QuotaHigh": ("more calls than the share allows", spent),
    "RepLeavingSoon": ("a rep with accounts has an end next week", leaving),
    "RepLeft": ("an owner is deactivated", left),
    "SlaBreached": ("a lead is not worked in 30 min", overdue),
    "SourceStale": ("no pull for 20 min", stale),
    "TerritoryComposition": ("twelve accounts move to Switzerland", moved),
    "Unassigned": ("an account moves to where nobody takes any", nobody),
    "UnworkedAccounts": ("eight accounts without activity since January", idle),
    "WritesFailing": ("every account of a plan is locked in Salesforce", refused),
}


def test_the_walk_is_of_every_alert_that_is_kept() -> None:
    assert set(WALKS) == {monitor.name for monitor in MONITORS} | {BASELINE_FINDINGS}


@pytest.mark.parametrize("monitor", sorted(WALKS))
def test_an_alert_fires_and_the_first_command_of_its_page_runs(
    monitor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    what, cause = WALKS[monitor]
    walk = Walk(World.make(tmp_path, f"sqlite:///{tmp_path / 'syncd.db'}", dataset()))
    values = cause(walk) or {}
    episode = walk.firing(monitor)
    assert episode is not None, [each.monitor for each in all_open(walk)]
    page = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in monitor).removeprefix("-")
    line = commands(part((ROOT / "docs" / "runbooks" / f"{page}.md").read_text(), "Check"))[0]
    words = [{**values, "ID": str(episode.id)}.get(word, word) for word in shlex.split(line)][1:]
    for name, value in walk.world.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    walk.world.context.close()
    done = CliRunner().invoke(cli, ["--config", "config.toml", *words], standalone_mode=False)
    code = int(getattr(done.exception, "exit_code", done.return_value or 0))
    shown = done.output.strip().splitlines()
    told(f"| {monitor} | {episode.severity} | {what} | {episode.summary} | `{line}` | {code} |", shown)
    assert done.exception is None or isinstance(done.exception, SyncdError), done.exception
    assert code == EXPECTED.get(monitor, 0), shown
    assert shown or isinstance(done.exception, SyncdError)
    assert str(episode.detail["runbook"]).endswith(f"{page}.md")
    if monitor in MENDS:
        walk.world.start()
        MENDS[monitor](walk)
        assert walk.firing(monitor) is None


EXPECTED = {"PackInvalid": 3}
"""What a first command ends with where it is not 0: `check` of an invalid pack is to say so."""


def told(row: str, shown: list[str]) -> None:
    """Show a row of the table, and what the command said."""
    sys.stdout.write("\n".join(["", row, *(f"    {line}" for line in shown[:30]), ""]))


def all_open(walk: Walk) -> list[episodes.Episode]:
    with walk.world.context.store.read() as conn:
        return list(episodes.open_episodes(conn))
