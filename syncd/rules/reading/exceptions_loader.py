"""What people decided against the rules: `protect`, `overrides`, `disputes` and `deal_holdouts`, from YAML or CSV.

Dates never make a pack invalid: what has expired is a warning, and only where the caller gives a clock. Which record an
entry means is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from syncd.errors import Place
from syncd.model.refs import Kind
from syncd.rules.conditions import Always
from syncd.rules.nodes import Entry, Mapping, Node, Scalar
from syncd.rules.pack import DealHoldout, Dispute, Override, Protect
from syncd.rules.reading.csv_reader import Sheet
from syncd.rules.reading.options import Options, read_name, read_role
from syncd.rules.reading.pack_reading import Reading
from syncd.rules.suggestion import did_you_mean

PROTECT_OPTIONS = ("when", "reason", "until", "roles")
OVERRIDE_OPTIONS = ("account", "owner", "role", "by", "why", "expires")
DISPUTE_OPTIONS = ("account", "opened", "by", "why")
HOLDOUT_OPTIONS = ("opportunities", "of", "by", "why", "expires")


def read_protect(entries: Iterable[Entry], reading: Reading) -> tuple[Protect, ...]:
    """Every hold by condition, in the order of their names."""
    found: list[Protect] = []
    for entry in entries:
        name = read_name(entry.key, reading)
        options = Options(entry.value, f"`protect: {entry.key.text}`", PROTECT_OPTIONS, reading)
        node = options.node("when") if options.require("when", "write the condition that holds an account") else None
        condition = reading.condition(node, reading.scope()) or Always()
        until = options.day("until")
        roles = tuple(filter(None, (read_role(role, reading) for role in options.scalars("roles"))))
        if name is not None:
            _warn_expired(f"`protect: {name}`", until, options.place_of("until"), reading)
            reason = options.text("reason") or name
            found.append(Protect(name, entry.key.place, condition, reason, until, roles or ("owner",)))
    return tuple(sorted(found, key=lambda protect: protect.name))


def read_overrides(items: Iterable[Node], reading: Reading) -> tuple[Override, ...]:
    """Every override, in the order written. Two for one account and role are an error (SYN270)."""
    found = [
        entry
        for options in _each(items, "an override", OVERRIDE_OPTIONS, reading)
        for entry in _override(options, reading)
    ]
    _report_doubles(found, reading)
    return tuple(found)


def _override(options: Options, reading: Reading) -> Iterator[Override]:
    complete = [
        options.require(key, hint)
        for key, hint in (("account", "name a ref, an id or a domain"), ("owner", "name a rep"))
    ]
    account, owner, expires = options.text("account"), options.rep("owner"), options.day("expires")
    named = options.scalar("role")
    role = (read_role(named, reading) if named is not None else None) or "owner"
    by, why = options.text("by") or "", options.text("why") or ""
    if not options.broken and (not by or not why):
        lacking = " and ".join(f"`{key}`" for key, text in (("by", by), ("why", why)) if not text)
        message = f"this override has no {lacking}: nobody will know later what it was for"
        reading.findings.warning("SYN272", message, options.place, "write by: mei@example.com, why: exec sponsor")
    _warn_expired("this override", expires, options.place_of("expires"), reading)
    if all(complete) and account is not None and owner is not None:
        yield Override(account, owner, options.place, by, why, expires, role)


def _report_doubles(overrides: list[Override], reading: Reading) -> None:
    first: dict[tuple[str, str], Override] = {}
    for override in overrides:
        if _has_expired(override.expires, reading):
            continue
        earlier = first.setdefault((override.account.casefold(), override.role), override)
        if earlier is not override:
            message = f"two overrides for {override.account}, role {override.role}: the first is at {earlier.place}"
            reading.findings.error("SYN270", message, override.place, "keep one")


def read_disputes(items: Iterable[Node], reading: Reading) -> tuple[Dispute, ...]:
    """Every dispute, in the order written."""
    found: list[Dispute] = []
    for options in _each(items, "a dispute", DISPUTE_OPTIONS, reading):
        complete = options.require("account", "name a ref, an id or a domain")
        account, opened = options.text("account"), options.day("opened")
        if complete and account is not None:
            found.append(Dispute(account, options.place, opened, options.text("by"), options.text("why")))
    return tuple(found)


def read_holdouts(items: Iterable[Node], reading: Reading) -> tuple[DealHoldout, ...]:
    """Every deal holdout, in the order written."""
    found: list[DealHoldout] = []
    for item in items:
        options = Options(item, "a deal holdout", HOLDOUT_OPTIONS, reading)
        complete = options.require("opportunities", "write the condition, as in {stage: Negotiation}")
        node = options.node("opportunities")
        condition = reading.condition(node, reading.scope(Kind.OPPORTUNITY)) or Always()
        territory = _territory_of(options, reading)
        expires = options.day("expires")
        _warn_expired("this deal holdout", expires, options.place_of("expires"), reading)
        if complete:
            by, why = options.text("by"), options.text("why")
            found.append(DealHoldout(options.place, condition, territory, by, why, expires))
    return tuple(found)


def _territory_of(options: Options, reading: Reading) -> str | None:
    node = options.node("of")
    if node is None:
        return None
    of = Options(node, "`of`", ("territory",), reading)
    if not of.require("territory", "write {territory: emea}"):
        return None
    name = of.text("territory")
    if name is not None:
        reading.refer("territory", name, of.place_of("territory"))
    return name


def _each(items: Iterable[Node], what: str, known: tuple[str, ...], reading: Reading) -> Iterator[Options]:
    """The entries of a list, and the rows of the CSV files that stand in their place."""
    for item in items:
        named = item.get("file") if isinstance(item, Mapping) else None
        if not isinstance(named, Scalar) or not isinstance(item, Mapping):
            yield Options(item, what, known, reading)
            continue
        Options(item, "a section in a file", ("file",), reading)
        sheet = reading.sheet(named)
        if sheet is not None:
            yield from _rows(sheet, named.place, what, known, reading)


def _rows(sheet: Sheet, place: Place, what: str, known: tuple[str, ...], reading: Reading) -> Iterator[Options]:
    for column in sheet.columns:
        if column not in known:
            message = f"`{sheet.path}` has a column `{column}` that is no option of {what}"
            reading.findings.error("SYN263", message, Place(sheet.path, 1), did_you_mean(column, known))
    if sheet.require("account", place, reading.findings) is None:
        return
    for row in sheet.rows:
        entries = tuple(
            Entry(Scalar(column, False, sheet.place(row, position)), Scalar(cell, True, sheet.place(row, position)))
            for position, (column, cell) in enumerate(zip(sheet.columns, row.cells, strict=True))
            if cell and column in known
        )
        yield Options(Mapping(entries, Place(sheet.path, row.line)), what, known, reading)


def _has_expired(until: date | None, reading: Reading) -> bool:
    return until is not None and reading.today is not None and until < reading.today


def _warn_expired(what: str, until: date | None, place: Place, reading: Reading) -> None:
    if _has_expired(until, reading):
        reading.findings.warning("SYN271", f"{what} expired on {until}", place, "renew or remove it")
