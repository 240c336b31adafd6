"""The readers of what others write, as functions of bytes: whatever comes, an answer or one of our errors, and soon.

Each target promises more than not to raise: what it checks stands in its docstring. They are called by the replay of
the corpus (`test_fuzz_readers.py`) and by the coverage-guided fuzzer (`campaign.py`).
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from syncd.clock import ManualClock
from syncd.connectors.wire import HttpRequest, HttpResponse, WireError
from syncd.errors import CrmError, Finding, InputError, LeaseHeldError, Severity, SyncdError
from syncd.jobs.daemon.control import REQUESTS, ControlServer, Tell, ask_daemon
from syncd.jobs.importing.exports import read_model
from syncd.model.fields import FieldCatalogue
from syncd.model.refs import Kind
from syncd.rules.accounts import read_book
from syncd.rules.derivation import Derivation
from syncd.rules.findings import Findings
from syncd.rules.formatting.layout import formatted, unchanged
from syncd.rules.loader import DEFAULT_CATALOGUE, check_pack
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.wire import Request
from syncd.settings import load_settings
from tests.contract.worlds import HubspotWorld, SalesforceWorld, World
from tests.inprocess import InProcessWire, Trouble

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
_MOST_CALLS = 40
_PACK_OF_TABLE = b"""format: 1
territories:
  - name: us
    when: {country: US}
    owners: unassigned
    territories: {table: t.csv}
  - {name: rest, when: always, owners: unassigned}
"""


class BrokenPromiseError(Exception):
    """A reader answered, but not as its docstring says."""


@dataclass(frozen=True, slots=True)
class Target:
    """A reader: what bytes are given to, and the bytes that its corpus begins with."""

    read: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]


@cache
def _folder() -> Path:
    """A folder in memory where there is one: a fuzzer writes thousands of files a second."""
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="syncd-fuzz-", dir=memory if os.access(memory, os.W_OK) else None)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _file(name: str, data: bytes) -> Path:
    path = _folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _checked(pack: object, findings: Sequence[Finding]) -> None:
    """An invalid pack has an error that says why, a valid one has none, and every finding can be printed."""
    errors = any(each.severity is Severity.ERROR for each in findings)
    if errors == (pack is not None):
        raise BrokenPromiseError(f"errors: {errors}, a pack: {pack is not None}")
    for each in findings:
        if not each.message.isprintable():
            raise BrokenPromiseError(f"a message that cannot be printed: {each.message!r}")
        str(each).encode()


def read_pack(data: bytes) -> None:
    """The rule loader: a pack.yaml. A valid one is laid out without a change of meaning, and twice as once."""
    path = _file("pack/pack.yaml", data)
    pack, findings = check_pack(path.parent, now=NOW)
    _checked(pack, findings)
    if pack is not None:
        text = data.decode("utf-8-sig")
        laid_out = formatted(text)
        if unchanged(text, laid_out) and formatted(laid_out) != laid_out:
            raise BrokenPromiseError("laid out twice is not laid out once")


def read_table(data: bytes) -> None:
    """A table of territories beside a pack.yaml that is fine."""
    _file("table/pack.yaml", _PACK_OF_TABLE)
    path = _file("table/t.csv", data)
    _checked(*check_pack(path.parent, now=NOW))


@cache
def _derivation() -> Derivation:
    pack, _ = check_pack(_file("plain/pack.yaml", _PACK_OF_TABLE.replace(b"    territories: {table: t.csv}\n", b"")).parent)
    if pack is None:
        raise AssertionError("the plain pack is invalid")
    return Derivation.of(pack, FieldCatalogue())


def read_csv(data: bytes) -> None:
    """The exports of plan --accounts and import: its first byte says which file it is."""
    kind, path = data[:1], _file("export.csv", data[1:])
    good = _file("accounts.csv", b"id,name,country\n1,Acme,US\n")
    with contextlib.suppress(InputError):
        match kind:
            case b"o":
                read_book(good, opportunities=path, users=None, derivation=_derivation(), now=NOW)
            case b"u":
                read_book(good, opportunities=None, users=path, derivation=_derivation(), now=NOW)
            case b"t":
                read_model([path], Findings())
            case _:
                read_book(path, opportunities=None, users=None, derivation=_derivation(), now=NOW)


def read_settings(data: bytes) -> None:
    """The settings file."""
    with contextlib.suppress(SyncdError):
        load_settings(_file("config.toml", data), {})
