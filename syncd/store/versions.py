"""Numbers that rise with each change of what a book is made of beside its records: kept columns know what is old.

Records have a number of their own (`change_seq`); what has none is counted here, table by table.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, select, update

from syncd.store.tables import book_versions

RECORDS, LINKS, MARKS, APPLIED = "records", "links", "marks", "applied"
"""What is counted: records that went without a change number, links, marks, and what was applied."""


def raise_version(conn: Connection, *names: str) -> None:
    """Say that what is counted under these names is not what it was."""
    for name in names:
        if not conn.execute(_RISEN, {"of": name}).rowcount:
            conn.execute(book_versions.insert(), {"name": name, "number": 1})


_RISEN = update(book_versions).where(book_versions.c.name == bindparam("of")).values(number=book_versions.c.number + 1)


def versions(conn: Connection) -> Mapping[str, int]:
    """The numbers by name; what never changed is not among them."""
    return dict(conn.execute(select(book_versions.c.name, book_versions.c.number)).all())
