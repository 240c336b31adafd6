"""The CSV files that Data Loader saves of a territory model, recognised by their columns.

Objects: Territory2, ObjectTerritory2AssignmentRule and its …RuleItem, RuleTerritory2Association,
UserTerritory2Association, User, Territory2Type; or one flat file with the columns territory, field, operation, value.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from syncd.errors import Place, Severity
from syncd.model.refs import long_salesforce_id
from syncd.rules.exports.files import read_rows
from syncd.rules.exports.rows import Remarks
from syncd.rules.findings import Findings
from syncd.rules.reading.plain_values import email as is_email

_BY_HAND = "nobody takes this place in `owners`: write it by hand"

_COLUMNS = frozenset(
    {
        *("id", "name", "developername", "masterlabel", "parentterritory2id", "territory2modelid", "territory2typeid"),
        *("booleanfilter", "isactive", "objecttype", "ruleid", "field", "operation", "value", "sortorder"),
        *("territory2id", "isinherited", "userid", "roleinterritory2", "email", "username", "priority", "description"),
        *("territory", "parent", "rule", "owner"),
    }
)
_KINDS: tuple[tuple[str, frozenset[str]], ...] = (
    ("items", frozenset({"ruleid", "field", "operation"})),
    ("links", frozenset({"ruleid", "territory2id"})),
    ("members", frozenset({"userid", "territory2id"})),
    ("territories", frozenset({"id", "parentterritory2id"})),
    ("rules", frozenset({"id", "booleanfilter"})),
    ("types", frozenset({"id", "priority"})),
    ("users", frozenset({"id", "email"})),
    ("flat", frozenset({"territory", "field", "operation", "value"})),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a rule: `Industry equals Banking,Insurance`."""

    field: str
    operation: str
    value: str
    order: int
    place: Place


@dataclass(frozen=True, slots=True)
class Rule:
    """An assignment rule; `logic` is its boolean filter, empty where all items must hold."""

    name: str
    logic: str
    items: tuple[Item, ...]
    place: Place


@dataclass(slots=True)
class Node:
    """A territory of the model: its rules (own and inherited), its people, and its parent's id."""

    id: str
    name: str
    parent: str
    place: Place
    priority: int = 0
    rules: list[str] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    roles: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Model:
    """All that the files say: territories in the order of the file, rules by id."""

    nodes: dict[str, Node] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)


Located = list[tuple[Place, Mapping[str, str]]]
Rows = dict[str, Located]


def read_model(paths: Iterable[Path], findings: Findings, *, model: str | None = None) -> Model:
    """The model in the files; of several models the one whose id is named. What is wrong is in the findings.

    Errors: SYN385 a file is none of the exports, or the files do not make a model.
    """
    rows: Rows = defaultdict(list)
    for path in paths:
        _read(path, rows, findings)
    if findings.has_errors:
        return Model()
    found = _flat(rows["flat"], findings) if rows["flat"] else _model(rows, findings, model)
    if not found.nodes and not findings.has_errors:
        hint = "export Territory2, ObjectTerritory2AssignmentRule and …RuleItem, RuleTerritory2Association"
        findings.error("SYN385", "the files hold no territory", None, hint)
    return found


def _read(path: Path, rows: Rows, findings: Findings) -> None:
    quiet = Findings()
    remarks = Remarks(path, quiet)
    read = [(Place(str(path), row.line), row.cells) for row in read_rows(path, _COLUMNS, (), remarks)]
    for finding in quiet.items:
        if finding.severity is Severity.ERROR and finding.code != "SYN304":
            findings.error(finding.code, finding.message, finding.place, finding.hint)
    columns = {column for _, cells in read for column in cells} | _header(path)
    kind = next((kind for kind, needed in _KINDS if needed <= columns), None)
    if kind is None:
        hint = "its columns should be those of one object, such as RuleId, Field, Operation, Value, SortOrder"
        findings.error("SYN385", "this is no export of territories that is known", Place(str(path), 1), hint)
        return
    rows[kind] += read


def _header(path: Path) -> set[str]:
    """The columns of a file, those that no row fills among them."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            line = file.readline()
    except OSError:
        return set()
    separator = max(",;\t", key=line.count)
    return {cell.strip().strip('"').casefold() for cell in line.split(separator)}


def _model(rows: Rows, findings: Findings, wanted: str | None) -> Model:
    found = Model()
    priorities = {_id(cells, "id"): _number(cells.get("priority", "")) for _, cells in rows["types"]}
    models = {_id(cells, "territory2modelid") for _, cells in rows["territories"]} - {""}
    chosen = long_salesforce_id(wanted) if wanted else None
    if chosen is None and len(models) > 1:
        hint = f"name one with --model: {', '.join(sorted(models))}"
        findings.error("SYN385", f"the territories belong to {len(models)} models", None, hint)
        return found
    for place, cells in _once(rows["territories"], "territory", findings):
        key = _id(cells, "id")
        if key and (chosen is None or _id(cells, "territory2modelid") == chosen):
            name = cells.get("developername") or cells.get("name") or key
            priority = priorities.get(_id(cells, "territory2typeid"), 0)
            found.nodes[key] = Node(key, name, _id(cells, "parentterritory2id"), place, priority)
    _rules(rows, found, findings)
    _people(rows, found, findings)
    return found


def _once(rows: Located, what: str, findings: Findings) -> Located:
    """The rows, each id once: a second row of one is told, and the first counts."""
    first: dict[str, tuple[Place, Mapping[str, str]]] = {}
    for place, cells in rows:
        key = _id(cells, "id")
        if key in first and key:
            text = f"a second row of the {what} {key}, first at line {first[key][0].line}"
            findings.warning("SYN384", text, place, "the first counts; export again")
        else:
            first[key or str(place)] = (place, cells)
    return list(first.values())


def _check_known(rows: Located, column: str, known: Located, what: str, findings: Findings) -> None:
    """A row about something that none of the files holds is told."""
    ids = {_id(cells, "id") for _, cells in known}
    for place, cells in rows:
        if (key := _id(cells, column)) and key not in ids:
            text = f"this row is of the {what} {key}, which none of the files holds"
            findings.warning("SYN384", text, place, "export it, too; the row is not carried over")


def _rules(rows: Rows, found: Model, findings: Findings) -> None:
    items: dict[str, list[Item]] = defaultdict(list)
    for place, cells in rows["items"]:
        items[_id(cells, "ruleid")].append(_item(place, cells, len(items[_id(cells, "ruleid")]) + 1))
    _check_known(rows["items"], "ruleid", rows["rules"], "rule", findings)
    _check_known(rows["links"], "ruleid", rows["rules"], "rule", findings)
    _check_known(rows["links"], "territory2id", rows["territories"], "territory", findings)
    for place, cells in _once(rows["rules"], "rule", findings):
        key, name = _id(cells, "id"), cells.get("masterlabel") or cells.get("developername") or cells.get("name", "")
        if cells.get("objecttype", "Account").casefold() != "account":
            message = f"the rule {name!r} is about {cells['objecttype']}"
            findings.warning("SYN384", message, place, "rules about accounts alone are carried over")
        elif not _is_on(cells):
            findings.note("SYN384", f"the rule {name!r} is not active, so it is left out", place)
        else:
            ordered = tuple(sorted(items[key], key=lambda item: item.order))
            found.rules[key] = Rule(name, cells.get("booleanfilter", ""), ordered, place)
    for _, cells in rows["links"]:
        node, rule = found.nodes.get(_id(cells, "territory2id")), _id(cells, "ruleid")
        if node is not None and rule in found.rules and rule not in node.rules:
            node.rules.append(rule)


def _people(rows: Rows, found: Model, findings: Findings) -> None:
    users = {_id(cells, "id"): cells for _, cells in rows["users"]}
    _check_known(rows["members"], "territory2id", rows["territories"], "territory", findings)
    for place, cells in rows["members"]:
        node, key = found.nodes.get(_id(cells, "territory2id")), _id(cells, "userid")
        if node is None or not _is_on(cells):
            continue
        user = users.get(key)
        email = user.get("email") if user is not None and _is_on(user) else None
        if not email:
            why = "is in none of the files" if user is None else "has no e-mail" if _is_on(user) else "is not active"
            text = f"the user {key} of the territory {node.name!r} {why}"
            findings.warning("SYN384", text, place, _BY_HAND)
        _add_owner(node, email or "", place, findings)
        if "roleinterritory2" in cells:
            node.roles.add(cells["roleinterritory2"])


def _add_owner(node: Node, email: str, place: Place, findings: Findings) -> None:
    if email and is_email(email) is None:
        text = f"the owner {email[:60]!r} of the territory {node.name!r} is no e-mail address"
        findings.warning("SYN384", text, place, _BY_HAND)
    elif email and email.casefold() not in node.owners:
        node.owners.append(email.casefold())


def _flat(rows: list[tuple[Place, Mapping[str, str]]], findings: Findings) -> Model:
    """One file with a row for each clause: territory, parent, rule, field, operation, value, owner."""
    found = Model()
    items: dict[str, list[Item]] = defaultdict(list)
    for place, cells in rows:
        name = cells.get("territory", "")
        if not name:
            continue
        node = found.nodes.setdefault(name, Node(name, name, cells.get("parent", ""), place))
        _add_owner(node, cells.get("owner", ""), place, findings)
        if "field" not in cells:
            continue
        key = f"{name}/{cells.get('rule', '')}"
        items[key].append(_item(place, cells, len(items[key]) + 1))
        found.rules[key] = Rule(cells.get("rule") or name, cells.get("booleanfilter", ""), tuple(items[key]), place)
        if key not in node.rules:
            node.rules.append(key)
    return found


def _item(place: Place, cells: Mapping[str, str], number: int) -> Item:
    order = _number(cells.get("sortorder", "")) or number
    return Item(cells.get("field", ""), cells.get("operation", ""), cells.get("value", ""), order, place)


def _id(cells: Mapping[str, str], column: str) -> str:
    return long_salesforce_id(cells.get(column, ""))


def _is_on(cells: Mapping[str, str]) -> bool:
    return cells.get("isactive", "true").casefold() not in ("false", "0")


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
