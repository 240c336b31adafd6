"""WHERE as a test of one row, with the platform's meaning of null, case, ids and whole seconds."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from syncd.clock import parse_instant
from syncd.sandbox.salesforce.fieldtypes import ID_TYPES, NUMBER_TYPES, TEXT_TYPES, stamp
from syncd.sandbox.salesforce.identifiers import canonical
from syncd.sandbox.salesforce.refusals import Refusal, malformed_query
from syncd.sandbox.salesforce.schema import FieldSchema
from syncd.sandbox.salesforce.soql.binding import Getter
from syncd.sandbox.salesforce.soql.periods import period
from syncd.sandbox.salesforce.soql.tree import (
    Comparison,
    Condition,
    Junction,
    Literal,
    LiteralKind,
    Negation,
    Query,
    Term,
)
from syncd.sandbox.salesforce.tables import Row


class Reader(Protocol):
    """What a condition needs to know of where it stands: rows of an object, or groups of rows."""

    now: datetime

    def term(self, term: Term) -> tuple[FieldSchema, Getter]:
        """The field that a term is like, and how to read its value."""
        ...


Test = Callable[[Row], bool]
Subquery = Callable[[Query], list[Any]]
_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FILTERABLE_LENGTH = 4_000


def test_of(condition: Condition, scope: Reader, subquery: Subquery) -> Test:
    """The condition as a function of a row. Raises Refusal for names and values that the platform refuses."""
    match condition:
        case Junction("AND", parts):
            tests = [test_of(part, scope, subquery) for part in parts]
            return lambda row: all(test(row) for test in tests)
        case Junction(_, parts):
            tests = [test_of(part, scope, subquery) for part in parts]
            return lambda row: any(test(row) for test in tests)
        case Negation(part):
            inner = test_of(part, scope, subquery)
            return lambda row: not inner(row)
        case Comparison():
            return _comparison(condition, scope, subquery)


def _comparison(condition: Comparison, scope: Reader, subquery: Subquery) -> Test:
    """One comparison as a test."""
    field, read = scope.term(condition.term)
    if field.type == "address" or (field.type == "textarea" and field.length > _FILTERABLE_LENGTH):
        raise Refusal(400, "INVALID_FIELD", f"field '{field.name}' can not be filtered in a query call")
    match condition.operator:
        case "IN" | "NOT IN":
            return _membership(condition, field, read, subquery)
        case "INCLUDES" | "EXCLUDES":
            return _several(condition, field, read)
        case "LIKE":
            return _like(condition, field, read)
        case _:
            return _single(condition, scope, field, read)


def _single(condition: Comparison, scope: Reader, field: FieldSchema, read: Getter) -> Test:
    """`=`, `!=` or an ordering against one literal."""
    literal, sign = condition.values[0], condition.operator
    if literal.kind is LiteralKind.NULL or (literal.kind is LiteralKind.STRING and not literal.text):
        if sign not in ("=", "!="):
            raise malformed_query(f"null cannot be compared with {sign}")
        return (lambda row: read(row) is None) if sign == "=" else (lambda row: read(row) is not None)
    if literal.kind is LiteralKind.PERIOD:
        return _within(sign, _range_of(literal, scope, field), read)
    wanted, fold = operand(literal, field), field.type in TEXT_TYPES
    if sign in ("=", "!="):
        return _equal(wanted, fold, field.type == "boolean", read, negated=sign == "!=")
    ordering = _ORDERINGS[sign]

    def compare(row: Row) -> bool:
        value = read(row)
        return value is not None and ordering(value.casefold() if fold else value, wanted)

    return compare


def _equal(wanted: Any, fold: bool, boolean: bool, read: Getter, *, negated: bool) -> Test:
    """Equality; null differs from everything, and an empty checkbox is false."""

    def compare(row: Row) -> bool:
        value = read(row)
        if value is None:
            value = False if boolean else None
        elif fold:
            value = value.casefold()
        return (value == wanted) is not negated

    return compare


def operand(literal: Literal, field: FieldSchema) -> Any:
    """A literal as stored values of the field compare with it. Raises Refusal where its kind does not fit the field."""
    kind, text = literal.kind, literal.text
    if field.type in TEXT_TYPES and kind is LiteralKind.STRING:
        return text.casefold()
    if field.type in ID_TYPES and kind is LiteralKind.STRING:
        return _id_operand(text)
    if field.type in NUMBER_TYPES and kind is LiteralKind.NUMBER:
        return float(text)
    if field.type == "boolean" and kind is LiteralKind.BOOLEAN:
        return text == "true"
    if field.type == "date" and kind is LiteralKind.DATE:
        return text
    if field.type == "datetime" and kind is LiteralKind.DATETIME:
        # Whole seconds: 10:00:00.500 is 10:00:00 to every comparison (reliability.md 6.2).
        return stamp(parse_instant(text))
    quoted = field.type in TEXT_TYPES | ID_TYPES
    advice = "should be enclosed in quotes" if quoted else "should not be enclosed in quotes"
    name = {"datetime": "dateTime", "double": "double", "currency": "currency"}.get(field.type, field.type)
    message = f"value of filter criterion for field '{field.name}' must be of type {name} and {advice}"
    raise Refusal(400, "INVALID_FIELD", message)


def _id_operand(text: str) -> str:
    """An id of 15 or 18 characters as the 18 it is stored with."""
    record_id = canonical(text)
    if record_id is None:
        raise Refusal(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {text}")
    return record_id


def _range_of(literal: Literal, scope: Reader, field: FieldSchema) -> tuple[str, str]:
    """A named period as the stored values it begins with and ends before."""
    try:
        days = period(literal.text, literal.count, scope.now)
    except OverflowError:
        days = None
    if days is None:
        raise malformed_query(f"unexpected token: '{literal.text}'")
    if field.type not in ("date", "datetime"):
        raise Refusal(400, "INVALID_FIELD", f"value of filter criterion for field '{field.name}' is a date literal")
    start, end = (
        f"{day.isoformat()}T00:00:00.000+0000" if field.type == "datetime" else day.isoformat() for day in days
    )
    return start, end


def _within(sign: str, span: tuple[str, str], read: Getter) -> Test:
    """A comparison with a period: `<` is before it, `>` after it."""
    start, end = span
    tests: dict[str, Callable[[str], bool]] = {
        "=": lambda value: start <= value < end,
        "!=": lambda value: not start <= value < end,
        "<": lambda value: value < start,
        "<=": lambda value: value < end,
        ">": lambda value: value >= end,
        ">=": lambda value: value >= start,
    }
    test = tests[sign]

    def compare(row: Row) -> bool:
        value = read(row)
        return sign == "!=" if value is None else test(value)

    return compare


def _membership(condition: Comparison, field: FieldSchema, read: Getter, subquery: Subquery) -> Test:
    """`IN` and `NOT IN` a list or the values of a subquery; null is in no list of values."""
    if condition.subquery is not None:
        wanted: frozenset[Any] = frozenset(subquery(condition.subquery))
    else:
        periods = [value for value in condition.values if value.kind is LiteralKind.PERIOD]
        if periods:
            raise malformed_query(f"unexpected token: '{periods[0].text}'")
        wanted = frozenset(
            None if value.kind is LiteralKind.NULL else operand(value, field) for value in condition.values
        )
    negated, fold = condition.operator == "NOT IN", field.type in TEXT_TYPES

    def compare(row: Row) -> bool:
        value = read(row)
        if fold and value is not None:
            value = value.casefold()
        return (value in wanted) is not negated

    return compare


def _several(condition: Comparison, field: FieldSchema, read: Getter) -> Test:
    """`INCLUDES` and `EXCLUDES` of a multi-select picklist: `'a;b'` is both, several literals are any of them."""
    if field.type not in ("multipicklist", "string"):
        raise Refusal(400, "INVALID_FIELD", f"{condition.operator} needs a multi-select picklist, not {field.name}")
    wanted = [frozenset(str(operand(value, field)).split(";")) for value in condition.values]
    negated = condition.operator == "EXCLUDES"

    def compare(row: Row) -> bool:
        held = frozenset((read(row) or "").casefold().split(";"))
        return any(group <= held for group in wanted) is not negated

    return compare


def _like(condition: Comparison, field: FieldSchema, read: Getter) -> Test:
    """`LIKE` with `%` and `_`, in any case; a backslash before one of them takes it literally."""
    if field.type not in TEXT_TYPES:
        raise Refusal(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {field.type} field")
    parts: list[str] = []
    chars = iter(condition.values[0].text)
    for char in chars:
        if char == "\\":
            parts.append(re.escape(next(chars, "\\")))
        else:
            parts.append({"%": ".*", "_": "."}.get(char) or re.escape(char))
    pattern = re.compile("".join(parts), re.IGNORECASE | re.DOTALL)

    def compare(row: Row) -> bool:
        value = read(row)
        return value is not None and pattern.fullmatch(value) is not None

    return compare
