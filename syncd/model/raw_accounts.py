"""Many records of the mirror as a few large texts, one line a record: what columns of a whole book are made from."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.model.refs import System


@dataclass(frozen=True, slots=True)
class RawAccounts:
    """`count` live accounts, or opportunities, of one system, a line each, in the same order in every text.

    The parent of an opportunity is its account. `fields` and `merged_from` are ASCII JSON; what a
    record has not is an empty line.
    """

    system: System
    count: int
    ids: str
    owners: str
    parents: str
    merged_from: str
    fields: str
