"""The cycle collector beside large values: what is set aside is not walked again; what dies later is collected."""

from __future__ import annotations

import gc
import weakref

import pytest

from syncd.rules.collector import set_aside


class Node:
    """Something that can stand in a circle."""

    def __init__(self) -> None:
        self.other: Node | None = None


@pytest.fixture
def book():
    yield [Node() for _ in range(1_000)]
    gc.unfreeze()


def test_what_lives_is_not_walked_again(book):
    set_aside()
    assert gc.get_freeze_count() >= len(book)
    assert not any(isinstance(each, Node) for each in gc.get_objects())


def test_what_dies_in_a_circle_is_collected_now_and_later(book):
    first, second = Node(), Node()
    first.other, second.other = second, first
    seen = weakref.ref(first)
    del first, second
    set_aside()
    assert seen() is None
    book[0].other, book[1].other = book[1], book[0]
    seen = weakref.ref(book[0])
    book.clear()
    set_aside()
    assert seen() is None
