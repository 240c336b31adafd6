"""A loaded pack: frozen values that mean what RULES.md says, each with its place in the files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from zoneinfo import ZoneInfo

from syncd.errors import Finding, Place
from syncd.rules.alert_cases import AlertCase
from syncd.rules.conditions import Condition
from syncd.rules.matching.time_window import Duration as Duration
from syncd.rules.routing_rules import LeadRouting, Retrieve
from syncd.rules.scoring_rules import Scoring, Stage

UTC_ZONE = ZoneInfo("UTC")
WORKING_HOURS = ("Mon-Fri 08:00-18:00",)
"""When alerts about data open, where the pack says nothing else; in the pack's time zone."""


@dataclass(frozen=True, slots=True)
class NamedList:
    """A named list of raw texts in the order written."""

    name: str
    entries: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class OwnersByEmail:
    """`owners: [a@x, seat:west-4]`: e-mails in lower case and `seat:` names, in the order written."""

    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnersByPool:
    """`owners: {pool: name}`."""

    pool: str


@dataclass(frozen=True, slots=True)
class OwnersByLookup:
    """`owners: {file, key, column}`: e-mail looked up per account by the normalised value of the field `key`."""

    file: str
    key: str
    column: str
    table: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OwnersByPair:
    """`owners: {pair_with: owner, file}`: looked up by the e-mail that the role `pair_with` has just been decided to.

    `table` leads from an e-mail or `seat:` name to another.
    """

    pair_with: str
    file: str
    column: str
    table: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OwnersByQueue:
    """`owners: {queue: name}`: a queue of the CRM, for leads; no account can be given to one."""

    queue: str


@dataclass(frozen=True, slots=True)
class Unassigned:
    """`owners: unassigned`: listed and alerted, the owner stays."""


@dataclass(frozen=True, slots=True)
class NoOwners:
    """A group: a territory that must hand each account on to a child."""


Owners = OwnersByEmail | OwnersByPool | OwnersByLookup | OwnersByPair | OwnersByQueue | Unassigned | NoOwners


@dataclass(frozen=True, slots=True)
class Cap:
    """Accounts per rep in a territory and below; None where not limited."""

    total: int | None = None
    day: int | None = None
    week: int | None = None
    band: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Effective:
    """When a territory is in effect: both days included, in the pack's zone; None is open."""

    from_: date | None
    until: date | None


@dataclass(frozen=True, slots=True)
class TerritoryQuota:
    """The `quota` of a territory: an amount for each fiscal `year`, fiscal `quarter` or `month`, as `per` says."""

    amount: Decimal
    currency: str
    per: str
    place: Place


@dataclass(frozen=True, slots=True)
class Territory:
    """One node of a role's tree. Inherited options (keep, balance_by, overflow, follow_parent, labels) are resolved.

    `path` is the names from the root joined by `/`. `text` is the rule as written, for fingerprints. `assign` None
    means the default: `first` for one member, `balanced` for several, or the pool's own. `leeway` is a share of an
    edge. `row` is the table row.
    """

    name: str
    path: str
    when: Condition
    owners: Owners
    place: Place
    text: str
    role: str = "owner"
    assign: str | None = None
    keep: bool = True
    cap: Cap | None = None
    balance_by: str = "accounts"
    overflow: Owners | None = None
    follow_parent: bool = False
    leeway: Decimal | None = None
    effective: Effective | None = None
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    note: str | None = None
    was: str | None = None
    quota: TerritoryQuota | None = None
    row: int | None = None
    children: tuple[Territory, ...] = ()

    def walk(self) -> Iterator[Territory]:
        """This territory and all below it, in the order written, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class OutOfOffice:
    """Days off, both included; `starts` and `ends` are the instants where hours are written, the end being at work."""

    from_: date
    until: date
    cover: str | None = None
    starts: datetime | None = None
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class RepEntry:
    """A rep of the pack's `reps`. `salesforce` and `hubspot` name the user where the e-mail does not.

    `manager` (e-mail) is told what plans change for the rep, and covers for them where nobody else does.
    """

    email: str
    place: Place
    capacity: Decimal | None = None
    max_accounts: int | None = None
    languages: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    start: date | None = None
    end: date | None = None
    ramp: tuple[Decimal, ...] = ()
    hours: str | None = None
    out_of_office: tuple[OutOfOffice, ...] = ()
    salesforce: str | None = None
    hubspot: str | None = None
    manager: str | None = None


@dataclass(frozen=True, slots=True)
class Seat:
    """A seat: resolves to its holder, else its cover, else nobody."""

    name: str
    place: Place
    holder: str | None = None
    cover: str | None = None
    from_: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Pool:
    """A named pool: members (e-mails or `seat:` names) with their weights.

    With `catch_up` a member who is out of office earns their share of what is dealt in turn all the same.
    """

    name: str
    place: Place
    members: tuple[tuple[str, Decimal], ...]
    assign: str | None = None
    catch_up: bool = False


@dataclass(frozen=True, slots=True)
class Protect:
    """A condition under which an account with an active owner stays put."""

    name: str
    place: Place
    when: Condition
    reason: str
    until: date | None = None
    roles: tuple[str, ...] = ("owner",)


@dataclass(frozen=True, slots=True)
class Override:
    """A person's word on one account: its owner (an e-mail or `seat:` name) until the day `expires`, included."""

    account: str
    owner: str
    place: Place
    by: str
    why: str
    expires: date | None = None
    role: str = "owner"


@dataclass(frozen=True, slots=True)
class Dispute:
    """An open dispute: the account stays as it is."""

    account: str
    place: Place
    opened: date | None = None
    by: str | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class DealHoldout:
    """Opportunities that keep their owner when their account moves."""

    place: Place
    opportunities: Condition
    territory: str | None = None
    by: str | None = None
    why: str | None = None
    expires: date | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """The limits of RULES.md 7; shares are fractions; None where not limited."""

    changes_max: int | None = None
    changes_share: Decimal | None = None
    money: Decimal | None = None
    per_rep: int | None = None
    per_territory: int | None = None
    per_band: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    per_owner_total: int | None = None
    windows: tuple[str, ...] = ()
    api_calls: int | None = None


@dataclass(frozen=True, slots=True)
class Cascade:
    """What follows an account's owner: `follow`, `follow-all` or `stay`, by kind."""

    open_opportunities: str = "follow"
    contacts: str = "follow"
    open_tasks: str = "stay"
    leads: str = "stay"


@dataclass(frozen=True, slots=True)
class MonitorRule:
    """A monitor of the pack's `monitors:`: its name and its options as text; `enabled` false switches it off.

    `when` says which accounts it is about, `except_` which of these it leaves out.
    """

    name: str
    place: Place | None = None
    enabled: bool = True
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    when: Condition | None = None
    except_: Condition | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """One row of a quota CSV: a territory or a rep, and the period as `2026-Q4`, `2026-11` or `2026`."""

    territory: str | None
    rep: str | None
    period: str
    amount: Decimal
    currency: str
    place: Place


@dataclass(frozen=True, slots=True)
class Case:
    """One test of the pack. Values are raw texts by field name (a tuple for several values); `expect` likewise."""

    name: str
    place: Place
    expect: Mapping[str, tuple[str, ...]]
    account: Mapping[str, str | tuple[str, ...]] | None = None
    lead: Mapping[str, str | tuple[str, ...]] | None = None
    opportunities: tuple[Mapping[str, str], ...] = ()
    ledger: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    salesforce: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    hubspot: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    parent: Mapping[str, str | tuple[str, ...]] | None = None
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pack:
    """A whole pack, valid as far as its files go. `cleared_roles` are those with `otherwise: clear`."""

    name: str
    revision: str
    files: tuple[str, ...]
    zone: ZoneInfo = UTC_ZONE
    fiscal_year_start: int = 1
    default_country: str | None = None
    fill_missing_country: bool = False
    manage: tuple[str, ...] | None = None
    manage_from: date | None = None
    cascade: Cascade = Cascade()
    respect_people_for: Duration | None = None
    plan_at: tuple[str, ...] = ()
    working_hours: tuple[str, ...] = WORKING_HOURS
    write: tuple[str, ...] = ()
    segments: Mapping[str, Condition] = field(default_factory=lambda: MappingProxyType({}))
    lists: Mapping[str, NamedList] = field(default_factory=lambda: MappingProxyType({}))
    roles: Mapping[str, tuple[Territory, ...]] = field(default_factory=lambda: MappingProxyType({}))
    cleared_roles: frozenset[str] = frozenset()
    pools: Mapping[str, Pool] = field(default_factory=lambda: MappingProxyType({}))
    reps: Mapping[str, RepEntry] = field(default_factory=lambda: MappingProxyType({}))
    seats: Mapping[str, Seat] = field(default_factory=lambda: MappingProxyType({}))
    protect: tuple[Protect, ...] = ()
    overrides: tuple[Override, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    deal_holdouts: tuple[DealHoldout, ...] = ()
    guard: Guard = Guard()
    monitors: tuple[MonitorRule, ...] = ()
    quotas: tuple[Quota, ...] = ()
    tests: tuple[Case, ...] = ()
    alert_tests: tuple[AlertCase, ...] = ()
    retrieve: Retrieve | None = None
    scoring: Scoring | None = None
    lifecycle: tuple[Stage, ...] = ()
    routing: LeadRouting | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def roles_in_order(self) -> tuple[str, ...]:
        """The roles in the order they are decided: owner first, the others as written."""
        return tuple(sorted(self.roles, key=lambda role: role != "owner"))

    @property
    def written_texts(self) -> tuple[str, ...]:
        """What `write` names and the pack can tell: without `score` it has no band to write."""
        scored, staged = self.scoring is not None, bool(self.lifecycle)
        able = {"territory": True, "band": scored, "score": scored, "lifecycle": staged}
        return tuple(name for name in self.write if able.get(name, False))

    def lineages(self, role: str = "owner") -> Mapping[str, tuple[Territory, ...]]:
        """Each territory of a role with its ancestors, the root first, by path."""
        found: dict[str, tuple[Territory, ...]] = {}

        def walk(territory: Territory, above: tuple[Territory, ...]) -> None:
            line = (*above, territory)
            found.setdefault(territory.path, line)
            for child in territory.children:
                walk(child, line)

        for root in self.roles.get(role, ()):
            walk(root, ())
        return found

    def territories(self, role: str = "owner") -> Iterator[Territory]:
        """Every territory of a role, in the order written, parents first."""
        for root in self.roles.get(role, ()):
            yield from root.walk()
