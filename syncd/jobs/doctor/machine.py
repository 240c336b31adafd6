"""The checks of the installation: database, disk, secrets, files, network, pack, daemon. None of them needs a CRM."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from syncd.clock import iso
from syncd.errors import ConfigError, ExitCode, Severity
from syncd.jobs.books.signals import accounts_with, read_signals, words_of
from syncd.jobs.doctor.patients import Installation
from syncd.jobs.doctor.verdicts import Reporter, Result
from syncd.jobs.freezing import frozen_reason
from syncd.jobs.packs.packs import inspect_pack
from syncd.rules.matching.time_window import UTC_ZONE
from syncd.settings import Secret, SecretReader, Settings
from syncd.store import health, lease

Check = Callable[[Installation, Reporter], Iterator[Result]]

DISK_LOW: Final = 1024**3
DISK_OUT: Final = 200 * 1024**2
_PROXY_SECONDS: Final = 3.0
_PROXY_VARIABLES: Final = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def database(home: Installation, report: Reporter) -> Iterator[Result]:
    """Opens the database and compares its schema with this version's."""
    if home.trouble is not None or home.context is None:
        if home.trouble is not None:
            yield report.failed(home.trouble)
        return
    with home.context.store.read() as conn:
        facts = health.facts(conn)
    yield report.ok(f"{facts.server}, schema {facts.revision} is current")


def pooler(home: Installation, report: Reporter) -> Iterator[Result]:
    """Looks for a pooler that hands one server session to two of our connections."""
    if home.context is None or home.context.store.dialect != "postgresql":
        return
    if home.context.store.shares_sessions():
        text = "a pooler in transaction mode stands before PostgreSQL: settings and locks of a session do not last"
        yield report.warn("SYN713", text, "connect to PostgreSQL itself, or set pool_mode = session in the pooler")
    else:
        yield report.ok("connections are PostgreSQL's own sessions")


def disk(home: Installation, report: Reporter) -> Iterator[Result]:
    """Compares the free space with what the database may need: as much again for a copy, and a floor."""
    file = _database_file(home.settings)
    folders = {home.settings.state_dir, *((file.parent,) if file is not None else ())}
    for folder in sorted(folders):
        if not folder.is_dir():
            yield report.fail("SYN710", f"{folder} is no folder", f"install -d -m 0750 -o syncd {folder}")
            continue
        usage = shutil.disk_usage(folder)
        size = file.stat().st_size if file is not None and file.is_file() and file.parent == folder else 0
        text = f"{_gigabytes(usage.free)} free of {_gigabytes(usage.total)} at {folder}"
        fix = "make room, or move database.url and state_dir to a larger disk"
        if usage.free < max(DISK_OUT, size // 2):
            yield report.fail("SYN710", text, fix)
        elif usage.free < max(DISK_LOW, size):
            yield report.warn("SYN710", f"{text}; the database has {_gigabytes(size)}", fix)
        else:
            yield report.ok(text)


def secrets(home: Installation, report: Reporter) -> Iterator[Result]:
    """Reads each secret that the settings refer to; its file must be its owner's alone. No value is shown."""
    reader = SecretReader(home.environ)
    told = 0
    for what, secret in _secrets(home.settings):
        try:
            text = reader.read(secret, what)
        except ConfigError as error:
            yield report.failed(error)
            continue
        if not text.strip():
            yield report.fail("SYN105", f"{what}: the secret is empty", f"put the secret where {secret} points")
            continue
        told += 1
    if told:
        yield report.ok(f"{told} secret{'s' if told != 1 else ''} can be read, by nobody else as far as files tell")


def files(home: Installation, report: Reporter) -> Iterator[Result]:
    """Checks that the daemon may write where it keeps its state and where `freeze` leaves its file."""
    bad = False
    for what, folder in (
        ("state_dir", home.settings.state_dir),
        ("control.freeze_file", home.settings.control.freeze_file.parent),
    ):
        if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
            bad = True
            yield report.fail("SYN711", f"{what}: {folder} cannot be written by this user", f"chown syncd {folder}")
    if not bad:
        yield report.ok("the folders of state and freeze file can be written")


def freeze(home: Installation, report: Reporter) -> Iterator[Result]:
    """Says whether writes are frozen."""
    reason = frozen_reason(home.settings.control.freeze_file, home.clock.now())
    if reason is not None:
        yield report.warn("SYN512", f"writes are frozen: {reason}", "syncd unfreeze")
    else:
        yield report.ok("writes are not frozen")


def network(home: Installation, report: Reporter) -> Iterator[Result]:
    """Loads the certificates to trust, and knocks at the proxy."""
    http = home.settings.http
    try:
        ssl.create_default_context(cafile=str(http.ca_bundle) if http.ca_bundle else None)
    except OSError as error:
        text = f"http.ca_bundle: {http.ca_bundle} holds no certificates that can be read ({type(error).__name__})"
        yield report.fail("SYN714", text, f"openssl x509 -in {http.ca_bundle} -noout -subject")
    if http.proxy is None:
        variable = next((name for name in _PROXY_VARIABLES if home.environ.get(name)), None)
        if variable is not None:
            text = f"{variable} is set, and syncd does not use it: it goes out directly"
            yield report.warn("SYN714", text, "set proxy under [http] in the settings if this machine needs one")
        else:
            yield report.ok("no proxy; TLS is verified")
        return
    yield _knock(http.proxy, home, report)


def _knock(proxy: str, home: Installation, report: Reporter) -> Result:
    """Asks the proxy for a tunnel to a CRM, as each call does; any answer of HTTP will do, a refusal too."""
    parts = urlsplit(proxy)
    where, wanted = f"{parts.hostname}:{parts.port or 3128}", _outside(home.settings)
    said = b""
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 3128), timeout=_PROXY_SECONDS) as line:
            line.sendall(f"CONNECT {wanted}:443 HTTP/1.1\r\nHost: {wanted}:443\r\n\r\n".encode())
            until = home.clock.monotonic() + _PROXY_SECONDS
            while b"\n" not in said and home.clock.monotonic() < until and (part := line.recv(4096)):
                said += part
    except OSError as error:
        if not isinstance(error, TimeoutError):
            reason = os.strerror(error.errno) if error.errno else "no answer"
            text, remedy = f"the proxy {where} cannot be reached: {reason}", f"nc -vz {where.replace(':', ' ')}"
            return report.fail("SYN714", text, remedy, ExitCode.CRM)
    if not (said.startswith(b"HTTP/") and b"\n" in said):
        text = f"the proxy {where} takes connections and gives no answer to CONNECT {wanted}:443"
        return report.fail("SYN714", text, f"curl -sv --proxy http://{where} https://{wanted}", ExitCode.CRM)
    return report.ok(f"the proxy {where} answers; TLS is verified")


def _outside(settings: Settings) -> str:
    """The host of a configured CRM."""
    if settings.salesforce is not None:
        return urlsplit(settings.salesforce.login_url).hostname or ""
    return (settings.hubspot and urlsplit(settings.hubspot.base_url).hostname) or "api.hubapi.com"


def pack(home: Installation, report: Reporter) -> Iterator[Result]:
    """Reads the pack as `check` does."""
    path = home.settings.pack.path
    if not path.is_dir():
        yield report.fail(
            "SYN200", f"there is no folder {path}", "name it in [pack] path; `syncd init` writes a starter"
        )
        return
    found, findings = inspect_pack(home.settings, path, now=home.clock.now())
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    if found is None:
        text = f"{errors} error{'s' if errors != 1 else ''} in {path}; first: {next(iter(findings), 'none told')}"
        yield report.fail("SYN200", text, f"syncd check {path}")
    else:
        yield report.ok(f"revision {found.revision} is valid")


def daemon(home: Installation, report: Reporter) -> Iterator[Result]:
    """Says who leads: the process that holds the lease."""
    if home.context is None:
        yield report.skip("the database does not open")
        return
    with home.context.store.read() as conn:
        held = lease.current(conn)
    if held is None or held.until <= home.clock.now():
        yield report.warn("SYN716", "no daemon holds the lease: nothing is pulled by itself", "systemctl start syncd")
    else:
        yield report.ok(f"{held.holder} leads until {iso(held.until)}")


def mirrors(home: Installation, report: Reporter) -> Iterator[Result]:
    """Compares the age of each mirror with the age from which it is stale."""
    if home.context is None:
        yield report.skip("the database does not open")
        return
    statuses, context = home.statuses(), home.context
    for system in context.systems:
        status = statuses.get(system)
        if status is None or status.as_of is None or not status.complete:
            error = f" (last: {status.last_error})" if status is not None and status.last_error else ""
            yield report.warn("SYN712", f"{system.value}: there is no complete mirror yet{error}", "syncd pull")
            continue
        age = home.clock.now() - status.as_of
        text = f"{system.value}: complete up to {iso(status.as_of)}"
        if status.mapping_revision != context.mapping_revision():
            yield report.warn("SYN712", f"{text}, under another field mapping", "syncd pull")
        elif age > context.stale_after:
            told = f"{text}: stale; the last pull ended {status.last_outcome}"
            yield report.warn("SYN712", told, "syncd status; then syncd pull")
        else:
            yield report.ok(text)


def signals(home: Installation, report: Reporter) -> Iterator[Result]:
    """Reads the side tables and compares their age with the age from which each is stale."""
    if not home.settings.signals:
        return
    if home.context is None:
        yield report.skip("the database does not open")
        return
    context = home.context
    with context.store.read() as conn:
        found = read_signals(context, conn, UTC_ZONE)
        counts = accounts_with(conn, context, found.tables)
    for table, line in zip(found.tables, words_of(found.tables, counts, counts[""], "accounts"), strict=True):
        fix = f"write {table.name} anew, or raise its stale_after; what it decides is held until then"
        yield report.warn("SYN869", line, fix) if table.stale else report.ok(line)
    if found.findings:
        many = "remarks on rows" if len(found.findings) != 1 else "remark on a row"
        text = f"{len(found.findings)} {many} of side tables, such as: {found.findings[0].message}"
        yield report.warn(found.findings[0].code, text, "syncd check")


CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("database", database),
    ("pooler", pooler),
    ("disk", disk),
    ("secrets", secrets),
    ("files", files),
    ("freeze", freeze),
    ("network", network),
    ("pack", pack),
    ("daemon", daemon),
    ("mirror", mirrors),
    ("signals", signals),
)


def _database_file(settings: Settings) -> Path | None:
    """The file of SQLite; None for a server."""
    scheme, found, path = settings.database.url.partition(":///")
    return Path(path) if found and scheme.startswith("sqlite") else None


def _secrets(settings: Settings) -> Iterator[tuple[str, Secret]]:
    """Every secret that this installation uses, by the name of its key."""
    if settings.salesforce is not None:
        jwt = settings.salesforce.grant == "jwt"
        key = settings.salesforce.private_key if jwt else settings.salesforce.client_secret
        yield "salesforce.private_key" if jwt else "salesforce.client_secret", key
    if settings.hubspot is not None:
        yield "hubspot.token", settings.hubspot.token
    for receiver in settings.receivers:
        if receiver.secret is not None:
            yield f"receivers.{receiver.name}.secret", receiver.secret
        if receiver.secret_before is not None:
            yield f"receivers.{receiver.name}.secret_before", receiver.secret_before


def _gigabytes(size: int) -> str:
    return f"{size / 1024**3:,.1f} GiB" if size >= 1024**3 else f"{size / 1024**2:,.0f} MiB"
