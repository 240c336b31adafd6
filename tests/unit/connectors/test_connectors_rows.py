"""Rows in, one result a row out: halves, stops in the middle, lost answers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.connectors.port import OwnerWrite, WriteOutcome, WriteResult
from syncd.connectors.rows import all_rows, in_turn
from syncd.errors import AuthError
from syncd.model.refs import Kind, Ref, System

ACCEPTED, REJECTED, RETRY, UNKNOWN = (
    WriteOutcome.ACCEPTED,
    WriteOutcome.REJECTED,
    WriteOutcome.RETRY,
    WriteOutcome.UNKNOWN,
)


def rows(count: int) -> list[OwnerWrite]:
    return [OwnerWrite(Ref(System.HUBSPOT, Kind.ACCOUNT, str(number)), "1", "2") for number in range(count)]


@given(st.integers(1, 100), st.sets(st.integers(0, 99), max_size=6))
def test_a_call_refused_whole_is_halved_until_the_bad_rows_stand_alone(count: int, bad: set[int]) -> None:
    sent: list[list[str]] = []

    def send(batch: Sequence[OwnerWrite]) -> list[WriteResult] | None:
        sent.append([write.ref.id for write in batch])
        if any(int(write.ref.id) in bad for write in batch):
            return all_rows(batch, REJECTED, "BAD", None) if len(batch) == 1 else None
        return all_rows(batch, ACCEPTED, "", None)

    results = in_turn(rows(count), send)
    assert [result.ref.id for result in results] == [str(number) for number in range(count)]
    assert [result.outcome is REJECTED for result in results] == [number in bad for number in range(count)]
    hit = len(bad & set(range(count)))
    assert len(sent) <= 1 + hit * 2 * 7


def test_what_stops_the_first_call_is_raised_and_what_stops_a_later_one_is_told_for_its_rows() -> None:
    def refuse(batch: Sequence[OwnerWrite]) -> list[WriteResult]:
        raise AuthError("SYN401", "refused")

    with pytest.raises(AuthError):
        in_turn(rows(4), refuse, size=1)
    calls: list[int] = []

    def later(batch: Sequence[OwnerWrite]) -> list[WriteResult]:
        calls.append(1)
        return refuse(batch) if len(calls) == 3 else all_rows(batch, ACCEPTED, "", None)

    results = in_turn(rows(5), later, size=1)
    assert [result.outcome for result in results] == [ACCEPTED, ACCEPTED, RETRY, RETRY, RETRY]
    assert {result.code for result in results[2:]} == {"NOT_SENT"}
    assert len(calls) == 3


def test_after_a_lost_answer_nothing_more_is_sent() -> None:
    calls: list[int] = []

    def send(batch: Sequence[OwnerWrite]) -> list[WriteResult]:
        calls.append(1)
        return all_rows(batch, UNKNOWN if len(calls) == 2 else ACCEPTED, "", None)

    results = in_turn(rows(4), send, size=1)
    assert [result.outcome for result in results] == [ACCEPTED, UNKNOWN, RETRY, RETRY]
    assert len(calls) == 2
