"""Linking the mirror's accounts into companies, and marking those that are new, whenever the mirror has changed.

Whether that is due is told by the number of the mirror's last change, not by what one pull read: a process that died
between its last page and the linking left work that the next one must do, though it reads nothing new.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os

from syncd.errors import Finding, InputError, Place, Severity
from syncd.identity import link_accounts
from syncd.jobs.authors import tell_authors
from syncd.jobs.context import Context
from syncd.jobs.marking import mark_first_seen
from syncd.jobs.recording import recorded
from syncd.model.refs import Kind, long_salesforce_id
from syncd.store import companies, mirror, runs

JOB = "link"
_COLUMNS = ("salesforce", "hubspot")


def link_mirror(context: Context) -> tuple[int, int]:
    """Link all live accounts anew and mark new ones, if anything changed since that was last done.

    Returns how many records were joined to another company and how many split from theirs. Raises InputError SYN332
    where the id map is invalid.
    """
    pairs = _pairs(context)
    basis = _basis(context, pairs)
    with context.store.read() as conn:
        last = next(iter(runs.runs(conn, 1, JOB)), None)
        change = mirror.last_change(conn)
    if last is not None and last.outcome == "ok" and last.detail == {"change": change, "basis": basis}:
        return 0, 0
    with recorded(context, JOB, {"change": change, "basis": basis}) as run:
        joined, split = _link(context, pairs)
        run.summary = {"joined": joined, "split": split, "first_seen": mark_first_seen(context)}
        run.summary |= {"authors": tell_authors(context)}
    return joined, split


def _link(context: Context, pairs: list[tuple[str, str]]) -> tuple[int, int]:
    with context.store.read() as conn:
        accounts = [record for system in context.systems for record in mirror.records(conn, system, Kind.ACCOUNT)]
    shared = frozenset(context.settings.identity.shared_domains)
    linking = link_accounts(accounts, id_map=pairs, shared_domains=shared)
    now = context.clock.now()
    with context.store.write() as conn:
        changed = companies.save_links(conn, linking.links, linking.evidence, now=now)
        companies.save_candidates(conn, linking.candidates, now=now)
    return changed


def _basis(context: Context, pairs: list[tuple[str, str]]) -> str:
    """A hash of what linking reads beside the mirror."""
    systems = [system.value for system in context.systems]
    content = [systems, sorted(pairs), sorted(context.settings.identity.shared_domains)]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _pairs(context: Context) -> list[tuple[str, str]]:
    """What people say is one company: the id map, and candidates they confirmed of records that it does not name."""
    pairs = _id_map(context)
    named = {one for pair in pairs for one in pair}
    with context.store.read() as conn:
        confirmed = companies.candidates(conn, state="confirmed")
    return pairs + [
        (pair.salesforce.id, pair.hubspot.id)
        for pair in confirmed
        if pair.salesforce.id not in named and pair.hubspot.id not in named
    ]


def _id_map(context: Context) -> list[tuple[str, str]]:
    """The pairs of the id-map file; InputError SYN332 with all findings where it cannot be read or is wrong."""
    path = context.settings.identity.id_map
    if path is None:
        return []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        hint = "make the file readable, or take identity.id_map out of the settings"
        raise InputError("SYN332", f"the id map cannot be read: {reason}", where=str(path), hint=hint) from error
    except UnicodeDecodeError as error:
        raise InputError(
            "SYN332", "the id map is not UTF-8 text", where=str(path), hint="save the file as UTF-8"
        ) from error
    reader = csv.DictReader(text.splitlines())
    try:
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise _invalid(str(path), [(1, f"there is no column {name!r}") for name in missing])
        rows = [(reader.line_num, (row["salesforce"] or "").strip(), (row["hubspot"] or "").strip()) for row in reader]
    except csv.Error as error:
        raise _invalid(str(path), [(reader.line_num + 1, f"not CSV: {error}")]) from error
    return _checked(str(path), rows)


def _checked(path: str, rows: list[tuple[int, str, str]]) -> list[tuple[str, str]]:
    """The pairs, each record in one of them; half a row, or a second word on a record, is a finding."""
    problems: list[tuple[int, str]] = []
    pairs: dict[str, str] = {}
    owners: dict[str, str] = {}
    for line, left, right in rows:
        salesforce = long_salesforce_id(left)
        if not left and not right:
            continue
        if not left or not right:
            problems.append((line, f"the {_COLUMNS[bool(left)]} id is missing"))
        elif pairs.setdefault(salesforce, right) != right:
            problems.append((line, f"{left} is {pairs[salesforce]} in a row above"))
        elif owners.setdefault(right, salesforce) != salesforce:
            problems.append((line, f"{right} is {owners[right]} in a row above"))
    if problems:
        raise _invalid(path, problems)
    return sorted(pairs.items())


def _invalid(path: str, problems: list[tuple[int, str]]) -> InputError:
    hint = "one row a company, with the columns salesforce and hubspot: 001…,77…"
    findings = [Finding("SYN332", Severity.ERROR, text, Place(path, line), hint) for line, text in problems]
    return InputError("SYN332", "the id map is invalid", where=path, findings=findings)
