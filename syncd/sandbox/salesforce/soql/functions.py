"""The functions of SOQL: of one value (parts of a date, labels) and of the values of a group of rows.

All parts of an instant are those of UTC: the org's users have that zone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from syncd.sandbox.salesforce.fieldtypes import NUMBER_TYPES
from syncd.sandbox.salesforce.refusals import Refusal
from syncd.sandbox.salesforce.schema import FieldSchema

_DATE_PARTS: dict[str, Callable[[date], int]] = {
    "CALENDAR_MONTH": lambda day: day.month,
    "CALENDAR_QUARTER": lambda day: (day.month + 2) // 3,
    "CALENDAR_YEAR": lambda day: day.year,
    "DAY_IN_MONTH": lambda day: day.day,
    "DAY_IN_WEEK": lambda day: day.isoweekday() % 7 + 1,
    "DAY_IN_YEAR": lambda day: day.timetuple().tm_yday,
    "FISCAL_MONTH": lambda day: day.month,
    "FISCAL_QUARTER": lambda day: (day.month + 2) // 3,
    "FISCAL_YEAR": lambda day: day.year,
    "WEEK_IN_YEAR": lambda day: (day.timetuple().tm_yday - 1) // 7 + 1,
}


def field_of(function: str, field: FieldSchema) -> FieldSchema:
    """The field that a function of a field is like. Raises Refusal INVALID_FIELD where the function does not fit."""
    dated = field.type in ("date", "datetime")
    if function == "TOLABEL":
        return field
    if function in _DATE_PARTS and dated:
        return FieldSchema(field.name, "int")
    if function == "DAY_ONLY" and field.type == "datetime":
        return FieldSchema(field.name, "date")
    if function == "HOUR_IN_DAY" and field.type == "datetime":
        return FieldSchema(field.name, "int")
    if function in ("COUNT", "COUNT_DISTINCT"):
        return FieldSchema(field.name, "int")
    if function in ("SUM", "AVG") and field.type in NUMBER_TYPES:
        return FieldSchema(field.name, "double")
    if function in ("MIN", "MAX") and field.type not in ("boolean", "address"):
        return field
    message = f"field {field.name} does not support aggregate operator {function}"
    raise Refusal(400, "MALFORMED_QUERY", message)


def of_value(function: str, value: Any) -> Any:
    """A function of one stored value; None of None."""
    if value is None or function == "TOLABEL":
        return value
    if function == "DAY_ONLY":
        return value[:10]
    if function == "HOUR_IN_DAY":
        return int(value[11:13])
    return _DATE_PARTS[function](date.fromisoformat(value[:10]))


def of_group(function: str, values: Sequence[Any]) -> Any:
    """An aggregate of a field's values; nulls count for nothing, and a group of nulls has no sum."""
    present = [value for value in values if value is not None]
    match function:
        case "COUNT":
            return len(present)
        case "COUNT_DISTINCT":
            return len({value.casefold() if isinstance(value, str) else value for value in present})
        case "SUM":
            return sum(present) if present else None
        case "AVG":
            return sum(present) / len(present) if present else None
        case "MIN":
            return min(present, default=None)
        case _:
            return max(present, default=None)
