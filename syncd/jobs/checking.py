"""Checking a pack as a whole: its files, what can be proved of its rules, and what the mirror says of them.

Reads only; never decides a plan and never calls a CRM. How findings are shown is the report's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from syncd.errors import Finding, InputError, Severity, StorageError, sort_key
from syncd.jobs.books import written
from syncd.jobs.books.book import mirror_book
from syncd.jobs.books.signals import stale_findings, words_of
from syncd.jobs.context import Context
from syncd.jobs.currencies.money import money_table
from syncd.jobs.mapping import configured_systems, field_catalogue
from syncd.jobs.packs.packs import inspect_pack
from syncd.jobs.packs.picklists import Picklists
from syncd.jobs.packs.takers import without_takers
from syncd.rules.derivation import Derivation
from syncd.rules.deriving.signals import coverage as rows_joined
from syncd.rules.facts import Directory
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.pack import Pack
from syncd.rules.proving.claims import Claim
from syncd.rules.proving.proof import prove
from syncd.rules.proving.surroundings import Surroundings, ending_soon, geography_only, owner_findings
from syncd.rules.proving.vocabulary import FieldCoverage, Offers, field_coverage, not_offered, thin_fields
from syncd.settings import Settings

_NO_DATABASE = "SYN601"


@dataclass(frozen=True, slots=True)
class CheckReport:
    """A pack, None where it cannot be used; everything found, in the order of the files; what was looked at.

    `claims` are the findings that come with an example account. `decided` and `undecided` count territories of the
    proof, `accounts` the companies of the mirror that were looked at, None where there was no mirror to look at;
    `fields` says how many of them have each field that rules read.
    """

    root: Path
    pack: Pack | None
    findings: tuple[Finding, ...]
    claims: Mapping[Finding, Claim] = field(default_factory=dict)
    decided: int = 0
    undecided: int = 0
    accounts: int | None = None
    fields: tuple[FieldCoverage, ...] = ()
    signals: tuple[str, ...] = ()

    def fails(self, *, strict: bool) -> bool:
        """Whether an error was found; under `strict`, or a warning."""
        failing = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
        return any(finding.severity in failing for finding in self.findings)


def check(settings: Settings, root: Path, *, now: datetime, mirror: bool = True) -> CheckReport:
    """Everything that can be said of the pack in `root`; with `mirror`, of the accounts in the settings' mirror too."""
    pack, findings = inspect_pack(settings, root, now=now)
    if pack is None:
        return CheckReport(root, None, findings)
    proof = prove(pack, derivation=_derivation(settings, pack, now), now=now, known=findings)
    told = [*proof.findings, *ending_soon(pack, now), *written.findings(settings, pack)]
    accounts: int | None = None
    fields: tuple[FieldCoverage, ...] = ()
    signals: tuple[str, ...] = ()
    if mirror:
        seen, accounts, fields, signals = _with_mirror(settings, pack, now, frozenset(each for each in proof.findings))
        told += seen
    if accounts is None:
        told += without_takers(pack, Directory({}, assume_active=True), now)
    lines = _Lines(root)
    sourced = {each: lines.sourced(each) for each in told}
    return CheckReport(
        root,
        pack,
        tuple(sorted({*findings, *sourced.values()}, key=sort_key)),
        {sourced[each.finding]: each for each in proof.claims if each.example is not None},
        proof.decided,
        len(proof.undecided),
        accounts,
        fields,
        signals,
    )


def _whole_offers(picklists: Picklists) -> Offers:
    """What the CRMs offer, of the fields where no value can come that they do not offer."""
    return {
        kind: {name: offer.values for name, offer in fields.items() if offer.whole}
        for kind, fields in picklists.offers.items()
    }


def _derivation(settings: Settings, pack: Pack, now: datetime) -> Derivation:
    """How the settings and the pack read raw values, without any mirror."""
    return Derivation(
        catalogue=field_catalogue(settings),
        money=money_table(settings.money, on=now.date()),
        zone=pack.zone,
        default_country=pack.default_country,
        fill_missing_country=pack.fill_missing_country,
        shared_domains=frozenset(settings.identity.shared_domains),
    )


def _with_mirror(
    settings: Settings, pack: Pack, now: datetime, proved: frozenset[Finding]
) -> tuple[list[Finding], int | None, tuple[FieldCoverage, ...], tuple[str, ...]]:
    """What the mirror says, how many companies it holds, how many have each field, and what there is to say of side
    tables; nothing without a mirror."""
    if not configured_systems(settings):
        return [], None, (), ()
    try:
        context = Context.open(settings)
    except StorageError as error:
        return ([] if error.code == _NO_DATABASE else [_not_looked_at(error.summary)]), None, (), ()
    try:
        whole = mirror_book(context, pack, now)
        book, signals = whole.book, whole.signals
        offers = _whole_offers(Picklists.of_store(settings, context.store))
    except InputError as error:
        if error.code != "SYN865":
            raise
        return list(error.findings), None, (), ()
    finally:
        context.close()
    if not book.facts:
        return [], None, (), ()
    seen = Surroundings.of(pack, book.facts, EvaluationContext(now, pack.zone, pack.fiscal_year_start))
    dead = {each.place for each in proved if each.code in ("SYN350", "SYN351")}
    counts = {name: {str(value): count for value, count in each.items()} for name, each in seen.values.items()}
    found = list(not_offered(pack, offers, counts))
    wrong = {each.place for each in found}
    found += [each for each in seen.findings(wrong) if each.code != "SYN360" or each.place not in dead]
    found += owner_findings(pack, book.directory)
    found += without_takers(pack, book.directory, now)
    found += geography_only(pack, seen.held.get("owner", {}))
    coverage = field_coverage(pack, book.facts)
    found += [*signals.findings, *stale_findings(signals)]
    counts_of = {table.name: rows_joined(book.facts, table) for table in signals.tables}
    said = words_of(signals.tables, counts_of, len(book.facts))
    return [*found, *thin_fields(coverage)], len(book.facts), coverage, tuple(said)


def _not_looked_at(why: str) -> Finding:
    return Finding(
        "SYN367", Severity.NOTE, f"the mirror was not looked at: {why}", None, "see `syncd doctor`, or say --no-mirror"
    )


class _Lines:
    """The lines of a pack's files, read once, to show where a finding stands."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, list[str]] = {}

    def sourced(self, finding: Finding) -> Finding:
        """The finding with its source line, where the file still has that line."""
        place = finding.place
        if place is None:
            return finding
        if place.path not in self._known:
            self._known[place.path] = list(self._read(place.path))
        lines = self._known[place.path]
        return replace(finding, source=lines[place.line - 1]) if place.line <= len(lines) else finding

    def _read(self, path: str) -> Iterable[str] | Iterator[str]:
        try:
            return (self._root / path).read_text(encoding="utf-8-sig", errors="replace").splitlines()
        except OSError:
            return ()
