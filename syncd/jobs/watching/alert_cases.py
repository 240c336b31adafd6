"""Running a pack's own tests of its monitors as the settings mean them: their fields and rates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from syncd.alerts.cases import AlertCaseResult, CaseSettings, run_alert_cases
from syncd.jobs.currencies.money import dated_rates
from syncd.jobs.mapping import field_catalogue
from syncd.jobs.packs.packs import open_pack
from syncd.planning.proposing.windows import inside_windows
from syncd.rules.derivation import Derivation
from syncd.rules.pack import Pack
from syncd.settings import Settings


@dataclass(frozen=True, slots=True)
class AlertCaseRun:
    """How the tests of a pack's monitors went."""

    pack: Pack
    results: tuple[AlertCaseResult, ...]

    @property
    def failed(self) -> int:
        """How many did not pass."""
        return sum(not result.passed for result in self.results)


def run_alert_tests(settings: Settings, root: Path, *, now: datetime) -> AlertCaseRun:
    """Run every test of monitors in the pack. InputError SYN200 where the pack is invalid."""
    pack = open_pack(settings, root, now=now)
    rates = dated_rates(settings.money)
    derivation = Derivation(
        catalogue=field_catalogue(settings),
        money=rates.on(now.date()),
        zone=pack.zone,
        default_country=pack.default_country,
        fill_missing_country=pack.fill_missing_country,
        shared_domains=frozenset(settings.identity.shared_domains),
        rates=rates,
    )
    at_work = CaseSettings(derivation, rates, lambda instant: inside_windows(pack.working_hours, instant, pack.zone))
    return AlertCaseRun(pack, run_alert_cases(pack, at_work))
