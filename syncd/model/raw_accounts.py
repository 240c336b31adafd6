"""Many accounts of the mirror as a few large texts, one line an account: what columns of a whole book are made from."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.model.refs import System


@dataclass(frozen=True, slots=True)
class RawAccounts:
    """`count` live accounts of one system, a line each, in the same order in every text.

    `fields` and `merged_from` are ASCII JSON; what an account has not is an empty line.
    """

    system: System
    count: int
    ids: str
    owners: str
    parents: str
    merged_from: str
    fields: str
