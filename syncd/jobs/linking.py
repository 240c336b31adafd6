"""Linking the mirror's accounts into companies and keeping the result."""

from __future__ import annotations

import csv
import os

from syncd.errors import InputError
from syncd.identity import Linking, link_accounts
from syncd.jobs.context import Context
from syncd.model.refs import Kind, System
from syncd.store import companies, mirror


def link_mirror(context: Context) -> tuple[int, int]:
    """Link all live accounts anew; how many records were joined to another company and how many split from theirs."""
    with context.store.read() as conn:
        accounts = [record for system in System for record in mirror.records(conn, system, Kind.ACCOUNT)]
    linking = link_accounts(
        accounts, id_map=_id_map(context), shared_domains=frozenset(context.settings.identity.shared_domains)
    )
    return _keep(context, linking)


def _keep(context: Context, linking: Linking) -> tuple[int, int]:
    now = context.clock.now()
    with context.store.write() as conn:
        changed = companies.save_links(conn, linking.links, linking.evidence, now=now)
        companies.save_candidates(conn, linking.candidates, now=now)
    return changed


def _id_map(context: Context) -> list[tuple[str, str]]:
    """The pairs of the id-map file; InputError SYN332 where it cannot be read or lacks a column."""
    path = context.settings.identity.id_map
    if path is None:
        return []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(
            "SYN332", f"the id map cannot be read: {os.strerror(error.errno or 0)}", where=str(path)
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            "SYN332", "the id map is not UTF-8 text", where=str(path), hint="save the file as UTF-8"
        ) from error
    reader = csv.DictReader(text.splitlines())
    missing = {"salesforce", "hubspot"} - set(reader.fieldnames or ())
    if missing:
        raise InputError(
            "SYN332",
            f"the id map has no column {sorted(missing)[0]!r}",
            where=str(path),
            hint="columns: salesforce, hubspot",
        )
    return [
        (row["salesforce"].strip(), row["hubspot"].strip()) for row in reader if row["salesforce"] and row["hubspot"]
    ]
