"""From what a person types to one company of the mirror: a ref, an id, a domain, a name or a part of one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from syncd.errors import UsageError
from syncd.model.refs import Ref
from syncd.store import companies, mirror

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class FoundCompany:
    """A company by its key, with the refs of its records."""

    key: str
    refs: tuple[Ref, ...]


def company_of(conn: Connection, text: str) -> FoundCompany:
    """The one company that the text names. Raises UsageError SYN002 for none and SYN003, naming them, for several."""
    links = companies.links(conn)
    keys = sorted({links.get(ref, str(ref)) for ref in mirror.find_accounts(conn, text)})
    if not keys:
        raise UsageError(
            "SYN002", f"no account in the mirror is {text!r}", hint="`syncd pull` first, or check the spelling"
        )
    if len(keys) > 1:
        named = []
        for key in keys[:_SHOWN]:
            record = mirror.get_record(conn, Ref.parse(key))
            named.append(f"{key} {record.fields.get('name', '') if record else ''}".strip())
        more = f"; and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
        raise UsageError("SYN003", f"{len(keys)} companies match {text!r}", hint="one of: " + "; ".join(named) + more)
    return FoundCompany(
        keys[0], tuple(sorted(ref for ref, key in links.items() if key == keys[0])) or (Ref.parse(keys[0]),)
    )
