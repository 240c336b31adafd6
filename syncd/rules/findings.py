"""Findings: the growing list of everything wrong with a pack, gathered in one pass.

It collects, and reports in the order of the files; it knows nothing of what a rule means and never raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from syncd.errors import Finding, Place, Severity, sort_key

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
Hint = str | Callable[[], str] | None
"""What to do about a problem; one that takes long to find is asked for when it is shown."""
Found = tuple[str, Severity, str, Place | None, str | None]
"""One problem as it is reported: what `Findings.add` takes."""


class TooManyFindingsError(Exception):
    """So many errors that looking for more helps nobody; what was found so far stands in the findings."""


class Findings:
    """What was found so far. Readers add to it and go on; whoever opened the files attaches their text.

    With `most_errors`, the one after so many ends the reading: TooManyFindingsError, for whoever set the limit.
    """

    def __init__(self, most_errors: int | None = None) -> None:
        self._most_errors = most_errors
        self._found: dict[tuple[str, str, Place | None], Finding] = {}
        self._errors = 0
        self._texts: dict[str, str] = {}
        self._heard: list[Found] | None = None

    def add(self, code: str, severity: Severity, message: str, place: Place | None, hint: Hint = None) -> None:
        """Record one problem; the same code and message at the same place is kept once."""
        if callable(hint):
            hint = hint()
        if self._heard is not None:
            self._heard.append((code, severity, message, place, hint))
        message = _printable(message)
        key = (code, message, place)
        if key not in self._found:
            self._found[key] = Finding(code, severity, message, place, hint)
            self._errors += severity is Severity.ERROR
            if self._most_errors is not None and self._errors == self._most_errors:
                self._most_errors = None
                message = f"{self._errors} errors were found; what comes after them was not looked at"
                self.add("SYN371", Severity.ERROR, message, place, "correct these first")
                raise TooManyFindingsError

    def error(self, code: str, message: str, place: Place | None, hint: Hint = None) -> None:
        """Record something that makes the pack invalid."""
        self.add(code, Severity.ERROR, message, place, hint)

    def warning(self, code: str, message: str, place: Place | None, hint: Hint = None) -> None:
        """Record something that is valid but hardly meant; an error under `--strict`."""
        self.add(code, Severity.WARNING, message, place, hint)

    def note(self, code: str, message: str, place: Place | None, hint: Hint = None) -> None:
        """Record something worth knowing that never makes a pack invalid."""
        self.add(code, Severity.NOTE, message, place, hint)

    def attach(self, path: str, text: str) -> None:
        """Give the text of a file, so that its findings show their source line."""
        self._texts[path] = text

    def text_of(self, path: str) -> str | None:
        """The text that was attached for a file, or None."""
        return self._texts.get(path)

    @contextmanager
    def heard(self) -> Iterator[list[Found]]:
        """All that is reported meanwhile, also what was reported before: for whoever reports it again."""
        own: list[Found] = []
        around, self._heard = self._heard, own
        try:
            yield own
        finally:
            self._heard = around
            if around is not None:
                around.extend(own)

    def __len__(self) -> int:
        return len(self._found)

    @property
    def has_errors(self) -> bool:
        """Whether anything so far makes the pack invalid."""
        return self._errors > 0

    @property
    def error_count(self) -> int:
        """How many errors there are so far: whoever parses a part compares before and after."""
        return self._errors

    @property
    def items(self) -> tuple[Finding, ...]:
        """Everything found, in the order of the files, each with its source line where the text is known."""
        named = {found.place.path for found in self._found.values() if found.place is not None}
        lines = {path: lines_of(text) for path, text in self._texts.items() if path in named}
        return tuple(sorted((_with_source(found, lines) for found in self._found.values()), key=sort_key))


class Tally(Findings):
    """Only of which codes there were problems: for whoever reads again those cells that are told of."""

    def __init__(self) -> None:
        super().__init__()
        self._codes: list[str] = []

    def add(self, code: str, severity: Severity, message: str, place: Place | None, hint: Hint = None) -> None:
        """Note one problem. Its hint is not asked for."""
        del message, place, hint
        self._codes.append(code)
        self._errors += severity is Severity.ERROR

    def drain(self) -> list[str]:
        """The code of each problem since the last time."""
        codes, self._codes = self._codes, []
        return codes

    def __len__(self) -> int:
        return len(self._codes)


def lines_of(text: str) -> list[str]:
    """The lines of a text, whatever ends them."""
    return _LINE_BREAK.split(text) if "\r" in text else text.split("\n")


def _with_source(found: Finding, lines: Mapping[str, list[str]]) -> Finding:
    text = lines.get(found.place.path) if found.place else None
    if text is None or found.place is None or found.place.line > len(text):
        return found
    return replace(found, source=_printable(text[found.place.line - 1]))


def _printable(text: str) -> str:
    """The text with every control character shown as one replacement sign: findings go to terminals."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in text)
