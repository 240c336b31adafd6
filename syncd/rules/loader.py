"""Loading a pack: a folder of files in, a `Pack` or every problem at once out.

The order of reading is here and nowhere else: the pack's zone and country first, then lists and segments, then what
names them, last the check of all names. Arbitrary bytes never raise anything but InputError.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType

from syncd.errors import Finding, InputError, Severity
from syncd.model.fields import FieldCatalogue
from syncd.model.money import MoneyTable
from syncd.rules.collector import without_collector
from syncd.rules.findings import Findings, TooManyFindingsError
from syncd.rules.pack import Pack
from syncd.rules.reading.alert_cases_loader import is_alert_case, read_alert_cases
from syncd.rules.reading.cases_loader import read_cases
from syncd.rules.reading.exceptions_loader import read_disputes, read_holdouts, read_overrides, read_protect
from syncd.rules.reading.limits import MONITORS, read_guard, read_monitors
from syncd.rules.reading.named_lists import read_lists
from syncd.rules.reading.pack_files import PackFiles
from syncd.rules.reading.pack_options import PackOptions, read_pack_options
from syncd.rules.reading.pack_reading import Reading
from syncd.rules.reading.people_loader import check_pools, read_pools, read_reps, written_seats
from syncd.rules.reading.quotas_loader import check_quotas, read_quotas
from syncd.rules.reading.reading_memory import ReadingMemory
from syncd.rules.reading.reading_options import DEFAULT_CATALOGUE, DEFAULT_MONEY
from syncd.rules.reading.reading_options import ReadingOptions as ReadingOptions
from syncd.rules.reading.references import check_pairs, check_queues, check_references
from syncd.rules.reading.revision import pack_revision as pack_revision
from syncd.rules.reading.revision import read_documents, revision_of
from syncd.rules.reading.routing_loader import read_retrieve, read_routing
from syncd.rules.reading.scoring_loader import read_lifecycle, read_scoring, written_bands
from syncd.rules.reading.sections import Sections
from syncd.rules.reading.segments import read_segments
from syncd.rules.reading.territory_loader import TerritoryLoader
from syncd.rules.reading.yaml_reader import Document

MOST_ERRORS = 1000
"""After so many errors a pack is not read on: a broken export must not take minutes to say so."""


def load_pack(
    root: Path,
    *,
    catalogue: FieldCatalogue = DEFAULT_CATALOGUE,
    money: MoneyTable = DEFAULT_MONEY,
    now: datetime | None = None,
    shared_domains: frozenset[str] = frozenset(),
) -> Pack:
    """The pack in a folder; warnings and notes are in `Pack.findings`.

    Raises InputError (SYN200) with all findings if one of them is an error. With `now`, what has expired is a warning.
    """
    pack, findings = check_pack(root, catalogue=catalogue, money=money, now=now, shared_domains=shared_domains)
    if pack is None:
        errors = sum(found.severity is Severity.ERROR for found in findings)
        summary = f"the pack has {errors} error{'' if errors == 1 else 's'}"
        raise InputError("SYN200", summary, where=str(root), hint="run `syncd check` on it", findings=findings)
    return pack


def check_pack(
    root: Path,
    *,
    catalogue: FieldCatalogue = DEFAULT_CATALOGUE,
    money: MoneyTable = DEFAULT_MONEY,
    now: datetime | None = None,
    shared_domains: frozenset[str] = frozenset(),
) -> tuple[Pack | None, tuple[Finding, ...]]:
    """The pack in a folder, None if it is invalid, and everything found, in the order of the files. Never raises."""
    read = read_pack(root, ReadingOptions(catalogue, money, shared_domains), now=now)
    return read.pack, read.findings


@dataclass(frozen=True, slots=True)
class ReadPack:
    """A pack, None if it is invalid, everything found, and what it was read from.

    `contents` are the bytes of all files that it is made of, `absent` the names it uses of files that are not there,
    `today` the day by which its findings speak, in its own zone.
    """

    pack: Pack | None
    findings: tuple[Finding, ...]
    contents: Mapping[str, bytes]
    absent: frozenset[str]
    today: date | None


def read_pack(
    root: Path, options: ReadingOptions, *, now: datetime | None = None, memory: ReadingMemory | None = None
) -> ReadPack:
    """The pack in a folder and what it was read from. Never raises.

    With the `memory` of earlier readings only what changed since is read; what comes of it is the same.
    """
    with without_collector():  # all that only reading needs is let go before the collector would walk it
        return _read_pack(root, options, now, memory)


def _read_pack(root: Path, options: ReadingOptions, now: datetime | None, memory: ReadingMemory | None) -> ReadPack:
    findings = Findings(MOST_ERRORS)
    files = PackFiles(root, findings)
    reading = Reading(
        files,
        findings,
        options.catalogue,
        options.money,
        now,
        shared_domains=options.shared_domains,
        schema_values=options.schema_values,
        memory=memory,
    )
    pack: Pack | None = None
    with suppress(TooManyFindingsError):
        pack = _read(root, read_documents(files, findings, memory), reading)
    items = findings.items
    if pack is not None and memory is not None:
        memory.end()
    whole = None if pack is None or findings.has_errors else replace(pack, findings=items)
    return ReadPack(whole, items, files.contents, files.absent, reading.today)


def _read(root: Path, documents: tuple[Document, ...], reading: Reading) -> Pack:
    sections = Sections(reading, documents)
    options = read_pack_options(sections.pack, root.resolve().name or "pack", reading)
    named = read_lists(sections.maps["lists"], reading)
    reading.lists, reading.unreadable = named.lists, named.unreadable
    if reading.memory is not None:
        reading.lists = MappingProxyType(reading.memory.same("lists", reading.lists))
    read_segments(sections.maps["segments"], reading)
    if reading.memory is not None:
        reading.segments = MappingProxyType(reading.memory.same("segments", reading.segments))
        reading.begin_parts()
    pack = _read_rules(sections, options, reading)
    sections.report_unused()
    return replace(
        pack,
        revision=revision_of(documents, reading.files),
        files=tuple(sorted(reading.files.contents)),
        segments=reading.segments,
        lists=reading.lists,
    )


def _read_rules(sections: Sections, options: PackOptions, reading: Reading) -> Pack:
    """Everything that conditions stand in, and the check of the names that it uses."""
    reps, seats = read_reps(sections.lists["reps"], reading)
    pools = read_pools(sections.maps["pools"], reading)
    check_pools(pools, (reps, seats), reading)
    stages = sections.ordered["lifecycle"]
    lifecycle = read_lifecycle(stages, [item for level in stages for item in sections.inserted(level.items)], reading)
    scoring = read_scoring(sections.maps["score"], reading)
    loader = TerritoryLoader(sections, reading)
    roles = loader.read()
    pack = Pack(
        name=options.name,
        revision="",
        files=(),
        zone=options.zone,
        fiscal_year_start=options.fiscal_year_start,
        default_country=options.default_country,
        fill_missing_country=options.fill_missing_country,
        manage=options.manage,
        manage_from=options.manage_from,
        cascade=options.cascade,
        respect_people_for=options.respect_people_for,
        plan_at=options.plan_at,
        working_hours=options.working_hours,
        write=options.write,
        roles=roles,
        cleared_roles=loader.cleared_roles,
        pools=pools,
        reps=reps,
        seats=seats,
        protect=read_protect(sections.maps["protect"], reading),
        overrides=read_overrides(sections.lists["overrides"], reading),
        disputes=read_disputes(sections.lists["disputes"], reading),
        deal_holdouts=read_holdouts(sections.lists["deal_holdouts"], reading),
        guard=read_guard(sections.maps["guard"], reading),
        monitors=read_monitors(sections.maps["monitors"], reading),
        quotas=read_quotas(sections.lists["quotas"], reading),
        tests=read_cases([item for item in sections.lists["tests"] if not is_alert_case(item)], reading),
        alert_tests=read_alert_cases(filter(is_alert_case, sections.lists["tests"]), MONITORS, reading),
        retrieve=read_retrieve(sections.maps["retrieve"], reading),
        scoring=scoring,
        lifecycle=lifecycle,
        routing=read_routing(sections.maps["routing"], sections, reading),
    )
    known = {
        "pool": {entry.key.text for entry in sections.maps["pools"]},
        "seat": written_seats(sections.lists["reps"]),
        "territory": {*loader.names, *(territory.path for role in roles for territory in pack.territories(role))},
        "role": {*roles, "owner"},
        "band": written_bands(scoring, reading),
    }
    check_references(known, reading)
    check_pairs(pack.roles_in_order, reading)
    check_quotas(pack.roles, pack.quotas, reading)
    steps = pack.routing.leads if pack.routing is not None else ()
    check_queues(routes_leads=any(step.match == "territory" for step in steps), reading=reading)
    return pack
