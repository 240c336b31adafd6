"""The ledger: append-only, chained, and honest about what somebody did to it behind syncd's back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection, delete, select, text, update

from syncd.entropy import SeededEntropy
from syncd.errors import SyncdError
from syncd.store import ledger, tables
from syncd.store.engine import Store
from tests.databases import NOW

Tampering = Callable[[Connection], object]


def _append(conn: Connection, number: int, **rest: object) -> int:
    arguments = {
        "at": NOW + timedelta(minutes=number),
        "event": "write.confirmed" if number % 2 else "write.intended",
        "ref": f"salesforce:account:{number % 3}",
        "actor": "uid:7",
        "run_id": "run",
        "facts": {"to": f"005-{number}", "count": number, "none": None},
        "payload": {"name": f"Person {number}", "tags": ["a", "b"]} if number % 2 else None,
    }
    return ledger.append(conn, **(arguments | rest))  # type: ignore[arg-type]


@pytest.fixture
def filled(store: Store) -> Store:
    with store.write() as conn:
        for number in range(1, 7):
            assert _append(conn, number) == number
    return store


def _verified(store: Store) -> ledger.LedgerVerification:
    with store.read() as conn:
        return ledger.verify(conn)


def _tamper(store: Store, work: Tampering) -> None:
    """Change the tables as somebody with the database in hand would: past the triggers."""
    with store.write() as conn:
        if store.dialect == "postgresql":
            conn.execute(text("SET LOCAL session_replication_role = replica"))
            work(conn)
            return
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        triggers = {name: sql for name, sql in conn.execute(text(query))}  # noqa: C416 - a Result is no mapping
        for name in triggers:
            conn.execute(text(f"DROP TRIGGER {name}"))
        work(conn)
        for sql in triggers.values():
            conn.execute(text(sql))


def test_empty_ledger_verifies(store: Store) -> None:
    assert _verified(store) == ledger.LedgerVerification(True, 0, None, "the ledger's 0 rows are as they were written")


def test_rows_come_back_with_their_payloads(filled: Store) -> None:
    with filled.read() as conn:
        found = ledger.entries(conn)
    assert [entry.seq for entry in found] == [1, 2, 3, 4, 5, 6]
    assert found[0] == ledger.LedgerEntry(
        seq=1,
        at=NOW + timedelta(minutes=1),
        event="write.confirmed",
        ref="salesforce:account:1",
        actor="uid:7",
        run_id="run",
        facts={"to": "005-1", "count": 1, "none": None},
        payload={"name": "Person 1", "tags": ["a", "b"]},
    )
    assert found[1].payload is None
    assert _verified(filled).ok


def test_rows_are_chosen_by_ref_event_time_and_number(filled: Store) -> None:
    with filled.read() as conn:

        def seqs(**choice: object) -> list[int]:
            return [entry.seq for entry in ledger.entries(conn, **choice)]  # type: ignore[arg-type]

        assert seqs(ref="salesforce:account:1") == [1, 4]
        assert seqs(event="write.intended") == [2, 4, 6]
        assert seqs(until=NOW + timedelta(minutes=3)) == [1, 2, 3]
        assert seqs(limit=2) == [5, 6]
        assert seqs(ref="salesforce:account:1", event="write.intended", until=NOW + timedelta(minutes=9), limit=5) == [
            4
        ]
        assert seqs(ref="none") == []


def test_row_holds_only_a_salted_hash_of_its_payload(store: Store) -> None:
    with store.write() as conn:
        _append(conn, 1, entropy=SeededEntropy(1))
        _append(conn, 3, payload={"name": "Person 1", "tags": ["a", "b"]}, entropy=SeededEntropy(2))
        rows = conn.execute(select(tables.ledger)).all()
    assert "Person" not in str(rows)
    plain = hashlib.sha256(b'{"name":"Person 1","tags":["a","b"]}').hexdigest()
    assert len({plain, rows[0].payload_hash, rows[1].payload_hash}) == 3


def test_erased_payload_leaves_the_chain_whole(filled: Store) -> None:
    with filled.write() as conn:
        conn.execute(delete(tables.ledger_payloads).where(tables.ledger_payloads.c.seq == 3))
        assert ledger.entries(conn)[2].payload is None
    assert _verified(filled).ok


CHAINED = ["at", "event", "ref", "actor", "run_id", "facts", "payload_hash", "previous", "hash"]


@pytest.mark.parametrize("column", CHAINED)
def test_altered_column_is_found(filled: Store, column: str) -> None:
    value = {"at": NOW, "facts": {"to": "005-9"}}.get(column, "other")
    _tamper(
        filled, lambda conn: conn.execute(update(tables.ledger).where(tables.ledger.c.seq == 3).values({column: value}))
    )
    found = _verified(filled)
    assert (found.ok, found.first_bad, found.rows) == (False, 3, 6)
    assert "row 3" in found.text


def _swap(conn: Connection) -> None:
    for old, new in ((2, 99), (4, 2), (99, 4)):
        conn.execute(update(tables.ledger).where(tables.ledger.c.seq == old).values(seq=new))


def _rehash(conn: Connection) -> None:
    """A careful forger also mends the row's own hash."""
    row = dict(conn.execute(select(tables.ledger).where(tables.ledger.c.seq == 3)).mappings().one())
    row["facts"] = {"to": "005-9"}
    row["hash"] = ledger._row_hash(row)
    conn.execute(update(tables.ledger).where(tables.ledger.c.seq == 3).values(facts=row["facts"], hash=row["hash"]))


def _drop(conn: Connection, *seqs: int) -> None:
    conn.execute(delete(tables.ledger_payloads).where(tables.ledger_payloads.c.seq.in_(seqs)))
    conn.execute(delete(tables.ledger).where(tables.ledger.c.seq.in_(seqs)))


def _renumber(conn: Connection) -> None:
    _drop(conn, 3)
    conn.execute(delete(tables.ledger_payloads))
    for seq in (4, 5, 6):
        conn.execute(update(tables.ledger).where(tables.ledger.c.seq == seq).values(seq=seq - 1))


TAMPERINGS: dict[str, tuple[Tampering, int]] = {
    "a row removed": (lambda conn: _drop(conn, 3), 3),
    "the first row removed": (lambda conn: _drop(conn, 1), 1),
    "a row removed and the rest renumbered": (_renumber, 3),
    "rows in another order": (_swap, 2),
    "a row altered with its hash": (_rehash, 4),
    "the last row removed": (lambda conn: _drop(conn, 6), 6),
    "the last rows removed": (lambda conn: _drop(conn, 4, 5, 6), 4),
    "every row removed": (lambda conn: _drop(conn, *range(7)), 1),
    "a payload altered": (
        lambda conn: conn.execute(
            update(tables.ledger_payloads).where(tables.ledger_payloads.c.seq == 5).values(payload={"name": "Else"})
        ),
        5,
    ),
    "the head moved back": (lambda conn: conn.execute(update(tables.ledger_head).values(seq=5)), 6),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_tampering_is_found(filled: Store, what: str) -> None:
    work, first_bad = TAMPERINGS[what]
    _tamper(filled, work)
    found = _verified(filled)
    assert not found.ok
    assert found.first_bad == first_bad
    assert ("is missing" in found.text) == (what in ("a row removed", "the first row removed"))


def test_removed_head_is_found(filled: Store) -> None:
    _tamper(filled, lambda conn: conn.execute(delete(tables.ledger_head)))
    found = _verified(filled)
    assert not found.ok
    assert "head" in found.text


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET actor = 'nobody' WHERE seq = 2",
        "DELETE FROM ledger WHERE seq = 2",
        "DELETE FROM ledger_head",
        "UPDATE ledger_head SET seq = 3",
    ],
)
def test_database_refuses_to_change_chained_rows(filled: Store, statement: str) -> None:
    with pytest.raises(SyncdError) as caught, filled.write() as conn:
        conn.execute(text(statement))
    assert caught.value.code == "SYN609"
    assert _verified(filled).ok


def test_database_refuses_to_replace_or_truncate(filled: Store) -> None:
    statement = (
        "TRUNCATE ledger CASCADE"
        if filled.dialect == "postgresql"
        else "INSERT OR REPLACE INTO ledger SELECT * FROM ledger WHERE seq = 2"
    )
    with pytest.raises(SyncdError) as caught, filled.write() as conn:
        conn.execute(text(statement))
    assert caught.value.code == "SYN609"
    assert _verified(filled).ok


def test_rolled_back_row_leaves_no_gap(filled: Store) -> None:
    with pytest.raises(KeyError), filled.write() as conn:
        raise KeyError(_append(conn, 7))
    with filled.write() as conn:
        assert _append(conn, 8) == 7
    assert _verified(filled).ok
