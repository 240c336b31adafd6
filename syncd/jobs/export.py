"""Planning over an export: CSV files and a pack in, a plan's document out. No CRM, mirror or ledger; nothing saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from syncd.errors import Finding
from syncd.jobs.mapping import field_catalogue, field_order
from syncd.jobs.money import money_table
from syncd.jobs.packs import open_pack
from syncd.model.decisions import Decision
from syncd.model.refs import System
from syncd.planning.builder import PlanInput, build_document
from syncd.rules.accounts import read_book
from syncd.rules.deciding.exceptions import match_exceptions
from syncd.rules.derivation import Derivation
from syncd.rules.engine import Book, decide
from syncd.rules.pack import Pack
from syncd.rules.scoring import graded
from syncd.settings import Settings


@dataclass(frozen=True, slots=True)
class ExportThought:
    """What the rules say of an export at one instant. `findings` are the readers' remarks."""

    pack: Pack
    book: Book
    decisions: tuple[Decision, ...]
    now: datetime
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class ExportFiles:
    """The CSV files of an export; without `users` every e-mail is an active user."""

    accounts: Path
    opportunities: Path | None = None
    users: Path | None = None


def think_over_export(settings: Settings, pack: Path, files: ExportFiles, *, now: datetime) -> ExportThought:
    """Decide about every row of an export; InputError where the pack or a file is invalid."""
    catalogue, money = field_catalogue(settings), money_table(settings.money, on=now.date())
    loaded = open_pack(settings, pack, now=now)
    order, single = field_order(settings)
    derivation = Derivation(
        catalogue=catalogue,
        order=order,
        field_order=single,
        leading=System(settings.leading_system),
        money=money,
        zone=loaded.zone,
        default_country=loaded.default_country,
        fill_missing_country=loaded.fill_missing_country,
        shared_domains=frozenset(settings.identity.shared_domains),
    )
    book = read_book(
        files.accounts, opportunities=files.opportunities, users=files.users, derivation=derivation, now=now
    )
    book = replace(book, facts=tuple(graded(loaded, book.facts, now)))
    decisions = decide(loaded, book, now)
    _, unmatched = match_exceptions(loaded, book.facts, now)
    return ExportThought(loaded, book, decisions, now, (*book.findings, *unmatched))


def plan_of_export(
    settings: Settings,
    pack: Path,
    accounts: Path,
    opportunities: Path | None,
    users: Path | None,
    *,
    now: datetime,
    all_decisions: bool,
) -> tuple[Mapping[str, Any], tuple[Finding, ...]]:
    """The document of a plan over the export, and what the reader remarked; InputError where a file is invalid."""
    thought = think_over_export(settings, pack, ExportFiles(accounts, opportunities, users), now=now)
    source = PlanInput(
        pack=thought.pack,
        decisions=thought.decisions,
        facts={facts.key: facts for facts in thought.book.facts},
        now=now,
        created_at=now,
        pack_revision=thought.pack.revision,
        directory=thought.book.directory,
        currency=settings.money.reporting_currency,
        all_decisions=all_decisions,
    )
    return build_document(source, plan_id=None), thought.findings
