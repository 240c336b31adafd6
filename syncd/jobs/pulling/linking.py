"""Linking the mirror's accounts into companies, and marking those that are new, whenever the mirror has changed.

Whether that is due is told by the number of the mirror's last change, not by what one pull read: a process that died
between its last page and the linking left work that the next one must do, though it reads nothing new.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace

from syncd.errors import Finding, InputError, Place, RefusedError, Severity, UsageError
from syncd.identity import link_accounts
from syncd.identity.linking import EVIDENCE_FIELDS
from syncd.jobs.context import Context
from syncd.jobs.leadership import Leadership
from syncd.jobs.pulling.authors import tell_authors
from syncd.jobs.pulling.marking import Newcomers, look_at_roles, mark_newcomers, newcomers
from syncd.jobs.recording import recorded
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System, long_salesforce_id
from syncd.store import companies, merges, mirror, runs
from syncd.store.leads import last_change_of_book

JOB = "link"
_COLUMNS = ("salesforce", "hubspot")


def link_mirror(context: Context) -> tuple[int, int]:
    """Link all live accounts anew and mark new ones, if anything changed since that was last done.

    Returns how many records were joined to another company and how many split from theirs. Raises InputError SYN332
    where the id map is invalid.
    """
    with context.store.read() as conn:
        last = next(iter(runs.runs(conn, 1, JOB)), None)
        change = last_change_of_book(conn)
    basis = _basis(context, _pairs(context), _rejected(context))
    if last is not None and last.outcome == "ok" and last.detail == {"change": change, "basis": basis}:
        return 0, 0
    with context.store.write() as conn:
        merges.follow(conn, now=context.clock.now(), run_id=None)
    pairs, rejected = _pairs(context), _rejected(context)  # a person's word may have moved on to a merge's winner
    with recorded(context, JOB, {"change": change, "basis": _basis(context, pairs, rejected)}) as run:
        new = newcomers(context)
        joined, split, marked = _link(context, pairs, rejected, new)
        look_at_roles(context)
        run.summary = {"joined": joined, "split": split, "first_seen": marked, "authors": tell_authors(context)}
        if new.later:
            run.outcome, run.summary["unasked"] = "incomplete", len(new.later)
    return joined, split


def decide_link(context: Context, leader: Leadership, first: Ref, second: Ref, *, confirmed: bool) -> tuple[int, int]:
    """Keep a person's word that two records are one company, or are not, and link anew.

    Returns how many records were joined and how many split. Raises UsageError SYN533 where they are not one account of
    each system that the mirror holds, RefusedError SYN532 where one of them is joined to another by the id map or by a
    person's word, or where the id map joins what is rejected.
    """
    leader.check()
    salesforce, hubspot = sorted((first, second), key=lambda ref: ref.system is not System.SALESFORCE)
    named = {one: other for pair in _id_map(context) for one, other in (pair, pair[::-1])}
    with context.store.read() as conn:
        found = mirror.get_records(conn, [salesforce, hubspot])
        settled = {(one.salesforce, one.hubspot) for one in companies.candidates(conn, state="confirmed")}
    missing = [str(ref) for ref in (salesforce, hubspot) if ref not in found or found[ref].deleted]
    both = (salesforce.system, hubspot.system) == (System.SALESFORCE, System.HUBSPOT)
    if not both or missing or {salesforce.kind, hubspot.kind} != {Kind.ACCOUNT}:
        what = f"{missing[0]} is not in the mirror" if both and missing else "a link is one account of each system"
        raise UsageError("SYN533", what, hint="syncd link confirm salesforce:account:001… hubspot:account:77…")
    _check_free(salesforce, hubspot, named, settled, confirmed=confirmed)
    with context.store.write() as conn:
        now = context.clock.now()
        companies.decide_candidate(conn, salesforce, hubspot, confirmed=confirmed, who=context.actor, now=now)
    return link_mirror(context)


def _check_free(
    salesforce: Ref, hubspot: Ref, named: Mapping[str, str], settled: set[tuple[Ref, Ref]], *, confirmed: bool
) -> None:
    """RefusedError SYN532 where something stronger, or another word of a person, stands against it."""
    mapped = named.get(salesforce.id), named.get(hubspot.id)
    if confirmed:
        others = [pair for pair in settled if pair != (salesforce, hubspot) and {salesforce, hubspot} & set(pair)]
        by_map = any(one is not None for one in mapped) and mapped != (hubspot.id, salesforce.id)
        if by_map or others:
            pair = f"{others[0][0]} and {others[0][1]}" if others else "one of them and another record"
            text = f"{pair} are one company already, by {'a person' if others else 'the id map'}"
            hint = "reject that pair first" if others else "change the id map, which outranks everything"
            raise RefusedError("SYN532", text, hint=hint)
    elif mapped == (hubspot.id, salesforce.id):
        raise RefusedError("SYN532", "the id map says that they are one company", hint="take the row out of it first")


def _link(
    context: Context, pairs: list[tuple[str, str]], rejected: frozenset[tuple[Ref, Ref]], new: Newcomers
) -> tuple[int, int, int]:
    """Link, and mark who is new, in one transaction; how many were joined, split and marked."""
    with context.store.read() as conn:
        accounts = [
            _evidence(record)
            for system in context.systems
            for record in mirror.records(conn, system, Kind.ACCOUNT)
            if record.ref not in new.later
        ]
        merged = merges.losers(conn)
    shared = frozenset(context.settings.identity.shared_domains)
    linking = link_accounts(accounts, id_map=pairs, shared_domains=shared, rejected=rejected, merged=merged)
    now = context.clock.now()
    with context.store.write() as conn:
        joined, split = companies.save_links(conn, linking.links, linking.evidence, now=now)
        companies.save_candidates(conn, linking.candidates, now=now)
        marked = mark_newcomers(conn, new, now)
        if new.records:  # of these, who was made by a merge has its marks only now
            merges.follow(conn, now=now, run_id=None)
        return joined, split, marked


def _evidence(record: Record) -> Record:
    """A record with the fields that linking reads: all accounts are held at once, so the others would cost memory."""
    fields = {name: text for name in EVIDENCE_FIELDS if (text := record.fields.get(name))}
    return replace(record, fields=fields)


def _rejected(context: Context) -> frozenset[tuple[Ref, Ref]]:
    """The pairs that are not one company, in a person's word."""
    with context.store.read() as conn:
        return frozenset((pair.salesforce, pair.hubspot) for pair in companies.candidates(conn, state="rejected"))


def _basis(context: Context, pairs: list[tuple[str, str]], rejected: frozenset[tuple[Ref, Ref]]) -> str:
    """A hash of what linking reads beside the mirror."""
    systems = [system.value for system in context.systems]
    apart = sorted([str(salesforce), str(hubspot)] for salesforce, hubspot in rejected)
    content = [systems, sorted(pairs), sorted(context.settings.identity.shared_domains), apart]
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
