"""Values as YAML that rule files hold: plain where that is safe, else in double quotes, read back as what they were."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

_PLAIN = re.compile(r"[A-Za-z0-9_\u00c0-\u024f](?:[A-Za-z0-9_\u00c0-\u024f.+/@&()'-]|:(?=[^ ])| (?=[^ #]))*")
_WORDS = frozenset({"null", "Null", "NULL", "true", "false", "missing", "always"})
_WIDTH = 110

Value = str | Sequence["Value"] | Mapping[str, "Value"]


def scalar(text: str) -> str:
    """One text, safe also inside `[…]` and `{…}`."""
    if _PLAIN.fullmatch(text) and text not in _WORDS and not text.endswith((":", " ")):
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """One text in double quotes: what a rule compares as text, whatever it looks like."""
    written = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else f"\\U{ord(char):08X}" for char in written)


def flow(value: Value) -> str:
    """A value in one line. A text that is given with its quotes (`Quoted`) keeps them."""
    if isinstance(value, Word):
        return str(value)
    if isinstance(value, str):
        return quoted(value) if isinstance(value, Quoted) else scalar(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(each)}" for key, each in value.items()) + "}"
    return "[" + ", ".join(flow(each) for each in value) + "]"


def entry(key: str, value: Value, indent: int) -> list[str]:
    """The lines of a key and its value: on one line where that is short enough, else one line a part."""
    space = " " * indent
    line = f"{space}{key}: {flow(value)}"
    if isinstance(value, str) or len(line) <= _WIDTH:
        return [line]
    lines = [f"{space}{key}:"]
    if isinstance(value, Mapping):
        for name, each in value.items():
            lines += entry(name, each, indent + 2)
        return lines
    for each in value:
        lines += item(each, indent + 2)
    return lines


def item(value: Value, indent: int) -> list[str]:
    """The lines of one item of a list."""
    line = f"{' ' * indent}- {flow(value)}"
    if isinstance(value, Mapping) and len(line) > _WIDTH:
        lines = [part for name, each in value.items() for part in entry(name, each, indent + 2)]
        return [f"{' ' * indent}- {lines[0].lstrip()}", *lines[1:]]
    return [line]


class Word(str):
    """A word of YAML, such as `true`, that is written without quotes."""

    __slots__ = ()


class Quoted(str):
    """A text that is written in quotes: an operator, or digits that are text."""

    __slots__ = ()
