"""Reading what came from outside: a document that is not of the promised shape is bad data, whatever is wrong with it.

Code that takes an answer apart runs inside `decoding`; what it needs to be sure of it asks for by the functions here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from syncd.errors import BadDataError, SchemaError

if TYPE_CHECKING:  # the wire loads urllib3, and mappings are read by those who call nobody
    from syncd.connectors.wire import HttpRequest, HttpResponse

Json = Mapping[str, Any]
K = TypeVar("K")
T = TypeVar("T")
_SHOWN = 40
_TITLE = re.compile(rb"<title[^>]*>([^<]{1,200})", re.IGNORECASE)

UNEXPECTED = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What Python raises where a document is taken apart that is not what it should be."""


@contextmanager
def decoding(where: str, what: str) -> Iterator[None]:
    """BadDataError for anything that goes wrong inside; `what` names the answer."""
    try:
        yield
    except UNEXPECTED as error:
        raise BadDataError("SYN421", f"{what} cannot be read ({type(error).__name__})", where=where) from error


def asked_by(request: HttpRequest | None) -> str:
    """What a request asked for, in words for a finding: its method and path, without what the query says."""
    return "" if request is None else f" {request.method} {urlsplit(request.url).path}"


def no_json(vendor: str, response: HttpResponse, where: str, request: HttpRequest | None) -> BadDataError:
    """The error for a success that is no JSON: mostly a page of something that stands between us and the CRM."""
    kind = response.header("Content-Type") or "no content type"
    text = f"{vendor} answered {response.status} with {len(response.body)} bytes of {kind}, not with the JSON promised"
    title = _TITLE.search(response.body)
    if title is not None:
        words = " ".join(title[1].decode("utf-8", "replace").split())
        text += f"; it is a web page, {''.join(filter(str.isprintable, words))[:60]!r}"
    hint = "a proxy, a firewall or a maintenance page answers for it: open its address from this machine and look"
    return BadDataError("SYN421", text, where=where + asked_by(request), hint=hint)


Parts = tuple[str, tuple[tuple[str, object, Callable[[], object]], ...]]
"""A record's id, and its fields: the name of each, its raw value, and what reads it."""


def read_record(where: str, what: str, read: Callable[[], T], parts: Callable[[], Parts]) -> T:
    """What `read` makes of a record. Where it cannot, BadDataError SYN421 that names the record and the field.

    `parts` is asked only then, for the fields that every record needs.
    """
    try:
        return read()
    except (*UNEXPECTED, BadDataError) as error:
        raise _blamed(where, what, parts, error) from error


def _blamed(where: str, what: str, parts: Callable[[], Parts], error: Exception) -> BadDataError:
    try:
        identity, fields = parts()
    except (*UNEXPECTED, BadDataError):
        return _unreadable(where, f"{what} cannot be read ({type(error).__name__})")
    for name, value, check in fields:
        try:
            check()
        except (*UNEXPECTED, BadDataError):
            return _unreadable(where, f"{what} {identity}: {name} cannot be {repr(value)[:_SHOWN]}")
    return _unreadable(where, f"{what} {identity} cannot be read ({error})")


def _unreadable(where: str, text: str) -> BadDataError:
    hint = "nothing of this page was kept and the cursor stays; see the record in the CRM, then pull again"
    return BadDataError("SYN421", text, where=where, hint=hint)


def refuse_unfit(where: str, missing: Mapping[K, tuple[str, ...]]) -> None:
    """SchemaError naming every mapped object and field that is not there, if there is one."""
    if missing:
        raise SchemaError(
            "SYN405",
            f"not there, or hidden from us: {', '.join(name for names in missing.values() for name in names)}",
            where=where,
            hint="correct the mapping in the settings, or give our user (the app) access to the fields",
        )


def json_object(body: bytes) -> Json | None:
    """The object that a body is, as UTF-8 JSON; None for everything else."""
    try:
        document = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


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
