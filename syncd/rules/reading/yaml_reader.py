"""YAML 1.2 files as nodes with places, every departure from plain YAML reported in our words.

Scalars stay text: NO, ON and 1_000 are what was written, so no resolver of types is needed or used. Anchors, aliases
and tags are refused. It reads libyaml's events one by one, so nothing here recurses. Knows nothing of rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from syncd.errors import Place
from syncd.rules.findings import Findings
from syncd.rules.nodes import Entry, Mapping, Node, Scalar, Sequence
from syncd.rules.reading.odd_characters import is_in_curly_quotes, report_curly
from syncd.rules.reading.text_files import decode
from syncd.rules.reading.yaml_syntax import Mends, report_syntax, report_tab, report_tabs, report_unquoted, value_end

DEEPEST = 60
_MOST_MENDED = 5_000_000
_OTHER_BREAKS = re.compile("[\x85\u2028\u2029]")
_HARMLESS_TABS = re.compile(r"^[ \t]*\t[ \t]*(?=#|$)", re.MULTILINE)
_WORD = re.compile(r"[a-z0-9][a-z0-9-]*")
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_NAMING = ("file", "table")


@dataclass(frozen=True, slots=True)
class Document:
    """One file: its content, None if empty or unreadable, and the (mapping, key) pairs that had nothing after them.

    `words` are all words of an unreadable file: what it defines is among them, so nobody need miss it.
    """

    path: str
    root: Node | None
    emptied: frozenset[tuple[Place, str]] = frozenset()
    readable: bool = True
    words: frozenset[str] = frozenset()
    _named: list[tuple[Scalar, ...]] = field(default_factory=list, init=False, repr=False, compare=False)

    def files_named(self) -> tuple[Scalar, ...]:
        """Every file that it names, in `file:` or `table:`, anywhere in it."""
        if not self._named:
            self._named.append(tuple(_files_named(self.root)))
        return self._named[0]


def _files_named(root: Node | None) -> Iterator[Scalar]:
    waiting: list[Node] = [root] if root is not None else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, Sequence):
            waiting.extend(node.items)
        elif isinstance(node, Mapping):
            for entry in node.entries:
                if not isinstance(entry.value, Scalar):
                    waiting.append(entry.value)
                elif entry.key.text in _NAMING:
                    yield entry.value


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end is not read yet. `key` is the key that waits for its value."""

    place: Place
    is_mapping: bool
    in_flow: bool
    items: list[Node] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    keys: dict[str, Place] = field(default_factory=dict)
    key: Scalar | None = None
    waits_for_value: bool = False


class _GaveUpError(Exception):
    """The rest of the file is not worth reading; the reason is in the findings."""


def read_yaml(data: bytes, path: str, findings: Findings) -> Document:
    """One YAML file as a document. Never raises; what is wrong is in the findings, what can be read is returned."""
    text = decode(data, path, findings)
    if text is None:
        return _unreadable(path, data.decode("latin-1"))
    text = _OTHER_BREAKS.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
    if "\t" in text:
        text = _HARMLESS_TABS.sub(lambda match: match.group().replace("\t", " "), text)
    mends = Mends()
    while True:
        builder = _Builder(text, path, mends, findings)
        try:
            builder.run()
        except _GaveUpError:
            return _unreadable(path, text)
        except yaml.YAMLError as error:
            mended = mends.mend(text, error, path, builder.in_flow, findings)
            if mended is None and not report_tabs(text, path, findings):
                report_syntax(text, error, path, mends, findings)
            if mended is None or mends.count * len(text) > _MOST_MENDED:
                return _unreadable(path, text)
            text = mended
            continue
        return Document(path, builder.root, frozenset(builder.emptied))


def read_part(text: str, path: str, above: int) -> Node | None:
    """What a part of a file holds, which stands in so many lists and mappings; None where anything is to be said of it.

    The lines before it are there and empty.
    """
    findings = Findings()
    builder = _Builder(text, path, Mends(), findings, above)
    try:
        builder.run()
    except (_GaveUpError, yaml.YAMLError):
        return None
    return None if len(findings) or builder.emptied else builder.root


def _unreadable(path: str, text: str) -> Document:
    return Document(path, None, readable=False, words=frozenset(_WORD.findall(text)))


class _Builder:
    """Builds the nodes of one text from the parser's events."""

    def __init__(self, text: str, path: str, mends: Mends, findings: Findings, above: int = 0) -> None:
        self.path = path
        self._deepest = DEEPEST - above
        self._mends = mends
        self.root: Node | None = None
        self.emptied: set[tuple[Place, str]] = set()
        self._text = text
        self._findings = findings
        self._stack: list[_Open] = []
        self._documents = 0
        self._spans: list[tuple[int, int]] | None = [] if "\t" in text else None

    @property
    def in_flow(self) -> bool:
        """Whether the reader stands inside `[…]` or `{…}`."""
        return bool(self._stack) and self._stack[-1].in_flow

    def run(self) -> None:
        """Read the whole text; raises yaml.YAMLError where it is no YAML."""
        handlers: dict[type[yaml.Event], Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.SequenceStartEvent: self._open,
            yaml.MappingStartEvent: self._open,
            yaml.SequenceEndEvent: self._close,
            yaml.MappingEndEvent: self._close,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }
        parser = yaml.CSafeLoader(self._text)
        try:
            while (event := parser.get_event()) is not None:
                handler = handlers.get(type(event))
                if handler is not None:
                    handler(event)
        finally:
            parser.dispose()
        if self._spans is not None:
            self._report_tabs_between(self._spans)

    def _place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        if mark is None:
            return Place(self.path, 1)
        if mark.line in self._mends:
            return self._mends.place(self.path, mark.line, mark.column)
        return Place(self.path, mark.line + 1, mark.column + 1)

    def _written(self, event: yaml.Event) -> str:
        """The text of a value as written, with what YAML takes for a tag, an anchor or an alias."""
        start = event.start_mark.index if event.start_mark is not None else 0
        return self._text[start : value_end(self._text, start, self.in_flow)]

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        self._documents += 1
        if self._documents > 1:
            place = self._place(event)
            self._findings.error(
                "SYN208", "a second document begins here", place, "one file holds one: remove the `---`"
            )
            raise _GaveUpError

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        place = self._place(event)
        if self._spans is not None and event.value and event.start_mark is not None and event.end_mark is not None:
            self._spans.append((event.start_mark.index, event.end_mark.index))
        if event.anchor is not None or event.tag is not None:
            self._add(self._special(event, place))
        elif not event.style and event.value in _NOTHING:
            self._add_nothing(event.value, place)
        else:
            if not event.style and is_in_curly_quotes(event.value):
                report_curly(event.value, place, self._findings)
            self._add(Scalar(event.value, bool(event.style), place))

    def _special(self, event: yaml.ScalarEvent, place: Place) -> Scalar:
        raw = self._written(event)
        if event.tag is not None and event.tag.startswith("tag:"):
            self._findings.error("SYN205", "tags are not read", place, "write the value alone, in quotes if it is text")
            return Scalar(event.value, True, place)
        report_unquoted(raw, place, self._findings)
        return Scalar(raw, True, place)

    def _alias(self, event: yaml.AliasEvent) -> None:
        place = self._place(event)
        raw = self._written(event)
        if f"&{event.anchor}" in self._text:
            self._findings.error("SYN205", f"`{raw}` is an alias; aliases are not read", place, "write the value out")
        else:
            report_unquoted(raw, place, self._findings)
        self._add(Scalar(raw, True, place))

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        place = self._place(event)
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        if event.anchor is not None or event.tag is not None:
            what = f"the anchor `&{event.anchor}`" if event.anchor is not None else f"the tag `{event.tag}`"
            self._findings.error("SYN205", f"{what} is not read", place, "write the value out where it is needed")
        if self._stack and self._stack[-1].is_mapping and not self._stack[-1].waits_for_value:
            hint = "to use a text with braces or brackets, put quotes around it"
            self._findings.error("SYN208", "a key must be plain text", place, hint)
            raise _GaveUpError
        if len(self._stack) >= self._deepest:
            self._findings.error(
                "SYN208", f"nested deeper than {DEEPEST} levels", place, "use segments or another file"
            )
            raise _GaveUpError
        self._stack.append(_Open(place, is_mapping, bool(event.flow_style)))

    def _close(self, _event: yaml.CollectionEndEvent) -> None:
        done = self._stack.pop()
        if done.is_mapping:
            self._add(Mapping(tuple(done.entries), done.place))
        else:
            self._add(Sequence(tuple(done.items), done.place))

    def _add(self, node: Node) -> None:
        if not self._stack:
            self.root = node
            return
        top = self._stack[-1]
        if not top.is_mapping:
            top.items.append(node)
        elif not top.waits_for_value:
            self._add_key(top, node)
        else:
            top.waits_for_value = False
            if top.key is not None:
                top.entries.append(Entry(top.key, node))

    def _add_key(self, top: _Open, node: Node) -> None:
        top.waits_for_value = True
        top.key = None
        if not isinstance(node, Scalar):
            return
        first = top.keys.setdefault(node.text, node.place)
        if first is node.place:
            top.key = node
        else:
            hint = f"its first one is in line {first.line}: keep one"
            self._findings.error("SYN206", f"`{node.text}` stands twice here, first at {first}", node.place, hint)

    def _add_nothing(self, text: str, place: Place) -> None:
        if not self._stack:
            return
        top = self._stack[-1]
        if top.is_mapping and not top.waits_for_value:
            self._findings.error("SYN207", "a key is missing before the `:`", place)
            top.waits_for_value, top.key = True, None
        elif not top.is_mapping:
            self._findings.error("SYN207", "a list item with nothing in it", place, "remove it, or write its value")
        else:
            top.waits_for_value = False
            if top.key is not None:
                self.emptied.add((top.place, top.key.text))
                self._report_nothing(top.key, text, place)

    def _report_nothing(self, key: Scalar, text: str, place: Place) -> None:
        if text:
            message = f"`{key.text}: {text}` says nothing"
            self._findings.error(
                "SYN207", message, place, f'write `missing` for "no value"; the word itself is "{text}"'
            )
        else:
            self._findings.error(
                "SYN207", f"`{key.text}:` has nothing after it", key.place, "write its value, or remove it"
            )

    def _report_tabs_between(self, spans: list[tuple[int, int]]) -> None:
        """Tabs that stand neither in a text nor in a comment: they hide how the file is indented."""
        index = self._text.find("\t")
        position = 0
        while index >= 0:
            while position < len(spans) and spans[position][1] <= index:
                position += 1
            start = self._text.rfind("\n", 0, index) + 1
            line = self._text[start:index]
            in_text = position < len(spans) and spans[position][0] < index
            if not in_text and not re.search(r"(^|\s)#", line) and self._rest_of_line(index):
                report_tab(Place(self.path, self._text.count("\n", 0, start) + 1, index - start + 1), self._findings)
            index = self._text.find("\t", index + 1)

    def _rest_of_line(self, index: int) -> bool:
        end = self._text.find("\n", index)
        rest = self._text[index : end if end >= 0 else len(self._text)].strip()
        return bool(rest) and not rest.startswith("#")
