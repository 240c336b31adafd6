"""The shapes of countries and states, as paths of an SVG. Vendored beside this module; each file names its source."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Atlas:
    """A map: its size, the path of each place by its ISO code, and where the shapes come from."""

    width: int
    height: int
    shapes: Mapping[str, str]
    source: str


@cache
def world() -> Atlas:
    """Countries by ISO 3166-1 code; small islands have no shape."""
    return _read("world.json")


@cache
def us_states() -> Atlas:
    """States of the USA by ISO 3166-2 code, Alaska and Hawaii beside the others."""
    return _read("us_states.json")


def _read(name: str) -> Atlas:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    known = json.loads(text)
    return Atlas(known["width"], known["height"], known["shapes"], known["source"])
