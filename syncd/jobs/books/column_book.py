"""The book in columns, kept in the state folder and brought up to what the mirror says now: only changes are read.

Four files a book: the columns as they were made, what changed since, and what the ledger says of either. An older,
damaged or foreign file costs time and never gives a wrong column: each is held to the change numbers of the database,
to the hash of its ledger, and to checksums. Imported only where the extra `fast` is there.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from syncd.ahead import Ahead
from syncd.jobs.books.book_cache import COLUMNS_FOLDER, book_key
from syncd.jobs.books.column_making import read_book
from syncd.jobs.books.company_records import records_of
from syncd.jobs.books.freed_memory import give_back
from syncd.jobs.context import Context
from syncd.jobs.private_files import UnsoundFileError, map_private, put_private
from syncd.model.plans import OWNER_FIELD
from syncd.model.refs import Kind, Ref
from syncd.rules.arrays import lines_array, texts_array
from syncd.rules.batch.book_columns import BookPart, UnsoundColumnsError, read_part, write_part
from syncd.rules.batch.book_making import PartMaker
from syncd.rules.batch.standing import Standing, ledger_of
from syncd.rules.derivation import Derivation, OwnershipView, derive_alone
from syncd.store import dossier
from syncd.store.book_state import (
    BookState,
    book_state,
    changed_since,
    follows,
    joined,
    opportunities_of,
    other_roles_applied,
    owners_changed_since,
    suspects,
    suspects_among,
)
from syncd.store.raw_accounts import territories_applied
from syncd.store.versions import APPLIED, LINKS, MARKS, RECORDS

_BASE, _CHANGES, _LEDGER, _LATE_LEDGER = ".columns", ".changes", ".ledger", ".late-ledger"
_SUFFIXES = (_BASE, _CHANGES, _LEDGER, _LATE_LEDGER)
_MOST_BYTES = 1 << 36
_MOST_KEYS = 2
_SMALL, _SHARE = 2_000, 8
"""The columns are made anew where more than 2,000 companies, and more than an eighth of the book, changed since."""


@dataclass(frozen=True, slots=True)
class _ReadLedger:
    """What the ledger says of a whole mirror, before it is known in which rows: see `ledger_of`."""

    suspects: list[str]
    applied: list[tuple[Any, ...]]
    other_roles: bool


@dataclass(frozen=True, slots=True)
class _Held:
    """What the files say: the columns, the companies that changed since, and until which state of the database."""

    base: BookPart
    later: BookPart | None
    state: BookState

    @property
    def dead(self) -> list[int]:
        """The rows of the columns that later ones have replaced."""
        return list(self.later.about["dead"]) if self.later is not None else []


class ColumnBook:
    """The columns of one database's book, in one transaction.

    After `standings`, `notes` say what had to be done for them, and `other_roles` whether territories of other roles
    than the owner's were ever applied.
    """

    def __init__(self, context: Context, conn: Connection, derivation: Derivation, now: datetime) -> None:
        self.notes: list[str] = []
        self.other_roles = False
        settings = context.settings
        kept = "state_dir" in settings.model_fields_set
        self._folder: Path | None = settings.state_dir / COLUMNS_FOLDER if kept else None
        self._key = book_key(derivation, (), ())
        self._log = context.log
        self._systems = context.systems
        self._conn = conn
        self._derivation = derivation
        self._now = now
        self._state = book_state(conn)

    def standings(self) -> tuple[Standing, ...]:
        """The companies as they are now: those that are as they were made, then those that changed since."""
        try:
            held = self._held()
            return self._brought_up(held) if held is not None else self._made()
        except UnsoundColumnsError as error:
            return self.made_anew(error)

    def made_anew(self, error: UnsoundColumnsError) -> tuple[Standing, ...]:
        """The same where a column turned out to be damaged, which shows when it is first used; it is told once."""
        self._tell(str(error))
        return self._made()

    # What is there

    def _held(self) -> _Held | None:
        base = self._read(_BASE)
        if base is None:
            return None
        later = self._read(_CHANGES)
        if later is not None and later.about.get("base") != base.mark:
            later = None
        state = _state_of((base if later is None else later).about)
        if not follows(self._conn, state, self._state):
            raise UnsoundColumnsError("it is of another database, or of a later state of this one")
        return _Held(base, later, state) if _version(state, RECORDS) == _version(self._state, RECORDS) else None

    def _read(self, suffix: str) -> BookPart | None:
        if self._folder is None:
            return None
        try:
            data = map_private(self._folder / (self._key + suffix), _MOST_BYTES)
        except (UnsoundFileError, OSError) as error:
            raise UnsoundColumnsError(str(error)) from error
        return None if data is None else read_part(data)

    def _tell(self, reason: str) -> None:
        path = self._folder / (self._key + _BASE) if self._folder is not None else None
        self._log.event("book.rebuilt", path=str(path), reason=reason)

    # Made anew

    def _made(self) -> tuple[Standing, ...]:
        read = read_book(self._conn, self._systems, self._derivation, self._now)
        ledger = Ahead(self._read_ledger)  # the columns are joined and kept meanwhile, which asks no database
        try:
            base = read.joined({"state": asdict(self._state)})
            del read
            give_back()
            self.notes.append(f"columns of {base.count:,} companies made anew")
            self._write(_BASE, base)
            self._drop(_CHANGES, _LATE_LEDGER)
        finally:
            ledger.wait()
        return (self._standing(base, self._whole_ledger(base, ledger.result())),)

    # Brought up to now

    def _brought_up(self, held: _Held) -> tuple[Standing, ...]:
        base, later = self._standing(held.base, self._ledger(held.base), held.dead), held.later
        known = [base] if later is None else [base, self._standing(later, self._late_ledger(later))]
        changed = self._changed(held.state, known)
        if changed is None:
            return self._made()
        if changed:
            gone = {*held.dead, *base.rows_named(changed).tolist()}
            later = self._later(later, changed, held.base, sorted(gone))
            if later.count > max(_SMALL, held.base.count // _SHARE):
                return self._made()
            self._write(_CHANGES, later)
            self.notes.append(f"{len(changed):,} companies derived again")
            base.bury(sorted(gone))
            known = [base, self._standing(later, self._late_ledger(later))]
        return tuple(known)

    def _standing(self, part: BookPart, ledger: BookPart, dead: Sequence[int] = ()) -> Standing:
        """How a part stands by its ledger, and by the changes of owners that were seen since that was written."""
        self.other_roles |= bool(ledger.about.get("other_roles"))
        return Standing.of(part, ledger, dead, owners_changed_since(self._conn, ledger.about["owner_change"]))

    def _changed(self, since: BookState, known: list[Standing]) -> set[str] | None:
        """The companies whose columns may not hold any more; None where they are too many to be looked at."""
        most = max(_SMALL, sum(each.part.count for each in known) // _SHARE)
        accounts = changed_since(self._conn, since.change, Kind.ACCOUNT, most)
        deals = changed_since(self._conn, since.change, Kind.OPPORTUNITY, most)
        if accounts is None or deals is None:
            return None
        found = {key for each in known for key in each.keys_of([*accounts, *deals])} if accounts or deals else set()
        told = opportunities_of(self._conn, deals)
        now_of = [Ref(ref.system, Kind.ACCOUNT, account) for ref, account in told if account]
        found |= set(dossier.company_keys(self._conn, [*accounts, *now_of]).values())
        if _version(since, LINKS) != _version(self._state, LINKS):
            found |= _parted({ref: key for each in known for ref, key in each.joined().items()}, joined(self._conn))
        for each in known:
            found |= set(each.expired(self._now))
        return found if len(found) <= most else None

    def _later(self, later: BookPart | None, changed: Collection[str], base: BookPart, dead: list[int]) -> BookPart:
        maker = PartMaker()
        if later is not None:
            maker.take(later, later.rows_without(changed))
        companies = records_of(self._conn, changed, self._systems)
        for records, known in derive_alone(companies, self._derivation, OwnershipView(), self._now):
            maker.add(records, known)
        return maker.part({"base": base.mark, "state": asdict(self._state), "dead": dead})

    # What the ledger says

    def _ledger(self, base: BookPart) -> BookPart:
        kept = self._read(_LEDGER)
        if kept is None or kept.about.get("of") != base.mark or not self._is_current(kept):
            return self._whole_ledger(base, self._read_ledger())
        return kept

    def _read_ledger(self) -> _ReadLedger:
        applied = [
            tuple(lines_array(text, count) for text in texts) for count, *texts in territories_applied(self._conn)
        ]
        return _ReadLedger(suspects(self._conn), applied, other_roles_applied(self._conn))

    def _whole_ledger(self, base: BookPart, read: _ReadLedger) -> BookPart:
        about = self._about(base) | {"other_roles": read.other_roles}
        ledger = ledger_of(base, read.suspects, read.applied, about)
        self._write(_LEDGER, ledger)
        self.notes.append("marks and applied territories read anew")
        return ledger

    def _late_ledger(self, later: BookPart) -> BookPart:
        kept = self._read(_LATE_LEDGER)
        if kept is not None and kept.about.get("of") == later.mark and self._is_current(kept):
            return kept
        keys = later.all_keys
        refs = later.refs
        applied = [
            (key, row.territory, row.owner if row.amounts is None else "")
            for key, roles in dossier.applied_to(self._conn, keys).items()
            if (row := roles.get(OWNER_FIELD)) is not None and row.territory is not None
        ]
        told = tuple(texts_array([each[at] or "" for each in applied]) for at in range(3))
        ledger = ledger_of(later, suspects_among(self._conn, refs), [told], self._about(later))
        self._write(_LATE_LEDGER, ledger)
        return ledger

    def _about(self, part: BookPart) -> dict[str, Any]:
        return {"of": part.mark, "versions": self._versions, "owner_change": self._state.owner_change}

    @property
    def _versions(self) -> dict[str, int]:
        return {name: _version(self._state, name) for name in (MARKS, APPLIED)}

    def _is_current(self, ledger: BookPart) -> bool:
        return bool(ledger.about.get("versions") == self._versions)

    # Files

    def _write(self, suffix: str, part: BookPart) -> None:
        """Keep a part; where that cannot be done it is made again next time."""
        if self._folder is None:
            return
        with suppress(OSError):
            put_private(self._folder / (self._key + suffix), lambda file: write_part(part, file))
            self._prune()

    def _drop(self, *suffixes: str) -> None:
        if self._folder is None:
            return
        for suffix in suffixes:
            with suppress(OSError):
                (self._folder / (self._key + suffix)).unlink(missing_ok=True)

    def _prune(self) -> None:
        """Drop all but the books used last, and what a killed process left half written."""
        if self._folder is None:
            return
        found = sorted(((each.stat().st_mtime_ns, each.name) for each in os.scandir(self._folder)), reverse=True)
        keys = list(dict.fromkeys(Path(name).stem for _, name in found if name.endswith(_SUFFIXES)))
        for _, name in found:
            if Path(name).stem not in keys[:_MOST_KEYS]:
                (self._folder / name).unlink(missing_ok=True)


def _version(state: BookState, name: str) -> int:
    return state.versions.get(name, 0)


def _state_of(about: Mapping[str, Any]) -> BookState:
    try:
        return BookState(**about["state"])
    except (KeyError, TypeError) as error:
        raise UnsoundColumnsError("it holds no book") from error


def _parted(old: Mapping[str, str], new: Mapping[str, str]) -> set[str]:
    """The companies of which a record left or to which one came."""
    found: set[str] = set()
    for ref in old.keys() | new.keys():
        if old.get(ref, ref) != new.get(ref, ref):
            found |= {old.get(ref, ref), new.get(ref, ref)}
    return found
