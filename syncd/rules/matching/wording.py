"""Nodes as text again, in one line: what findings and explanations quote as "as written"."""

from __future__ import annotations

from syncd.rules.nodes import Mapping, Node, Scalar, Sequence


def written(node: Node) -> str:
    """A node on one line; quoted scalars keep quotes, so that text and number stay apart."""
    match node:
        case Scalar(text, quoted):
            return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if quoted else text
        case Sequence(items):
            return "[" + ", ".join(written(item) for item in items) + "]"
        case Mapping():
            return "{" + entries_written(node) + "}"


def entries_written(node: Mapping) -> str:
    """The entries of a mapping without its braces."""
    return ", ".join(f"{entry.key.text}: {written(entry.value)}" for entry in node)


def deeper_than(node: Node, limit: int) -> bool:
    """Whether a node nests more than `limit` levels; measured without recursion."""
    level: list[Node] = [node]
    for _ in range(limit):
        below: list[Node] = []
        for each in level:
            if isinstance(each, Sequence):
                below.extend(each.items)
            elif isinstance(each, Mapping):
                below.extend(entry.value for entry in each)
        if not below:
            return False
        level = below
    return True
