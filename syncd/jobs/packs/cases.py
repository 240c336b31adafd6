"""Running a pack's own tests as the settings mean them: their fields, rates and shared domains."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from syncd.jobs.currencies.money import money_table
from syncd.jobs.mapping import field_catalogue
from syncd.jobs.packs.packs import open_pack
from syncd.rules.cases import CaseResult, classes_for_cases, run_cases
from syncd.rules.coverage import Coverage, Watch
from syncd.rules.pack import Pack
from syncd.settings import Settings


@dataclass(frozen=True, slots=True)
class CaseRun:
    """How the cases of a pack went, and what they cover."""

    pack: Pack
    results: tuple[CaseResult, ...]
    coverage: Coverage | None

    @property
    def passed(self) -> int:
        """How many passed."""
        return sum(result.passed for result in self.results)

    @property
    def failed(self) -> int:
        """How many did not."""
        return len(self.results) - self.passed


def run_tests(settings: Settings, root: Path, *, now: datetime, covered: bool = False) -> CaseRun:
    """Run every case of the pack; with `covered` see which territories and clauses they reach.

    Raises InputError SYN200 where the pack is invalid.
    """
    pack = open_pack(settings, root, now=now)
    classes = classes_for_cases(pack)
    watch = Watch(pack, classes) if covered else None
    results = run_cases(
        pack,
        catalogue=field_catalogue(settings),
        money=money_table(settings.money, on=now.date()),
        now=now,
        shared_domains=frozenset(settings.identity.shared_domains),
        classes=classes,
        **({"watch": watch.see} if watch else {}),
    )
    return CaseRun(pack, results, watch.coverage() if watch else None)
