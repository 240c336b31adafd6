"""A plan of tens of thousands of rows is hashed and saved in pieces, and is the same plan, byte for byte."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from sqlalchemy import select
from store_builders import plan

from syncd.errors import StorageError
from syncd.model.plans import canonical_json, canonical_pieces, document_hash
from syncd.store import plans, tables
from syncd.store.engine import Store

ENTRY = {"text": "Köln 🏭 \x00 \ud800 %s", "list": [1, None, {"b": "ä"}]}
LISTS = [[], [{}], [ENTRY] * 499, [ENTRY] * 500, [ENTRY] * 501, [ENTRY] * 1_000, [ENTRY] * 1_001]


@pytest.mark.parametrize("entries", LISTS, ids=len)
def test_pieces_are_the_canonical_json(entries: list[dict[str, Any]]) -> None:
    document = {"format": 1, "changes": entries, "ä": {"b": entries}, "decisions": tuple(entries)}
    whole = canonical_json(document).encode("utf-8", "surrogatepass")
    assert b"".join(canonical_pieces(document)) == whole
    assert document_hash(document) == hashlib.sha256(whole).hexdigest()


def test_pieces_of_an_empty_document() -> None:
    assert b"".join(canonical_pieces({})) == b"{}"


def test_a_large_plan_comes_back_as_it_was_saved(store: Store) -> None:
    saved = plan(document={"format": 1, "changes": [{**ENTRY, "n": n, "of": "x" * 400} for n in range(10_000)]})
    with store.write() as conn:
        plans.save_plan(conn, plan("small"))
        plans.save_plan(conn, saved)
    with store.read() as conn:
        stored = conn.execute(select(tables.plans.c.document).where(tables.plans.c.plan_id == "p1")).scalar_one()
        assert len(stored) > plans._LARGE
        assert stored == canonical_json(saved.document).encode("utf-8", "surrogatepass")
        assert plans.get_plan(conn, "p1") == saved
        assert plans.get_plan(conn, "small") == plan("small")


def test_a_large_plan_that_was_altered_is_never_read(store: Store) -> None:
    with store.write() as conn:
        plans.save_plan(conn, plan(document={"changes": ["x" * 100] * 50_000}))
        conn.execute(tables.plans.update().values(hash="0" * 64))
        with pytest.raises(StorageError) as caught:
            plans.get_plan(conn, "p1")
    assert caught.value.code == "SYN612"
