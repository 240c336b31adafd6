"""From what a person types to one company of the mirror: a ref, an id, a domain, a name or a part of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from syncd.errors import UsageError
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref
from syncd.store import dossier, mirror

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class FoundCompany:
    """A company by its key, with the refs of its records."""

    key: str
    refs: tuple[Ref, ...]


def company_of(conn: Connection, text: str) -> FoundCompany:
    """The one company that the text names. Raises UsageError SYN002 for none and SYN003, naming them, for several."""
    keys = sorted(set(dossier.company_keys(conn, mirror.find_accounts(conn, text)).values()))
    if not keys:
        raise UsageError(
            "SYN002", f"no account in the mirror is {text!r}", hint="`syncd pull` first, or check the spelling"
        )
    if len(keys) > 1:
        shown = mirror.get_records(conn, map(Ref.parse, keys[:_SHOWN]))
        named = [_named(Ref.parse(key), shown) for key in keys[:_SHOWN]]
        more = f"; and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
        raise UsageError("SYN003", f"{len(keys)} companies match {text!r}", hint="one of: " + "; ".join(named) + more)
    return FoundCompany(keys[0], dossier.members_of(conn, keys)[keys[0]])


def records_of(conn: Connection, text: str) -> tuple[Ref, ...]:
    """The records that a text names: the ref of any record of the mirror, else all of one company (`company_of`)."""
    try:
        ref = Ref.parse(text.strip())
    except ValueError:
        ref = None
    if ref is not None and ref.kind is not Kind.ACCOUNT and mirror.get_record(conn, ref) is not None:
        return (ref,)
    return company_of(conn, text).refs


def _named(ref: Ref, records: Mapping[Ref, Record]) -> str:
    """A company by its key, its name and where it is, so that a person can tell it from its namesakes."""
    fields = records[ref].fields if ref in records else {}
    told = ", ".join(text for name in ("name", "domain", "city", "country") if (text := fields.get(name, "")))
    return f"{ref} {told}".strip()
