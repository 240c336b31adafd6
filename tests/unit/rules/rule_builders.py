"""Packs, facts and people for the engine's tests, built from the dataclasses without any file."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from syncd.errors import Place
from syncd.model.decisions import Decision, Owner
from syncd.model.fields import FieldCatalogue, FieldType
from syncd.model.refs import Kind, Ref, System
from syncd.rules.conditions import Always, Condition, FieldTest
from syncd.rules.engine import Book, decide
from syncd.rules.facts import Applied, Directory, Facts, Rep, Seen, Value
from syncd.rules.matching.matchers import EqualTo
from syncd.rules.pack import Owners, OwnersByEmail, Pack, Pool, RepEntry, Territory, Unassigned

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
PLACE = Place("territories.yaml", 1)
CATALOGUE = FieldCatalogue()


def place(line: int, path: str = "territories.yaml") -> Place:
    return Place(path, line)


def is_(field: str, value: Value) -> FieldTest:
    """`field: value` as a parsed condition."""
    type_ = CATALOGUE.account.get(field, FieldType.TEXT)
    return FieldTest(field, type_, EqualTo(str(value), value), PLACE, f"{field}: {value}")


def territory(name: str, when: Condition | None = None, owners: Any = (), **rest: Any) -> Territory:
    """A root territory; `owners` is e-mails, an owners value, or nothing for `unassigned`."""
    named: Owners
    if isinstance(owners, str):
        named = OwnersByEmail((owners,))
    elif isinstance(owners, (tuple, list)):
        named = OwnersByEmail(tuple(owners)) if owners else Unassigned()
    else:
        named = owners
    rest.setdefault("path", name)
    rest.setdefault("place", PLACE)
    return Territory(name=name, when=when or Always(PLACE), owners=named, text=f"name: {name}", **rest)


def nested(parent: Territory, *children: Territory) -> Territory:
    """The parent with children, whose paths are made to start at it."""
    from dataclasses import replace

    def moved(each: Territory, above: str) -> Territory:
        path = f"{above}/{each.name}"
        return replace(each, path=path, children=tuple(moved(child, path) for child in each.children))

    return replace(parent, children=tuple(moved(child, parent.path) for child in children))


def pack(*roots: Territory, **rest: Any) -> Pack:
    roles: dict[str, tuple[Territory, ...]] = {"owner": roots}
    for role, trees in rest.pop("other_roles", {}).items():
        roles[role] = trees
    reps = {entry.email: entry for entry in rest.pop("reps", ())}
    pools = {pool.name: pool for pool in rest.pop("pools", ())}
    seats = {seat.name: seat for seat in rest.pop("seats", ())}
    return Pack("test", "r1", ("territories.yaml",), roles=roles, reps=reps, pools=pools, seats=seats, **rest)


def rep(email: str, **rest: Any) -> RepEntry:
    for name in ("capacity",):
        if name in rest:
            rest[name] = Decimal(rest[name])
    if "ramp" in rest:
        rest["ramp"] = tuple(Decimal(str(each)) for each in rest["ramp"])
    return RepEntry(email, PLACE, **rest)


def pool(name: str, *members: str | tuple[str, str], assign: str | None = None) -> Pool:
    pairs = tuple((each, Decimal(1)) if isinstance(each, str) else (each[0], Decimal(each[1])) for each in members)
    return Pool(name, PLACE, pairs, assign)


def facts(key: str = "A1", owner: str | None = None, *, active: bool = True, **rest: Any) -> Facts:
    """One company; keyword arguments that are no attribute of Facts are its values."""
    names = set(Facts.__dataclass_fields__)
    attributes = {name: rest.pop(name) for name in list(rest) if name in names}
    values: dict[str, Value] = {
        name: Decimal(v) if isinstance(v, int) and not isinstance(v, bool) else v for name, v in rest.items()
    }
    if owner:
        values["owner"] = owner
    seen = {name: Seen(System.SALESFORCE, str(value)) for name, value in values.items()}
    return Facts(
        key,
        attributes.pop("accounts", (key,)),
        values=MappingProxyType(values),
        seen=MappingProxyType(seen),
        current_owner=Owner(owner) if owner else None,
        owner_active=bool(owner) and active,
        **attributes,
    )


def sf_ref(number: int) -> Ref:
    return Ref(System.SALESFORCE, Kind.ACCOUNT, f"001{number:015d}")


def user(
    email: str, *, active: tuple[System, ...] = tuple(System), eligible: tuple[System, ...] = tuple(System)
) -> Rep:
    ids = {system: f"{system.value}-{email}" for system in System}
    return Rep(email, email, ids, frozenset(active), frozenset(eligible))


def applied(territory: str | None, owner: str | None, role: str = "owner") -> dict[str, Applied]:
    return {role: Applied(territory, owner, datetime(2026, 11, 1, tzinfo=UTC))}


EVERYBODY = Directory({}, assume_active=True)


def decide_all(
    pack_: Pack, *companies: Facts, directory: Directory = EVERYBODY, now: datetime = NOW
) -> dict[str, Decision]:
    """Decisions of the owner role by company key."""
    decisions = decide(pack_, Book(companies, directory), now)
    return {decision.company: decision for decision in decisions if decision.role == "owner"}


def decide_one(pack_: Pack, company: Facts, directory: Directory = EVERYBODY, now: datetime = NOW) -> Decision:
    return decide_all(pack_, company, directory=directory, now=now)[company.key]
