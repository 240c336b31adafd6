"""The real company list as two CRMs, and a pack of more than 200 territories made from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from syncd.cli.sandboxes import load_sandboxes
from syncd.clock import SystemClock
from syncd.sandbox.dataset import Dataset, from_financedb
from syncd.sandbox.hubspot import HubspotPortal, RateLimits
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.server import RunningServer, serve

LIST = Path(__file__).parents[3] / "shared" / "data" / "financedb" / "companies.csv"

MEASURED = """
import atexit, os, re
def tell():
    peak = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]
    open(os.environ["MEMORY_FILE"], "w").write(str(int(peak) * 1024))
atexit.register(tell)
from syncd.cli.main import main
main()
"""
"""The syncd command, which tells its own peak memory at the end; a parent's wait would count its own memory with it."""


@dataclass(frozen=True)
class Finished:
    """A command that ended: its exit code, what it printed, and the most memory it held, in bytes."""

    code: int
    stdout: str
    stderr: str
    memory: int


@dataclass
class RealWorld:
    folder: Path
    dataset: Dataset
    salesforce: SalesforceOrg
    hubspot: HubspotPortal
    servers: tuple[RunningServer, RunningServer]
    territories: int

    @classmethod
    def set_up(cls, folder: Path, *, every: int = 1) -> RealWorld:
        """Both CRMs served, and the settings and the pack beside them; with `every` 4 of a quarter of the companies."""
        clock = SystemClock()
        header, *rows = LIST.read_text(encoding="utf-8").splitlines(keepends=True)
        listed = folder / "companies.csv"
        listed.write_text("".join([header, *rows[::every]]), encoding="utf-8")
        dataset = from_financedb(listed, 1, as_of=clock.now())
        # No pace to keep: what is measured is syncd, not HubSpot's patience.
        limits = RateLimits(burst=1_000_000, search=1_000, associations=1_000_000)
        salesforce, hubspot = load_sandboxes(dataset, clock=clock, seed=1, limits=limits)
        servers = (serve(salesforce), serve(hubspot))
        hubspot.base_url = servers[1].url
        territories = write_pack(folder / "pack", dataset, large=400 // every)
        world = cls(folder, dataset, salesforce, hubspot, servers, territories)
        (folder / "state").mkdir()
        world._write_settings()
        return world

    def close(self) -> None:
        for server in self.servers:
            server.close()

    def syncd(self, *argv: str, code: int = 0) -> Finished:
        environ = {key: value for key, value in os.environ.items() if not key.startswith("SYNCD_")}
        with (self.folder / "out").open("w+") as out, (self.folder / "err").open("w+") as err:
            environ["MEMORY_FILE"] = str(self.folder / "memory")
            command = [sys.executable, "-c", MEASURED, "--config", str(self.folder / "config.toml"), *argv]
            code_ = subprocess.run(command, stdout=out, stderr=err, env=environ, check=False).returncode
            out.seek(0)
            err.seek(0)
            memory = int((self.folder / "memory").read_text())
            done = Finished(code_, out.read(), err.read(), memory)
        assert done.code == code, f"{argv}: {done.code}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done

    def owners_on_server(self) -> dict[str, str | None]:
        owners: dict[str, str | None] = {}
        for name in ("Account", "Opportunity"):
            owners |= {row["Id"]: row["OwnerId"] for row in self.salesforce.records(name)}
        for name in ("companies", "deals"):
            owners |= {row["id"]: row["properties"].get("hubspot_owner_id") for row in self.hubspot.records(name)}
        return owners

    def owner_writes(self) -> Counter[tuple[str, str]]:
        """Every owner sent to a CRM, with how often, from the CRMs' own request logs."""
        sent: Counter[tuple[str, str]] = Counter()
        for entry in (*self.salesforce.journal.entries, *self.hubspot.journal.entries):
            document = entry.to_json()
            if document["method"] in ("PATCH", "POST"):
                sent.update(owners_in(document))
        return sent

    def calls(self) -> int:
        return len(self.salesforce.journal.entries) + len(self.hubspot.journal.entries)

    def _write_settings(self) -> None:
        salesforce: Any = self.salesforce.credentials()
        hubspot: Any = self.hubspot.credentials()
        for name, value in (("sf", salesforce["client_secret"]), ("hs", hubspot["access_token"])):
            (self.folder / name).touch(mode=0o600)
            (self.folder / name).write_text(value)
        (self.folder / "config.toml").write_text(
            f"""
mode = "approve"
owner_writer = "both"
state_dir = "state"
[salesforce]
login_url = "{self.servers[0].url}"
client_id = "{salesforce["client_id"]}"
grant = "client_credentials"
client_secret = "file:{self.folder}/sf"
[hubspot]
base_url = "{self.servers[1].url}"
token = "file:{self.folder}/hs"
[control]
socket = "control.sock"
[[receivers]]
name = "file"
type = "file"
path = "alerts.jsonl"
"""
        )


def owners_in(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The owners that one logged request carries, by record id."""
    try:
        body = json.loads(entry["body"]) if isinstance(entry["body"], str) else entry["body"]
    except ValueError:
        return []
    if not isinstance(body, dict):
        return []
    found = [(entry["path"].rsplit("/", 1)[1], body["OwnerId"])] if "OwnerId" in body else []
    found += [(row["id"], row["OwnerId"]) for row in body.get("records", ()) if "OwnerId" in row]
    for row in body.get("inputs", ()):
        if "hubspot_owner_id" in row.get("properties", {}):
            found.append((row["id"], row["properties"]["hubspot_owner_id"]))
    return found


def write_pack(folder: Path, dataset: Dataset, *, large: int) -> int:
    """A territory for every country, below the large ones states and industries, below those sizes; how many.

    A country belongs to the region most of whose reps own it today, so that most accounts stay and some thousands move.
    """
    folder.mkdir()
    regions = _regions(dataset)
    pools = {name: {"members": sorted(members)} for name, members in regions.items()}
    countries = Counter(str(row["BillingCountry"]) for row in dataset.salesforce["Account"] if row["BillingCountry"])
    industries = Counter(str(row["Industry"]) for row in dataset.salesforce["Account"] if row["Industry"])
    homes = _home_regions(dataset, regions)
    states = {
        "United States": ["CA", "NY", "TX", "MA", "FL"],
        "Canada": ["BC", "ON", "AB", "QC"],
        "Australia": ["WA", "NSW", "VIC"],
    }
    roots = []
    for number, (country, size) in enumerate(countries.most_common()):
        pool = homes[country]
        children: list[dict[str, Any]] = [
            {"name": f"c{number}-s-{state.lower()}", "when": {"state": state}, "owners": {"pool": pool}}
            for state in states.get(country, ())
        ]
        if size > large:
            specialists = sorted(regions[pool])
            for place, (industry, _) in enumerate(industries.most_common(10)):
                big = {
                    "name": f"c{number}-i{place}-big",
                    "when": {"employees": ">= 1000"},
                    "owners": [specialists[(number + place) % len(specialists)]],
                }
                name = f"c{number}-i{place}"
                child = {"name": name, "when": {"industry": industry}, "owners": {"pool": pool}, "territories": [big]}
                children.append(child)
        root = {"name": f"c{number}", "when": {"country": country}, "owners": {"pool": pool}}
        roots.append({**root, "territories": children} if children else root)
    roots.append({"name": "rest", "when": "always", "owners": "unassigned"})
    document = {"format": 1, "pack": {"name": "real"}, "pools": pools, "territories": roots}
    (folder / "pack.yaml").write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    return _counted(roots)


def _counted(territories: list[dict[str, Any]]) -> int:
    return sum(1 + _counted(item.get("territories", [])) for item in territories)


def _regions(dataset: Dataset) -> dict[str, set[str]]:
    """The reps of each region who may own in both systems."""
    active = {
        str(row["Email"]).lower()
        for row in dataset.salesforce["User"]
        if row["IsActive"] and row["UserType"] == "Standard"
    }
    regions: dict[str, set[str]] = {}
    for owner in dataset.hubspot["owners"]:
        email = str(owner["email"]).lower()
        if email in active and not owner["archived"]:
            for team in cast(list[dict[str, str]], owner.get("teams", [])):
                regions.setdefault(team["name"].lower(), set()).add(email)
    return regions


def _home_regions(dataset: Dataset, regions: Mapping[str, set[str]]) -> dict[str, str]:
    emails = {row["Id"]: str(row["Email"]).lower() for row in dataset.salesforce["User"]}
    counts: dict[str, Counter[str]] = {}
    for row in dataset.salesforce["Account"]:
        tally = counts.setdefault(str(row["BillingCountry"]), Counter())
        tally.update(name for name, members in regions.items() if emails.get(row["OwnerId"]) in members)
    first = sorted(regions)[0]
    return {country: tally.most_common(1)[0][0] if tally else first for country, tally in counts.items()}
