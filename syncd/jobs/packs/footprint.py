"""The footprint of a pack folder: a hash of its bytes that is quick to take, since nothing is parsed.

Equal footprints are equal files, so whoever remembers the revision of a footprint need not read the pack to know it.
Knows nothing of YAML or rules, and imports nothing heavy: `syncd status` takes it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PART: Final = 1 << 20


def footprint(folder: Path) -> str:
    """The hash of all files that could belong to the pack: names and bytes, hidden ones apart; empty for no folder.

    A file that cannot be read counts by its name alone: the pack cannot read it either.
    """
    if not folder.is_dir():
        return ""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(_files(folder)):
        digest.update(b"\0" + path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape") + b"\0")
        digest.update(_content(path))
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(parent) / name for name in files if not name.startswith("."))


def _content(path: Path) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            while part := file.read(_PART):
                digest.update(part)
    except OSError:
        return b"unreadable"
    return digest.digest()
