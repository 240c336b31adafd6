"""Makes a release's fixture: the schema as that release leaves it, with a few rows, as SQL for each database.

`make schema-fixture RELEASE=0.1` writes 0.1.sqlite.sql and 0.1.postgresql.sql into tests/migration/released, once a
release, from its own code. From then on test_released_schemas.py proves that `db upgrade` takes each to today's schema.
A fixture is never changed after its release.
"""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from syncd.clock import ManualClock
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.store import lease, ledger, mirror, ownership, runs
from syncd.store.engine import Store
from syncd.store.schema import REVISIONS, migrations_folder
from tests.databases import PostgresServer, postgres_server

RELEASED = Path(__file__).parent / "released"
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ACCOUNTS = 3


def seed(store: Store) -> None:
    """A few rows of the kinds that must outlive every upgrade: records, marks, the ledger, runs, the lease."""
    records = [
        Record(Ref(System.SALESFORCE, Kind.ACCOUNT, str(n)), NOW, {"name": f"Müller {n}"}, "005a", None)
        for n in range(ACCOUNTS)
    ]
    with store.write() as conn:
        mirror.record_reading(conn, records, now=NOW, run_id="r1")
        ownership.adopt_all(conn, now=NOW, run_id="r1")
        for record in records:
            ledger.append(
                conn,
                at=NOW,
                event="baseline.adopted",
                ref=str(record.ref),
                actor="mei",
                run_id="r1",
                facts={"owner": "005a"},
            )
        runs.start_run(conn, "r1", "pull", now=NOW)
        runs.finish_run(conn, "r1", "ok", now=NOW, summary={"read": ACCOUNTS})
        lease.acquire(conn, "host:1", now=NOW, ttl=timedelta(hours=1), gone=lambda _: True)


def revision_hash() -> str:
    """The hash of the newest migration: one that is not released yet is still edited."""
    (path,) = (migrations_folder() / "versions").glob(f"{REVISIONS[-1]}_*.py")
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def heading() -> str:
    """The first line of a fixture: of which migration it is."""
    return f"-- migration {REVISIONS[-1]} {revision_hash()}"


def dump_sqlite() -> str:
    """A database that this code makes and seeds, as SQL for SQLite."""
    clock = ManualClock(NOW)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "syncd.db"
        store = Store.open(f"sqlite:///{path}", clock=clock, create=True)
        seed(store)
        store.close()
        with closing(sqlite3.connect(path)) as conn:
            lines = [line for line in conn.iterdump() if "sqlite_sequence" not in line and "sqlite_stat" not in line]
    return "\n".join([heading(), *lines, ""])


def dump_postgresql(server: PostgresServer) -> str:
    """The same for PostgreSQL, by its own pg_dump."""
    clock, name = ManualClock(NOW), server.migrated()
    store = Store.open(server.url(name), clock=clock)
    seed(store)
    store.close()
    words = ["pg_dump", "--no-owner", "--inserts", f"--dbname={server.url(name)}"]
    text = subprocess.run(
        [str(server.binaries / words[0]), *words[1:]], capture_output=True, text=True, check=True
    ).stdout
    server.drop(name)
    kept = (line for line in text.splitlines() if line and not line.startswith(("--", "\\")))
    return "\n".join([heading(), *kept, ""])


if __name__ == "__main__":
    RELEASED.mkdir(exist_ok=True)
    (RELEASED / f"{sys.argv[1]}.sqlite.sql").write_text(dump_sqlite(), encoding="utf-8")
    (RELEASED / f"{sys.argv[1]}.postgresql.sql").write_text(dump_postgresql(postgres_server()), encoding="utf-8")
