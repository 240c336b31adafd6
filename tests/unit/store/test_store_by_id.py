"""Looking records up by many ids: HubSpot's kinds count their ids each from one, so an id alone names several."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import text
from store_builders import HS, SF, account, put

from syncd.model.records import Record
from syncd.model.refs import Kind, Ref
from syncd.store import mirror
from syncd.store.engine import Store
from tests.databases import NOW


def of_kind(kind: Kind, number: int) -> Record:
    return Record(Ref(HS, kind, str(number)), NOW, {"name": f"{kind.value} {number}"}, owner=f"owner of {kind.value}")


def test_records_of_several_kinds_with_one_id_are_told_apart(store: Store) -> None:
    kinds = (Kind.ACCOUNT, Kind.OPPORTUNITY, Kind.CONTACT, Kind.TASK)
    with store.write() as conn:
        put(conn, *(of_kind(kind, number) for kind in kinds for number in range(3)), account("1"))
        again = put(conn, *(of_kind(kind, 1) for kind in kinds))
        assert (again.read, again.changed) == (4, 0)
        moved = put(conn, replace(of_kind(Kind.CONTACT, 1), owner="another"))
        assert (moved.changed, moved.owner_changes) == (1, 1)
        wanted = [
            Ref(HS, Kind.TASK, "1"),
            Ref(HS, Kind.ACCOUNT, "2"),
            Ref(SF, Kind.ACCOUNT, "1"),
            Ref(SF, Kind.TASK, "2"),
        ]
        found = mirror.get_records(conn, [*wanted, wanted[0]])
        assert set(found) == set(wanted[:3])
        assert found[wanted[0]].owner == "owner of task"
        assert mirror.missing_ids(conn, HS, Kind.LEAD, ["1", "7"]) == ("1", "7")
        assert mirror.missing_ids(conn, HS, Kind.TASK, ["1", "7"]) == ("7",)


def test_a_first_load_is_never_looked_up_by_walking_the_table(store: Store) -> None:
    """Without statistics PostgreSQL takes any list of ids for a large part of a table."""
    if store.dialect != "postgresql":
        return
    with store.write() as conn:
        put(conn, *(account(f"{number:05d}") for number in range(4_000)))
    seen = "SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_xact_user_tables WHERE relname = 'records'"
    with store.write() as conn:
        put(conn, *(of_kind(Kind.OPPORTUNITY, number) for number in range(2_000)))
        assert conn.execute(text(seen)).scalar_one() == 0
