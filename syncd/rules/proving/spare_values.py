"""Values to show for "another value than any that a rule names", by type of field."""

from __future__ import annotations

from syncd.model.fields import FieldType
from syncd.model.normalisation import country_codes

_WORDS = ("other", "another", "something else", "none of these", "0")
_BY_TYPE = {
    FieldType.DOMAIN: ("example.org", "initech.com", "hooli.net", "umbrella.co.uk", "x.dev"),
    FieldType.EMAIL: ("kim@example.org", "lee@initech.com", "x@example.dev"),
    FieldType.STATE: ("US-WY", "CA-YT", "FR-2A", "another state"),
    FieldType.POSTAL_CODE: ("00501", "99950", "10115", "SW1A1AA", "X"),
    FieldType.SYSTEM_ID: ("001000000000001AAA", "9000000001", "X-1"),
}
_COMMON_COUNTRIES = ("US", "DE", "GB", "FR", "JP", "BR", "AU", "CA", "NZ", "IS")


def spare_values(name: str, type_: FieldType) -> tuple[str, ...]:
    """Values of a field that rules are unlikely to name, and enough of them that one is left."""
    if type_ is FieldType.COUNTRY:
        rest = sorted(country_codes() - set(_COMMON_COUNTRIES))
        return (*_COMMON_COUNTRIES, *rest, "another country")
    own = _BY_TYPE.get(type_)
    if own is not None:
        return own
    return (f"other {name}".replace("_", " "), *_WORDS)
