"""How soon leads are given to people, and how well they are matched: `python benchmarks/lead_speed.py`. Prints JSON.

Speed: two hours on the fake Salesforce with a clock that is moved by hand; leads come at any second of it, a look
comes every period, and what `status` tells of it is told. Matching: for each of many companies a lead whose company is
written otherwise (legal form, case, a typo), with the company's mail domain, a free-mail address or none, and as many
leads of companies that nobody has.
"""

from __future__ import annotations

import json
import platform
import random  # noqa: TID251 - a benchmark that repeats by its seed
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from syncd.cli.sandboxes import load_sandboxes  # noqa: E402 - the checkout is put on the path first
from syncd.clock import ManualClock, SystemClock, parse_instant  # noqa: E402
from syncd.entropy import SeededEntropy  # noqa: E402
from syncd.jobs.context import Context  # noqa: E402
from syncd.jobs.leadership import leadership  # noqa: E402
from syncd.jobs.leads.lane import run_leads  # noqa: E402
from syncd.jobs.leads.standing import leads_figures  # noqa: E402
from syncd.jobs.plans.apply import adopt  # noqa: E402
from syncd.jobs.pulling.pull import pull  # noqa: E402
from syncd.rules.derivation import Derivation  # noqa: E402
from syncd.rules.facts import Facts  # noqa: E402
from syncd.rules.routing.account_match import AccountIndex  # noqa: E402
from syncd.rules.routing.lead_facts import lead_from_raw  # noqa: E402
from syncd.sandbox.dataset import generate  # noqa: E402
from syncd.settings import load_settings  # noqa: E402
from syncd.telemetry import configure  # noqa: E402
from tests.inprocess import InProcessWire  # noqa: E402

START = parse_instant("2026-11-20T08:00:00.000Z")
HOURS = 2
LEADS = 100
COMPANIES = 2_000
FORMS = ("", " GmbH", " Inc.", " Ltd", " AG", " S.A.")


def main() -> None:
    """Measure and print."""
    configure(level="off")
    periods = {text: speed(text, seconds) for text, seconds in (("1min", 60), ("5min", 300))}
    document = {
        "command": "python benchmarks/lead_speed.py",
        "python": platform.python_version(),
        "speed": periods,
        "matching": matching(),
    }
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def speed(text: str, period: int) -> dict[str, Any]:
    """Two hours of leads with a look every `period` seconds."""
    with tempfile.TemporaryDirectory() as name:
        return _day(Path(name), text, period)


def _day(folder: Path, text: str, period: int) -> dict[str, Any]:
    dice, clock = random.Random(7), ManualClock(START)
    salesforce, _ = load_sandboxes(generate(200, 5, as_of=START - timedelta(hours=1)), clock=clock)
    salesforce.base_url = "https://acme.my.salesforce.com"
    (queue,) = salesforce.load("Group", [{"Name": "Inbound", "Type": "Queue"}])
    people = [row["Email"] for row in salesforce.records("User") if row["IsActive"] and row["UserType"] == "Standard"]
    _write(folder, salesforce.credentials(), people[:6], text)
    environ = {"SYNCD_SALESFORCE__CLIENT_SECRET": str(salesforce.credentials()["client_secret"])}
    settings = load_settings(folder / "config.toml", environ)
    context = Context.open(
        settings,
        clock=clock,
        entropy=SeededEntropy(1),
        environ=environ,
        wire_of=lambda _: InProcessWire.to(salesforce),
        create=True,
    )
    arrivals = sorted(dice.randrange(HOURS * 3600) for _ in range(LEADS))
    began, looks = SystemClock().monotonic(), 0
    pull(context)
    with leadership(context) as leader:
        adopt(context, leader)
    for second in range(period, HOURS * 3600 + period + 1, period):
        while arrivals and arrivals[0] < second:
            _arrive(salesforce, START + timedelta(seconds=arrivals.pop(0)), queue)
        clock.set(START + timedelta(seconds=second))
        if second % 300 == 0:
            pull(context)
        with leadership(context) as leader:
            run_leads(context, leader)
        looks += 1
    took = SystemClock().monotonic() - began
    with context.store.read() as conn:
        found = leads_figures(settings, conn, clock.now())
    context.close()
    assert found is not None
    return {
        "leads": found["speed"]["leads"],
        "unrouted": found["waiting"],
        "p50_seconds": found["speed"]["p50_seconds"],
        "p95_seconds": found["speed"]["p95_seconds"],
        "looks": looks,
        "seconds_a_look": round(took / looks, 3),
    }


def _arrive(salesforce: Any, at: datetime, queue: str) -> None:
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), stamp)
    salesforce.load("Lead", [{"LastName": "Fox", "Company": f"New {stamp}", "OwnerId": queue, **stamps}])


def _write(folder: Path, login: dict[str, str], people: list[str], period: str) -> None:
    (folder / "pack").mkdir()
    (folder / "pack" / "pack.yaml").write_text(
        f"""format: 1
pools: {{inbound: {{members: [{", ".join(people)}], assign: rotate}}}}
routing: {{leads: [{{match: account}}, {{pool: inbound}}]}}
territories: [{{name: all, when: always, owners: {{pool: inbound}}}}]
"""
    )
    (folder / "config.toml").write_text(
        f"""mode = "approve"
[salesforce]
login_url = "{login["url"]}"
client_id = "{login["client_id"]}"
grant = "client_credentials"
[database]
url = "sqlite:///{folder}/syncd.db"
[schedule]
leads = "{period}"
[leads]
read = true
auto = true
"""
    )


def matching() -> dict[str, Any]:
    """Precision and recall of matching on dirt."""
    dice = random.Random(11)
    book, leads = [], []
    for number in range(COMPANIES * 2):
        name, country = _name(dice), dice.choice(("DE", "US", "FR", "GB"))
        domain = f"{name.lower().replace(' ', '')}{number}.com"
        key = f"A{number}"
        if number % 2 == 0:
            values: dict[str, Any] = {"name": name.lower(), "country": country, "domain": domain}
            book.append(Facts(key=key, accounts=(key,), values=values))
        leads.append((key if number % 2 == 0 else None, _lead(name, country, domain, dice)))
    index, derivation = AccountIndex(book), Derivation()
    began = SystemClock().monotonic()
    right = wrong = missed = 0
    for truth, raw in leads:
        found = index.match(lead_from_raw("L", raw, derivation))
        right += found is not None and found.company == truth
        wrong += found is not None and found.company != truth
        missed += found is None and truth is not None
    took = SystemClock().monotonic() - began
    return {
        "leads": len(leads),
        "accounts": len(book),
        "precision": round(right / (right + wrong), 4),
        "recall": round(right / (right + missed), 4),
        "microseconds_a_lead": round(took / len(leads) * 1e6),
    }


_WORDS = """
alpine amber anchor apex arbor atlas aurora beacon birch blue bright cedar cobalt copper coral crest
delta ember falcon fern forge granite harbor hazel helix indigo iron juniper keystone lark lunar maple
meadow mercury nimbus north oak onyx orbit pearl pine quartz raven ridge river sable sierra silver slate
solar spruce stone summit swift terra thistle tidal timber topaz umber vale vector velvet vertex violet
vista walnut willow zephyr
"""
_TRADES = "Labs Systems Foods Logistics Energy Software Partners Textiles Robotics Insurance Medical Packaging"


def _name(dice: random.Random) -> str:
    return " ".join((*(word.title() for word in dice.sample(_WORDS.split(), 2)), dice.choice(_TRADES.split())))


def _lead(name: str, country: str, domain: str, dice: random.Random) -> dict[str, str]:
    written = name + dice.choice(FORMS)
    if dice.random() < 0.3:
        written = written.upper()
    if dice.random() < 0.1:
        at = dice.randrange(1, len(written) - 1)
        written = written[:at] + written[at + 1 :]
    raw = {"company": written, "country": country}
    way = dice.random()
    if way < 0.5:
        raw["email"] = f"jo@{domain}"
    elif way < 0.8:
        raw["email"] = "jo@gmail.com"
    if dice.random() < 0.1:
        raw.pop("country")
    return raw


if __name__ == "__main__":
    main()
