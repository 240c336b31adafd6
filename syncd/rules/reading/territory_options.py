"""The options of one territory beside its name and condition, and how they pass from parent to child.

The same reading serves a territory in YAML and a row of a table. Knows nothing of trees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from syncd.errors import Place
from syncd.rules.conditions import Condition
from syncd.rules.edges import has_edges
from syncd.rules.nodes import Scalar
from syncd.rules.pack import Cap, Effective, NoOwners, Owners, Territory, TerritoryQuota
from syncd.rules.reading import plain_values
from syncd.rules.reading.limits import read_bands
from syncd.rules.reading.options import Options
from syncd.rules.reading.owners_loader import read_owners
from syncd.rules.reading.pack_reading import Reading
from syncd.rules.reading.people_loader import ASSIGN
from syncd.rules.reading.quotas_loader import read_territory_quota

NO_LABELS: Mapping[str, str] = MappingProxyType({})
BALANCE_BY = ("accounts", "open_pipeline", "won_amount_12m", "annual_revenue", "score")
TERRITORY_OPTIONS = (
    "name",
    "when",
    "owners",
    "territories",
    "assign",
    "keep",
    "cap",
    "balance_by",
    "overflow",
    "follow_parent",
    "effective",
    "leeway",
    "role",
    "otherwise",
    "quota",
    "labels",
    "note",
    "was",
)


@dataclass(frozen=True, slots=True)
class TerritoryOptions:
    """What a territory says of itself; None where it says nothing."""

    owners: Owners
    assign: str | None = None
    keep: bool | None = None
    cap: Cap | None = None
    balance_by: str | None = None
    overflow: Owners | None = None
    follow_parent: bool | None = None
    leeway: Decimal | None = None
    effective: Effective | None = None
    labels: Mapping[str, str] = field(default_factory=lambda: NO_LABELS)
    note: str | None = None
    was: str | None = None
    quota: TerritoryQuota | None = None


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a territory gets from those above it: options, the path of names, and the conditions that hold there."""

    role: str = "owner"
    path: tuple[str, ...] = ()
    ancestors: tuple[Condition, ...] = ()
    keep: bool = True
    balance_by: str = "accounts"
    overflow: Owners | None = None
    follow_parent: bool = False
    labels: Mapping[str, str] = field(default_factory=lambda: NO_LABELS)

    def below(self, name: str, when: Condition | None, own: TerritoryOptions) -> Inherited:
        """What the children of a territory inherit."""
        return Inherited(
            role=self.role,
            path=(*self.path, name),
            ancestors=(*self.ancestors, when) if when is not None else self.ancestors,
            keep=self.keep if own.keep is None else own.keep,
            balance_by=own.balance_by or self.balance_by,
            overflow=own.overflow or self.overflow,
            follow_parent=self.follow_parent if own.follow_parent is None else own.follow_parent,
            labels=MappingProxyType({**self.labels, **own.labels}) if own.labels else self.labels,
        )


def read_territory_options(options: Options, role: str, reading: Reading) -> TerritoryOptions:
    """The options of one territory of a role's tree."""
    owners, overflow = options.node("owners"), options.node("overflow")
    return TerritoryOptions(
        owners=read_owners(owners, "owners", reading, role) if owners is not None else NoOwners(),
        assign=options.choice("assign", ASSIGN),
        keep=options.flag("keep"),
        cap=_cap(options, reading),
        balance_by=options.choice("balance_by", BALANCE_BY),
        overflow=_given(read_owners(overflow, "overflow", reading, role)) if overflow is not None else None,
        follow_parent=options.flag("follow_parent"),
        leeway=_leeway(options),
        effective=_effective(options, reading),
        labels=MappingProxyType(_labels(options, reading)),
        note=options.text("note"),
        was=options.name("was"),
        quota=read_territory_quota(options, reading),
    )


def build(
    name: str, when: Condition, own: TerritoryOptions, below: Inherited, place: Place, text: str, row: int | None = None
) -> Territory:
    """A territory without children, what it inherits resolved. `below` is what its own children would inherit."""
    return Territory(
        name=name,
        path="/".join(below.path),
        when=when,
        owners=own.owners,
        place=place,
        text=text,
        role=below.role,
        assign=own.assign,
        keep=below.keep,
        cap=own.cap,
        balance_by=below.balance_by,
        overflow=below.overflow,
        follow_parent=below.follow_parent,
        leeway=own.leeway,
        effective=own.effective,
        labels=below.labels,
        note=own.note,
        was=own.was,
        quota=own.quota,
        row=row,
    )


def _given(owners: Owners) -> Owners | None:
    return None if isinstance(owners, NoOwners) else owners


def _cap(options: Options, reading: Reading) -> Cap | None:
    node = options.node("cap")
    if node is None:
        return None
    if isinstance(node, Scalar):
        return Cap(total=options.whole("cap"))
    cap = Options(node, "`cap`", ("total", "day", "week", "band"), reading)
    bands = MappingProxyType(read_bands(cap, "band", reading))
    return Cap(cap.whole("total"), cap.whole("day"), cap.whole("week"), bands)


def _leeway(options: Options) -> Decimal | None:
    return options.read("leeway", plain_values.share, "no share of an edge: write 10%")


def check_leeway(territory: Territory, place: Place, reading: Reading) -> None:
    """A warning (SYN275) where a `leeway` can never matter: the condition compares no number."""
    if territory.leeway is not None and not has_edges(territory.when):
        message = f"the leeway of {territory.name} has no effect: its own `when` compares no number"
        hint = "leeway looks at comparisons and ranges of numbers in the `when` beside it, not above it"
        reading.findings.warning("SYN275", message, place, hint)


def _effective(options: Options, reading: Reading) -> Effective | None:
    node = options.node("effective")
    if node is None:
        return None
    effective = Options(node, "`effective`", ("from", "until"), reading)
    return Effective(*effective.days("from", "until"))


def _labels(options: Options, reading: Reading) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in options.entries("labels"):
        if isinstance(value, Scalar):
            found[key.text] = value.text
        else:
            reading.findings.error("SYN241", f"the label `{key.text[:60]}` is one text", value.place)
    return found
