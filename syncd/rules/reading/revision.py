"""The revision of a pack: one hash over the names and bytes of its YAML files and of the CSV files that they name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from syncd.rules.findings import Findings
from syncd.rules.nodes import Mapping as MappingNode
from syncd.rules.nodes import Node, Scalar, Sequence
from syncd.rules.reading.pack_files import PackFiles
from syncd.rules.reading.yaml_reader import Document, read_yaml

_NAMING = ("file", "table")


def pack_revision(root: Path) -> str:
    """The revision of a pack folder, valid or not: 16 hexadecimal digits. Unreadable files have no part in it."""
    findings = Findings()
    files = PackFiles(root, findings)
    documents = read_documents(files, findings)
    return revision_of(documents, files)


def read_documents(files: PackFiles, findings: Findings) -> tuple[Document, ...]:
    """Every YAML file of a pack as a document, in the order of the names."""
    contents = ((name, files.read(name)) for name in files.yaml_names())
    return tuple(read_yaml(data, name, findings) for name, data in contents if data is not None)


def revision_of(documents: Iterable[Document], files: PackFiles) -> str:
    """The revision of what was read, and of the CSV files that the documents name and that exist."""
    for document in documents:
        for name in _named(document.root):
            if files.exists(name.text):
                files.read(name.text, name.place)
    return _hash(files.contents)


def _named(root: Node | None) -> Iterator[Scalar]:
    """Every file that a document names, in `file:` or `table:`, anywhere in it."""
    waiting: list[Node] = [root] if root is not None else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, Sequence):
            waiting.extend(node.items)
        elif isinstance(node, MappingNode):
            for entry in node:
                if entry.key.text in _NAMING and isinstance(entry.value, Scalar):
                    yield entry.value
                elif not isinstance(entry.value, Scalar):
                    waiting.append(entry.value)


def _hash(contents: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(f"{name}\n{len(contents[name])}\n".encode())
        digest.update(contents[name])
    return digest.hexdigest()[:16]
