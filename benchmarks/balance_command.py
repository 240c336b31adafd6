"""The commands `balance` and `forecast` as a whole, in a process of their own, over a mirror: `make bench-commands`.

100,000 accounts and 300 reps in 30 teams, one rep in four with four times what others hold; one account in ten has an
open deal and three in ten have closed ones. Prints JSON; seconds are of the processor (user and system), and of the
wall beside the machine's load. The exact engine needs the extra `balance`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - seeded: a book is made again from its number
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from syncd.clock import SystemClock, iso  # noqa: E402 - the path comes first
from syncd.jobs.context import Context  # noqa: E402
from syncd.model.records import Record, User  # noqa: E402
from syncd.model.refs import Kind, Ref, System  # noqa: E402
from syncd.settings import load_settings  # noqa: E402
from syncd.store import companies, mirror  # noqa: E402
from syncd.store.records import upsert_records  # noqa: E402

SEED = 20261122
TEAMS: tuple[str, ...] = (
    "DE",
    "FR",
    "GB",
    "IT",
    "ES",
    "NL",
    "SE",
    "PL",
    "US",
    "CA",
    "MX",
    "BR",
    "AR",
    "CL",
    "CO",
    "AU",
    "NZ",
    "JP",
)
TEAMS += ("KR", "SG", "IN", "ZA", "NG", "KE", "EG", "AE", "IL", "TR", "NO", "DK")
INDUSTRIES = ("Banking", "Insurance", "Retail", "Energy", "Software")
SYSTEM = System.SALESFORCE
COMMANDS = (
    ("balance", "--format", "json"),
    ("forecast", "--format", "json"),
    ("balance", "--engine", "heuristic", "--format", "json"),
    ("balance", "--by", "pipeline", "--curve", "--format", "json"),
)


def main() -> None:
    """Fill a mirror and run each command once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--reps", type=int, default=300)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
        folder = Path(name)
        deals = fill(folder, asked.accounts, asked.reps)
        told: dict[str, Any] = {
            "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]},
            "seed": SEED,
            "accounts": asked.accounts,
            "reps": asked.reps,
            "deals": deals,
            "commands": {" ".join(words[:-2]): measured(folder, words) for words in COMMANDS},
        }
    sys.stdout.write(json.dumps(told, indent=2) + "\n")


def fill(folder: Path, accounts: int, reps: int) -> int:
    """Settings, a pack of one territory a team, and a mirror; how many deals there are."""
    teams: dict[str, list[int]] = {country: [] for country in TEAMS}
    for number in range(reps):
        teams[TEAMS[number % len(TEAMS)]].append(number)
    (folder / "pack").mkdir()
    lines = ["format: 1", "pack: {name: teams}", "territories:"]
    for country, team in teams.items():
        lines += [f"  - name: team-{country.lower()}", f"    when: {{country: [{country}]}}"]
        lines += [f"    owners: [{', '.join(f'rep{number}@example.com' for number in team)}]"]
    lines += ["  - {name: rest, when: always, owners: unassigned}"]
    (folder / "pack" / "pack.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = folder / "config.toml"
    config.write_text(
        f'[database]\nurl = "sqlite:///{folder}/syncd.db"\n[pack]\npath = "{folder}/pack"\n'
        '[salesforce]\nlogin_url = "https://bench.my.salesforce.com"\nclient_id = "c"\ngrant = "client_credentials"\n'
    )
    now = SystemClock().now()
    settings = load_settings(config, {"SYNCD_SALESFORCE__CLIENT_SECRET": "s"})
    context = Context.open(settings, create=True)
    dice = Random(SEED)
    records = [_account(number, teams, dice, now) for number in range(accounts)]
    deals = [each for record in records for each in _deals(record, dice, now)]
    people = [User(Ref(SYSTEM, Kind.USER, f"005{n:012}"), f"rep{n}@example.com", f"Rep {n}", True) for n in range(reps)]
    with context.store.write() as conn:
        mirror.store_users(conn, SYSTEM, people, now=now, run_id="r")
        for start in range(0, len(records), 5000):
            upsert_records(conn, records[start : start + 5000], now=now, run_id="r")
        for start in range(0, len(deals), 5000):
            upsert_records(conn, deals[start : start + 5000], now=now, run_id="r")
        companies.save_links(conn, {each.ref: str(each.ref) for each in records}, {}, now=now)
        mirror.store_teams(conn, SYSTEM, [], now=now)
        mirror.mark_complete(conn, SYSTEM, as_of=now, run_id="r", mapping_revision=context.mapping_revision())
    context.close()
    return len(deals)


def _account(number: int, teams: dict[str, list[int]], dice: Random, now: datetime) -> Record:
    country = dice.choice(TEAMS)
    team = teams[country]
    owner = dice.choices(team, [4 if place % 4 == 0 else 1 for place in range(len(team))])[0]
    fields = {
        "name": f"Company {number}",
        "domain": f"company{number}.com",
        "country": country,
        "industry": dice.choice(INDUSTRIES),
        "employees": str(int(dice.lognormvariate(5, 1.5)) + 1),
        "created_at": iso(now - timedelta(days=dice.randrange(30, 2000))),
    }
    return Record(Ref(SYSTEM, Kind.ACCOUNT, f"001{number:012}"), now, fields, f"005{owner:012}")


def _deals(account: Record, dice: Random, now: datetime) -> Sequence[Record]:
    """Open deals of one account in ten, closed ones of three in ten over three years."""
    found: list[Record] = []
    for open_ in [True] * (dice.random() < 0.1) + [False] * dice.choice((0, 0, 0, 0, 0, 0, 0, 1, 2, 3)):
        created = now - timedelta(days=dice.random() * (120 if open_ else 1000))
        closed = created + timedelta(days=dice.gammavariate(2, 30))
        ended = not open_ and closed <= now
        won = ended and dice.random() < 0.35
        stage = ("Closed Won" if won else "Closed Lost") if ended else "Proposal"
        fields = {
            "name": "Rollout",
            "stage": stage,
            "is_closed": str(ended).lower(),
            "is_won": str(won).lower(),
            "amount": str(int(dice.lognormvariate(9, 1.2))),
            "close_date": iso(closed.astimezone(UTC))[:10],
            "created_at": iso(created),
        }
        ref = Ref(SYSTEM, Kind.OPPORTUNITY, f"006{account.ref.id[3:]}{len(found)}")
        found.append(Record(ref, now, fields, account.owner, account.ref.id))
    return found


def measured(folder: Path, words: Sequence[str]) -> dict[str, Any]:
    """What a command took, and the figures that it came to."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    command = [sys.executable, "-m", "syncd", "--config", str(folder / "config.toml"), *words]
    environ = {**os.environ, "SYNCD_SALESFORCE__CLIENT_SECRET": "s", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    wall, after = perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stderr)
    document = json.loads(done.stdout)
    figures = ("engine", "movable", "budget", "moves", "before", "after", "gained_at_least", "checked")
    told = {
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "wall_seconds": round(wall, 1),
        "load": round(os.getloadavg()[0], 1),
        **{name: document[name] for name in figures if name in document},
    }
    sys.stderr.write(f"{' '.join(words[:-2])}: {json.dumps(told)}\n")
    return told


if __name__ == "__main__":
    main()
