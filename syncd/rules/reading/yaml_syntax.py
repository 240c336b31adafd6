"""YAML's syntax errors in our words, and the mending of a value that only lacks quotes.

Knows the messages of libyaml, so that nobody else has to and no user ever sees one; knows nothing of rules.
"""

from __future__ import annotations

import re

import yaml

from syncd.errors import Place
from syncd.rules.findings import Findings

TRAPS = {
    ">": "a comparison",
    "!": "a `!=`",
    "*": "a glob",
    "&": "a text with `&`",
    "@": "the name of a list",
    "%": "a text with `%`",
    "`": "a text with a backtick",
    "|": "a text with `|`",
}
"""The characters that mean something to YAML at the start of a value, and what people mean when they write them."""

_FLOW_END = re.compile(r"[,\]}]|\s#|$")
_BLOCK_END = re.compile(r"\s#|$")
_UNEXPECTED = {
    "mapping values are not allowed in this context": (
        "a `:` cannot stand here",
        "a text that holds `: ` needs quotes; or this line is indented further than the lines it belongs to",
    ),
    "block sequence entries are not allowed in this context": (
        "a list item `- ` cannot stand here",
        "start the list on a line of its own, below its key",
    ),
    "could not find expected ':'": ("this line is no `key: value`", "write a `:` and a space after the key"),
    "found unknown escape character": (
        "an unknown `\\` sequence in double quotes",
        "in single quotes a backslash is just a backslash",
    ),
    "did not find expected '-' indicator": (
        "a list goes on here without `- `",
        "indent it like its list, or begin it with `- `",
    ),
    "did not find expected ',' or ']'": (
        "the list that opens with `[` is not closed here",
        "a `,` or `]` is missing before this",
    ),
    "did not find expected ',' or '}'": (
        "the mapping that opens with `{` is not closed here",
        "a `,` or `}` is missing before this",
    ),
    "did not find expected node content": (
        "a value is missing before this character",
        "write one, or put quotes around the text",
    ),
    "did not find expected <document start>": ("something stands after the end of the content", "remove it"),
}
_EXPECTED_KEY = (
    "this line does not go on as a mapping: a key is expected here",
    "indent it like the lines it belongs to; a text that goes on after its quotes needs quotes around all of it",
)
_OTHERWISE = ("this is no YAML that can be read", "put quotes around the text, and look at the indentation")


class Mends:
    """The quotes put around values of one text so far; they shift the columns behind them in their lines."""

    def __init__(self) -> None:
        self.count = 0
        self._shifts: dict[int, list[tuple[int, int]]] = {}

    def __contains__(self, line: int) -> bool:
        return line in self._shifts

    def place(self, path: str, line: int, column: int) -> Place:
        """The place in the file as saved of a place in the mended text; line and column count from 0."""
        for start, by in reversed(self._shifts.get(line, ())):
            column -= by if column > start else 0
        return Place(path, line + 1, column + 1)

    def mend(self, text: str, error: yaml.YAMLError, path: str, in_flow: bool, findings: Findings) -> str | None:
        """Report a value that begins with a character of YAML's and return the text with quotes around that value.

        None, and nothing reported, if that is not what is wrong. Lets the reader go on and find the other mistakes.
        """
        trap = _trap(text, error)
        if trap is None:
            return None
        start, line, column = trap
        value = text[start : value_end(text, start, in_flow)]
        report_unquoted(value, self.place(path, line, column), findings)
        quoted = "'" + value.replace("'", "''") + "'"
        self.count += 1
        self._shifts.setdefault(line, []).append((column, len(quoted) - len(value)))
        return text[:start] + quoted + text[start + len(value) :]


def value_end(text: str, start: int, in_flow: bool) -> int:
    """Where an unquoted value that starts here ends: before a comment or the line's end, in `[…]` also a comma."""
    line_end = text.find("\n", start)
    stop = len(text) if line_end < 0 else line_end
    opened = text.rfind("\n", 0, start) + 1
    within = in_flow or _unclosed(text[opened:start])
    found = (_FLOW_END if within else _BLOCK_END).search(text, start + 1, stop)
    end = found.start() if found else stop
    return start + len(text[start:end].rstrip())


def report_unquoted(value: str, place: Place, findings: Findings) -> None:
    """The finding for a value that starts with a character that means something else to YAML (SYN203)."""
    quoted = f"'{value}'" if '"' in value or "\\" in value else f'"{value}"'
    findings.error(
        "SYN203",
        f"a value that starts with `{value[:1]}` needs quotes: YAML does not read it as {TRAPS.get(value[:1], 'text')}",
        place,
        f"write {quoted}",
    )


def report_tabs(text: str, path: str, findings: Findings) -> bool:
    """A finding for each line that is indented with a tab (SYN204); whether there was one."""
    found = False
    for number, line in enumerate(text.split("\n"), start=1):
        indent = line[: len(line) - len(line.lstrip(" \t"))]
        if "\t" in indent and line.strip() and not line.lstrip().startswith("#"):
            found = True
            report_tab(Place(path, number, indent.index("\t") + 1), findings)
    return found


def report_tab(place: Place, findings: Findings) -> None:
    """The finding for one tab outside a text (SYN204)."""
    findings.error("SYN204", "a tab cannot stand here", place, "use spaces, two for each level")


def report_syntax(text: str, error: yaml.YAMLError, path: str, mends: Mends, findings: Findings) -> None:
    """The one finding for a file that is no YAML (SYN201; SYN204 at a tab), where a person should look."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        findings.error("SYN201", _OTHERWISE[0], Place(path, 1), _OTHERWISE[1])
        return
    mark = error.problem_mark
    if text[mark.index : mark.index + 1] == "\t":
        report_tab(mends.place(path, mark.line, mark.column), findings)
        return
    message, hint = _UNEXPECTED.get(error.problem or "", _OTHERWISE)
    if error.problem == "did not find expected key":
        message, hint = _EXPECTED_KEY
    elif error.problem == "found unexpected end of stream" and error.context_mark is not None:
        mark, message, hint = (
            error.context_mark,
            "the quotes that open here are never closed",
            "close them on this line",
        )
    elif error.problem == "could not find expected ':'" and error.context_mark is not None:
        mark = error.context_mark
    elif error.context and error.context.startswith("while parsing a flow") and error.context_mark is not None:
        message += f" (it opens in line {error.context_mark.line + 1})"
    line = min(mark.line, text.count("\n"))
    findings.error("SYN201", message, mends.place(path, line, mark.column), hint)


def _trap(text: str, error: yaml.YAMLError) -> tuple[int, int, int] | None:
    """Where the value begins that lacks quotes (offset, line, column), if that is what is wrong."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return None
    for mark in (error.context_mark, error.problem_mark):
        if mark is not None and text[mark.index : mark.index + 1] in TRAPS and _starts_value(text, mark.index):
            return mark.index, mark.line, mark.column
    return None


def _starts_value(text: str, index: int) -> bool:
    before = text[text.rfind("\n", 0, index) + 1 : index].rstrip(" ")
    return before.endswith((":", "-", "[", ",", "{", "?")) or not before


def _unclosed(text: str) -> bool:
    plain = re.sub(r"\"[^\"]*\"|'[^']*'", "", text)
    return plain.count("[") + plain.count("{") > plain.count("]") + plain.count("}")
