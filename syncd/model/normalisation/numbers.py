"""Numbers and booleans as people and CRMs write them. What cannot be read is None, never a guess."""

from __future__ import annotations

import re
import unicodedata
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache

EXACT = Context(prec=200)
"""Sums and products are made in this context: wide enough that no digit is ever lost."""

_NUMBER = re.compile(
    r"(?P<digits>[+-]?(?:[0-9][0-9_]*(?:\.[0-9]*)?|\.[0-9]+))(?P<exponent>[eE][+-]?[0-9]{1,4})? ?(?P<unit>[kKMB])?"
)
_UNITS = {"k": Decimal(1000), "K": Decimal(1000), "M": Decimal(10) ** 6, "B": Decimal(10) ** 9}
_LARGEST_EXPONENT = 40
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@lru_cache(maxsize=65536)
def number(text: str) -> Decimal | None:
    """`1000`, `1_000`, `2.5M`, `1e3`; None for thousands commas, currency signs, words and absurd sizes."""
    found = _NUMBER.fullmatch((text if text.isascii() else unicodedata.normalize("NFKC", text)).strip())
    if found is None:
        return None
    try:
        value = Decimal(found["digits"].replace("_", "") + (found["exponent"] or ""))
    except InvalidOperation:
        return None
    if abs(value.adjusted()) > _LARGEST_EXPONENT or len(value.as_tuple().digits) > 2 * _LARGEST_EXPONENT:
        return None
    return EXACT.multiply(value, _UNITS[found["unit"]]) if found["unit"] else value


def boolean(text: str) -> bool | None:
    """`true`, `false`, and the yes, no, 1 and 0 of exports, in any case; None for anything else."""
    return _BOOLEANS.get(text.strip().lower())
