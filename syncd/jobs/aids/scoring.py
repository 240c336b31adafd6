"""The job behind `score`: the mirror graded by the pack, held against the deals of the mirror, and kept per run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from syncd.clock import iso
from syncd.errors import InputError, UsageError
from syncd.jobs.books.book import read_book
from syncd.jobs.context import Context
from syncd.jobs.packs.packs import open_pack
from syncd.jobs.packs.revisions import pack_at
from syncd.jobs.plans.plan import require_mirror
from syncd.jobs.recording import recorded
from syncd.model.fields import FieldType
from syncd.model.refs import Kind, Ref
from syncd.planning.aids.audit_data import size_of
from syncd.planning.aids.deals import Deal, read_deals
from syncd.planning.aids.scores import (
    band_document,
    component_document,
    fit_document,
    histogram,
    moves_between,
    moves_document,
    segment_document,
    with_what_if,
)
from syncd.rules.collector import without_collector
from syncd.rules.facts import Facts
from syncd.rules.pack import Pack
from syncd.rules.scoring import graded
from syncd.rules.suggestion import did_you_mean
from syncd.store import companies, mirror
from syncd.store.scores import ScoreRow, save_scores, scores_at

FORMAT = 1
JOB = "score"
_BY = frozenset({FieldType.PICKLIST, FieldType.COUNTRY, FieldType.STATE, FieldType.BOOLEAN})


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a scoring: another pack, changed weights, the pack of a git revision to hold it against.

    `by` is the field whose values are the segments of history.
    """

    pack: Path | None = None
    what_if: tuple[str, ...] = ()
    against: str | None = None
    by: str = "industry"
    as_of: datetime | None = None

    @property
    def kept(self) -> bool:
        """Whether the scores are those of the pack in use, now: only these are kept."""
        return not (self.pack or self.what_if or self.against or self.as_of)


def score(context: Context, asked: Asked) -> dict[str, Any]:
    """The document of a scoring; the pack in use, now, is kept as a run.

    Raises InputError SYN743 where the pack has no score, UsageError SYN744 for a change that is none and SYN745 for a
    field that makes no segments, RefusedError SYN550 before the first complete mirror.
    """
    now = asked.as_of or context.clock.now()
    pack = context.pack(asked.pack, now=now)
    if pack.scoring is None:
        hint = "write score: {components: …, bands: …}; see docs/rules.md"
        where = str(asked.pack or context.settings.pack.path)
        raise InputError("SYN743", "the pack has no `score`", where=where, hint=hint)
    segment_of = _segments(context, asked.by)
    bare, deals = _book(context, pack, now)
    with without_collector():
        book = tuple(graded(pack, bare, now))
        document = _document(context, pack, book, deals, now) | {
            "history": {"by": asked.by, "segments": segment_document(book, deals, segment_of)}
        }
        if asked.what_if or asked.against:
            document["changed"] = _changed(context, pack, asked, bare, book, now)
    if asked.kept:
        document |= _kept(context, pack, book, now)
    return document


def _document(
    context: Context, pack: Pack, book: Sequence[Facts], deals: Mapping[str, Sequence[Deal]], now: datetime
) -> dict[str, Any]:
    bands = band_document(pack, book, deals)
    return {
        "format": FORMAT,
        "kind": "score",
        "now": iso(now),
        "pack_revision": pack.revision,
        "currency": context.settings.money.reporting_currency,
        "companies": len(book),
        "bands": bands,
        "components": component_document(pack, book, deals),
        "histogram": histogram(book),
        "fit": fit_document(bands),
    }


def _changed(
    context: Context, pack: Pack, asked: Asked, bare: Sequence[Facts], book: Sequence[Facts], now: datetime
) -> dict[str, Any]:
    """Who changes band: from the pack of a revision to the pack as it is, or from the pack to what is asked of it."""
    if asked.what_if and asked.against:
        hint = "ask one after the other"
        raise UsageError("SYN744", "--what-if and --against are two different questions", hint=hint)
    if asked.against:
        root = asked.pack or context.settings.pack.path
        with pack_at(root, asked.against) as old:
            before = open_pack(context.settings, old.folder, now=now)
        if before.scoring is None:
            raise InputError("SYN743", "the pack has no `score` there", where=f"{asked.against}:{root.name}")
        known = _bands(graded(before, bare, now))
        return {"against": asked.against, **moves_document(moves_between(known, book))}
    assert pack.scoring is not None  # noqa: S101 - refused above where there is none
    other = replace(pack, scoring=with_what_if(pack.scoring, asked.what_if), revision=f"{pack.revision}+what-if")
    moved = tuple(graded(other, bare, now))
    bands = band_document(other, moved, {})
    after = {each["band"]: each["companies"] for each in bands}
    return {"what_if": list(asked.what_if), "bands": after, **moves_document(moves_between(_bands(book), moved))}


def _kept(context: Context, pack: Pack, book: Sequence[Facts], now: datetime) -> dict[str, Any]:
    """Keep the scores as a run, and say who changed band since the run before."""
    with context.store.read() as conn:
        before = {company: (row.score, row.band) for company, row in scores_at(conn).items()}
    moves = moves_between(before, book)
    rows = {
        facts.key: ScoreRow(
            grade.score, grade.band, {part.name: f"{part.points:f}" for part in grade.parts}, pack.revision
        )
        for facts in book
        if (grade := facts.grade) is not None
    }
    with recorded(context, JOB, {"pack_revision": pack.revision}) as run:
        with context.store.write() as conn:
            changed = save_scores(conn, run.run_id, rows, now=now)
        run.summary = {"companies": len(rows), "changed": changed, "band_changes": len(moves)}
    since = {"first": not before, **moves_document(moves)}
    return {"run": run.run_id, "since_last_run": since}


def _bands(book: Any) -> dict[str, tuple[int | None, str | None]]:
    return {facts.key: (facts.grade.score, facts.grade.band) for facts in book if facts.grade is not None}


def _book(context: Context, pack: Pack, now: datetime) -> tuple[tuple[Facts, ...], dict[str, list[Deal]]]:
    """The companies before they are graded, and the deals of each."""
    with without_collector(), context.store.read() as conn:
        require_mirror(context, conn)
        source = read_book(context, conn, replace(pack, scoring=None, lifecycle=()), now)
        links = companies.links(conn)

        def company_of(account: Ref) -> str:
            return links.get(account, str(account))

        records = (each for system in context.systems for each in mirror.records(conn, system, Kind.OPPORTUNITY))
        deals: dict[str, list[Deal]] = defaultdict(list)
        for deal in read_deals(records, company_of, context.rates(), pack.zone):
            if deal.closed is None or deal.won is None or deal.closed <= now:
                deals[deal.company].append(deal)
    return source.book.facts, dict(deals)


def _segments(context: Context, by: str) -> Callable[[Facts], str | None]:
    """The segment of a company: the value of a field as the CRM spells it; for `employees` the size in words."""
    if by == "employees":
        return size_of
    fields = context.catalogue().account
    if fields.get(by) not in _BY:
        usable = [name for name, type_ in fields.items() if type_ in _BY]
        hint = did_you_mean(by, usable) or "name a picklist, a country, a state, or employees"
        raise UsageError("SYN745", f"{by!r} makes no segments", hint=hint)

    def segment_of(facts: Facts) -> str | None:
        value = facts.values.get(by)
        if isinstance(value, bool):
            return "true" if value else "false"
        return value if isinstance(value, str) else None

    return segment_of
