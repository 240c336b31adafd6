"""`fmt`: one layout, and never a byte of meaning. Held on written examples and on random YAML."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.rules.findings import Findings
from syncd.rules.formatting.layout import formatted, unchanged
from syncd.rules.formatting.pieces import NotPlainError, comments
from syncd.rules.formatting.yaml_text import Quoted, entry, flow, scalar
from syncd.rules.nodes import Mapping, Node, Scalar, Sequence
from syncd.rules.reading.yaml_reader import read_yaml

ROOT = Path(__file__).parents[3]

LAYOUTS = {
    "indentation becomes two spaces a level": ("a:\n    b:\n        c: 1\n", "a:\n  b:\n    c: 1\n"),
    "a list stands two spaces in": ("a:\n- b\n- c\n", "a:\n  - b\n  - c\n"),
    "one space after a dash and a colon": ("a:\n  -   b:   1\n      c : 2\n", "a:\n  - b: 1\n    c: 2\n"),
    "brackets hold their content tight": ("a: { b : [ 1,2 ] , c: x }\n", "a: {b: [1, 2], c: x}\n"),
    "lines in brackets stand below each other": ("a: [b,\n   c,\n d]\n", "a: [b,\n    c,\n    d]\n"),
    "a bracket that ends its line indents": ("a: [\n b,\n    c,\n  ]\n", "a: [\n  b,\n  c,\n]\n"),
    "blank lines come one at a time": ("\n\na: 1\n\n\n\nb: 2\n\n\n", "a: 1\n\nb: 2\n"),
    "single quotes become double where both mean the same": ("a: 'x'\nb: 'it''s'\n", 'a: "x"\nb: "it\'s"\n'),
    "single quotes stay where double ones would need escapes": ("a: 'x\"y'\nb: 'c:\\d'\n", "a: 'x\"y'\nb: 'c:\\d'\n"),
    "line ends become line feeds": ("a: 1\r\nb: 2\r\n", "a: 1\nb: 2\n"),
    "the end of the file is one line feed": ("a: 1", "a: 1\n"),
    "comments behind neighbouring lines are aligned": ("a: 1 # x\nbcd: 2 # y\n", "a: 1    # x\nbcd: 2  # y\n"),
    "a comment far out is not": (f"a: 1 # x\nb: {'c' * 95} # y\n", f"a: 1  # x\nb: {'c' * 95}  # y\n"),
    "a comment goes with the line below it": ("a:\n    # of b\n    b: 1\n", "a:\n  # of b\n  b: 1\n"),
    "a comment at the end stays in its block": (
        "a:\n    b: 1\n    # end of a\nc: 2\n# end\n",
        "a:\n  b: 1\n  # end of a\nc: 2\n# end\n",
    ),
    "a comment at the very left stays there": ("a:\n  - b\n#  - off\n  - c\n", "a:\n  - b\n#  - off\n  - c\n"),
    "a text block moves as one": (
        "a:\n    b: |\n      x\n        y\n\n    c: 1\n",
        "a:\n  b: |\n    x\n      y\n\n  c: 1\n",
    ),
    "a quoted text over lines": ('a:\n   b: "x\n      y"\n', 'a:\n  b: "x\n    y"\n'),
}


@pytest.mark.parametrize(("before", "after"), LAYOUTS.values(), ids=LAYOUTS)
def test_the_layout(before: str, after: str) -> None:
    assert formatted(before) == after
    assert formatted(after) == after
    assert unchanged(before, after)


@pytest.mark.parametrize("path", sorted((ROOT / "examples").rglob("*.yaml")), ids=str)
def test_the_examples_mean_the_same_in_the_layout(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    after = formatted(text)
    assert unchanged(text, after)
    assert formatted(after) == after


@pytest.mark.parametrize("text", ["? a\n: b\n", "%YAML 1.2\n---\na: 1\n", "a: &x 1\nb: *x\n", "a: !t 1\n"])
def test_what_rule_files_do_not_have_is_refused(text: str) -> None:
    with pytest.raises(NotPlainError):
        formatted(text)


def test_a_change_of_a_value_a_quote_or_a_comment_is_seen() -> None:
    text = "a: [1, x]  # why\n"
    assert unchanged(text, "a: [1,  x] # why\n")
    for other in (
        "a: [1, y]  # why\n",
        'a: ["1", x]  # why\n',
        "a: [1, x]  # Why\n",
        "a: [1, x]\n",
        "b: [1, x]  # why\n",
    ):
        assert not unchanged(text, other), other


# Random documents: trees of plain, quoted and flow values, badly laid out, with comments everywhere.

_WORDS = st.sampled_from(["DE", "NO", "1_000", "007", "a b", "ünï", "x-y", "1.5", "2026-01-01"])
_QUOTED = st.sampled_from(["'>= 5'", '"a # b"', "'it''s'", '"\\u00e9"', "'[x]'", "'a: b'", '"*"', "'say \"x\"'"])
_SPACE = st.sampled_from(["", " ", "   "])
_COMMENT = st.sampled_from(["# why", "#x", "# ünï: [a, {", "#", "# tail  ", "#\ttab"])
_KEYS = st.lists(
    st.sampled_from(["a", "bb", "c-c", "'d e'", '"f"']), min_size=1, max_size=3, unique_by=lambda key: key.strip("'\"")
)


@st.composite
def flows(draw: st.DrawFn, depth: int = 0) -> str:
    choice = draw(st.integers(0, 3)) if depth < 2 else 0
    gap, inner = draw(_SPACE), draw(_SPACE)
    if choice == 1:
        items = draw(st.lists(flows(depth + 1), min_size=1, max_size=3))
        return f"[{inner}{f'{gap},{inner} '.join(items)}{gap}]"
    if choice == 2:
        entries = [f"{key}:{gap or ' '}{draw(flows(depth + 1))}" for key in draw(_KEYS)]
        return f"{{{inner}{f'{gap}, '.join(entries)}{gap}}}"
    return draw(st.one_of(_WORDS, _QUOTED))


@st.composite
def blocks(draw: st.DrawFn, indent: int = 0, depth: int = 0) -> list[str]:
    lines: list[str] = []
    space = " " * indent
    is_list = draw(st.booleans())
    for key in [""] * draw(st.integers(1, 3)) if is_list else draw(_KEYS):
        if draw(st.integers(0, 4)) == 0:
            lines.append(" " * draw(st.integers(0, indent + 3)) + draw(_COMMENT))
        lines += [""] * draw(st.integers(0, 2))
        head = f"{space}-" if is_list else f"{space}{key}:"
        kind = draw(st.integers(0, 3)) if depth < 3 else 0
        if kind == 1:
            step = draw(st.integers(1, 4))
            tail = f"{draw(_SPACE)} {draw(_COMMENT)}" if draw(st.booleans()) else ""
            lines += [head + tail, *draw(blocks(indent + step, depth + 1))]
        elif kind == 2:
            inner = [
                " " * (indent + 2) + each if each else ""
                for each in draw(st.lists(st.sampled_from(["x", "  y", ""]), min_size=1, max_size=3))
            ]
            lines += [f"{head} |", f"{' ' * (indent + 2)}first", *inner]
        else:
            tail = f" {draw(_SPACE)}{draw(_COMMENT)}" if draw(st.booleans()) else ""
            lines.append(f"{head} {draw(_SPACE)}{draw(flows())}{tail}")
    return lines


def _readable(text: str) -> bool:
    findings = Findings()
    document = read_yaml(text.encode(), "x.yaml", findings)
    return document.readable and not findings.has_errors


@settings(max_examples=400)
@given(blocks())
def test_formatting_keeps_every_value_and_comment_and_settles_at_once(lines: list[str]) -> None:
    text = "\n".join(lines) + "\n"
    if not _readable(text):
        return
    after = formatted(text)
    assert unchanged(text, after)
    assert comments(after) == comments(text)
    assert formatted(after) == after


_VALUES = st.recursive(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
    | st.sampled_from(
        ["null", "missing", "~", "NO", "1e5", ": x", "a #b", "- x", ">= 5", "a: b", "x\ty", "\u2028", "@a", "{", "a,b"]
    ),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=2)
    ),
    max_leaves=6,
)


def _plain(node: Node) -> object:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return [_plain(item) for item in node.items]
    assert isinstance(node, Mapping)
    return {each.key.text: _plain(each.value) for each in node}


@settings(max_examples=300)
@given(_VALUES)
def test_a_value_written_as_yaml_reads_back_as_itself(value: object) -> None:
    findings = Findings()
    text = "\n".join(["k:", *entry("value", value, 2)]) + "\n"  # type: ignore[arg-type]
    document = read_yaml(text.encode(), "x.yaml", findings)
    assert findings.items == ()
    assert document.root is not None
    assert _plain(document.root) == {"k": {"value": value}}


def test_quotes_are_written_where_they_mean_something() -> None:
    assert scalar("Banking") == "Banking"
    assert scalar("missing") == '"missing"'
    assert flow([Quoted("5"), "5"]) == '["5", 5]'
