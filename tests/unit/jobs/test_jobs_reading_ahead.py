"""Reading ahead: the same parts in the same order, one of them fetched meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from syncd.jobs.books.reading_ahead import one_ahead


class Source:
    """Parts that are told when they are asked for; `fails` at one of them."""

    def __init__(self, count: int, fails: int | None = None) -> None:
        self.asked: list[int] = []
        self.threads: set[int] = set()
        self.fetched = [threading.Event() for _ in range(count)]
        self._fails = fails

    def __iter__(self) -> Iterator[int]:
        for number, fetched in enumerate(self.fetched, start=1):
            self.asked.append(number)
            self.threads.add(threading.get_ident())
            fetched.set()
            if number == self._fails:
                raise OSError("the line was cut")
            yield number


def test_parts_come_in_order_and_from_another_thread():
    source = Source(5)
    with one_ahead(iter(source)) as parts:
        assert list(parts) == [1, 2, 3, 4, 5]
    assert threading.get_ident() not in source.threads


def test_the_next_part_is_fetched_while_one_is_worked_on_and_no_more_than_that():
    source = Source(5)
    with one_ahead(iter(source)) as parts:
        assert next(parts) == 1
        assert source.fetched[1].wait(10), "nothing was fetched ahead"
        assert source.asked == [1, 2]


def test_nothing_is_no_part():
    with one_ahead(iter(Source(0))) as parts:
        assert list(parts) == []


def test_what_the_source_raises_comes_where_its_part_would():
    with one_ahead(iter(Source(5, fails=3))) as parts:
        assert [next(parts), next(parts)] == [1, 2]
        with pytest.raises(OSError, match="the line was cut"):
            next(parts)


def test_whoever_breaks_off_waits_for_the_part_under_way():
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def slow() -> Iterator[int]:
        yield 1
        begun.set()
        may_end.wait(10)
        ended.set()
        yield 2

    def worked_on() -> None:
        with one_ahead(slow()) as parts:
            next(parts)
            begun.wait(10)
            threading.Timer(0.05, may_end.set).start()
            raise ValueError("the work failed")

    with pytest.raises(ValueError, match="the work failed"):
        worked_on()
    assert ended.is_set(), "the connection would have been given back in the middle of a query"


def test_where_the_machine_has_no_thread_left_the_parts_come_all_the_same(monkeypatch: pytest.MonkeyPatch):
    def none_left(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("_thread.start_new_thread", none_left)
    source = Source(3)
    with one_ahead(iter(source)) as parts:
        assert source.asked == []
        assert list(parts) == [1, 2, 3]
    assert source.threads == {threading.get_ident()}
