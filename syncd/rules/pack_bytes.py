"""A pack as bytes and back: plain values and the frozen dataclasses of the rules, and nothing that can run.

The bytes are a pickle that is written and read under one list of what may stand in it: dataclasses and enumerations of
the rules, dates, decimals and zones. No name outside that list is ever looked up, so bytes that somebody forged can
give a wrong pack and never run code; whose bytes they are is for the caller to know. Opens no files.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from importlib import import_module
from operator import attrgetter
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from syncd.model.money import ConvertedAmount
from syncd.rules.collector import without_collector
from syncd.rules.pack import Pack

_ROOMS = ("syncd.rules.", "syncd.model.", "syncd.errors")
_PLAIN = (date, datetime, time, timedelta, timezone, Decimal, ConvertedAmount)
_BUILT_IN = {(each.__module__, each.__qualname__): each for each in _PLAIN}
_PROTOCOL = 5


class UnreadableBytesError(Exception):
    """These bytes hold no pack of this version of syncd."""


def pack_to_bytes(pack: Pack) -> bytes:
    """The pack with all its values. Raises UnreadableBytesError for one that holds what cannot be kept."""
    return plain_to_bytes(pack)


def plain_to_bytes(value: object) -> bytes:
    """Any plain value of the rules, and tuples, lists and mappings of them. Raises UnreadableBytesError for others."""
    file = io.BytesIO()
    try:
        with without_collector():
            _Writer(file, _PROTOCOL).dump(value)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableBytesError(str(error)) from error
    return file.getvalue()


def pack_from_bytes(data: bytes) -> Pack:
    """The pack that `pack_to_bytes` wrote, equal to it. Raises UnreadableBytesError for anything else."""
    found = plain_from_bytes(data)
    if not isinstance(found, Pack):
        raise UnreadableBytesError("no pack")
    return found


def plain_from_bytes(data: bytes) -> object:
    """The value that `plain_to_bytes` wrote, equal to it. Raises UnreadableBytesError for anything else."""
    try:
        with without_collector():
            found: object = _Reader(io.BytesIO(data)).load()
    except (pickle.UnpicklingError, EOFError, ImportError, MemoryError, RecursionError) as error:
        raise UnreadableBytesError(str(error)) from error
    except (TypeError, ValueError, AttributeError, KeyError, IndexError, ArithmeticError) as error:
        raise UnreadableBytesError(f"a value does not fit: {error}") from error
    return found


def mapping_of(items: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    """A read-only mapping: how one is written."""
    return MappingProxyType(items)


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name: how one is written."""
    return ZoneInfo(name)


class _Writer(pickle.Pickler):
    """Writes a dataclass as its class and the values of its fields, which is the quickest to read."""

    def __init__(self, file: io.BytesIO, protocol: int) -> None:
        super().__init__(file, protocol)
        self._values: dict[type, Callable[[Any], tuple[Any, ...]]] = {}

    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        read = self._values.get(kind)
        if read is not None:
            return kind, read(value)
        if is_dataclass(kind):
            self._values[kind] = read = _reader_of(kind)
            return kind, read(value)
        if kind is MappingProxyType:
            return mapping_of, (dict(value),)
        if kind is ZoneInfo:
            return zone_of, (value.key,)
        if isinstance(value, Enum):
            return kind, (value.value,)  # Python 3.11.0 to 3.11.3 would write `getattr` and the name
        if isinstance(value, type) or value in (mapping_of, zone_of) or kind in _PLAIN:
            return NotImplemented
        raise pickle.PicklingError(f"no plain value: {kind.__qualname__}")


def _reader_of(kind: type) -> Callable[[Any], tuple[Any, ...]]:
    names = [field.name for field in fields(kind) if field.init]
    if not names:
        return lambda _: ()
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda value: (get(value),)


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """A class or function by its name, of those that may stand in a pack."""
        built_in = _BUILT_IN.get((module, name))
        if built_in is not None:
            return built_in
        if module == __name__ and name in ("mapping_of", "zone_of"):
            return mapping_of if name == "mapping_of" else zone_of
        if module.startswith(_ROOMS) and name.isidentifier():
            found = getattr(import_module(module), name, None)
            if isinstance(found, type) and (is_dataclass(found) or issubclass(found, Enum)):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} does not stand in a pack")
