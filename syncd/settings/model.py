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

from syncd.settings.basics import FieldTable, Section, Span
from syncd.settings.leads import LeadSettings
from syncd.settings.secrets import Secret
from syncd.settings.signals import SignalSettings


def _local_time(value: str) -> str:
    match = re.fullmatch(
        rf"(?:{_DAY}(?:-{_DAY})?(?:,{_DAY}(?:-{_DAY})?)* )?(\d\d):(\d\d)", value.strip(), re.IGNORECASE
    )
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise ValueError("a local time is HH:MM, with days before it or without, such as 02:15 or Sun 03:15")
    return value.strip()


def _time_of_day(value: str) -> str:
    match = re.fullmatch(r"(\d\d):(\d\d)", value.strip())
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise ValueError("a time of day is HH:MM, such as 07:00")
    return value.strip()


_DAY = "(?:mon|tue|wed|thu|fri|sat|sun)"
LocalTime = Annotated[str, AfterValidator(_local_time)]


_ADDRESS = r"^[^@\s,;<>]+@[^@\s,;<>]+$"


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


class FieldsOfSystem(Section):
    """Field mapping of one CRM, by kind; what is not named keeps the default mapping."""

    account: FieldTable = Field({})
    """Account (HubSpot: company) fields by rule field name."""
    opportunity: FieldTable = Field({})
    """Opportunity (HubSpot: deal) fields by rule field name."""
    lead: FieldTable = Field({})
    """Lead (HubSpot: contact) fields by rule field name. `first_touch`: a date that says when somebody first called."""


RoleName = Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
FieldName = Annotated[str, Field(min_length=1)]
RoleTable = dict[RoleName, FieldName]
WriteTable = dict[Literal["territory", "band", "score", "lifecycle"], FieldName]


class DatabaseSettings(Section):
    """Where syncd keeps its mirror, plans, ledger and alerts."""

    url: str = "sqlite:///syncd.db"
    """`sqlite:////absolute/path.db`, or `postgresql://user@host/name` with the extra `postgres`."""
    erasures: Path = Path("syncd.erasures")
    """The list of what was erased, which names nobody in clear: a backup that is restored is erased again by it."""


class GitPackSettings(Section):
    """A pack that the daemon fetches from git by itself."""

    repository: str
    """What `git clone` takes: an URL, or the path of a repository on this machine."""
    ref: str = "main"
    """The branch, tag or commit that is in use."""
    folder: str = "."
    """The pack's folder within the repository."""
    every: Span = timedelta(minutes=5)
    """Between two looks at the repository."""

    @field_validator("ref")
    @classmethod
    def _one_ref(cls, value: str) -> str:
        if re.fullmatch(r"[\w./+@#-]+", value) is None or ".." in value:
            raise ValueError("it is a branch, a tag or a commit, without spaces")
        return value

    @field_validator("repository", "ref", "folder")
    @classmethod
    def _no_option(cls, value: str) -> str:
        if value.startswith("-") or not value.strip():
            raise ValueError("it may not be empty, nor begin with a dash")
        return value

    @field_validator("repository")
    @classmethod
    def _no_secret(cls, value: str) -> str:
        if re.search(r"://[^/@]*:[^/@]*@", value) or value.startswith("ext::"):
            raise ValueError("no password in the URL: use an SSH key, or git's own credential helper")
        return value

    @field_validator("folder")
    @classmethod
    def _inside(cls, value: str) -> str:
        if value.startswith("/") or ".." in Path(value).parts:
            raise ValueError("it is a folder within the repository")
        return value


class PackSettings(Section):
    """Where the rules are."""

    path: Path = Path("pack")
    """The folder of YAML and CSV files that RevOps keeps in git. With `git`, left out: `pack` in the state folder."""
    git: GitPackSettings | None = None
    """Where the daemon fetches the pack from, instead of reading a folder that somebody else keeps up to date."""


class SalesforceSettings(Section):
    """How to reach Salesforce. Leave the section out where there is none."""

    login_url: str
    """The org's My Domain, such as https://acme.my.salesforce.com; http only on loopback."""
    client_id: str
    """The consumer key of the External Client App."""
    grant: Literal["jwt", "client_credentials"] = "jwt"
    """The OAuth flow: `jwt` (a key pair, no shared secret) or `client_credentials`."""
    username: str | None = None
    """The integration user, for `jwt`."""
    private_key: Secret = Secret("credential:salesforce_private_key")
    """The PEM key of the app's certificate, for `jwt`."""
    client_secret: Secret = Secret("credential:salesforce_client_secret")
    """The consumer secret, for `client_credentials`."""
    api_version: str = Field("66.0", pattern=r"^\d{2,3}\.0$")
    """The pinned REST API version."""
    fields: FieldsOfSystem = FieldsOfSystem()
    """Field mapping."""
    roles: RoleTable = Field({})
    """Roles beside the owner: the field of Account, a lookup to User, that says who has each."""
    write: WriteTable = Field({})
    """Fields of Account that syncd fills where the pack's `write` says so: territory, band, score, lifecycle."""
    children: tuple[Literal["contacts", "tasks"], ...] = ()
    """What is read beside opportunities, so that it can follow its account's owner as the pack's `cascade` says."""
    person_accounts: bool = False
    """Whether the org has person accounts: their contacts are told apart then, and never follow."""


class HubspotSettings(Section):
    """How to reach HubSpot. Leave the section out where there is none."""

    base_url: str = "https://api.hubapi.com"
    """The API host; another one only for the sandbox."""
    token: Secret = Secret("credential:hubspot_token")
    """The service key or private-app token."""
    api_version: Literal["v3", "2026-03"] = "v3"
    """The path family. 2026-09 is not offered: it refuses owner writes for unrelated validation rules."""
    fields: FieldsOfSystem = FieldsOfSystem()
    """Field mapping."""
    roles: RoleTable = Field({})
    """Roles beside the owner: the company property, holding an owner's id, that says who has each."""
    write: WriteTable = Field({})
    """Company properties that syncd fills where the pack's `write` says so: territory, band, score, lifecycle."""
    children: tuple[Literal["contacts", "tasks"], ...] = ()
    """What is read beside deals, so that it can follow the owner of its company as the pack's `cascade` says."""


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


class ReceiverSettings(Section):
    """One place that alerts go to, beside the log, which always gets them."""

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    """Its name in `alerts` and in the ledger."""
    type: Literal["webhook", "file", "slack", "pagerduty", "email", "heartbeat", "apprise"]
    """`webhook` posts signed JSON, `file` appends JSON lines; `apprise` is Teams and all others it knows."""
    url: str | None = None
    """For a webhook: https, or http on loopback. For PagerDuty: another region's endpoint."""
    secret: Secret | None = None
    """Webhook: the key of the signature. PagerDuty: the routing key. E-mail: the password. Else: the secret URL."""
    secret_before: Secret | None = None
    """For a webhook, while keys are rotated: the key before; notices are signed by both."""
    inside: bool = False
    """Whether its URL may lead into your own network; else only public addresses are called."""
    path: Path | None = None
    """For a file: where it is."""
    host: str | None = None
    """For e-mail: the mail server."""
    port: int | None = Field(None, ge=1, le=65535)
    """For e-mail: its port; default 587 for `starttls`, 465 for `tls`, 25 for `none`."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """For e-mail: how the connection is made safe; `none` only to this machine itself."""
    username: str | None = None
    """For e-mail: the account at the mail server; none where it asks for none."""
    sender: str | None = Field(None, pattern=_ADDRESS)
    """For e-mail: the address that notices come from."""
    recipients: tuple[Annotated[str, Field(pattern=_ADDRESS)], ...] = ()
    """For e-mail: who gets every notice."""
    reps: bool = False
    """For e-mail, with `tells` naming changes: each rep also gets what an applied plan changed for them."""
    severities: tuple[Literal["page", "ticket", "info"], ...] = ("page", "ticket", "info")
    """Which alerts it gets."""
    monitors: tuple[str, ...] = ()
    """Of which monitors, such as `RepLeft` or `Attainment*`; none named: of all."""
    labels: dict[str, str] = Field({})
    """With which labels: each must equal, `*` stands for any text."""
    tells: tuple[Literal["alerts", "approvals", "changes", "reports", "feed"], ...] | None = None
    """Alerts, plans that wait for approval, what a plan changed, reports. Default: the first two; PagerDuty: one."""
    hours: Literal["any", "working"] = "any"
    """`working`: alerts that are no pages wait for the pack's working hours."""
    digest: Span | None = None
    """Collect alerts that are no pages, and tell them together once in so long."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [name for name in _NEEDED[self.type] if not getattr(self, name)]
        if missing:
            raise ValueError(f"a {self.type} receiver needs {' and '.join(missing)}")
        foreign = sorted(name for name in _OF_SOME if name in self.model_fields_set and self.type not in _OF_SOME[name])
        if foreign:
            raise ValueError(f"a {self.type} receiver has no {' and no '.join(foreign)}")
        if self.type in ("pagerduty", "heartbeat") and (self.digest or set(self.tells or ()) - {"alerts"}):
            raise ValueError(f"a {self.type} receiver tells alerts alone, each by itself")
        if "feed" in (self.tells or ()) and self.type != "webhook":
            raise ValueError("only a webhook receiver tells the feed")
        if self.username is not None and self.secret is None:
            raise ValueError("an email receiver with a username needs secret, its password")
        return self


_NEEDED: dict[str, tuple[str, ...]] = {
    "webhook": ("url", "secret"),
    "file": ("path",),
    "slack": ("secret",),
    "pagerduty": ("secret",),
    "email": ("host", "sender", "recipients"),
    "heartbeat": ("secret",),
    "apprise": ("secret",),
}
_OF_SOME: dict[str, tuple[str, ...]] = {
    "url": ("webhook", "pagerduty"),
    "secret_before": ("webhook",),
    "inside": ("webhook", "slack", "pagerduty", "heartbeat"),
    "path": ("file",),
    **dict.fromkeys(("host", "port", "security", "username", "sender", "recipients", "reps"), ("email",)),
}
"""Keys that only some types of receiver have: on another they would do nothing, and somebody would rely on them."""


class ReportSettings(Section):
    """Reports that the daemon makes by itself: each at a local time of the pack's zone, on the first day after."""

    folder: Path | None = None
    """Where they are filed, as `syncd-weekly-2026-11-23.html`. Needed where an edition has a time."""
    weekly: Annotated[str, AfterValidator(_time_of_day)] | None = None
    """When the weekly one is made, on Mondays: `07:00`. Default: not."""
    monthly: Annotated[str, AfterValidator(_time_of_day)] | None = None
    """When the monthly one is made, on the first of each month."""
    quarterly: Annotated[str, AfterValidator(_time_of_day)] | None = None
    """When the quarterly one is made, on the first day of each fiscal quarter."""
    keep: int = Field(13, ge=1, le=1000)
    """How many of each edition stay in the folder."""

    @model_validator(mode="after")
    def _filed_somewhere(self) -> Self:
        if self.folder is None and (self.weekly or self.monthly or self.quarterly):
            raise ValueError("an edition needs `folder`, where it is filed")
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

    @model_validator(mode="after")
    def _one_writer_a_contact(self) -> Self:
        children = self.hubspot.children if self.hubspot is not None else ()
        if self.leads.read and self.leads.hubspot_object == "contacts" and "contacts" in children:
            raise ValueError(
                "a HubSpot contact cannot be a lead that is routed and a child that follows its account: take contacts"
                " out of [hubspot] children, or set hubspot_object = 'leads' under [leads]"
            )
        return self

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
