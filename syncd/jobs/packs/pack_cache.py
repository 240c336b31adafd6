"""Packs kept between processes: reading a large one takes longer than what most commands do with it.

An entry is found by everything that the reading depends on: the bytes of all files, the settings' fields and rates, and
this version of syncd. It is a file of our own user that nobody else can write, or it is not looked at; one that is
damaged is read anew from the pack and replaced. Whether a pack is valid is never kept, only packs that are.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import syncd
from syncd.jobs.private_files import UnsoundFileError, read_private, write_private
from syncd.rules.findings import Findings
from syncd.rules.matching.time_window import local_day
from syncd.rules.pack import Pack
from syncd.rules.pack_bytes import UnreadableBytesError, pack_from_bytes, pack_to_bytes
from syncd.rules.reading.pack_files import PackFiles
from syncd.rules.reading.reading_options import ReadingOptions

if TYPE_CHECKING:
    from syncd.rules.loader import ReadPack

FOLDER = "pack-cache"
_MOST_ENTRIES = 8
_MOST_BYTES = 256 * 1024 * 1024
_ROOMS = ("rules", "model", "errors")
_DATA = ("publicsuffixlist", "pycountry", "tzdata")


class PackCache:
    """The packs kept in one folder. Nothing here raises: a cache that cannot be used is none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, root: Path, options: ReadingOptions, *, now: datetime) -> Pack | None:
        """The pack that reading `root` would give now, with the same findings; None if it has to be read."""
        findings = Findings()
        files = PackFiles(root, findings)
        contents = {name: files.read(name) for name in files.yaml_names()}
        if len(findings) or not contents:
            return None
        read = {name: data for name, data in contents.items() if data is not None}
        entry = self._entry(_key(root, options, read))
        if entry is None:
            return None
        header, payload = entry
        if not _is_current(header, files) or len(findings):
            return None
        try:
            pack = pack_from_bytes(payload)
        except UnreadableBytesError:
            return None
        return pack if header["today"] == local_day(now, pack.zone).isoformat() else None

    def keep(self, root: Path, options: ReadingOptions, read: ReadPack) -> None:
        """Keep a pack that was just read."""
        if read.pack is None or read.today is None:
            return
        yaml = {name: data for name, data in read.contents.items() if name.endswith(".yaml")}
        others = {name: _digest(data) for name, data in read.contents.items() if name not in yaml}
        with suppress(OSError, UnreadableBytesError):
            payload = pack_to_bytes(read.pack)
            header = {"others": others, "absent": sorted(read.absent), "today": read.today.isoformat()}
            write_private(self._folder / _key(root, options, yaml), json.dumps(header).encode() + b"\n" + payload)
            self._prune()

    def _entry(self, key: str) -> tuple[Mapping[str, Any], bytes] | None:
        """The header and payload of an entry that is whole and ours."""
        try:
            line, _, payload = (read_private(self._folder / key, _MOST_BYTES) or b"").partition(b"\n")
            header = json.loads(line)
        except (OSError, ValueError, RecursionError, UnsoundFileError):
            return None
        return (header, payload) if isinstance(header, dict) else None

    def _prune(self) -> None:
        """Keep the newest entries; also drops what a killed process left half written."""
        found = sorted(
            ((entry.stat().st_mtime_ns, entry.stat().st_size, entry.path) for entry in os.scandir(self._folder)),
            reverse=True,
        )
        whole = 0
        for number, (_, size, path) in enumerate(found):
            whole += size
            if number >= _MOST_ENTRIES or whole > _MOST_BYTES:
                os.unlink(path)


def _is_current(header: Mapping[str, Any], files: PackFiles) -> bool:
    """Whether the files that an entry was made of beside the YAML files are as they were."""
    others, absent = header.get("others"), header.get("absent")
    if not isinstance(others, dict) or not isinstance(absent, list) or not isinstance(header.get("today"), str):
        return False
    for name, digest in others.items():
        data = files.read(name)
        if data is None or _digest(data) != digest:
            return False
    return not any(files.exists(str(name)) for name in absent)


def _key(root: Path, options: ReadingOptions, yaml: Mapping[str, bytes]) -> str:
    """The name of an entry: a hash of what its reading depends on and can be known before it."""
    digest = hashlib.sha256(code_stamp().encode())
    settings = (root.resolve().name, options.catalogue, options.money, sorted(options.shared_domains))
    digest.update(repr(settings).encode())
    for name in sorted(yaml):
        digest.update(f"\n{name}\n{len(yaml[name])}\n".encode())
        digest.update(yaml[name])
    return digest.hexdigest()[:32]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@cache
def code_stamp() -> str:
    """This syncd, Python, and the lists of countries, suffixes and zones: another of any reads a pack anew."""
    parts = [syncd.__version__, sys.version]
    home = Path(syncd.__file__).parent
    for room in _ROOMS:
        for folder, folders, names in os.walk(home / room):
            folders[:] = sorted(each for each in folders if each not in ("__pycache__", "pages"))
            for name in sorted(names):
                found = os.stat(os.path.join(folder, name))
                parts.append(f"{folder}/{name} {found.st_size} {found.st_mtime_ns}")
    for name in _DATA:
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            found = os.stat(spec.origin)
            parts.append(f"{spec.origin} {found.st_size} {found.st_mtime_ns}")
    return "\n".join(parts)
