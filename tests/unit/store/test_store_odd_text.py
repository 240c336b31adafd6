"""Any text goes through both databases: record fields unchanged, other text cleaned alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from store_builders import SF, account, put, user

from syncd.model.refs import Kind, Ref
from syncd.store import ledger, mirror
from syncd.store.columns import clean
from syncd.store.engine import Store
from tests.databases import NOW

anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=12)
odd = st.one_of(
    anything, st.sampled_from(["\x00", "\ud800", "\udc80x", "a\x00\ud83d", "🏭", "NA", "null", "'", "\\", "\u2028"])
)
quiet = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@contextmanager
def _taken_back(store: Store) -> Iterator[Connection]:
    """A write transaction that stores nothing, so that the next example finds the database empty."""
    with suppress(_Done), store.write() as conn:
        yield conn
        raise _Done


@quiet
@given(fields=st.dictionaries(odd, odd, max_size=4), owner=st.none() | odd, record_id=odd.filter(bool))
def test_record_of_any_text_is_stored_once(
    store: Store, fields: dict[str, str], owner: str | None, record_id: str
) -> None:
    record = account(record_id, fields=fields, owner=owner)
    with _taken_back(store) as conn:
        assert put(conn, record).changed == 1
        assert put(conn, record).changed == 0
        stored = mirror.get_record(conn, Ref(SF, Kind.ACCOUNT, clean(record_id)))
        assert stored is not None
        assert stored.fields == fields
        assert stored == replace(record, ref=stored.ref, owner=None if owner is None else clean(owner))


@quiet
@given(name=odd, login=st.none() | odd, value=odd)
def test_user_of_any_text_is_stored_once(store: Store, name: str, login: str | None, value: str) -> None:
    person = user("1", login=login, fields={"x": value})
    with _taken_back(store) as conn:
        people = [replace(person, name=name)]
        assert mirror.store_users(conn, SF, people, now=NOW, run_id=None) == 1
        assert mirror.store_users(conn, SF, people, now=NOW, run_id=None) == 0
        found = mirror.users(conn, SF)[0]
        assert (found.name, found.login, found.fields) == (clean(name), login and clean(login), {"x": value})


@quiet
@given(text=odd, fact=st.none() | odd | st.integers(), payload=st.dictionaries(odd, st.none() | odd, max_size=3))
def test_ledger_of_any_text_verifies(
    store: Store, text: str, fact: str | int | None, payload: dict[str, object]
) -> None:
    with _taken_back(store) as conn:
        ledger.append(
            conn, at=NOW, event=text, ref=text, actor=text, run_id=text, facts={"x": fact, text: 1}, payload=payload
        )
        assert ledger.verify(conn).ok
        entry = ledger.entries(conn)[-1]
        assert (entry.event, entry.facts, entry.payload) == (clean(text), {"x": fact} | {text: 1}, payload)


@given(odd)
def test_cleaning_changes_only_what_no_database_holds(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert len(cleaned) == len(text)
    cleaned.encode("utf-8")
    for before, after in zip(text, cleaned, strict=True):
        assert after == ("\ufffd" if before == "\x00" or "\ud800" <= before <= "\udfff" else before)


class _Done(Exception):
    """Takes the example's transaction back."""
