"""The lock of the shipped dependencies, read as what it says: names, versions, hashes, and who needs whom."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

LOCK = Path(__file__).parents[2] / "requirements.txt"
_PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)(?: ; (.*?))?(?: \\)?$")
_HASH = re.compile(r"^    --hash=sha256:([0-9a-f]{64})(?: \\)?$")
_VIA = re.compile(r"^    #(?: via|  ) +(\S+)")


@dataclass(frozen=True, slots=True)
class Locked:
    """One package; `hashes` are those of all its files, `needed_by` the packages that ask for it."""

    name: str
    version: str
    hashes: tuple[str, ...]
    needed_by: tuple[str, ...]


def read_lock(path: Path = LOCK) -> tuple[Locked, ...]:
    """Every package of a lock, by name. ValueError for a line that pins nothing."""
    found: list[tuple[str, str, list[str], list[str]]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if pinned := _PINNED.match(line):
            found.append((pinned[1], pinned[2], [], []))
        elif found and (hashed := _HASH.match(line)):
            found[-1][2].append(hashed[1])
        elif found and (via := _VIA.match(line)):
            found[-1][3].append(via[1])
        elif line.strip() not in ("", "# via") and not line.startswith("#"):
            raise ValueError(f"{path}:{number}: this line pins nothing: {line}")
    return tuple(Locked(name, version, tuple(hashes), tuple(via)) for name, version, hashes, via in sorted(found))
