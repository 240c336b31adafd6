"""What a kept book is compared with: the numbers of its changes, and what of ledger and links it has to know by heart.

Everything here is text as the tables hold it, for it is read of a million accounts at once. Decides nothing: a suspect
is an account whose owner may be another than the one syncd knows of, and whoever is asked looks at it in full.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, Text, exists, func, select, type_coerce

from syncd.model.plans import OWNER_FIELD
from syncd.model.refs import Kind, Ref, System
from syncd.store.leads import last_change_of_book
from syncd.store.tables import applied, company_links, ledger, ledger_head, owner_changes, owner_marks, records
from syncd.store.upserts import chunks
from syncd.store.versions import versions


@dataclass(frozen=True, slots=True)
class BookState:
    """How far a database has come: the newest change of a record and of an owner, the tables' versions, the ledger."""

    change: int
    owner_change: int
    versions: Mapping[str, int]
    ledger: int
    ledger_hash: str


def book_state(conn: Connection) -> BookState:
    """The state of the mirror and the ledger now; six look-ups by index."""
    head = conn.execute(select(ledger_head.c.seq, ledger_head.c.hash)).one_or_none()
    newest = conn.execute(select(func.max(owner_changes.c.seq))).scalar() or 0
    seq, mark = (head.seq, head.hash) if head is not None else (0, "")
    return BookState(last_change_of_book(conn), newest, versions(conn), seq, mark)


def follows(conn: Connection, earlier: BookState, now: BookState) -> bool:
    """Whether this database has grown from an earlier state, and is no other one and no older copy."""
    if earlier.change > now.change or earlier.ledger > now.ledger:
        return False
    if not earlier.ledger:
        return True
    known = conn.execute(select(ledger.c.hash).where(ledger.c.seq == earlier.ledger)).scalar()
    return known == earlier.ledger_hash


def changed_since(conn: Connection, mark: int, kind: Kind, most: int) -> list[Ref] | None:
    """The records of a kind that changed after the change numbered `mark`; None where they are more than `most`."""
    query = select(records.c.system, records.c.id).where(records.c.change_seq > mark, records.c.kind == kind)
    found = conn.execute(query.limit(most + 1)).all()
    return None if len(found) > most else [Ref(system, kind, record_id) for system, record_id in found]


def joined(conn: Connection) -> Mapping[str, str]:
    """The company of each record that is linked to another one's, as texts."""
    ref = type_coerce(company_links.c.ref, Text)
    return dict(conn.execute(select(ref, company_links.c.company).where(ref != company_links.c.company)).all())


def other_roles_applied(conn: Connection) -> bool:
    """Whether anything was ever applied in another role than the owner's."""
    return conn.execute(select(applied.c.role).where(applied.c.role != OWNER_FIELD).limit(1)).first() is not None


def suspects(conn: Connection) -> list[str]:
    """The refs of the accounts whose owner is not their mark's, or was seen to change since it was set."""
    live = (records.c.kind == Kind.ACCOUNT) & (records.c.deleted == False)  # noqa: E712 - SQL
    mine = (type_coerce(owner_marks.c.ref, Text) == _ref()) & (owner_marks.c.field == OWNER_FIELD)
    other = select(_ref()).select_from(records).join(owner_marks, mine)
    found = conn.execute(other.where(live, owner_marks.c.owner.is_distinct_from(records.c.owner))).scalars().all()
    return [*found, *conn.execute(_seen_to_change()).scalars()]


def suspects_among(conn: Connection, refs: Collection[Ref]) -> set[str]:
    """Those of these accounts that `suspects` would name."""
    found: set[str] = set()
    mine = (type_coerce(owner_marks.c.ref, Text) == _ref()) & (owner_marks.c.field == OWNER_FIELD)
    other = select(_ref()).select_from(records).join(owner_marks, mine)
    other = other.where(owner_marks.c.owner.is_distinct_from(records.c.owner), records.c.kind == Kind.ACCOUNT)
    by_system: dict[System, list[str]] = defaultdict(list)
    for ref in refs:
        by_system[ref.system].append(ref.id)
    for system, ids in by_system.items():
        for batch in chunks(ids):
            found.update(conn.execute(other.where(records.c.system == system, records.c.id.in_(batch))).scalars())
    for some in chunks(list(refs)):
        found.update(conn.execute(_seen_to_change().where(owner_changes.c.ref.in_(some))).scalars())
    return found


def owners_changed_since(conn: Connection, seq: int) -> set[str]:
    """The refs of the records whose owner was seen to change after the change numbered `seq`."""
    ref = type_coerce(owner_changes.c.ref, Text)
    query = select(ref).where(owner_changes.c.seq > seq, owner_changes.c.field == OWNER_FIELD)
    return {found for found in conn.execute(query).scalars() if Ref.parse(found).kind is Kind.ACCOUNT}


def opportunities_of(conn: Connection, refs: Iterable[Ref]) -> list[tuple[Ref, str | None]]:
    """The account ids that these opportunities say now, deleted ones too."""
    by_system: dict[System, list[str]] = defaultdict(list)
    for ref in refs:
        by_system[ref.system].append(ref.id)
    found: list[tuple[Ref, str | None]] = []
    for system, ids in by_system.items():
        for batch in chunks(ids):
            query = select(records.c.id, records.c.account).where(
                records.c.system == system, records.c.kind == Kind.OPPORTUNITY, records.c.id.in_(batch)
            )
            found += [(Ref(system, Kind.OPPORTUNITY, row.id), row.account) for row in conn.execute(query)]
    return found


def accounts_of_deals(conn: Connection) -> dict[Ref, str | None]:
    """The account id that each opportunity names, deleted ones too."""
    query = select(records.c.system, records.c.id, records.c.account).where(records.c.kind == Kind.OPPORTUNITY)
    return {Ref(row.system, Kind.OPPORTUNITY, row.id): row.account for row in conn.execute(query)}


def accounts_of_book(conn: Connection, systems: Iterable[System]) -> int:
    """How many live accounts the mirror holds of some systems."""
    live = (records.c.kind == Kind.ACCOUNT) & (records.c.deleted == False)  # noqa: E712 - SQL
    query = select(func.count()).select_from(records).where(live, records.c.system.in_(list(systems)))
    return conn.execute(query).scalar_one()


def _ref() -> ColumnElement[str]:
    text = type_coerce(records.c.system, Text) + ":" + type_coerce(records.c.kind, Text) + ":" + records.c.id
    return type_coerce(text, Text)


def _seen_to_change() -> Select[str]:
    """The refs whose owner was seen to change after their mark was set."""
    mark = (owner_marks.c.ref == owner_changes.c.ref) & (owner_marks.c.field == OWNER_FIELD)
    return select(type_coerce(owner_changes.c.ref, Text)).where(
        owner_changes.c.field == OWNER_FIELD, exists().where(mark, owner_changes.c.seen_at > owner_marks.c.at)
    )
