"""Filling the fake portal from rows by property name: records, owners, associations, pipelines.

What a row leaves out is filled in the same way each time: ids count on, a record was made a year before the sandbox's
present and not changed since.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from syncd.sandbox.hubspot.definitions import KIND_BY_NAME
from syncd.sandbox.hubspot.owners import Owner
from syncd.sandbox.hubspot.pipelines import Pipeline, Stage
from syncd.sandbox.hubspot.records import Entry, ObjectTable
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.hubspot.values import canonical, read_stamp, stamp_text, text_of, truth

Row = Mapping[str, object]
_YEAR = 365 * 86_400_000
_MINUTE = 60_000
_META = frozenset({"id", "archived", "archivedAt", "associatedcompanyid", "associations", "createdAt", "updatedAt"})


def load(state: PortalState, object_name: str, rows: Iterable[Row]) -> tuple[str, ...]:
    """Load rows of an object type, `owners`, `associations` or `pipelines`; their ids. ValueError names a bad row."""
    name = object_name.lower()
    listed = list(rows)
    if name == "owners":
        return _load_owners(state, listed)
    if name == "associations":
        return _load_associations(state, listed)
    if name == "pipelines":
        return _load_pipelines(state, listed)
    if name in KIND_BY_NAME:
        return _load_records(state, state.table(name), listed)
    known = ", ".join((*state.tables, "owners", "associations", "pipelines"))
    raise ValueError(f"HubSpot has no object {object_name}; known are {known}")


def _load_records(state: PortalState, table: ObjectTable, rows: list[Row]) -> tuple[str, ...]:
    for name in sorted({name for row in rows for name in row} - _META):
        table.define(name)
    entries = []
    given = [text_of(row.get("id") or row.get("hs_object_id")) for row in rows]
    following = max([table.next_id(), *(int(text) + 1 for text in given if text.isdecimal())])
    for number, row in enumerate(rows, start=1):
        try:
            key = _digits(row.get("id") or row.get("hs_object_id"))
            entries.append(_entry(state, table, following if key is None else key, row, number))
        except ValueError as error:
            raise ValueError(f"{table.kind.name} row {number}: {error}") from None
        following += key is None
    try:
        table.add(entries, now=state.now)
    except KeyError as error:
        raise ValueError(f"{table.kind.name}: no {error.args[0]}: it is taken") from None
    for entry, row in zip(entries, rows, strict=True):
        _associate(state, table, entry, row)
    if table.kind.name == "deals":
        state.refresh_primary_companies()
    return tuple(str(entry.id) for entry in entries)


def _entry(state: PortalState, table: ObjectTable, key: int, row: Row, number: int) -> Entry:
    """A record from its row."""
    properties: dict[str, str] = {}
    for name, value in row.items():
        text = text_of(value)
        if text and name not in _META:
            properties[name] = _canonical(table, name, text)
            table.learn_option(name, properties[name])
    made = properties.get("createdate") or text_of(row.get("createdAt"))
    created = read_stamp(made) if made else state.now - _YEAR + number * _MINUTE
    changed = properties.get(table.kind.stamp) or text_of(row.get("updatedAt"))
    updated = read_stamp(changed) if changed else created
    properties |= {
        "hs_object_id": str(key),
        "createdate": stamp_text(created),
        table.kind.stamp: stamp_text(updated),
    }
    if table.kind.name == "deals":
        properties.setdefault("pipeline", "default")
        properties = {**state.pipelines.derived(properties), **properties}
    archived = None
    if truth(row.get("archived")):
        at = text_of(row.get("archivedAt"))
        archived = read_stamp(at) if at else updated
    return Entry(key, properties, created, updated, archived)


def _canonical(table: ObjectTable, name: str, text: str) -> str:
    try:
        return canonical(table.definitions[name], text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _associate(state: PortalState, table: ObjectTable, entry: Entry, row: Row) -> None:
    """Associate a loaded record as its row says; the first company is the primary one."""
    parent = entry.properties.get("hs_parent_company_id", "")
    if table.kind.name == "companies" and parent.isdecimal():
        state.associations.link_parent(entry.id, int(parent))
    if table.kind.name == "companies":
        return
    for place, company in enumerate(_associated(row)):
        state.associations.link(table.kind.name, entry.id, "companies", company, primary=place == 0)


def _associated(row: Row) -> list[int]:
    """The companies of a row: `associatedcompanyid`, then `associations` (`1;2`, a list, or `{"companies": […]}`)."""
    found: list[object] = [row.get("associatedcompanyid") or row.get("hs_primary_associated_company")]
    value = row.get("associations")
    if isinstance(value, str) and value.strip().startswith(("{", "[")):
        value = json.loads(value)
    if isinstance(value, Mapping):
        value = value.get("companies") or []
    if isinstance(value, str | int):
        found += str(value).split(";")
    elif isinstance(value, Iterable):
        found += [one.get("id") if isinstance(one, Mapping) else one for one in value]
    numbers = [_digits(one) for one in found]
    return list(dict.fromkeys(number for number in numbers if number is not None))


def _load_owners(state: PortalState, rows: list[Row]) -> tuple[str, ...]:
    keys = []
    for number, row in enumerate(rows, start=1):
        email = text_of(row.get("email"))
        if not email:
            raise ValueError(f"owners row {number}: no email")
        given = _digits(row.get("id"))
        user = _digits(row.get("userIdIncludingInactive")) or _digits(row.get("userId"))
        made = text_of(row.get("createdAt"))
        changed = text_of(row.get("updatedAt"))
        created = read_stamp(made) if made else state.now - _YEAR
        key = state.owners.next_id() if given is None else given
        state.owners.rows[key] = Owner(
            id=key,
            email=email,
            first=text_of(row.get("firstName")),
            last=text_of(row.get("lastName")),
            user=state.owners.next_user() if user is None else user,
            created=created,
            updated=read_stamp(changed) if changed else created,
            archived=truth(row.get("archived")),
            kind=text_of(row.get("type")) or "PERSON",
            teams=read_teams(row.get("teams")),
        )
        keys.append(str(key))
    return tuple(keys)


def read_teams(value: object) -> tuple[dict[str, object], ...]:
    """Teams as a list of objects, as its JSON, or as names joined by `;` of which the first is the primary."""
    if isinstance(value, str) and value.strip().startswith("["):
        value = json.loads(value)
    if isinstance(value, str):
        names = [name.strip() for name in value.split(";") if name.strip()]
        return tuple({"id": name.lower(), "name": name, "primary": place == 0} for place, name in enumerate(names))
    return tuple(dict(team) for team in value) if isinstance(value, list | tuple) else ()


def _load_associations(state: PortalState, rows: list[Row]) -> tuple[str, ...]:
    """Rows with `fromObjectType`, `fromId`, `toObjectType`, `toId` and, for a primary one, `primary`."""
    for number, row in enumerate(rows, start=1):
        source = KIND_BY_NAME.get(text_of(row.get("fromObjectType")) or "deals")
        target = KIND_BY_NAME.get(text_of(row.get("toObjectType")) or "companies")
        one, other = _digits(row.get("fromId")), _digits(row.get("toId"))
        if source is None or target is None or one is None or other is None:
            raise ValueError(f"associations row {number}: fromObjectType, fromId, toObjectType and toId are needed")
        state.associations.link(source.name, one, target.name, other, primary=truth(row.get("primary")))
    state.refresh_primary_companies()
    return ()


def _load_pipelines(state: PortalState, rows: list[Row]) -> tuple[str, ...]:
    """Rows with `id`, `label`, `stages`; or one a stage: `pipeline`, `label`, `stage`, `stageLabel`, `probability`."""
    begun: set[str] = set()
    for number, row in enumerate(rows, start=1):
        key = text_of(row.get("id") or row.get("pipeline"))
        if not key:
            raise ValueError(f"pipelines row {number}: no id")
        stages = row.get("stages")
        if isinstance(stages, str):
            stages = json.loads(stages)
        label = text_of(row.get("label")) or key
        if isinstance(stages, list):
            state.pipelines.rows[key] = Pipeline(key, label, [_stage(stage) for stage in stages])
        else:
            if key not in begun:
                state.pipelines.rows[key] = Pipeline(key, label, [])
            begun.add(key)
            flat = {"id": row.get("stage"), "label": row.get("stageLabel"), "metadata": row}
            state.pipelines.rows[key].stages.append(_stage(flat))
    return tuple(state.pipelines.rows)


def _stage(row: Row) -> Stage:
    metadata = row.get("metadata")
    details = metadata if isinstance(metadata, Mapping) else row
    key = text_of(row.get("id"))
    probability = text_of(details.get("probability")) or "0.5"
    closed = details.get("isClosed")
    return Stage(
        id=key,
        label=text_of(row.get("label")) or key,
        probability=probability,
        closed=truth(closed) if closed is not None else float(probability) in (0.0, 1.0),
    )


def _digits(value: object) -> int | None:
    """A record id as a number; None for an empty one. ValueError for anything that is no number."""
    text = text_of(value).strip()
    if not text:
        return None
    if not text.isdecimal():
        raise ValueError(f"{text!r} is not a record id")
    return int(text)
