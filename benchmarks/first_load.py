"""A first load from Bulk pages into an empty mirror: `make bench-load`, `python benchmarks/first_load.py --rows N`.

The fake Salesforce serves N accounts and N opportunities from a process of its own, its Bulk parts rendered before the
clock starts; this process pulls them into SQLite, and into PostgreSQL where one can be started, as `syncd pull` does.
Beside each load the same rows go into the same empty table by a bare executemany of the driver: with its indexes kept
up, and with those left out and made at the end that a load leaves out. Prints one document.

Linking accounts to companies is the next step of a pull and is not in these figures. Each load has a process of its
own, whose greatest memory is told.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from syncd.clock import SystemClock  # noqa: E402 - the checkout is put on the path first
from syncd.jobs.context import Context  # noqa: E402
from syncd.jobs.pulling.reading import Reading, SystemPull  # noqa: E402
from syncd.model.refs import System  # noqa: E402
from syncd.settings import load_settings  # noqa: E402
from syncd.store import indexes  # noqa: E402
from syncd.store.engine import Store  # noqa: E402
from syncd.telemetry import configure  # noqa: E402

SERVER = """
import json, sys, threading
sys.path.insert(0, sys.argv[1])
from datetime import datetime, timezone
from syncd.clock import ManualClock
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.salesforce.bulkcsv import PartStore
from syncd.sandbox.server import serve
# a clock that stands still makes the same query of every load, so that its parts are at hand
rows, org = int(sys.argv[2]), SalesforceOrg(clock=ManualClock(datetime(2026, 11, 20, 10, tzinfo=timezone.utc)), seed=1)
org.model.jobs._parts = PartStore(2 << 30)
org.model.api_limit = 10_000_000
industries = ("Banking", "Insurance", "Technology", "Retail", "Energy", "Healthcare")
places = (("DE", "Germany", "Hessen", "Frankfurt"), ("US", "United States", "Texas", "Austin"),
    ("FR", "France", "Bretagne", "Rennes"))
owners = org.load("User", [{"Username": f"rep{n}@acme.example", "Email": f"rep{n}@acme.example", "LastName": f"Rep {n}",
    "UserType": "Standard", "IsActive": True} for n in range(200)])
def stamps(n):
    at = f"2025-{1 + n % 12:02d}-{1 + n % 28:02d}T{n % 24:02d}:{n % 60:02d}:{n % 59:02d}.000+0000"
    return {"CreatedDate": at, "LastModifiedDate": at, "SystemModstamp": at}
def account(n):
    _, country, state, city = places[n % 3]
    return {"Name": f"Company {n} GmbH", "OwnerId": owners[n % 200], "Industry": industries[n % 6], "Type": "Prospect",
        "BillingCountry": country, "BillingState": state, "BillingCity": city, "BillingPostalCode": f"{n % 99999:05d}",
        "NumberOfEmployees": n % 5000, "AnnualRevenue": n * 1000.5, "Website": f"https://www.company-{n}.example",
        "Phone": f"+49 69 {n:08d}", **stamps(n)}
accounts = org.load("Account", map(account, range(rows)))
stages = ("Prospecting", "Qualification", "Closed Won", "Closed Lost")
org.load("Opportunity", ({"Name": f"Deal {n}", "AccountId": accounts[n], "OwnerId": owners[n % 200],
    "StageName": stages[n % 4], "Amount": n * 10.5, "CloseDate": "2026-12-24", "Type": "New Customer", **stamps(n)}
    for n in range(rows)))
running = serve(org)
print(json.dumps(org.credentials()), flush=True)
threading.Event().wait()
"""
CONFIG = """
[database]
url = "{url}"
[salesforce]
login_url = "{login}"
client_id = "{client}"
grant = "client_credentials"
"""


def measured(run: Any) -> tuple[Any, float]:
    """What a call returns, and the seconds it took."""
    clock = SystemClock()
    started = clock.monotonic()
    value = run()
    return value, clock.monotonic() - started


def processor_seconds() -> float:
    """The processor time of this process so far: what other work beside it changes little."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def read(context: Context) -> SystemPull:
    """The reading of Salesforce into the mirror, as a pull does it."""
    return Reading(context, context.log, System.SALESFORCE, "bench", lambda: None, lambda _: None).run(full=False)


def load(folder: Path, known: dict[str, str], url: str, *, warm: bool) -> dict[str, Any]:
    """One load in this process; `warm` reads all parts once and stores nothing, so that the server has them at hand."""
    config = folder / "config.toml"
    config.write_text(CONFIG.format(url=url, login=known["url"], client=known["client_id"]))
    environ = {"SYNCD_SALESFORCE__CLIENT_SECRET": known["client_secret"], "SYNCD_ACTOR": "bench"}
    configure(level="off")
    context = Context.open(load_settings(config, environ), environ=environ, create=True)
    started = processor_seconds()
    first, seconds = measured(lambda: read(context))
    context.close()
    processor = processor_seconds() - started
    context = Context.open(load_settings(config, environ), environ=environ)
    again = read(context)
    context.close()
    if first.error is not None:
        sys.exit(str(first.error))
    if warm:
        return {}
    return {
        "rows": first.read,
        "seconds": round(seconds, 1),
        "rows_per_second": round(first.read / seconds),
        "cpu_seconds_of_the_load": round(processor, 1),
        "rows_per_cpu_second_of_the_load": round(first.read / max(processor, 0.01)),
        "calls": first.calls,
        "calls_of_an_idle_increment": again.calls,
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000),
    }


def bare_sqlite(source: Path, target: Path, *, late: bool) -> float:
    """Seconds of an executemany of the same rows into the same table in pages of the same size, without syncd.

    `late`: the indexes that a load leaves out are left out and made at the end, within the seconds.
    """
    store = Store.open(f"sqlite:///{target}", clock=SystemClock(), create=True)
    left_out = _left_out(store) if late else ()
    rows = sqlite3.connect(source)
    into = sqlite3.connect(target, isolation_level=None)
    into.execute("PRAGMA synchronous=FULL")
    total = 0.0
    for page, insert in _pages(rows, "?"):
        into.execute("BEGIN IMMEDIATE")
        _, seconds = measured(lambda: (into.executemany(insert, page), into.execute("COMMIT")))  # noqa: B023
        total += seconds
    return total + _made(store, left_out)


def bare_postgresql(source: Path, url: str, *, late: bool) -> float:
    """The same into PostgreSQL."""
    import psycopg

    store = Store.open(url, clock=SystemClock(), create=True)
    left_out = _left_out(store) if late else ()
    rows, total = sqlite3.connect(source), 0.0
    with psycopg.connect(url, autocommit=False) as into, into.cursor() as cursor:
        for page, insert in _pages(rows, "%s"):
            page = [tuple(bool(value) if name == "deleted" else value for name, value in row) for row in page]
            _, seconds = measured(lambda: (cursor.executemany(insert, page), into.commit()))  # noqa: B023
            total += seconds
    return total + _made(store, left_out)


def _left_out(store: Store) -> tuple[str, ...]:
    with store.write() as conn:
        indexes.set_aside(conn)
        return indexes.absent(conn)


def _made(store: Store, left_out: tuple[str, ...]) -> float:
    """Seconds of making those indexes."""

    def make() -> None:
        for name in left_out:
            with store.write() as conn:
                indexes.put_back(conn, name)

    _, seconds = measured(make)
    store.close()
    return seconds


def _pages(rows: sqlite3.Connection, mark: str) -> Iterator[tuple[list[Any], str]]:
    cursor = rows.execute("SELECT * FROM records ORDER BY change_seq")
    names = [each[0] for each in cursor.description]
    insert = f"INSERT INTO records ({', '.join(names)}) VALUES ({', '.join([mark] * len(names))})"
    while page := cursor.fetchmany(2_500):
        yield ([tuple(zip(names, row, strict=True)) for row in page] if mark == "%s" else page), insert


@contextmanager
def serving(rows: int) -> Iterator[dict[str, str]]:
    """The sandbox in a process of its own."""
    command = [sys.executable, "-c", SERVER, str(ROOT), str(rows)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield json.loads(server.stdout.readline())
        finally:
            server.kill()


def in_process(folder: Path, known: dict[str, str], url: str, *, warm: bool = False) -> dict[str, Any]:
    """A load in a fresh process."""
    command = [sys.executable, __file__, "--load", str(folder), url, *(["--warm"] if warm else [])]
    done = subprocess.run(command, input=json.dumps(known), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return dict(json.loads(done.stdout))


def run(rows: int, databases: list[str]) -> dict[str, Any]:
    """Every load, and the bare one beside it."""
    figures: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "accounts": rows,
        "opportunities": rows,
    }
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name, serving(rows) as known:
        folder = Path(name)
        in_process(folder, known, f"sqlite:///{folder}/warm.db", warm=True)
        source = folder / "warm.db"
        if "sqlite" in databases:
            found = in_process(folder, known, f"sqlite:///{folder}/load.db")
            for gone in folder.glob("load.db*"):
                gone.unlink()
            bare = [bare_sqlite(source, folder / f"bare{late:d}.db", late=late) for late in (False, True)]
            figures["sqlite"] = {**found, **_beside(found, *bare)}
        if "postgresql" in databases:
            from tests.databases import postgres_server

            server = postgres_server()
            for database in ("load", "bare0", "bare1"):
                server.execute(f"CREATE DATABASE {database}")
            found = in_process(folder, known, server.url("load"))
            server.drop("load")
            bare = [bare_postgresql(source, server.url(f"bare{late:d}"), late=late) for late in (False, True)]
            figures["postgresql"] = {**found, **_beside(found, *bare)}
    figures["load_at_the_end"] = os.getloadavg()[0]
    return figures


def _beside(found: dict[str, Any], kept_up: float, late: float) -> dict[str, float]:
    """The bare rows a second, by the seconds with the indexes kept up and made late, and our share of them."""
    return {
        "bare_executemany_rows_per_second": round(found["rows"] / kept_up),
        "share_of_bare": round(kept_up / found["seconds"], 2),
        "bare_with_indexes_made_late": round(found["rows"] / late),
        "share_of_that": round(late / found["seconds"], 2),
    }


def main() -> None:
    """Measure, or be the process of one load."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--databases", nargs="*", default=["sqlite", "postgresql"])
    parser.add_argument("--load", nargs=2)
    parser.add_argument("--warm", action="store_true")
    given = parser.parse_args()
    if given.load:
        folder, url = given.load
        found = load(Path(folder), json.loads(sys.stdin.read()), url, warm=given.warm)
    else:
        found = run(given.rows, given.databases)
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
