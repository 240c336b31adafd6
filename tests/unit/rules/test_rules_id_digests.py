# ruff: noqa: E402 - the extra is looked for first
"""Digests of ids: equal where the ids are, whatever array they stand in, and a way to the rows that repeat."""

from __future__ import annotations

from random import Random  # noqa: TID251 - seeded by the tests, which must repeat

import pytest

pytest.importorskip("numpy", reason="the extra `fast` is not installed")
pa = pytest.importorskip("pyarrow", reason="the extra `fast` is not installed")

import numpy as np

from syncd.rules.arrow import id_digests
from syncd.rules.arrow.id_digests import digests_of, repeated_among, rows_among


def test_ids_have_one_digest_wherever_they_stand():
    ids = ["A1", "", "é\u3000x", "0015g00000AAAAA", "x" * 64, "x" * 65, "y" * 5000]
    whole = dict(zip(ids, digests_of(pa.array(ids)).tolist(), strict=True))
    assert len(set(whole.values())) == len(ids)
    mixed = pa.array([None, *reversed(ids), None, *ids]).slice(2)
    there = [each for each in mixed.to_pylist() if each is not None]
    assert digests_of(mixed).tolist() == [whole[each] for each in there]


def test_hundred_thousand_ids_have_as_many_digests():
    ids = pa.array([f"{number:07}" for number in range(100_000)])
    assert len(np.unique(digests_of(ids))) == 100_000


def test_rows_that_repeat_are_found_in_whatever_batch_they_stand():
    dice = Random(5)
    ids = [f"A{dice.randrange(400)}" if dice.random() < 0.9 else None for _ in range(600)]
    batches = [pa.array(ids[start : start + 70]) for start in range(0, len(ids), 70)]
    some = repeated_among(digests_of(each) for each in batches)
    found = [start * 70 + row for start, each in enumerate(batches) for row in rows_among(each, some).tolist()]
    assert found == [row for row, each in enumerate(ids) if each is not None and ids.count(each) > 1]


def test_nothing_repeats_where_there_is_nothing():
    assert repeated_among([]).tolist() == []
    assert digests_of(pa.array([None, None], pa.string())).tolist() == []


def test_ids_that_share_a_digest_and_differ_are_no_finding(tmp_path, monkeypatch):
    import export_plans
    import pyarrow.parquet as pq

    from syncd.jobs.books.engines import EngineChoice

    text = "format: 1\nterritories:\n  - {name: rest, when: always, owners: [a@example.com]}\n"
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "pack.yaml").write_text(text)
    pq.write_table(pa.table({"id": ["A1", "A2"], "owner": ["x@example.com"] * 2}), tmp_path / "accounts.parquet")
    monkeypatch.setattr(id_digests, "_FACTOR", np.uint64(0))  # now every id has the digest 0
    _, findings = export_plans.planned(tmp_path, EngineChoice.BATCH, "accounts.parquet", deals=False, users=False)
    assert findings == ()
