"""Postal codes: upper case, without spaces and hyphens; for the United States whole ZIP codes have five digits."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from syncd.model.normalisation.texts import settled

_DROPPED = re.compile(r"[\s\-\u00ad\u058a\u2010-\u2015\u2212\ufe58\ufe63\uff0d]+")


@lru_cache(maxsize=65536)
def postal_text(raw: str) -> str:
    """A code, or a part of one, in upper case without spaces and hyphens; no country's rules are applied."""
    if raw.isascii():
        return _DROPPED.sub("", raw).upper()
    return settled(raw, lambda now: _DROPPED.sub("", unicodedata.normalize("NFKC", now)).upper())


def postal_code(raw: str, country: str | None) -> tuple[str, str | None]:
    """A whole code within a country (alpha-2), and a remark where it was padded; the text may be empty.

    For US: the first five of nine digits; three or four digits lost their leading zeros and get them back.
    """
    code = postal_text(raw)
    if country != "US" or not (code.isascii() and code.isdigit()):
        return code, None
    if len(code) == 9:
        return code[:5], None
    if len(code) in (3, 4):
        return code.zfill(5), f"ZIP code {raw.strip()!r} was read as {code.zfill(5)}: leading zeros were lost"
    return code, None
