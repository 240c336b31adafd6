"""The book of `plan --accounts`: accounts, opportunities and users from exports, without a CRM or a mirror.

Columns are the field names of the catalogue plus `id`; several values in a cell are joined by `;`. Each row is its own
company. Knows nothing of packs or decisions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import datetime
from pathlib import Path

from syncd.errors import InputError, Severity
from syncd.model.fields import FieldCatalogue, FieldType
from syncd.model.normalisation import boolean, email
from syncd.model.refs import System
from syncd.rules.derivation import Derivation, facts_from_raw
from syncd.rules.deriving.families import join_families
from syncd.rules.engine import Book
from syncd.rules.exports.files import read_rows
from syncd.rules.exports.rows import Remarks, Row
from syncd.rules.facts import Directory, Facts, Rep
from syncd.rules.findings import Findings

_BOTH = frozenset(System)
_USER_COLUMNS = ("id", "email", "name", "active")


def accounts_header(catalogue: FieldCatalogue) -> tuple[str, ...]:
    """The columns that an export of accounts may have: `id` first, then every account field, derived ones included."""
    return ("id", *(name for name in catalogue.account if name != "id"))


def read_book(
    accounts: Path, *, opportunities: Path | None, users: Path | None, derivation: Derivation, now: datetime
) -> Book:
    """Read the exports; warnings and notes are the book's findings.

    Without `users` every e-mail is an active user; with it, only those it lists as active. Raises InputError SYN301
    with every finding of all three files if any is an error.
    """
    findings = Findings()
    directory = read_users(users, findings) if users else Directory({}, assume_active=True)
    deals = read_opportunities(opportunities, derivation.catalogue, findings) if opportunities else {}
    facts = tuple(join_families(_read_accounts(accounts, deals, directory, derivation, now, findings)))
    if opportunities:
        report_orphans(opportunities, deals, {each.key for each in facts}, findings)
    if findings.has_errors:
        raise InputError("SYN301", "the exported accounts cannot be read", findings=findings.items)
    return Book(facts, directory, findings.items)


Deals = dict[str, list[tuple[int, Mapping[str, str]]]]
"""Opportunities by their account's id, each with its line."""


def _read_accounts(
    path: Path, deals: Deals, directory: Directory, derivation: Derivation, now: datetime, findings: Findings
) -> Iterator[Facts]:
    remarks = Remarks(path, findings)
    seen: dict[str, int] = {}
    for row in read_rows(path, accounts_header(derivation.catalogue), ("id",), remarks):
        key = key_of(row, seen, remarks)
        if key is None:
            continue
        facts = facts_of_row(key, row.cells, deals.get(key, ()), directory, derivation, now)
        for text in facts.findings:
            remarks.add("SYN307", Severity.WARNING, f"{key}: {text}", row.line)
        yield facts
    remarks.close()


def facts_of_row(
    key: str,
    cells: Mapping[str, str],
    deals: Iterable[tuple[int, Mapping[str, str]]],
    directory: Directory,
    derivation: Derivation,
    now: datetime,
) -> Facts:
    """The facts of one row of an export, alone."""
    fields = derivation.catalogue.account
    return facts_from_raw(
        key,
        {name: split_cell(cell, fields[name]) for name, cell in cells.items() if name in fields},
        opportunities=[cells for _, cells in deals],
        derivation=derivation,
        now=now,
        owner_active=is_active(directory, cells.get("owner")),
    )


def key_of(row: Row, seen: dict[str, int], remarks: Remarks) -> str | None:
    """The row's id, or None after a finding for a row without one, or with one that stands twice."""
    key = row.cells.get("id")
    if key is None:
        remarks.add("SYN303", Severity.ERROR, "this row has no id", row.line)
        return None
    first = seen.setdefault(key, row.line)
    if first != row.line:
        remarks.add(
            "SYN303", Severity.ERROR, f"the id {key} stands twice; the first is in {remarks.where(first)}", row.line
        )
        return None
    return key


def split_cell(cell: str, type_: FieldType) -> str | tuple[str, ...]:
    """A cell as a raw value: the parts of one that holds several."""
    if type_ is not FieldType.SEVERAL:
        return cell
    return tuple(part for part in (each.strip() for each in cell.split(";")) if part)


def is_active(directory: Directory, owner: str | None) -> bool:
    """Whether the user with this e-mail, as it stands in a cell, is active."""
    if owner is None:
        return False
    rep = directory.reps.get(email(owner))
    return directory.assume_active if rep is None else bool(rep.active_in)


def read_opportunities(path: Path, catalogue: FieldCatalogue, findings: Findings) -> Deals:
    """The opportunities of an export by their account's id."""
    remarks = Remarks(path, findings)
    deals: Deals = {}
    seen: dict[str, int] = {}
    for row in read_rows(path, ("id", *catalogue.opportunity), ("account",), remarks):
        account = row.cells.get("account")
        if account is None:
            remarks.add("SYN308", Severity.WARNING, "this opportunity names no account; it is left out", row.line)
        elif "id" not in row.cells or key_of(row, seen, remarks) is not None:
            deals.setdefault(account, []).append((row.line, row.cells))
    remarks.close()
    return deals


def report_orphans(path: Path, deals: Deals, keys: Set[str], findings: Findings) -> None:
    """Warn of the opportunities whose account is none of `keys`."""
    remarks = Remarks(path, findings)
    for account in sorted(deals.keys() - keys):
        for line, _ in deals[account]:
            message = f"there is no account {account}; its opportunity is left out"
            remarks.add("SYN308", Severity.WARNING, message, line)
    remarks.close()


def read_users(path: Path, findings: Findings) -> Directory:
    """The users of an export."""
    remarks = Remarks(path, findings)
    reps: dict[str, Rep] = {}
    ambiguous: set[str] = set()
    for row in read_rows(path, _USER_COLUMNS, ("email",), remarks):
        rep = _rep_of(row, remarks)
        if rep is None:
            continue
        known = reps.get(rep.email)
        if known is not None and known.active_in and rep.active_in:
            ambiguous.add(rep.email)
            message = f"{rep.email} names two active users; nothing is given to them"
            remarks.add("SYN309", Severity.WARNING, message, row.line)
        if known is None or not known.active_in:
            reps[rep.email] = rep
    remarks.close()
    return Directory(reps, ambiguous=frozenset(ambiguous))


def _rep_of(row: Row, remarks: Remarks) -> Rep | None:
    if "email" not in row.cells:
        remarks.add("SYN309", Severity.WARNING, "this user has no e-mail and can own nothing here", row.line)
        return None
    active = boolean(row.cells.get("active", "true"))
    if active is None:
        message = f"`active` is true or false, not {row.cells['active']!r}"
        remarks.add("SYN309", Severity.ERROR, message, row.line)
    address = email(row.cells["email"])
    return Rep(address, row.cells.get("name", address), {}, _BOTH if active else frozenset(), _BOTH)
