"""Packs written by tests: a few lines of YAML in, a loaded pack or its findings out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from syncd.errors import Finding, Severity
from syncd.rules.loader import check_pack, load_pack
from syncd.rules.pack import Pack

CATCH_ALL = "  - {name: rest, when: always, owners: unassigned}\n"
MINIMAL = "format: 1\nterritories:\n" + CATCH_ALL


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """A pack folder with these files."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def found(root: Path, files: Mapping[str, str | bytes], now: datetime | None = None) -> tuple[Finding, ...]:
    """Everything that is found in a pack with these files."""
    return check_pack(write(root, files), now=now)[1]


def errors(root: Path, files: Mapping[str, str | bytes]) -> list[str]:
    """The errors of a pack as `path:line:column CODE`."""
    return [f"{each.place} {each.code}" for each in found(root, files) if each.severity is Severity.ERROR]


def codes(root: Path, files: Mapping[str, str | bytes], now: datetime | None = None) -> list[str]:
    """The codes of everything found, in order."""
    return [each.code for each in found(root, files, now)]


def loaded(root: Path, files: Mapping[str, str | bytes]) -> Pack:
    """The pack with these files, which must be valid."""
    return load_pack(write(root, files))


def in_pack(*lines: str) -> dict[str, str]:
    """A pack of one file: a valid one, with these lines added."""
    return {"pack.yaml": MINIMAL + "\n".join(lines) + "\n"}


def with_territory(*lines: str) -> dict[str, str]:
    """A pack of one file whose first territory has these lines; it ends in a catch-all."""
    body = "\n".join(("  - " if number == 0 else "    ") + line for number, line in enumerate(lines))
    return {"pack.yaml": f"format: 1\nterritories:\n{body}\n{CATCH_ALL}"}
