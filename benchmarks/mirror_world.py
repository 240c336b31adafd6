"""A made-up mirror in SQLite for measuring whole plans: `batch_world`'s book as accounts of one CRM.

One account in a hundred has an owner whom its territory does not name, one in twenty an open opportunity. The rows go
in as the tables hold them, without the store's own writing, which is measured elsewhere.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.batch_engine import NOW
from benchmarks.batch_world import FIELDS, book
from benchmarks.rules_world import write_pack
from syncd.clock import ManualClock, iso
from syncd.jobs.mapping import mapping_revision
from syncd.model.plans import canonical_json
from syncd.rules.batch.batch_table import Batch
from syncd.rules.batch.columns import Columns
from syncd.rules.batch.packed import packed_column
from syncd.rules.batch.territories import BatchTerritories
from syncd.rules.classes.territories import PackClasses
from syncd.rules.loader import load_pack
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.pack import OwnersByEmail, Pack
from syncd.settings import load_settings
from syncd.store.engine import Store

STRANGER = "stranger@example.com"
_COPIED = ("users", "records", "systems", "company_links", "owner_marks", "applied")
_KINDS = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s"
ENVIRON = {"SYNCD_SALESFORCE__CLIENT_SECRET": "none", "SYNCD_ACTOR": "bench"}
_STAMP = iso(NOW)
_CONFIG = """state_dir = "{folder}/state"
[database]
url = "sqlite:///{folder}/syncd.db"
[pack]
path = "{folder}/pack"
[salesforce]
login_url = "https://bench.my.salesforce.com"
client_id = "none"
grant = "client_credentials"
[control]
socket = "{folder}/control.sock"
freeze_file = "{folder}/freeze"
[schedule]
stale_after = "3650d"
"""


def make_mirror(folder: Path, rows: int, territories: int = 1_000, strangers: int = 100) -> Path:
    """A folder with settings, a pack and a database of so many accounts, made where it is not there yet.

    One account in `strangers` is somebody's whom its territory does not name; with 0 none is.
    """
    done = folder / "done"
    if done.exists():
        return folder
    write_pack(folder / "pack", territories)
    text = (folder / "pack" / "pack.yaml").read_text()
    (folder / "pack" / "pack.yaml").write_text(text.replace("owners: unassigned", "owners: [rest@example.com]"))
    (folder / "state").mkdir(exist_ok=True)
    config = folder / "config.toml"
    config.write_text(_CONFIG.format(folder=folder))
    database = folder / "syncd.db"
    database.unlink(missing_ok=True)
    Store.open(f"sqlite:///{database}", clock=ManualClock(NOW), create=True).close()
    pack = load_pack(folder / "pack")
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode = MEMORY")
    connection.execute("PRAGMA synchronous = OFF")
    with connection:
        users = _users(pack)
        _insert(connection, "users", _user_rows(users))
        _insert(connection, "records", _records(pack, rows, users, strangers))
        _insert(connection, "systems", [_system(mapping_revision(load_settings(config, ENVIRON)))])
        ref = "system || ':' || kind || ':' || id"
        accounts = "FROM records WHERE kind = 'account'"
        connection.execute(f"INSERT INTO company_links SELECT {ref}, {ref}, NULL, '{_STAMP}' {accounts}")
        connection.execute(
            f"INSERT INTO owner_marks SELECT {ref}, 'owner', kind, owner, 'adopted', '{_STAMP}' {accounts}"
        )
        connection.execute(
            f"INSERT INTO applied SELECT {ref}, 'owner', run_id, NULL, '{_STAMP}', 'bench', NULL, NULL {accounts}"
        )
    connection.execute("ANALYZE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    done.touch()
    return folder


def copy_mirror(folder: Path, copy: Path, url: str) -> None:
    """The mirror of a folder in an empty database of PostgreSQL, with settings, pack and state of its own in `copy`."""
    import psycopg  # the extra `postgres`

    shutil.copytree(folder / "pack", copy / "pack", dirs_exist_ok=True)
    (copy / "state").mkdir(exist_ok=True)
    text = _CONFIG.format(folder=copy)
    (copy / "config.toml").write_text(text.replace(f"sqlite:///{copy}/syncd.db", url))
    Store.open(url, clock=ManualClock(NOW), create=True).close()
    source = sqlite3.connect(folder / "syncd.db")
    with psycopg.connect(url, autocommit=True) as target:
        for table in _COPIED:
            names = [each[1] for each in source.execute(f"PRAGMA table_info({table})")]
            kinds = {row[0]: row[1] for row in target.execute(_KINDS, (table,))}
            flags = [kinds[name] == "boolean" for name in names]
            statement = f"COPY {table} ({', '.join(names)}) FROM STDIN"
            with target.cursor() as cursor, cursor.copy(statement) as rows:
                for row in source.execute(f"SELECT {', '.join(names)} FROM {table}"):
                    rows.write_row([bool(cell) if flag else cell for cell, flag in zip(row, flags, strict=True)])
        target.execute("ANALYZE")
    source.close()


def _users(pack: Pack) -> dict[str, str]:
    owners = [each.owners for each in pack.territories("owner")]
    emails = sorted({email for each in owners if isinstance(each, OwnersByEmail) for email in each.members})
    return {email: f"005{number:015}" for number, email in enumerate([*emails, STRANGER])}


def _user_rows(users: dict[str, str]) -> Iterator[dict[str, Any]]:
    for email, user in users.items():
        yield {
            "system": "salesforce", "id": user, "email": email, "name": email, "active": 1, "eligible": 1,
            "login": None, "fields": "{}", "vanished": 0, "changed_at": _STAMP, "run_id": None,
        }  # fmt: skip


def _records(pack: Pack, rows: int, users: dict[str, str], strangers: int) -> Iterator[dict[str, Any]]:
    table = book(rows)
    territories = BatchTerritories(PackClasses(pack), EvaluationContext(NOW))
    columns = Columns(rows, {name: packed_column(table[name].combine_chunks()) for name in FIELDS})
    batch = Batch(columns, _unasked, np.empty(0, dtype=np.int64))
    paths = territories.paths("owner")
    cells = [table[name].to_pylist() for name in FIELDS]
    seq = 0
    for number, place in enumerate(territories.places("owner", batch).tolist()):
        owners = paths[place][-1].owners
        named = owners.members[number % len(owners.members)] if isinstance(owners, OwnersByEmail) else STRANGER
        owner = users[STRANGER if strangers and number % strangers == 0 else named]
        held = ((name, column[number]) for name, column in zip(FIELDS, cells, strict=True))
        told = {name: str(value) for name, value in held if value is not None}
        account = f"001{number:015}"
        seq += 1
        yield _row("account", account, owner, told, seq) | {
            "run_id": paths[place][-1].path, "name_key": told.get("name"), "domain": told.get("domain"),
        }  # fmt: skip
        if number % 20 == 0:
            seq += 1
            deal = {"amount": f"{number % 977}00", "is_closed": "false", "name": "deal", "stage": "Prospecting"}
            yield _row("opportunity", f"006{number:015}", owner, deal, seq) | {"account": account}


def _row(kind: str, record: str, owner: str, told: dict[str, str], seq: int) -> dict[str, Any]:
    fields = canonical_json(told)
    return {
        "id": record, "system": "salesforce", "kind": kind, "stamp": _STAMP, "owner": owner, "account": None,
        "deleted": 0, "merged_into": None, "merged_from": None, "modified_by": None, "fields": fields,
        "content_hash": blake2b(f"{fields}{owner}".encode(), digest_size=16).hexdigest(), "change_seq": seq,
        "first_seen": _STAMP, "changed_at": _STAMP, "run_id": None, "name_key": None, "domain": None,
    }  # fmt: skip


def _system(revision: str) -> dict[str, Any]:
    return {
        "system": "salesforce", "account_id": "bench", "as_of": _STAMP, "complete": 1, "complete_run": "bench",
        "mapping_revision": revision, "last_outcome": "ok", "last_error": None, "teams_readable": 1,
        "native_sync": None, "changed_at": _STAMP,
    }  # fmt: skip


def _insert(connection: sqlite3.Connection, table: str, rows: Any) -> None:
    def values() -> Iterator[tuple[Any, ...]]:
        for row in rows:
            yield tuple(row.values())

    first = next(iter(rows)) if isinstance(rows, list) else None
    names = first.keys() if first else [each[1] for each in connection.execute(f"PRAGMA table_info({table})")]
    if first is None:
        rows = ({name: row[name] for name in names} for row in rows)
    marks = ", ".join("?" for _ in names)
    connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", values())


def _unasked(row: int) -> Any:
    raise AssertionError(f"row {row} needs more than classes, which no pack of rules_world does")
