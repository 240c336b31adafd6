"""Lists that others publish, read from the files of their packages: countries, their parts, and domain suffixes.

The packages themselves are not imported: pycountry builds an object for each of its 5,000 entries, publicsuffixlist
reads 10,000 rules at once, and a plan of a large book pays for neither. Tests hold these readings to what they say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_SUFFIX = re.compile(r"^(?!//)\s*(?P<suffix>[.*!\w][\S]*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Subdivision:
    """A part of a country by ISO 3166-2; `parent` is the code of the part that it belongs to."""

    code: str
    name: str
    parent: str | None


def countries() -> list[Mapping[str, str]]:
    """ISO 3166-1: `alpha_2`, `alpha_3`, `name`, and where there is one `official_name` and `common_name`."""
    return _rows("iso3166-1", "3166-1")


@cache
def subdivisions() -> Mapping[str, tuple[Subdivision, ...]]:
    """ISO 3166-2, the parts of each country by its alpha-2 code."""
    found: dict[str, list[Subdivision]] = {}
    for row in _rows("iso3166-2", "3166-2"):
        country, parent = row["code"].partition("-")[0], row.get("parent")
        if parent is not None and parent.partition("-")[0] != country:
            parent = f"{country}-{parent}"
        found.setdefault(country, []).append(Subdivision(row["code"], row["name"], parent))
    return {country: tuple(parts) for country, parts in found.items()}


def domain_suffixes() -> Iterator[str]:
    """Every rule of the public suffix list, private ones too, as it is written there."""
    text = (_folder("publicsuffixlist") / "public_suffix_list.dat").read_text("utf-8")
    return (found["suffix"] for found in _SUFFIX.finditer(text))


def _rows(name: str, key: str) -> list[Mapping[str, str]]:
    rows: list[Mapping[str, str]] = json.loads(
        (_folder("pycountry") / "databases" / f"{name}.json").read_text("utf-8")
    )[key]
    return rows


def _folder(package: str) -> Path:
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    return Path(found.submodule_search_locations[0])
