"""The JSON Schema of conditions: which matchers each field takes, by its type, for completion in editors.

The schema is wider than the language where JSON Schema cannot say it (ranges that are swapped, unknown values); the
loader has the last word.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncd.model.fields import FieldType

Schema = dict[str, object]

_T = FieldType
_EQUALITY = frozenset(FieldType) - {_T.BOOLEAN}
_TEXTS = frozenset({_T.TEXT, _T.PICKLIST, _T.EMAIL, _T.DOMAIN})
_KEYS: Mapping[str, tuple[frozenset[FieldType], str]] = {
    "is": (_EQUALITY, "exactly this; nothing in it is special"),
    "none_of": (_EQUALITY, "there is a value and it is none of these"),
    "list": (
        _TEXTS | {_T.COUNTRY, _T.STATE, _T.SYSTEM_ID, _T.POSTAL_CODE, _T.SEVERAL},
        "the value stands in this named list",
    ),
    "contains": (_TEXTS, "the text holds this part"),
    "starts_with": (_TEXTS | {_T.POSTAL_CODE}, "the text begins with this part"),
    "ends_with": (_TEXTS, "the text ends with this part"),
    "any_of": (frozenset({_T.SEVERAL}), "some element is one of these"),
    "all_of": (frozenset({_T.SEVERAL}), "all of these are elements"),
    "last": (frozenset({_T.DATE}), "from this long ago to now: 30d"),
    "next": (frozenset({_T.DATE}), "from now to this far ahead: 30d"),
    "older_than": (frozenset({_T.DATE}), "before this long ago: 90d"),
    "not_since": (frozenset({_T.DATE}), "older than this, or missing: 90d"),
    "in": (frozenset({_T.DATE}), "a fiscal month, quarter or year: this_quarter"),
}
_LISTS = frozenset({"none_of", "any_of", "all_of"})
_SPANS = frozenset({"last", "next", "older_than", "not_since"})
_PERIODS = [f"{which}_{unit}" for which in ("this", "last", "next") for unit in ("month", "quarter", "year")]
_WORDS: Mapping[FieldType, str] = {
    _T.NUMBER: 'a number, a comparison (">= 1000") or a range ("200..999")',
    _T.MONEY: 'an amount, a comparison (">= 5M EUR") or a range',
    _T.DATE: "a day, a comparison, or {last: 30d}, {older_than: 90d}, {in: this_quarter}",
    _T.POSTAL_CODE: 'a code, "941*" or a range of digits ("94000..94999")',
    _T.COUNTRY: "a country by name or code",
    _T.STATE: "a state by code (US-CA); a bare CA needs its country on the path",
    _T.BOOLEAN: "true or false",
    _T.SEVERAL: "any of these values",
}


def condition_definitions(kinds: Mapping[str, Mapping[str, FieldType]]) -> dict[str, Schema]:
    """The definitions `condition-KIND` for each kind, and `matcher-TYPE` for each type."""
    found: dict[str, Schema] = {f"matcher-{type_}": _matcher(type_) for type_ in FieldType}
    for kind, fields in kinds.items():
        found[f"condition-{kind}"] = _condition(kind, fields)
    return found


def reference(name: str) -> Schema:
    """A reference to a definition."""
    return {"$ref": f"#/$defs/{name}"}


def _condition(kind: str, fields: Mapping[str, FieldType]) -> Schema:
    own = reference(f"condition-{kind}")
    several: Schema = {"type": "array", "items": own, "minItems": 1}
    properties: dict[str, object] = {
        "all": {**several, "description": "all of these conditions hold"},
        "any": {**several, "description": "any of these conditions holds"},
        "none": {**several, "description": "none of these conditions holds"},
        "not": {**own, "description": "the whole of this condition does not hold"},
    }
    if kind == "account":
        names: Schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
        properties["in_segment"] = {**names, "description": "the account is in a segment, or in any of a list"}
        deal = reference("condition-opportunity")
        properties["opportunities"] = {
            "type": "object",
            "description": "some (any) or no (none) open opportunity matches",
            "properties": {"any": deal, "none": deal},
            "additionalProperties": False,
            "minProperties": 1,
        }
    for name, type_ in sorted(fields.items()):
        properties[name] = {**reference(f"matcher-{type_}"), "description": f"{name} ({type_})"}
    mapping: Schema = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "minProperties": 1,
    }
    return {"anyOf": [{"const": "always", "description": "matches everything"}, mapping]}


def _matcher(type_: FieldType) -> Schema:
    plain: Schema = {"type": ["string", "number", "boolean"]}
    if type_ is _T.BOOLEAN:
        plain = {"anyOf": [{"type": "boolean"}, {"const": "missing"}]}
    properties: dict[str, object] = {"present": {"const": True, "description": "there is a value"}}
    for key, (types, description) in _KEYS.items():
        if type_ in types:
            properties[key] = {**_value_of(key), "description": description}
    mapping: Schema = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "minProperties": 1,
    }
    items: Schema = {"type": "array", "items": {"anyOf": [plain, mapping]}, "minItems": 1}
    words = _WORDS.get(type_, 'a value, or a glob such as "*bank*"')
    return {"description": words, "anyOf": [plain, mapping, items]}


def _value_of(key: str) -> Schema:
    if key in _LISTS:
        return {"type": "array", "items": {"type": ["string", "number"]}, "minItems": 1}
    if key in _SPANS:
        return reference("span")
    if key == "in":
        return {"enum": _PERIODS}
    return {"type": ["string", "number"]}
