"""The ledger: append-only, each row chained to the one before by its hash, so that no change goes unnoticed.

A chained row holds refs, rep ids, codes, amounts and a salted hash of its payload. Personal values live only in the
payload table beside it, from which they can be erased without breaking the chain. The database refuses to change or
delete chained rows; `verify` finds it if somebody did so past it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, func, select, update

from syncd.clock import iso
from syncd.entropy import Entropy, SystemEntropy
from syncd.model.plans import canonical_json
from syncd.store.columns import clean
from syncd.store.tables import ledger, ledger_head, ledger_payloads
from syncd.store.upserts import CHUNK

Facts = Mapping[str, str | int | None]

_ENTROPY = SystemEntropy()
_SALT_DIGITS = 32
_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One row: what happened to which record, by whom, in which run. `payload` is None where there is none or it was
    erased."""

    seq: int
    at: datetime
    event: str
    ref: str | None
    actor: str | None
    run_id: str | None
    facts: Facts = field(default_factory=lambda: _NONE)
    payload: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class LedgerVerification:
    """Whether the chain holds: how many rows there are, the number of the first bad one, and all in words."""

    ok: bool
    rows: int
    first_bad: int | None
    text: str


@dataclass(frozen=True, slots=True)
class ChainedRow:
    """A row with what chains it: the hash of the row before, its own, and the salted hash of its payload.

    `chained` is what its own hash is made of: SHA-256 over the canonical JSON of exactly these.
    """

    entry: LedgerEntry
    chained: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row to be added: as the arguments of `append`."""

    event: str
    ref: str | None
    facts: Facts
    payload: Mapping[str, object] | None = None
    actor: str | None = None


def append(
    conn: Connection,
    *,
    at: datetime,
    event: str,
    ref: str | None,
    actor: str | None,
    run_id: str | None,
    facts: Facts,
    payload: Mapping[str, object] | None = None,
    entropy: Entropy = _ENTROPY,
) -> int:
    """Add a row and return its number. `facts` are chained and stay for ever; `payload` may be erased later.

    Must run in a write transaction, which is what makes the numbers one unbroken sequence.
    """
    row = NewRow(event, ref, facts, payload, actor)
    return append_many(conn, [row], at=at, run_id=run_id, entropy=entropy)


def append_many(
    conn: Connection, new: Sequence[NewRow], *, at: datetime, run_id: str | None, entropy: Entropy = _ENTROPY
) -> int:
    """Add rows of one instant and run, in their order, with one statement a table; returns the last one's number.

    Must run in a write transaction, as `append`.
    """
    head = conn.execute(_HEAD).one()
    seq: int = head.seq
    previous: str = head.hash
    rows: list[dict[str, Any]] = []
    payloads: list[dict[str, Any]] = []
    for each in new:
        seq += 1
        payload_hash = None
        if each.payload is not None:
            salt = entropy.token(_SALT_DIGITS)
            payload_hash = _payload_hash(salt, each.payload)
            payloads.append({"seq": seq, "salt": salt, "payload": dict(each.payload)})
        row = {
            "seq": seq,
            "at": at,
            "event": clean(each.event),
            "ref": _cleaned(each.ref),
            "actor": _cleaned(each.actor),
            "run_id": _cleaned(run_id),
            "facts": dict(each.facts),
            "payload_hash": payload_hash,
            "previous": previous,
        }
        previous = _row_hash(row)
        rows.append({**row, "hash": previous})
    if not rows:
        return seq
    conn.execute(_ADDED, rows)
    if payloads:
        conn.execute(_ADDED_PAYLOADS, payloads)
    conn.execute(_MOVED_HEAD, {"to": seq, "hashed": previous})
    return seq


_HEAD = select(ledger_head.c.seq, ledger_head.c.hash).where(ledger_head.c.id == 1)
_ADDED, _ADDED_PAYLOADS = ledger.insert(), ledger_payloads.insert()
_MOVED_HEAD = update(ledger_head).where(ledger_head.c.id == 1).values(seq=bindparam("to"), hash=bindparam("hashed"))
"""Rows are added one at a time, and making a statement costs more than running it."""


def verify(conn: Connection) -> LedgerVerification:
    """Check every row, payload and the head; stops at the first that is altered, missing, added or out of order."""
    head = conn.execute(select(ledger_head.c.seq, ledger_head.c.hash)).one_or_none()
    rows = conn.execute(select(func.count()).select_from(ledger)).scalar_one()
    if head is None:
        return LedgerVerification(False, rows, None, "the ledger has no head record: somebody removed it")
    query = (
        select(ledger, ledger_payloads.c.salt, ledger_payloads.c.payload)
        .outerjoin(ledger_payloads, ledger_payloads.c.seq == ledger.c.seq)
        .order_by(ledger.c.seq)
    )
    previous, expected = "", 0
    with conn.execute(query, execution_options={"yield_per": CHUNK}) as result:
        for row in result.mappings():
            expected += 1
            problem = _problem(row, expected, previous)
            if problem is not None:
                return LedgerVerification(False, rows, expected, f"row {expected} of the ledger {problem}")
            previous = row["hash"]
    if (head.seq, head.hash) != (expected, previous):
        text = f"the ledger ends at row {expected}, but its head says {head.seq}: rows at its end were removed or added"
        return LedgerVerification(False, rows, min(expected, head.seq) + 1, text)
    return LedgerVerification(True, rows, None, f"the ledger's {rows} rows are as they were written")


def entries(
    conn: Connection,
    *,
    ref: str | None = None,
    event: str | None = None,
    limit: int | None = None,
    until: datetime | None = None,
    run_id: str | None = None,
) -> tuple[LedgerEntry, ...]:
    """Rows oldest first, with their payloads: of one ref, one event, one run, not later than `until`; with `limit`,
    the newest of them."""
    query = (
        select(ledger, ledger_payloads.c.payload)
        .outerjoin(ledger_payloads, ledger_payloads.c.seq == ledger.c.seq)
        .order_by(ledger.c.seq.desc())
    )
    if ref is not None:
        query = query.where(ledger.c.ref == ref)
    if event is not None:
        query = query.where(ledger.c.event == event)
    if run_id is not None:
        query = query.where(ledger.c.run_id == run_id)
    if until is not None:
        query = query.where(ledger.c.at <= until)
    if limit is not None:
        query = query.limit(limit)
    found = [
        LedgerEntry(row.seq, row.at, row.event, row.ref, row.actor, row.run_id, row.facts, row.payload)
        for row in conn.execute(query)
    ]
    return tuple(reversed(found))


def chained_rows(
    conn: Connection, *, ref: str | None = None, events: Sequence[str] = (), until: datetime | None = None
) -> tuple[ChainedRow, ...]:
    """Rows of a ref, or of these events, as the chain has them, oldest first."""
    query = (
        select(ledger, ledger_payloads.c.payload)
        .outerjoin(ledger_payloads, ledger_payloads.c.seq == ledger.c.seq)
        .order_by(ledger.c.seq)
    )
    if ref is not None:
        query = query.where(ledger.c.ref == ref)
    if events:
        query = query.where(ledger.c.event.in_(events))
    if until is not None:
        query = query.where(ledger.c.at <= until)
    return tuple(
        ChainedRow(
            LedgerEntry(
                row["seq"],
                row["at"],
                row["event"],
                row["ref"],
                row["actor"],
                row["run_id"],
                row["facts"],
                row["payload"],
            ),
            _chained(row),
            row["hash"],
        )
        for row in conn.execute(query).mappings()
    )


def head(conn: Connection) -> tuple[int, str]:
    """The number and the hash of the last row: kept elsewhere, it shows a ledger that was written anew as a whole."""
    row = conn.execute(select(ledger_head.c.seq, ledger_head.c.hash)).one()
    return row.seq, row.hash


def _problem(row: RowMapping, expected: int, previous: str) -> str | None:
    if row["seq"] != expected:
        return f"is missing; the next one is row {row['seq']}"
    if row["previous"] != previous:
        return "does not follow the row before it: rows were altered or moved"
    if _row_hash(row) != row["hash"]:
        return "was altered"
    if row["salt"] is not None and _payload_hash(row["salt"], row["payload"]) != row["payload_hash"]:
        return "has a payload that was altered"
    return None


def _row_hash(row: Mapping[str, Any] | RowMapping) -> str:
    """SHA-256 over the canonical JSON of everything that the row chains."""
    return _sha256(canonical_json(_chained(row)))


def _chained(row: Mapping[str, Any] | RowMapping) -> dict[str, Any]:
    return {
        "seq": row["seq"],
        "at": iso(row["at"]),
        "event": row["event"],
        "ref": row["ref"],
        "actor": row["actor"],
        "run_id": row["run_id"],
        "facts": dict(row["facts"]),
        "payload_hash": row["payload_hash"],
        "previous": row["previous"],
    }


def _payload_hash(salt: str, payload: Mapping[str, object]) -> str:
    # through JSON and back, so that a tuple hashes as the list it will be read as
    return _sha256(salt + canonical_json(json.loads(json.dumps(dict(payload)))))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _cleaned(text: str | None) -> str | None:
    return None if text is None else clean(text)
