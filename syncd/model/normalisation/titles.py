"""Codes of places as people call them: `DE` is Germany, `US-CA` California. For reading only, never compared."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import pycountry


def country_title(code: str) -> str:
    """The common name of an ISO 3166-1 alpha-2 code; anything else as it is."""
    return _countries().get(code, code)


def state_title(code: str) -> str:
    """The name of an ISO 3166-2 code; anything else as it is."""
    return _states().get(code, code)


@lru_cache(maxsize=1)
def _countries() -> Mapping[str, str]:
    return {each.alpha_2: str(getattr(each, "common_name", each.name)) for each in pycountry.countries}


@lru_cache(maxsize=1)
def _states() -> Mapping[str, str]:
    return {each.code: str(each.name) for each in pycountry.subdivisions}
