"""Whether two loaded packs mean the same: everything but where it stands in the files. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass

from syncd.errors import Place
from syncd.rules.pack import Pack

_ABOUT_FILES = frozenset({"place", "revision", "findings"})


def same_pack(one: Pack, other: Pack) -> bool:
    """Whether the two decide alike, are explained in the same words and hold the same tests."""
    return same(one, other)


def same(one: object, other: object) -> bool:
    """Whether two values of packs say the same, wherever they stand."""
    waiting: list[tuple[object, object]] = [(one, other)]
    while waiting:
        left, right = waiting.pop()
        if left is right or isinstance(left, Place):
            continue
        if type(left) is not type(right):
            return False
        if is_dataclass(left) and is_dataclass(right):
            compared = (each.name for each in fields(left) if each.compare and each.name not in _ABOUT_FILES)
            waiting += [(getattr(left, name), getattr(right, name)) for name in compared]
        elif isinstance(left, Mapping) and isinstance(right, Mapping):
            if list(left) != list(right):
                return False
            waiting += [(left[key], right[key]) for key in left]
        elif isinstance(left, tuple) and isinstance(right, tuple):
            if len(left) != len(right):
                return False
            waiting += zip(left, right, strict=True)
        elif left != right:
            return False
    return True
