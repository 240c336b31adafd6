"""Variables SYNCD_SECTION__KEY as settings: what they say, put over what the file says.

Ours rather than a library's: it is one page, while pydantic-settings takes 0.1 s of every command to import (asyncio,
importlib.metadata, the sources of three clouds). Knows the shape of a model, and no section of ours.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

PREFIX = "SYNCD_"
_BETWEEN = "__"
_MANY = (dict, list, tuple, set, frozenset)


def overlaid(
    document: Mapping[str, Any], environ: Mapping[str, str], model: type[BaseModel], *, passing: Iterable[str] = ()
) -> dict[str, Any]:
    """`document` with the variables of `environ` put over it, key by key; `passing` names variables to pass over.

    Names are told apart without case, `__` goes one level down. A value is text, or JSON where the key holds a table or
    a list; text that is no such JSON stays text, so that the model says what is wrong with it. A variable whose first
    word is no key of the model is left out.
    """
    passed = {name.upper() for name in passing}
    named = sorted((name.upper(), value) for name, value in environ.items() if name.upper().startswith(PREFIX))
    merged = _copied(document)
    for name, value in sorted(named, key=lambda each: each[0].count(_BETWEEN)):
        words = name.removeprefix(PREFIX).lower().split(_BETWEEN)
        if name not in passed and words[0] in model.model_fields:
            _put(merged, words, _read(value, _annotation(model, words)))
    return merged


def _copied(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copied(value) if isinstance(value, dict) else value for key, value in document.items()}


def _put(merged: dict[str, Any], words: Sequence[str], value: object) -> None:
    """Put a value at its place; a table goes over a table key by key, and takes the place of anything else."""
    at = merged
    for word in words[:-1]:
        if not isinstance(at.get(word), dict):
            at[word] = {}
        at = at[word]
    if isinstance(value, dict) and isinstance(at.get(words[-1]), dict):
        for key, item in value.items():
            _put(at[words[-1]], [key], item)
    else:
        at[words[-1]] = value


def _read(value: str, annotation: object) -> object:
    """The value as the key takes it: JSON for what holds many, else the text."""
    if not any(issubclass(kind, (*_MANY, BaseModel)) for kind in _kinds(annotation)):
        return value
    try:
        read = json.loads(value)
    except ValueError:
        return value
    return read if isinstance(read, dict | list) else value


def _annotation(model: type[BaseModel], words: Sequence[str]) -> object:
    """What the model says of a path of keys; None where it says nothing."""
    annotation: object = model
    for word in words:
        kinds = tuple(_classes(annotation))
        fields = [
            kind.model_fields[word] for kind in kinds if issubclass(kind, BaseModel) and word in kind.model_fields
        ]
        tables = [typing.get_args(each) for each in _parts(annotation) if typing.get_origin(each) is dict]
        annotation = fields[0].annotation if fields else tables[0][1] if tables else None
    return annotation


def _kinds(annotation: object) -> Iterable[type]:
    """The classes that a value may be of, lists and tables among them."""
    for part in _parts(annotation):
        origin = typing.get_origin(part)
        if isinstance(origin, type):
            yield origin
    yield from _classes(annotation)


def _classes(annotation: object) -> Iterable[type]:
    return (part for part in _parts(annotation) if isinstance(part, type) and typing.get_origin(part) is None)


def _parts(annotation: object) -> Iterable[object]:
    """The alternatives of a union, without what is annotated to them."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        yield from _parts(typing.get_args(annotation)[0])
    elif origin is typing.Union or isinstance(annotation, types.UnionType):
        for part in typing.get_args(annotation):
            yield from _parts(part)
    else:
        yield annotation
