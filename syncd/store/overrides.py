"""Overrides that people made by adopting a drift: they stand here rather than in the pack, and count alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, Text, func, select, type_coerce, update

from syncd.model.plans import OWNER_FIELD
from syncd.model.refs import Ref
from syncd.store.tables import adopted_overrides as _t
from syncd.store.tables import company_links


@dataclass(frozen=True, slots=True)
class AdoptedOverride:
    """One account's owner by a person's word: until the day `expires`, included; None is for good."""

    id: int
    account: Ref
    role: str
    owner: str
    who: str
    why: str
    expires: date | None
    at: datetime


def add(
    conn: Connection,
    account: Ref,
    owner: str,
    *,
    who: str,
    why: str,
    expires: date | None,
    now: datetime,
    role: str = OWNER_FIELD,
) -> int:
    """Add an override of an account's owner, or of who has another role; returns its number.

    One that stands for the account and role already is ended.
    """
    end(conn, [account], now=now, role=role)
    values = {
        "account": account,
        "role": role,
        "owner": owner,
        "who": who,
        "why": why,
        "expires": expires,
        "at": now,
        "ended_at": None,
    }
    inserted = conn.execute(_t.insert().values(values).returning(_t.c.id))
    return int(inserted.scalar_one())


def end(conn: Connection, accounts: Iterable[Ref], *, now: datetime, role: str = OWNER_FIELD) -> int:
    """End the overrides of one role of some accounts; returns how many stood."""
    mine = _t.c.account.in_(list(accounts)), _t.c.role == role, _t.c.ended_at.is_(None)
    return conn.execute(update(_t).where(*mine).values(ended_at=now)).rowcount


def standing(conn: Connection) -> tuple[AdoptedOverride, ...]:
    """Every override that was not ended, expired ones included, oldest first."""
    return tuple(
        AdoptedOverride(row.id, row.account, row.role, row.owner, row.who, row.why, row.expires, row.at)
        for row in conn.execute(_STANDING)
    )


def outranked(conn: Connection) -> Mapping[int, int]:
    """The number of the override that counts instead, by that of each that does not.

    Of several for one company and role the last counts: one company's accounts may have been joined after each of
    them was adopted.
    """
    joined = select(_t.c.id, _t.c.role, func.coalesce(company_links.c.company, type_coerce(_t.c.account, Text)))
    joined = joined.outerjoin(company_links, company_links.c.ref == _t.c.account)
    of_company: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, role, company in conn.execute(joined.where(_t.c.ended_at.is_(None)).order_by(_t.c.id)):
        of_company[company, role].append(number)
    return {number: numbers[-1] for numbers in of_company.values() for number in numbers[:-1]}


def counting(conn: Connection) -> tuple[AdoptedOverride, ...]:
    """Every override that stands and is not outranked by a later one, oldest first."""
    standing_ones = standing(conn)
    if len(standing_ones) < 2:
        return standing_ones
    others = outranked(conn)
    return tuple(each for each in standing_ones if each.id not in others)


_STANDING = select(_t).where(_t.c.ended_at.is_(None)).order_by(_t.c.id)
