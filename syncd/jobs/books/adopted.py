"""Overrides that people adopted, as the pack's own: they stand in the ledger and count alike (RULES.md section 6)."""

from __future__ import annotations

from dataclasses import replace

from syncd.errors import Place
from syncd.jobs.context import Context
from syncd.rules.pack import Override, Pack
from syncd.store import overrides


def with_adopted(context: Context, pack: Pack) -> Pack:
    """The pack with the overrides that stand in the ledger: they count alike."""
    with context.store.read() as conn:
        counting = overrides.counting(conn)
    adopted = (
        Override(
            account=str(each.account),
            owner=each.owner,
            place=Place("ledger", each.id),
            by=each.who,
            why=each.why,
            expires=each.expires,
            role=each.role,
        )
        for each in counting
    )
    return replace(pack, overrides=(*pack.overrides, *adopted)) if counting else pack
