"""The revision of a pack: one hash over the names and bytes of its YAML files and of the CSV files that they name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from syncd.rules.findings import Findings
from syncd.rules.reading.pack_files import PackFiles
from syncd.rules.reading.reading_memory import ReadingMemory
from syncd.rules.reading.yaml_edits import reread_yaml
from syncd.rules.reading.yaml_reader import Document, read_yaml


def pack_revision(root: Path) -> str:
    """The revision of a pack folder, valid or not: 16 hexadecimal digits. Unreadable files have no part in it."""
    findings = Findings()
    files = PackFiles(root, findings)
    documents = read_documents(files, findings)
    return revision_of(documents, files)


def read_documents(files: PackFiles, findings: Findings, memory: ReadingMemory | None = None) -> tuple[Document, ...]:
    """Every YAML file of a pack as a document, in the order of the names; with a memory, those not read before."""
    contents = [(name, files.read(name)) for name in files.yaml_names()]
    if memory is None:
        return tuple([read_yaml(data, name, findings) for name, data in contents if data is not None])
    return tuple([_kept(name, data, findings, memory) for name, data in contents if data is not None])


def _kept(name: str, data: bytes, findings: Findings, memory: ReadingMemory) -> Document:
    def again(before: Document, old: bytes) -> Document | None:
        edited = reread_yaml(before, old, data, findings)
        if edited is None:
            return None
        memory.moved(edited.shift, edited.moved)
        return edited.document

    return memory.file("yaml", name, data, partial(read_yaml, data, name, findings), findings, again)


def revision_of(documents: Iterable[Document], files: PackFiles) -> str:
    """The revision of what was read, and of the CSV files that the documents name and that exist."""
    for document in documents:
        for name in document.files_named():
            if files.exists(name.text):
                files.read(name.text, name.place)
    return _hash(files.contents)


def _hash(contents: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(f"{name}\n{len(contents[name])}\n".encode())
        digest.update(contents[name])
    return digest.hexdigest()[:16]
