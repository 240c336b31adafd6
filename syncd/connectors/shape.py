"""Reading what came from outside: a document that is not of the promised shape is bad data, whatever is wrong with it.

Code that takes an answer apart runs inside `decoding`; what it needs to be sure of it asks for by the functions here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from syncd.errors import BadDataError

UNEXPECTED = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""What Python raises where a document is taken apart that is not what it should be."""


@contextmanager
def decoding(where: str, what: str) -> Iterator[None]:
    """BadDataError for anything that goes wrong inside; `what` names the answer."""
    try:
        yield
    except UNEXPECTED as error:
        raise BadDataError("SYN421", f"{what} cannot be read ({type(error).__name__})", where=where) from error


def objects(value: Any) -> list[Mapping[str, Any]]:
    """A list of objects; an absent one is empty. TypeError for anything else."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise TypeError("not a list of objects")
    return value


def object_of(value: Any) -> Mapping[str, Any]:
    """An object; an absent one is empty. TypeError for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def flag(value: Any) -> bool:
    """A boolean. TypeError for anything else: neither null nor text is taken for one."""
    if not isinstance(value, bool):
        raise TypeError("not a boolean")
    return value


def id_of(raw: Mapping[str, Any]) -> str:
    """The id of an object, which is text and never empty; TypeError or KeyError for what is none."""
    identity = raw["id"]
    if isinstance(identity, bool) or not isinstance(identity, str | int) or identity == "":
        raise TypeError("not an id")
    return str(identity)
