"""Checking a pack as a whole: its files, what can be proved of its rules, and what the mirror says of them.

Reads only; never decides a plan and never calls a CRM. How findings are shown is the report's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.errors import Finding, Severity, sort_key
from syncd.jobs.currencies.money import money_table
from syncd.jobs.mapping import configured_systems, field_catalogue
from syncd.jobs.packs.packs import inspect_pack
from syncd.rules.facts import Directory
from syncd.rules.pack import Pack
from syncd.settings import Settings

if TYPE_CHECKING:
    from syncd.jobs.checking_mirror import MirrorReport
    from syncd.rules.derivation import Derivation
    from syncd.rules.proving.claims import Claim
    from syncd.rules.proving.vocabulary import FieldCoverage


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
    return _whole_report(settings, root, (pack, findings), now=now, mirror=mirror)


def _whole_report(
    settings: Settings, root: Path, read: tuple[Pack, tuple[Finding, ...]], *, now: datetime, mirror: bool
) -> CheckReport:
    from syncd.jobs.books import written  # what proves and decides is for packs that can be read
    from syncd.jobs.packs.takers import without_takers
    from syncd.rules.proving.proof import prove
    from syncd.rules.proving.surroundings import ending_soon

    pack, findings = read
    proof = prove(pack, derivation=_derivation(settings, pack, now), now=now, known=findings)
    told = [*proof.findings, *ending_soon(pack, now), *written.findings(settings, pack)]
    seen = _look_at_mirror(settings, pack, now, proof.findings) if mirror and configured_systems(settings) else None
    told += seen.findings if seen is not None else ()
    if seen is None or seen.accounts is None:
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
        seen.accounts if seen is not None else None,
        seen.fields if seen is not None else (),
        seen.signals if seen is not None else (),
    )


def _look_at_mirror(settings: Settings, pack: Pack, now: datetime, proved: Iterable[Finding]) -> MirrorReport:
    from syncd.jobs.checking_mirror import look_at_mirror  # loads SQLAlchemy and all that plans

    return look_at_mirror(settings, pack, now, proved)


def _derivation(settings: Settings, pack: Pack, now: datetime) -> Derivation:
    """How the settings and the pack read raw values, without any mirror."""
    from syncd.rules.derivation import Derivation

    return Derivation(
        catalogue=field_catalogue(settings),
        money=money_table(settings.money, on=now.date()),
        zone=pack.zone,
        default_country=pack.default_country,
        fill_missing_country=pack.fill_missing_country,
        shared_domains=frozenset(settings.identity.shared_domains),
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
