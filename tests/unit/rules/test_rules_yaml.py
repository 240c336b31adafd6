"""Reading YAML: plain text as written, places, and every departure in our words."""

from __future__ import annotations

import pytest

from syncd.errors import Place
from syncd.rules.findings import Findings
from syncd.rules.nodes import Mapping, Node, Scalar, Sequence
from syncd.rules.reading.yaml_reader import Document, read_yaml


def read(text: str | bytes) -> tuple[Document, Findings]:
    findings = Findings()
    return read_yaml(text if isinstance(text, bytes) else text.encode(), "a.yaml", findings), findings


def plain(node: Node | None) -> object:
    match node:
        case Scalar(text, quoted):
            return (text,) if quoted else text
        case Sequence(items):
            return [plain(item) for item in items]
        case Mapping(entries):
            return {entry.key.text: plain(entry.value) for entry in entries}
    return None


def only(text: str | bytes) -> tuple[str, int, int, str]:
    """Code, line, column and message of the one finding."""
    (finding,) = read(text)[1].items
    assert finding.place is not None
    return finding.code, finding.place.line, finding.place.column, finding.message


@pytest.mark.parametrize(
    "word", ["NO", "no", "on", "ON", "Y", "yes", "1_000", "08", "1e3", "2026-01-01", "0x1F", "true"]
)
def test_scalars_stay_the_text_that_was_written(word: str) -> None:
    document, findings = read(f"country: {word}\n")
    assert plain(document.root) == {"country": word}
    assert not findings.items


def test_quoted_scalars_are_told_from_plain_ones() -> None:
    document, _ = read("a: \"5\"\nb: 5\nc: '5'\nd: |\n  5\n")
    assert plain(document.root) == {"a": ("5",), "b": "5", "c": ("5",), "d": ("5\n",)}


def test_every_node_knows_its_place() -> None:
    document, _ = read("a:\n  - b: [c, dé, e]\n")
    assert isinstance(document.root, Mapping)
    (entry,) = document.root.entries
    assert entry.key.place == Place("a.yaml", 1, 1)
    assert isinstance(entry.value, Sequence)
    (inner,) = entry.value.items
    assert isinstance(inner, Mapping)
    assert inner.place == Place("a.yaml", 2, 5)
    letters = inner.get("b")
    assert isinstance(letters, Sequence)
    assert [item.place.column for item in letters.items] == [9, 12, 16]


@pytest.mark.parametrize("content", ["", "# nothing\n", "---\n", "\n\n"])
def test_a_file_without_content_is_empty(content: str) -> None:
    document, findings = read(content)
    assert document.root is None
    assert document.readable
    assert not findings.items


@pytest.mark.parametrize("text", ["\ufeffa: 1\r\nb: 2\r\n", "a: 1\rb: 2\r", "---\na: 1\nb: 2\n", '{"a": 1, "b": 2}'])
def test_byte_order_mark_line_ends_and_json_are_fine(text: str) -> None:
    document, findings = read(text)
    assert isinstance(document.root, Mapping)
    assert [entry.key.text for entry in document.root] == ["a", "b"]
    assert not findings.items


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("> 1000", 'write "> 1000"'),
        (">= 1000", 'write ">= 1000"'),
        ("!= Banking", 'write "!= Banking"'),
        ("! x", 'write "! x"'),
        ("*bank*", 'write "*bank*"'),
        ("*bank", 'write "*bank"'),
        ("*.de", 'write "*.de"'),
        ("& co", 'write "& co"'),
        ("&co x", 'write "&co x"'),
        ("@list", 'write "@list"'),
        ("%x", 'write "%x"'),
        ("`x`", 'write "`x`"'),
        ("| b", 'write "| b"'),
        ('> "x"', "write '> \"x\"'"),
    ],
)
def test_an_unquoted_special_character_is_named_and_read_as_meant(value: str, hint: str) -> None:
    document, findings = read(f"a: 1\nfield: {value}   # why\nb: 2\n")
    (finding,) = findings.items
    assert (finding.code, finding.place, finding.hint) == ("SYN203", Place("a.yaml", 2, 8), hint)
    assert plain(document.root) == {"a": "1", "field": (value,), "b": "2"}


def test_several_unquoted_values_in_one_line_are_all_found_at_their_places() -> None:
    document, findings = read("x: {a: > 3, b: != c, d: [*e, @f], g: 'h' }\ny: 1\n")
    assert [(each.code, str(each.place)) for each in findings.items] == [
        ("SYN203", "a.yaml:1:8"),
        ("SYN203", "a.yaml:1:16"),
        ("SYN203", "a.yaml:1:26"),
        ("SYN203", "a.yaml:1:30"),
    ]
    assert plain(document.root) == {
        "x": {"a": ("> 3",), "b": ("!= c",), "d": [("*e",), ("@f",)], "g": ("h",)},
        "y": "1",
    }


def test_folded_text_is_no_unquoted_comparison() -> None:
    document, findings = read("note: >\n  two\n  lines\n")
    assert plain(document.root) == {"note": ("two lines\n",)}
    assert not findings.items


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("a:\n\tb: 1\n", 2, 1), ("a:\n  b: 1\n\tc: 2\n", 3, 1), ("a:\tb\n", 1, 3), ("a:\n  -\tb\n", 2, 4)],
)
def test_a_tab_is_named(text: str, line: int, column: int) -> None:
    assert only(text)[:3] == ("SYN204", line, column)


def test_tabs_inside_texts_and_comments_are_fine() -> None:
    document, findings = read('a: "x\ty"\nb: x\ty\nc: 1\t# two\t\n\t\n# \td: e\n')
    assert not findings.items
    assert plain(document.root) == {"a": ("x\ty",), "b": "x\ty", "c": "1"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("base: &base {a: 1}\nx: 1\n", 1),
        ("x: !!str 5\n", 1),
        ("x: !mine {a: 1}\n", 1),
        ("x:\n  - !!set {a, b}\n", 2),
    ],
)
def test_anchors_and_tags_are_refused(text: str, line: int) -> None:
    code, where, *_ = only(text.replace("{a, b}", "{a: b}"))
    assert (code, where) == ("SYN205", line)


def test_an_alias_is_refused_and_never_expanded() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    document, findings = read(bomb)
    assert {each.code for each in findings.items} == {"SYN205"}
    assert isinstance(document.root, Mapping)
    assert len(document.root.entries) == 9


def test_a_key_that_stands_twice_names_both_places() -> None:
    code, line, column, message = only("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n")
    assert (code, line, column) == ("SYN206", 5, 3)
    assert "a.yaml:3:3" in message


def test_the_first_of_two_keys_counts() -> None:
    assert plain(read("a: 1\na: 2\n")[0].root) == {"a": "1"}


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a:\nb: 1\n", 1, 1),
        ("a: {b: , c: 1}\n", 1, 5),
        ("a:\n  - \n  - c\n", 2, 4),
        ("a: null\n", 1, 4),
        ("a: ~\n", 1, 4),
        ("a: [~]\n", 1, 5),
        ("? \n: b\n", 1, 2),
    ],
)
def test_nothing_after_a_key_is_named(text: str, line: int, column: int) -> None:
    assert only(text)[:3] == ("SYN207", line, column)


def test_an_emptied_key_is_remembered_with_its_mapping() -> None:
    document, _ = read("a:\n  b:\n  c: 1\n")
    assert document.emptied == frozenset({(Place("a.yaml", 2, 3), "b")})


@pytest.mark.parametrize("text", ['a: ""\n', "a: 'null'\n", "a: nullify\n"])
def test_quoted_nothing_is_text(text: str) -> None:
    assert not read(text)[1].items


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: 1\n---\nb: 2\n", 2, 1),
        ("a: {{x}}\n", 1, 5),
        ("? [a]\n: b\n", 1, 3),
        ("[" * 3000, 1, 61),
        ("- " * 3000, 1, 121),
        ('{"a":' * 3000, 1, 301),
    ],
)
def test_shapes_that_no_pack_has_are_refused(text: str, line: int, column: int) -> None:
    assert only(text)[:3] == ("SYN208", line, column)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: [1, 2\nb: 3\n", 2, 2),
        ("a: {b: 1\nc: 2\n", 2, 2),
        ('a: 1\nb: "x\nc: 2\n', 2, 4),
        ("why: this: that\n", 1, 10),
        ("a: 1\njust text\nb: 2\n", 2, 1),
        ("a:\n  b: 1\n c: 2\n", 3, 2),
        ("- a\nb: 1\n", 2, 1),
        ("a: - b\n", 1, 4),
        ('a: "\\d"\n', 1, 5),
        ("a: ]\n", 1, 4),
        ("{a: 1}{b: 2}\n", 1, 7),
    ],
)
def test_a_syntax_error_is_one_finding_where_a_person_looks(text: str, line: int, column: int) -> None:
    code, where, at, message = only(text)
    assert (code, where, at) == ("SYN201", line, column)
    for word in ("token", "scalar", "block", "indicator", "flow", "context", "expected ',"):
        assert word not in message.lower()


def test_findings_before_a_syntax_error_are_kept() -> None:
    _, findings = read("a: 1\na: 2\nb: != x\nc: [1\n")
    assert [each.code for each in findings.items] == ["SYN206", "SYN203", "SYN201"]


@pytest.mark.parametrize(
    ("data", "line", "column", "words"),
    [
        (b"a: 1\nb: M\xfcnchen\n", 2, 5, "not UTF-8"),
        (b"\xef\xbb\xbfa: \xff\n", 1, 4, "not UTF-8"),
        ("a: 1\n".encode("utf-16"), 1, 1, "UTF-16"),
        (b"a: x\x00y\n", 1, 5, "NUL"),
        (b"a: \x1b[31m\n", 1, 4, "U+001B"),
    ],
)
def test_bytes_that_are_no_text_are_named_at_their_place(data: bytes, line: int, column: int, words: str) -> None:
    code, where, at, message = only(data)
    assert (code, where, at) == ("SYN202", line, column)
    assert words in message


def test_control_characters_never_reach_the_terminal() -> None:
    for data in (b"a: \x1b[31m\n", b'"\\e[31m": 1\n"\\e[31m": 2\n'):
        for finding in read(data)[1].items:
            assert "\x1b" not in finding.rendered()


def test_other_line_breaks_of_unicode_do_not_shift_lines() -> None:
    code, line, *_ = only("a: x\u2028y\nb:\n")
    assert (code, line) == ("SYN207", 2)


def test_an_unreadable_file_says_which_words_it_has() -> None:
    document, _ = read("pools:\n  emea-triage: [a@example.com\n")
    assert not document.readable
    assert "emea-triage" in document.words
