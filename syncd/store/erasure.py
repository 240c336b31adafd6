"""Erasure: what the tables hold of one person or one record is taken out, and the ledger's chain still holds.

Payloads are dropped with their salt; the mirror's row is blanked; names, addresses and domains become a marker wherever
text holds them. Chained rows are not touched: they hold refs, ids, codes and amounts. Knows nothing of files.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Table, Text, cast, delete, func, or_, select, update

from syncd.model.plans import canonical_json
from syncd.model.refs import Kind, Ref
from syncd.store import tables
from syncd.store.leads import forget_person
from syncd.store.upserts import chunks
from syncd.store.versions import RECORDS, raise_version

_EMAIL = re.compile(r"[^\s@<>(),;:\"'|]+@[\w.-]*\w")
_NAMING = ("name", "domain", "website", "phone", "email")
"""The fields of a record that say who it is."""
_SHORTEST = 3

_TEXTS: Mapping[Table[Any], tuple[str, ...]] = {
    tables.approvals: ("who", "why"),
    tables.outbox: ("message",),
    tables.receipts: ("message",),
    tables.blocked: ("message",),
    tables.link_candidates: ("reason", "decided_by"),
    tables.company_links: ("evidence",),
    tables.applied: ("owner",),
    tables.assignments: ("owner",),
    tables.lead_tracks: ("rep", "text", "matched"),
    tables.retrievals: ("noticed_owner", "from_owner", "to_owner"),
    tables.adopted_overrides: ("owner", "who", "why"),
    tables.rotations: ("member",),
    tables.episodes: ("fingerprint", "subject", "summary", "acknowledged_by", "labels", "detail"),
    tables.notices: ("body", "outcome"),
    tables.monitor_states: ("subject", "state"),
    tables.silences: ("author", "comment", "matchers"),
    tables.systems: ("last_error",),
    tables.runs: ("detail", "summary"),
}
"""The columns that may hold names and addresses, beside the plans, the mirror and the ledger's payloads."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Who or what is erased: the refs of its rows, words that are told from others by themselves (`exact`: addresses,
    domains, numbers), and names, which count as whole words only."""

    refs: tuple[Ref, ...]
    exact: frozenset[str]
    names: frozenset[str]


@dataclass(frozen=True)
class Scrubber:
    """Takes a subject's words out of any text or document."""

    subject: Subject
    marker: str

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        exact = sorted((re.escape(word) for word in self.subject.exact), key=len, reverse=True)
        names = sorted((rf"(?<!\w){re.escape(word)}(?!\w)" for word in self.subject.names), key=len, reverse=True)
        return re.compile("|".join([*exact, *names]), re.IGNORECASE) if exact or names else None

    def text(self, text: str) -> str:
        """The text with a marker for each of the words."""
        return self._pattern.sub(self.marker, text) if self._pattern is not None else text

    def value(self, value: Any) -> Any:
        """The same for all of a document, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(key): self.value(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value


def subject_of_ref(conn: Connection, ref: Ref) -> Subject | None:
    """The subject that a record is, by what the mirror and saved plans call it; None where nothing is known of it."""
    table = tables.records
    here = (table.c.system == ref.system) & (table.c.kind == ref.kind) & (table.c.id == ref.id)
    row = conn.execute(select(table.c.fields, table.c.domain).where(here)).one_or_none()
    names = {entry["name"] for entry in _decisions(conn) if str(ref) in entry["accounts"] and entry.get("name")}
    if row is None and not names:
        return None
    fields: Mapping[str, str] = row.fields if row is not None else {}
    exact = {fields[name] for name in _NAMING if name != "name" and fields.get(name)}
    exact |= {value for value in fields.values() if _EMAIL.fullmatch(value)}
    exact |= {row.domain} if row is not None and row.domain else set()
    names |= {fields["name"]} if fields.get("name") else set()
    return Subject((ref,), _words(exact), _words(names))


def subject_of_email(conn: Connection, email: str) -> Subject | None:
    """The person behind an address, with the names that users and plans know; None where no table holds it."""
    wanted = email.strip().casefold()
    table = tables.users
    rows = conn.execute(select(table).where(func.lower(table.c.email) == wanted)).all()
    names = {row.name for row in rows if row.name} | {row.login for row in rows if row.login}
    for person in _people(conn):
        if str(person.get("email", "")).casefold() == wanted and person.get("name"):
            names.add(person["name"])
    refs = tuple(Ref(row.system, Kind.USER, row.id) for row in rows)
    if not refs and not names and wanted not in known_emails(conn):
        return None
    return Subject(refs, frozenset({wanted}), _words(names))


def erase(conn: Connection, subject: Subject, marker: str) -> Mapping[str, int]:
    """Take a subject out of the tables; how many rows of which table were changed. The caller commits.

    The hash of a plan that named it becomes that of what is left; what was approved then stands in the ledger.
    """
    scrubber, changed = Scrubber(subject, marker), Counter[str]()
    changed["records"] += _blank_records(conn, subject, scrubber)
    changed["users"] += _blank_users(conn, subject, marker)
    changed["plans"] += _scrub_plans(conn, scrubber)
    changed["ledger_payloads"] += _drop_payloads(conn, subject, scrubber)
    for table, columns in _TEXTS.items():
        changed[table.name] += _scrub_table(conn, table, columns, scrubber.value)
    return {name: count for name, count in sorted(changed.items()) if count}


def remaining(conn: Connection, subject: Subject) -> Mapping[str, int]:
    """Rows that still hold one of the exact words, by `table.column`: what is chained, or not syncd's to change."""
    found: dict[str, int] = {}
    for table in tables.metadata.sorted_tables:
        for column in table.columns:
            text = func.lower(cast(column, Text))
            if "BLOB" in str(column.type) or not subject.exact:
                continue
            holding = or_(*(text.contains(word.casefold(), autoescape=True) for word in sorted(subject.exact)))
            count = conn.execute(select(func.count()).select_from(table).where(holding)).scalar_one()
            if count:
                found[f"{table.name}.{column.name}"] = count
    return found


def known_emails(conn: Connection) -> frozenset[str]:
    """Every address that a table holds, in small letters: what a list of erasures is compared with."""
    found: set[str] = set()
    for column in (
        tables.users.c.email,
        tables.applied.c.owner,
        tables.assignments.c.owner,
        tables.adopted_overrides.c.owner,
        tables.rotations.c.member,
        tables.approvals.c.who,
    ):
        found.update(text.casefold() for text in conn.execute(select(column).distinct()).scalars() if text)
    for document in _documents(conn):
        found.update(match.casefold() for match in _EMAIL.findall(canonical_json(document)))
    for payload in conn.execute(select(tables.ledger_payloads.c.payload)).scalars():
        found.update(match.casefold() for match in _EMAIL.findall(canonical_json(dict(payload))))
    return frozenset(found)


def is_live(conn: Connection, ref: Ref) -> bool:
    """Whether the mirror holds a record, or an active user, as one that its CRM still has."""
    if ref.kind is Kind.USER:
        user = tables.users
        mine = (user.c.system == ref.system) & (user.c.id == ref.id)
        return bool(conn.execute(select(user.c.id).where(mine, user.c.active == True)).first())  # noqa: E712 - SQL
    table = tables.records
    here = (table.c.system == ref.system) & (table.c.kind == ref.kind) & (table.c.id == ref.id)
    return bool(conn.execute(select(table.c.id).where(here, table.c.deleted == False)).first())  # noqa: E712 - SQL


def _words(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word.strip() for word in words if len(word.strip()) >= _SHORTEST)


def _documents(conn: Connection) -> Iterator[dict[str, Any]]:
    for row in conn.execute(select(tables.plans.c.document)):
        yield json.loads(row.document.decode("utf-8", "surrogatepass"))


def _decisions(conn: Connection) -> Iterator[Mapping[str, Any]]:
    for document in _documents(conn):
        yield from document["decisions"]


def _people(conn: Connection) -> Iterator[Mapping[str, Any]]:
    for document in _documents(conn):
        for change in document["changes"]:
            yield from (change[key] for key in ("from_owner", "to_owner") if key in change)


def _blank_records(conn: Connection, subject: Subject, scrubber: Scrubber) -> int:
    """Blank the subject's own records; those of its children keep all but its words."""
    table, blanked = tables.records, 0
    empty: dict[str, Any] = {"fields": {}, "name_key": None, "domain": None, "content_hash": ""}
    for ref in subject.refs:
        here = (table.c.system == ref.system) & (table.c.kind == ref.kind) & (table.c.id == ref.id)
        blanked += conn.execute(update(table).where(here).values(empty)).rowcount
        if ref.kind is Kind.LEAD:
            forget_person(conn, ref)
        children = select(table.c.system, table.c.kind, table.c.id, table.c.fields).where(
            table.c.system == ref.system, table.c.account == ref.id
        )
        for row in conn.execute(children).all():
            left = scrubber.value(row.fields)
            if left != row.fields:
                child = (table.c.system == row.system) & (table.c.kind == row.kind) & (table.c.id == row.id)
                values = {"fields": left, "name_key": None, "content_hash": ""}
                blanked += conn.execute(update(table).where(child).values(values)).rowcount
    raise_version(conn, RECORDS)
    return blanked


def _blank_users(conn: Connection, subject: Subject, marker: str) -> int:
    table, blanked = tables.users, 0
    for ref in subject.refs:
        values: dict[str, Any] = {"email": marker, "name": marker, "login": None, "fields": {}}
        mine = (table.c.system == ref.system) & (table.c.id == ref.id)
        if ref.kind is Kind.USER:
            blanked += conn.execute(update(table).where(mine).values(values)).rowcount
    return blanked


def _scrub_plans(conn: Connection, scrubber: Scrubber) -> int:
    table, changed = tables.plans, 0
    for plan_id in conn.execute(select(table.c.plan_id).order_by(table.c.plan_id)).scalars().all():
        stored = conn.execute(select(table.c.document).where(table.c.plan_id == plan_id)).scalar_one()
        document = json.loads(stored.decode("utf-8", "surrogatepass"))
        left = canonical_json(scrubber.value(document)).encode("utf-8", "surrogatepass")
        if left != stored:
            values = {"document": left, "hash": hashlib.sha256(left).hexdigest()}
            changed += conn.execute(update(table).where(table.c.plan_id == plan_id).values(values)).rowcount
    return changed


def _drop_payloads(conn: Connection, subject: Subject, scrubber: Scrubber) -> int:
    """Drop the payloads of the subject's own rows, and any other that holds one of its words."""
    payloads, chain = tables.ledger_payloads, tables.ledger
    refs = {str(ref) for ref in subject.refs}
    query = select(payloads.c.seq, payloads.c.payload, chain.c.ref).join(chain, chain.c.seq == payloads.c.seq)
    gone = [
        row.seq
        for row in conn.execute(query)
        if row.ref in refs or scrubber.value(dict(row.payload)) != dict(row.payload)
    ]
    for batch in chunks(gone):
        conn.execute(delete(payloads).where(payloads.c.seq.in_(batch)))
    return len(gone)


def _scrub_table(conn: Connection, table: Table[Any], columns: Iterable[str], scrub: Callable[[Any], Any]) -> int:
    """Scrub some columns of a table, documents and texts alike; text that is JSON is read as such."""
    key = list(table.primary_key.columns)
    names, changed = list(columns), 0
    for row in conn.execute(select(*key, *(table.c[name].label(f"value_{name}") for name in names))).all():
        values = {name: _scrubbed(getattr(row, f"value_{name}"), scrub) for name in names}
        new = {name: value for name, value in values.items() if value != getattr(row, f"value_{name}")}
        if new:
            mine = [column == value for column, value in zip(key, row, strict=False)]
            changed += conn.execute(update(table).where(*mine).values(new)).rowcount
    return changed


def _scrubbed(value: Any, scrub: Callable[[Any], Any]) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            document = json.loads(value)
        except ValueError:
            return scrub(value)
        left = scrub(document)
        return value if left == document else json.dumps(left, sort_keys=True, separators=(",", ":"))
    return scrub(value)
