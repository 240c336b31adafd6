"""The settings as pydantic models: every key, its type, its default and one line about it.

The docstring under each key is its documentation; config.example.toml holds every one of them.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from syncd.settings.basics import Section, Span
from syncd.settings.leads import LeadSettings
from syncd.settings.packs import PackSettings
from syncd.settings.receivers import ReceiverSettings, ReportSettings
from syncd.settings.secrets import Secret
from syncd.settings.signals import SignalSettings
from syncd.settings.systems import HubspotSettings, SalesforceSettings


def _local_time(value: str) -> str:
    match = re.fullmatch(
        rf"(?:{_DAY}(?:-{_DAY})?(?:,{_DAY}(?:-{_DAY})?)* )?(\d\d):(\d\d)", value.strip(), re.IGNORECASE
    )
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise ValueError("a local time is HH:MM, with days before it or without, such as 02:15 or Sun 03:15")
    return value.strip()


_DAY = "(?:mon|tue|wed|thu|fri|sat|sun)"
LocalTime = Annotated[str, AfterValidator(_local_time)]


class Mode(StrEnum):
    """What the daemon may do to the CRMs."""

    OBSERVE = "observe"
    APPROVE = "approve"
    APPLY = "apply"


class OwnerWriter(StrEnum):
    """Who writes owners where both CRMs hold a company."""

    SALESFORCE = "salesforce"
    HUBSPOT = "hubspot"
    BOTH = "both"


class DatabaseSettings(Section):
    """Where syncd keeps its mirror, plans, ledger and alerts."""

    url: str = "sqlite:///syncd.db"
    """`sqlite:////absolute/path.db`, or `postgresql://user@host/name` with the extra `postgres`."""
    erasures: Path = Path("syncd.erasures")
    """The list of what was erased, which names nobody in clear: a backup that is restored is erased again by it."""


class IdentitySettings(Section):
    """How records of the two CRMs become one company."""

    id_map: Path | None = None
    """A CSV with the columns `salesforce` and `hubspot`: record ids that are one company, whatever else says."""
    salesforce_cross_reference: str | None = None
    """A Salesforce account field that holds the HubSpot company id."""
    hubspot_cross_reference: str | None = None
    """A HubSpot company property that holds the Salesforce account id."""
    shared_domains: tuple[str, ...] = ()
    """Domains that many companies share (hosts, franchises): they count as missing and never link."""


class ScheduleSettings(Section):
    """How often the daemon does what."""

    pull: Span = timedelta(minutes=5)
    """Between two pulls of each CRM."""
    delayed_pass: Span = timedelta(hours=1)
    """Between two passes over HubSpot's window of an hour ago; its search index lags."""
    sweep: LocalTime = "02:15"
    """When all ids are compared, which finds what was deleted for good: a local time of the pack's zone."""
    full_sweep: LocalTime = "Sun 03:15"
    """When everything is read again, which finds what incremental reading missed."""
    housekeeping: LocalTime = "04:15"
    """When what is past its retention is dropped from the database."""
    watch: Span = timedelta(minutes=1)
    """Between two evaluations of the monitors."""
    leads: Span = timedelta(minutes=1)
    """Between two looks at leads, where `[leads] read` is set."""
    stale_after: Span | None = None
    """A mirror older than this neither fires nor resolves data alerts and blocks writes; default three pull periods."""
    deadline: Span = timedelta(minutes=60)
    """A child process that runs longer is killed."""


class LimitSettings(Section):
    """What syncd may take of the CRMs' allowance, and how it reads around their quirks."""

    api_share: Decimal = Field(Decimal("0.20"), gt=0, le=1)
    """The share of the day's API allowance that syncd may use."""
    salesforce_overlap: Span = timedelta(minutes=15)
    """How far behind the cursor each pull starts again; rows are stamped before they are committed. At least 10min."""
    salesforce_holdback: Span = timedelta(minutes=1)
    """How far behind the server's clock a pull ends."""
    hubspot_overlap: Span = timedelta(minutes=15)
    """The same for HubSpot, whose search index lags."""
    hubspot_holdback: Span = timedelta(seconds=30)
    """How far behind the server's clock a HubSpot pull ends."""
    mass_delete_share: Decimal = Field(Decimal("0.02"), gt=0, le=1)
    """An id sweep that would delete more than this share stops instead: access was lost, not records."""

    @field_validator("salesforce_overlap")
    @classmethod
    def _at_least_ten_minutes(cls, value: timedelta) -> timedelta:
        if value < timedelta(minutes=10):
            raise ValueError("a Salesforce transaction may last 10min; a shorter overlap loses records")
        return value


class HttpSettings(Section):
    """How to leave the machine."""

    proxy: str | None = None
    """An HTTP proxy for all calls."""
    ca_bundle: Path | None = None
    """A PEM file of the authorities to trust instead of the system's."""


class MoneySettings(Section):
    """The reporting currency and its rates."""

    reporting_currency: str = Field("USD", pattern=r"^[A-Z]{3}$")
    """What money in rules and plans is in."""
    rates: Path | None = None
    """A CSV with the columns `currency`, `rate` (one unit in the reporting currency) and `date`."""
    source: Literal["file", "salesforce"] = "file"
    """Whose rates they are. `salesforce`: its currencies and dated rates, which each day's first pull writes there."""

    @model_validator(mode="after")
    def _kept_somewhere(self) -> Self:
        if self.source != "file" and self.rates is None:
            raise ValueError("source = 'salesforce' needs `rates`, the file that pull keeps them in")
        return self


class ConsoleSettings(Section):
    """The console: web pages for people who do not use a shell (extra `console`)."""

    listen: str = Field("127.0.0.1:9465", pattern=r"^(127\.0\.0\.1|localhost):\d{1,5}$")
    """Where `syncd console` serves: a port of loopback. Whoever comes from elsewhere comes through your proxy."""
    url: str | None = Field(None, pattern=r"^(https://[^/?#@\s]+|http://(127\.0\.0\.1|localhost)(:\d{1,5})?)/?$")
    """What people type: your proxy's https address. Notices that ask for an approval link to it."""
    tokens: Secret = Secret("credential:console_tokens")
    """The file of those who may come in: lines of a name, a role (view, approve) and a token's hash."""
    hours: int = Field(8, ge=1, le=72)
    """How long somebody stays signed in, in hours."""


class ControlSettings(Section):
    """How commands and people reach the daemon."""

    socket: Path = Path("/run/syncd/control.sock")
    """The control socket, 0660."""
    freeze_file: Path = Path("syncd.freeze")
    """While this file exists nothing is written to a CRM; `syncd freeze` makes it, and so may you."""


class MetricsSettings(Section):
    """Where syncd tells how it is, beside `syncd status`."""

    listen: str | None = Field(None, pattern=r"^(127\.0\.0\.1|localhost):\d{1,5}$")
    """Where the daemon serves `/metrics`, `/-/healthy`, `/-/ready` and `/status`: a port of loopback. Default: not."""
    textfile: Path | None = None
    """A file `….prom` that each watch writes, for node_exporter's textfile collector."""


PREFIX = "SYNCD_"
"""What a variable begins with that is laid over the settings' file."""


class Settings(BaseModel):
    """All settings of one installation."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    mode: Mode = Mode.OBSERVE
    """observe: plan and alert, never write. approve: write what a person approved. apply: write inside the guard."""
    leading_system: Literal["salesforce", "hubspot"] = "salesforce"
    """Whose owner is the current owner of a company that both hold."""
    owner_writer: OwnerWriter | None = None
    """Who writes owners of companies that both CRMs hold. Unset, and signs of the native sync: nothing is written."""
    plan_lifetime: Span = timedelta(hours=24)
    """How long a plan can be approved and applied."""
    fields_from: dict[str, tuple[Literal["salesforce", "hubspot"], ...]] = {}
    """For single fields: which system's value comes first. Default: the leading system, then the other."""
    state_dir: Path = Path(".")
    """Where the daemon keeps the settings and the pack it last found valid, and the lock of one-shot commands."""
    database: DatabaseSettings = DatabaseSettings()
    """Storage."""
    pack: PackSettings = PackSettings()
    """Rules."""
    salesforce: SalesforceSettings | None = None
    """Salesforce."""
    hubspot: HubspotSettings | None = None
    """HubSpot."""
    identity: IdentitySettings = IdentitySettings()
    """One customer in two CRMs."""
    signals: tuple[SignalSettings, ...] = ()
    """Side tables whose columns are fields of accounts."""
    schedule: ScheduleSettings = ScheduleSettings()
    """Periods."""
    leads: LeadSettings = LeadSettings()
    """Leads."""
    limits: LimitSettings = LimitSettings()
    """Allowances and overlaps."""
    http: HttpSettings = HttpSettings()
    """Network."""
    money: MoneySettings = MoneySettings()
    """Currency."""
    receivers: tuple[ReceiverSettings, ...] = ()
    """Where alerts go."""
    control: ControlSettings = ControlSettings()
    """Control socket and freeze file."""
    metrics: MetricsSettings = MetricsSettings()
    """Metrics and health."""
    report: ReportSettings = ReportSettings()
    """Reports."""
    console: ConsoleSettings = ConsoleSettings()
    """Web pages for people without a shell."""

    @field_validator("signals")
    @classmethod
    def _one_name_each(cls, value: tuple[SignalSettings, ...]) -> tuple[SignalSettings, ...]:
        names = [table.name for table in value]
        double = next((name for name in names if names.count(name) > 1), None)
        if double is not None:
            raise ValueError(f"two side tables have the name {double!r}")
        return value

    @field_validator("receivers")
    @classmethod
    def _told_apart(cls, value: tuple[ReceiverSettings, ...]) -> tuple[ReceiverSettings, ...]:
        names = ["log", *(receiver.name for receiver in value)]
        double = next((name for name in names if names.count(name) > 1), None)
        if double is not None:
            raise ValueError(f"two receivers have the name {double!r} (the log is one, called log)")
        return value
