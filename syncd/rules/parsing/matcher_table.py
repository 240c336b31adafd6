"""The table of RULES.md section 2 as data: which matcher goes with which type, and what to say where one does not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from syncd.model.fields import FieldType
from syncd.rules.nodes import Node, Scalar
from syncd.rules.parsing.operands import QUANTITIES
from syncd.rules.suggestion import did_you_mean

T = FieldType
WORDS = frozenset({T.TEXT, T.PICKLIST, T.EMAIL, T.DOMAIN})
CODES = frozenset({T.COUNTRY, T.STATE, T.SYSTEM_ID})
EQUALITY = frozenset(T) - {T.BOOLEAN, T.SEVERAL}
GLOBBED = WORDS | {T.POSTAL_CODE}
COMPARED = QUANTITIES | {T.DATE}
RANGED = COMPARED | {T.POSTAL_CODE}
LISTED = WORDS | CODES | {T.POSTAL_CODE, T.SEVERAL}
TYPES_OF: Mapping[str, frozenset[FieldType]] = MappingProxyType(
    {
        "is": EQUALITY,
        "none_of": EQUALITY | {T.SEVERAL},
        "any_of": frozenset({T.SEVERAL}),
        "all_of": frozenset({T.SEVERAL}),
        "contains": WORDS,
        "starts_with": GLOBBED,
        "ends_with": WORDS,
        "list": LISTED,
        "present": frozenset(T),
        "last": frozenset({T.DATE}),
        "next": frozenset({T.DATE}),
        "older_than": frozenset({T.DATE}),
        "not_since": frozenset({T.DATE}),
        "in": frozenset({T.DATE}),
    }
)
TYPE_NAMES = {T.SEVERAL: "a field with several values", T.SYSTEM_ID: "a system id", T.POSTAL_CODE: "a postal code"}


def option_hint(name: str) -> str:
    """What to write instead of a matcher that does not exist."""
    words = {
        "not": "write {none_of: [...]}, or not: {field: ...} around the field",
        "missing": "write the word missing without a mapping, or {present: true}",
        "any": "a plain list means any of",
        "none": "write {none_of: [...]}",
        "equals": "write the value alone, or {is: value}",
        "older": "write {older_than: 90d}",
    }
    return words.get(name) or did_you_mean(name, TYPES_OF)


def no_such_hint(type_: FieldType, name: str) -> str:
    """What to write where a type does not have a matcher."""
    if name in ("any_of", "all_of"):
        return "a plain list means any of"
    if name == "is":
        return "write true or false" if type_ is T.BOOLEAN else "write the value alone, or {any_of: [value]}"
    if type_ is T.SEVERAL:
        return "for several values there are any_of, all_of, none_of and list; in them nothing is special"
    if type_ in EQUALITY and name in ("!=", "*", "..", ">", "<", ">=", "<="):
        return "if the text itself holds the sign, write {is: '...'}"
    has = sorted(option for option, types in TYPES_OF.items() if type_ in types)
    return "it has " + ", ".join(f"`{option}`" for option in has)


def duration_hint(node: Node) -> str:
    """How to write the span that was meant."""
    bare = re.fullmatch(r"\s*([0-9]+)\s*m\s*", node.text) if isinstance(node, Scalar) else None
    if bare:
        return f"m may be months or minutes: write {bare[1]}mo or {bare[1]}min"
    return "write a whole number and h, min, d, w, mo or y: 90d"
