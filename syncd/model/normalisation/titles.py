"""Codes of places as people call them: `DE` is Germany, `US-CA` California. For reading only, never compared."""

from __future__ import annotations

from functools import lru_cache

import pycountry


@lru_cache(maxsize=1024)
def country_title(code: str) -> str:
    """The common name of an ISO 3166-1 alpha-2 code; anything else as it is."""
    found = pycountry.countries.get(alpha_2=code)
    return str(getattr(found, "common_name", found.name)) if found is not None else code


@lru_cache(maxsize=8192)
def state_title(code: str) -> str:
    """The name of an ISO 3166-2 code; anything else as it is."""
    found = pycountry.subdivisions.get(code=code) if "-" in code else None
    return str(found.name) if found is not None else code
