"""Erasing a person or a record: the list beside the database first, then the tables, then the bytes.

The list names nobody in clear: refs as they are, addresses as salted hashes. A backup that is restored holds again what
was erased since it was made; whoever leads next finds that the list is ahead of the ledger, and erases again first.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncd.clock import iso
from syncd.errors import RefusedError, StorageError
from syncd.jobs.books.book_cache import forget_books
from syncd.jobs.context import Context
from syncd.jobs.leadership import Leadership
from syncd.model.refs import Ref
from syncd.store import erasure, ledger

EVENT = "subject.erased"
_SALT_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did: its id, rows changed by table, and where the words still stand, by `table.column`."""

    id: str
    changed: Mapping[str, int]
    remaining: Mapping[str, int]


def erase(context: Context, leader: Leadership, target: str, *, reason: str) -> Erased:
    """Erase the record that a ref names, or the person behind an address.

    Raises RefusedError SYN534 where nothing is known of it, SYN535 where its CRM still has it as a live record or an
    active user, StorageError SYN536 where the list cannot be written.
    """
    leader.check()
    ref = _ref(target)
    with context.store.read() as conn:
        subject = erasure.subject_of_ref(conn, ref) if ref else erasure.subject_of_email(conn, target)
        live = [each for each in subject.refs if erasure.is_live(conn, each)] if subject else []
    if subject is None:
        hint = "a ref is system:kind:id; a person is named by the e-mail address that a CRM has"
        raise RefusedError("SYN534", f"nothing is known of {target!r}", hint=hint)
    if live:
        hint = "delete or deactivate it there first, then `syncd pull`; else the next pull would read it again"
        raise RefusedError("SYN535", f"{live[0]} still lives in {live[0].system.value}", hint=hint)
    entry = _entry(context, target, ref)
    _append(context.settings.database.erasures, entry)
    return _carry_out(context, subject, entry["id"], reason)


def replay(context: Context) -> int:
    """Erase again what the list holds and the ledger does not: a backup was restored, or a process died in between.

    Returns how many entries that were. Cheap where there are none. Raises StorageError SYN536 for an unreadable list.
    """
    entries = list(_entries(context.settings.database.erasures))
    if not entries:
        return 0
    with context.store.read() as conn:
        done = {row.facts.get("erasure") for row in ledger.entries(conn, event=EVENT)}
        missing = [entry for entry in entries if entry["id"] not in done]
        emails = erasure.known_emails(conn) if any("hash" in entry for entry in missing) else frozenset()
    for entry in missing:
        with context.store.read() as conn:
            subjects = [
                erasure.subject_of_ref(conn, Ref.parse(entry["ref"]))
                if "ref" in entry
                else erasure.subject_of_email(conn, email)
                for email in ([""] if "ref" in entry else sorted(emails))
                if "ref" in entry or _hashed(email, entry["salt"]) == entry["hash"]
            ]
        found = [subject for subject in subjects if subject is not None]
        _carry_out(
            context, found[0] if found else erasure.Subject((), frozenset(), frozenset()), entry["id"], "replayed"
        )
    return len(missing)


def _carry_out(context: Context, subject: erasure.Subject, number: str, reason: str) -> Erased:
    with context.store.write() as conn:
        changed = erasure.erase(conn, subject, f"erased-{number}")
        facts: dict[str, str | int | None] = {"erasure": number, **{f"rows:{name}": n for name, n in changed.items()}}
        ref = str(subject.refs[0]) if subject.refs else None
        ledger.append(
            conn,
            at=context.clock.now(),
            event=EVENT,
            ref=ref,
            actor=context.actor,
            run_id=None,
            facts=facts,
            payload={"reason": reason},
        )
        left = erasure.remaining(conn, subject)
    context.store.compact()
    forget_books(context.settings)
    context.log.event(EVENT, erasure=number, rows=sum(changed.values()))
    return Erased(number, changed, left)


def _ref(target: str) -> Ref | None:
    try:
        return Ref.parse(target.strip())
    except ValueError:
        return None


def _entry(context: Context, target: str, ref: Ref | None) -> dict[str, str]:
    entry = {"id": context.entropy.token(), "at": iso(context.clock.now())}
    if ref is not None:
        return entry | {"ref": str(ref)}
    salt = context.entropy.token(_SALT_DIGITS)
    return entry | {"salt": salt, "hash": _hashed(target, salt)}


def _hashed(email: str, salt: str) -> str:
    return hashlib.sha256(f"{salt}{email.strip().casefold()}".encode()).hexdigest()


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, "read", str(error)) from error
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            known = isinstance(entry, dict) and "id" in entry and ("ref" in entry or {"salt", "hash"} <= set(entry))
        except ValueError:
            known = False
        if not known:
            raise _unusable(path, "read", f"line {number} is no entry")
        yield entry


def _append(path: Path, entry: Mapping[str, str]) -> None:
    """Add a line and see it on the disk: from now on no restored backup keeps what is erased."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8") as file:
            file.write(json.dumps(entry, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _unusable(path, "written", os.strerror(error.errno or 0)) from error


def _unusable(path: Path, verb: str, why: str) -> StorageError:
    hint = "it is `database.erasures` in the settings; keep it with the backups, and apart from the database"
    return StorageError("SYN536", f"the list of erasures cannot be {verb}: {why}", where=str(path), hint=hint)
