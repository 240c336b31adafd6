"""Planning over an export: files and a pack in, a plan's document out. No CRM, mirror or ledger; nothing saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from syncd.errors import Finding, InputError, Severity
from syncd.jobs.books.engines import EngineChoice, missing_libraries, require_spark, wants_batch
from syncd.jobs.currencies.money import money_table
from syncd.jobs.mapping import field_catalogue, field_order
from syncd.jobs.packs.packs import open_pack
from syncd.jobs.stages import Stages
from syncd.model.decisions import Decision
from syncd.model.refs import System
from syncd.planning.proposing.builder import PlanInput, build_document
from syncd.rules.accounts import read_book
from syncd.rules.deciding.exceptions import match_exceptions
from syncd.rules.deciding.kept import Kept
from syncd.rules.derivation import Derivation
from syncd.rules.engine import Book, decide
from syncd.rules.exports.files import is_parquet
from syncd.rules.pack import Pack
from syncd.rules.scoring import graded
from syncd.settings import Settings


@dataclass(frozen=True, slots=True)
class ExportThought:
    """What the rules say of an export at one instant. `findings` are the readers' remarks.

    `kept` are the companies that a batch has settled; they are not in `book`.
    """

    pack: Pack
    book: Book
    decisions: tuple[Decision, ...]
    now: datetime
    findings: tuple[Finding, ...]
    kept: tuple[Kept, ...] = ()


@dataclass(frozen=True, slots=True)
class ExportFiles:
    """The files of an export, CSV or Parquet; without `users` every e-mail is an active user."""

    accounts: Path
    opportunities: Path | None = None
    users: Path | None = None


def think_over_export(
    settings: Settings,
    pack: Path,
    files: ExportFiles,
    *,
    now: datetime,
    engine: EngineChoice = EngineChoice.PLAIN,
    stages: Stages | None = None,
) -> ExportThought:
    """Decide about every row of an export; InputError where the pack or a file is invalid.

    With another engine than the plain one, companies that keep their owners may be counted in `kept` instead.
    """
    stages = stages or Stages(lambda: 0.0)
    catalogue, money = field_catalogue(settings), money_table(settings.money, on=now.date())
    with stages.stage("read the pack"):
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
    remarks: tuple[Finding, ...] = ()
    with stages.stage("read the accounts"):
        if engine is EngineChoice.SPARK:
            require_distributable(loaded, files)
        if _in_batches(loaded, files, engine, stages):
            book, kept = _settled(loaded, files, derivation, now, engine, stages)
        else:
            if engine is EngineChoice.BATCH:
                remarks = (Finding("SYN391", Severity.NOTE, stages.notes[-1]),)
            book, kept = _whole(files, derivation, now), ()
    with stages.stage("decide"):
        book = replace(book, facts=tuple(graded(loaded, book.facts, now)))
        decisions = decide(loaded, book, now, kept=kept)
        _, unmatched = match_exceptions(loaded, book.facts, now)
    return ExportThought(loaded, book, decisions, now, (*book.findings, *unmatched, *remarks), kept)


def _whole(files: ExportFiles, derivation: Derivation, now: datetime) -> Book:
    return read_book(
        files.accounts, opportunities=files.opportunities, users=files.users, derivation=derivation, now=now
    )


def _in_batches(pack: Pack, files: ExportFiles, engine: EngineChoice, stages: Stages) -> bool:
    """Whether the accounts are settled in batches; a note says how it is done."""
    size = _size(files.accounts)
    if not wants_batch(engine, size):
        stages.notes.append("decided plainly")
        return False
    from syncd.rules.batch.keeping import unsuited

    reason = unsuited(pack)
    where = "by Spark" if engine is EngineChoice.SPARK else "in batches"
    stages.notes.append(f"decided plainly: {reason}" if reason else f"decided {where}")
    return reason is None


def _size(accounts: Path) -> int:
    """The bytes of an export as a CSV; Parquet packs them to about a fifth."""
    if not is_parquet(accounts):
        return accounts.stat().st_size if accounts.is_file() else 0
    files = accounts.iterdir() if accounts.is_dir() else iter((accounts,))
    return 5 * sum(file.stat().st_size for file in files if file.is_file())


def require_distributable(pack: Pack, files: ExportFiles) -> None:
    """Raises InputError SYN565 for what Spark cannot decide: it would all come back to be decided plainly here."""
    require_spark()
    if not is_parquet(files.accounts):
        hint = "save the accounts as Parquet, or leave --engine out"
        raise InputError("SYN565", "the Spark engine reads Parquet", where=str(files.accounts), hint=hint)
    if missing_libraries():
        return
    from syncd.rules.batch.keeping import unsuited

    reason = unsuited(pack)
    if reason is not None:
        hint = "leave --engine out: the plain engine decides it, on this machine"
        raise InputError("SYN565", f"the Spark engine cannot decide by this pack: {reason}", hint=hint)


def _settled(
    pack: Pack, files: ExportFiles, derivation: Derivation, now: datetime, engine: EngineChoice, stages: Stages
) -> tuple[Book, tuple[Kept, ...]]:
    beside = {"opportunities": files.opportunities, "users": files.users}
    if not is_parquet(files.accounts):
        from syncd.rules.batch.export import settle_export

        settled = settle_export(pack, files.accounts, **beside, derivation=derivation, now=now)
        return settled.book, settled.kept
    from syncd.rules.arrow.settling import Local, settle_parquet

    if engine is not EngineChoice.SPARK:
        settled = settle_parquet(pack, files.accounts, **beside, derivation=derivation, now=now, engine=Local())
        return settled.book, settled.kept
    from syncd.jobs.spark.running import Spark

    within = Stages(stages.monotonic)
    with Spark(within) as spark:
        settled = settle_parquet(pack, files.accounts, **beside, derivation=derivation, now=now, engine=spark)
    stages.notes.extend(f"of reading the accounts, {name}: {seconds:.3f} s" for name, seconds in within.taken)
    return settled.book, settled.kept


def plan_of_export(
    settings: Settings,
    pack: Path,
    accounts: Path,
    opportunities: Path | None,
    users: Path | None,
    *,
    now: datetime,
    all_decisions: bool,
    engine: EngineChoice = EngineChoice.PLAIN,
    stages: Stages | None = None,
) -> tuple[Mapping[str, Any], tuple[Finding, ...]]:
    """The document of a plan over the export, and what the reader remarked; InputError where a file is invalid.

    The document is the same whichever engine decides; with `all_decisions` it is always the plain one.
    """
    stages = stages or Stages(lambda: 0.0)
    files = ExportFiles(accounts, opportunities, users)
    asked = engine
    if all_decisions and engine is EngineChoice.SPARK:
        hint = "leave --all or --engine out: kept accounts are only counted where they are"
        raise InputError("SYN565", "the Spark engine lists no kept accounts", hint=hint)
    if all_decisions and engine is not EngineChoice.PLAIN:
        asked = EngineChoice.PLAIN
    thought = think_over_export(settings, pack, files, now=now, engine=asked, stages=stages)
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
        kept=thought.kept,
    )
    findings = thought.findings
    if asked is not engine and engine is EngineChoice.BATCH:
        findings = (*findings, Finding("SYN391", Severity.NOTE, "decided plainly: every decision is asked for"))
    with stages.stage("build the plan"):
        return build_document(source, plan_id=None), findings
