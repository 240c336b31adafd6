"""Finding accounts by what a person types: a ref, an id, a domain, a name or a part of one.

The mirror fills two columns for it at each upsert; the keys here are for finding only, never for linking companies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import ColumnElement, Connection, select

from syncd.model.refs import Kind, Ref, long_salesforce_id
from syncd.store.tables import records

_PLAIN_HOST = re.compile(r"(?:https?://)?(?>(?:www\.)?)([a-z0-9-]+(?:\.[a-z0-9-]+)+)/?", re.ASCII).fullmatch
"""Nearly all that stands in a domain or website; the rest of them takes a longer way to the same."""


def name_key(fields: Mapping[str, str]) -> str | None:
    """The account's name with case folded and blanks collapsed; None without one."""
    return folded(fields.get("name"))


def domain_key(fields: Mapping[str, str]) -> str | None:
    """The host of the account's domain or website, in lower case, without `www.`; None without one."""
    return host_key(fields.get("domain") or fields.get("website"))


def folded(name: str | None) -> str | None:
    """A name as `name_key` has it."""
    return " ".join(name.casefold().split()) or None if name else None


def find_accounts(conn: Connection, text: str, *, limit: int = 100) -> tuple[Ref, ...]:
    """The accounts that `text` names, sorted by ref, at most `limit`.

    Tried in this order, and the first that finds something decides: a ref, an id of either system (these two find
    deleted accounts too), a domain or website's host, a whole name, a part of a domain or name.
    """
    words = text.strip()
    try:
        ref = Ref.parse(words)
    except ValueError:
        pass
    else:
        words = ref.id
        return (
            _matching(conn, (records.c.system == ref.system) & (records.c.id == words), limit)
            if ref.kind is Kind.ACCOUNT
            else ()
        )
    name = name_key({"name": words})
    if name is None:
        return ()
    live = records.c.deleted == False  # noqa: E712 - SQL
    host = host_key(words)
    tiers: list[ColumnElement[bool]] = [records.c.id.in_({words, long_salesforce_id(words)})]
    if host is not None:
        tiers.append(live & (records.c.domain == host))
    tiers.append(live & (records.c.name_key == name))
    tiers.append(
        live & (records.c.name_key.contains(name, autoescape=True) | records.c.domain.contains(name, autoescape=True))
    )
    return next((found for tier in tiers if (found := _matching(conn, tier, limit))), ())


def _matching(conn: Connection, condition: ColumnElement[bool], limit: int) -> tuple[Ref, ...]:
    query = (
        select(records.c.system, records.c.id)
        .where(records.c.kind == Kind.ACCOUNT, condition)
        .order_by(records.c.system, records.c.id)
        .limit(limit)
    )
    return tuple(Ref(system, Kind.ACCOUNT, record_id) for system, record_id in conn.execute(query))


def host_key(text: str | None) -> str | None:
    """The host of a URL or domain as a person writes it; one that cannot be told apart from a name is None."""
    if not text:
        return None
    plain = _PLAIN_HOST(text)
    if plain is not None:
        return plain[1]
    rest = text.strip().casefold()
    rest = rest.partition("//")[2] or rest
    for end in "/?#":
        rest = rest.partition(end)[0]
    host = rest.rpartition("@")[2].partition(":")[0].removeprefix("www.").strip(".")
    return host if "." in host and " " not in host else None
