"""`owners` and `overflow`: who takes a territory's accounts, in every form that the language has.

Look-up files are read here, their keys normalised as the field's values are. Who is available is decided elsewhere.
"""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType

from syncd.errors import Place
from syncd.model.fields import FieldType
from syncd.rules.facts import Value
from syncd.rules.findings import Findings
from syncd.rules.nodes import Mapping, Node, Scalar, Sequence
from syncd.rules.pack import (
    NoOwners,
    Owners,
    OwnersByEmail,
    OwnersByLookup,
    OwnersByPair,
    OwnersByPool,
    OwnersByQueue,
    Unassigned,
)
from syncd.rules.parsing.operands import OperandContext, values_of
from syncd.rules.reading import plain_values
from syncd.rules.reading.csv_reader import Row, Sheet
from syncd.rules.reading.options import Options, described, read_rep
from syncd.rules.reading.pack_reading import Reading
from syncd.rules.suggestion import did_you_mean

UNASSIGNED = "unassigned"
_FORMS = "write [anna@example.com], {pool: name}, {file, key, column}, {pair_with, file}, {queue: name} or unassigned"
_NO_KEYS = frozenset({FieldType.DATE, FieldType.BOOLEAN, FieldType.MONEY})


def read_owners(node: Node, key: str, reading: Reading, role: str = "owner") -> Owners:
    """The owners that a node names in a territory of a role; NoOwners after an error.

    `key` is `owners` or `overflow`, which has fewer forms.
    """
    if isinstance(node, Sequence):
        return _by_email(node, key, reading)
    if isinstance(node, Mapping):
        return _by_mapping(node, key, reading, role)
    if node.text.strip() == UNASSIGNED and key == "owners":
        return Unassigned()
    rep = read_rep(node, reading)
    return OwnersByEmail((rep,)) if rep is not None else NoOwners()


def _by_email(node: Sequence, key: str, reading: Reading) -> Owners:
    members: list[str] = []
    for item in node.items:
        if not isinstance(item, Scalar):
            message = f"`{key}` in a list are e-mails and seats, not {described(item)}"
            reading.findings.error("SYN241", message, item.place, _FORMS)
            continue
        rep = read_rep(item, reading)
        if rep is not None and rep in members:
            reading.findings.warning("SYN206", f"`{rep}` stands twice in `{key}`", item.place, "keep one")
        elif rep is not None:
            members.append(rep)
    if not node.items:
        reading.findings.error("SYN241", f"`{key}` is an empty list", node.place, _FORMS)
    return OwnersByEmail(tuple(members)) if members else NoOwners()


def _by_mapping(node: Mapping, key: str, reading: Reading, role: str) -> Owners:
    names = {entry.key.text for entry in node}
    if "pool" in names:
        options = Options(node, f"`{key}` by pool", ("pool",), reading)
        pool = options.name("pool")
        if pool is None:
            return NoOwners()
        reading.refer("pool", pool, options.place_of("pool"))
        return OwnersByPool(pool)
    if key == "owners" and "queue" in names:
        options = Options(node, "`owners` by queue", ("queue",), reading)
        queue = options.text("queue")
        if queue is None:
            return NoOwners()
        reading.queues.append((queue, options.place_of("queue")))
        return OwnersByQueue(queue)
    if key == "owners" and "pair_with" in names:
        return _by_pair(Options(node, "`owners` by pair", ("pair_with", "file", "column"), reading), role, reading)
    if key == "owners" and names & {"file", "key", "column"}:
        return _by_lookup(Options(node, "`owners` from a file", ("file", "key", "column"), reading), reading)
    if not any(place == node.place for place, _ in reading.emptied):
        message = f"`{key}` is none of its forms"
        reading.findings.error("SYN241", message, node.place, _FORMS)
    return NoOwners()


def _by_pair(options: Options, role: str, reading: Reading) -> Owners:
    """`{pair_with: owner, file}`: the columns are named like the two roles, the second by `column` where it differs.

    Which roles are decided before this one is checked when all are known.
    """
    complete = options.require("file", f"name a CSV file with the columns `owner` and `{role}`")
    file, other, column = options.scalar("file"), options.name("pair_with"), options.text("column") or role
    if not complete or file is None or other is None:
        return NoOwners()
    reading.pairs.append((role, other, options.place_of("pair_with")))
    sheet = reading.sheet(file)
    if sheet is None:
        return NoOwners()
    keys = sheet.require(other, options.place_of("file"), reading.findings)
    reps = sheet.require(column, options.place_of("file"), reading.findings)
    if keys is None or reps is None:
        return NoOwners()
    return OwnersByPair(other, sheet.path, column, MappingProxyType(_pairs(sheet, keys, reps, reading)))


def _pairs(sheet: Sheet, keys: int, reps: int, reading: Reading) -> dict[str, str]:
    """The rep beside each rep; one that stands twice is an error (SYN258), what is no rep a warning (SYN259)."""
    table: dict[str, str] = {}
    first: dict[str, Row] = {}
    for text, row in sheet.values(keys):
        key, rep = _rep_in(sheet, row, keys, reading), _rep_in(sheet, row, reps, reading)
        if key is None:
            continue
        earlier = first.setdefault(key, row)
        if earlier is not row:
            message = f"`{text[:80]}` stands twice, first in line {earlier.line}"
            reading.findings.error("SYN258", message, sheet.place(row, keys), "keep one row")
        elif rep is not None:
            table[key] = rep
    return table


def _rep_in(sheet: Sheet, row: Row, column: int, reading: Reading) -> str | None:
    rep = plain_values.rep(row.cells[column])
    place = sheet.place(row, column)
    if rep is None:
        message = f"`{row.cells[column][:80]}` is no e-mail: who is paired by this row goes to overflow"
        reading.findings.warning("SYN259", message, place, "write an e-mail or seat:name")
    else:
        reading.refer_rep(rep, place)
    return rep


def _by_lookup(options: Options, reading: Reading) -> Owners:
    hints = {
        "file": "name a CSV file",
        "key": "name the field to look up",
        "column": "name the column that holds the rep",
    }
    complete = [options.require(key, hint) for key, hint in hints.items()]
    file, key, column = options.scalar("file"), options.text("key"), options.text("column")
    if not all(complete) or file is None or key is None or column is None:
        return NoOwners()
    type_ = _key_type(key, options.place_of("key"), reading)
    sheet = reading.sheet(file)
    if type_ is None or sheet is None:
        return NoOwners()
    keys = sheet.require(key, options.place_of("key"), reading.findings)
    reps = sheet.require(column, options.place_of("column"), reading.findings)
    if keys is None or reps is None:
        return NoOwners()
    return OwnersByLookup(sheet.path, key, column, MappingProxyType(_table(sheet, key, type_, keys, reps, reading)))


def _key_type(key: str, place: Place, reading: Reading) -> FieldType | None:
    type_ = reading.catalogue.account.get(key)
    if type_ is None:
        message = f"there is no field `{key[:60]}` to look up"
        reading.findings.error("SYN250", message, place, did_you_mean(key, reading.catalogue.account))
    elif type_ in _NO_KEYS:
        reading.findings.error("SYN242", f"a {type_} is no key to look up", place, "use an id, a domain or a text")
        return None
    return type_


def _table(sheet: Sheet, key: str, type_: FieldType, keys: int, reps: int, reading: Reading) -> dict[str, str]:
    """The rep of each normalised key; a key that stands twice is an error (SYN258), a bad rep a warning (SYN259)."""
    quiet = Findings()
    context = OperandContext(
        type_, key, reading.zone, reading.money, None, reading.default_country, reading.shared_domains, quiet
    )
    table: dict[str, str] = {}
    first: dict[str, Row] = {}
    for text, row in sheet.values(keys):
        rep = plain_values.rep(row.cells[reps])
        if rep is None:
            message = f"`{row.cells[reps][:80]}` is no e-mail: accounts of `{text[:80]}` go to overflow"
            reading.findings.warning("SYN259", message, sheet.place(row, reps), "write an e-mail or seat:name")
        else:
            reading.refer_rep(rep, sheet.place(row, reps))
        for value in _keys(text, sheet.place(row, keys), context, reading):
            earlier = first.setdefault(value, row)
            if earlier is not row:
                message = f"the key `{text[:80]}` stands twice, first in line {earlier.line}"
                reading.findings.error("SYN258", message, sheet.place(row, keys), "keep one row")
            elif rep is not None:
                table[value] = rep
    return table


def _keys(text: str, place: Place, context: OperandContext, reading: Reading) -> list[str]:
    values = values_of(text, place, context)
    if values is None:
        reading.findings.error("SYN242", f"`{text[:80]}` is no {context.type} that an account can have", place)
    return [as_key(value) for value in values or ()]


def as_key(value: Value) -> str:
    """A normalised value as the key of a look-up table."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
