"""The files of a pack on disk: which there are, their bytes, and that none lies outside the pack folder.

The only module of `rules` that opens a pack's files. It knows names and bytes, not what they mean.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath

from syncd.errors import Place
from syncd.rules.findings import Findings

MOST_YAML_BYTES = 8 * 1024 * 1024
MOST_CSV_BYTES = 64 * 1024 * 1024
MOST_FILES = 100_000
"""Looked through for rule files: who names a home folder or a whole disk hears of it soon, not after minutes."""
MOST_YAML_FILES = 5_000


class PackFiles:
    """A pack folder. Names are relative to it with `/`; every file is read once and its bytes kept for the revision."""

    def __init__(self, root: Path, findings: Findings) -> None:
        self._root = root
        self._findings = findings
        self._bytes: dict[str, bytes | None] = {}
        self._absent: set[str] = set()
        self._resolved: str | None = None
        self._folders: dict[str, bool] = {}

    @property
    def contents(self) -> dict[str, bytes]:
        """The bytes of every file that was read, by name."""
        return {name: data for name, data in self._bytes.items() if data is not None}

    @property
    def absent(self) -> frozenset[str]:
        """The names that were asked for by `exists` and stand for no file."""
        return frozenset(self._absent)

    def yaml_names(self) -> tuple[str, ...]:
        """Every `**/*.yaml` in the order of the names; hidden files and folders are no part of a pack.

        A folder without any, one that cannot be read, or one with so many files that it can be no pack is an error
        (SYN209); a `.yml` file is a warning (SYN282).
        """
        try:
            is_folder = self._root.is_dir()
        except OSError as error:  # a folder above it may not be searched
            self._report_unreadable(error)
            return ()
        if not is_folder:
            self._findings.error("SYN209", f"there is no folder {self._root}", None, "a pack is a folder of YAML files")
            return ()
        names: list[str] = []
        seen = 0
        for folder, folders, files in os.walk(self._root, onerror=self._report_unreadable):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            seen += len(folders) + len(files)
            if seen > MOST_FILES or len(names) > MOST_YAML_FILES:
                return self._is_no_pack()
            for name in sorted(files):
                if not name.startswith("."):
                    self._sort_out((Path(folder) / name).relative_to(self._root).as_posix(), names)
        if not names and not self._findings.has_errors:
            self._findings.error(
                "SYN209", f"there is no .yaml file in {self._root}", None, "a pack is a folder of YAML files"
            )
        return tuple(sorted(names))

    def _is_no_pack(self) -> tuple[str, ...]:
        text = f"{self._root} holds more than {MOST_YAML_FILES:,} .yaml files, or {MOST_FILES:,} of any kind"
        self._findings.error("SYN209", text, None, "a pack is a folder of its own: name that one")
        return ()

    def _sort_out(self, relative: str, names: list[str]) -> None:
        if relative.endswith((".yaml", ".yml")) and not relative.isprintable():
            self._findings.error(
                "SYN209", f"the file name {relative!a} is not printable UTF-8", None, "rename the file"
            )
        elif relative.endswith(".yaml"):
            names.append(relative)
        elif relative.endswith(".yml"):
            place = Place(relative, 1)
            self._findings.warning("SYN282", "the file is not read: its name ends in .yml", place, "rename it to .yaml")

    def read(self, name: str, asked_from: Place | None = None) -> bytes | None:
        """The bytes of a file of the pack, None after an error (SYN209, SYN248).

        The error stands at `asked_from`, the place that names the file, or at the file itself.
        """
        if name not in self._bytes:
            self._bytes[name] = self._read(name, asked_from or Place(name, 1))
        elif self._bytes[name] is None and asked_from is not None:
            self._findings.error("SYN209", f"the file {name} cannot be read", asked_from)
        return self._bytes[name]

    def named(self, text: str, place: Place) -> str | None:
        """The name of a file that a pack names, in one spelling; None after an error (SYN248) for one outside."""
        path = PurePosixPath(text)
        if not text or path.is_absolute() or "\\" in text or ".." in path.parts or "\x00" in text:
            self._findings.error(
                "SYN248",
                f"`{text}` is no path inside the pack",
                place,
                "write it from the pack folder, with /: lists/names.csv",
            )
            return None
        return path.as_posix()

    def exists(self, name: str) -> bool:
        """Whether there is such a file inside the pack."""
        path = os.path.join(self._root, name)
        try:
            found = self._inside(path) and os.path.isfile(path)
        except (OSError, ValueError):
            found = False
        if not found:
            self._absent.add(name)
        return found

    def _inside(self, path: str) -> bool:
        """Whether a path leads to a place inside the folder, links followed; folders are looked at once."""
        folder = os.path.dirname(path)
        if os.path.islink(path):
            return self._is_inside(os.path.realpath(path))
        if folder not in self._folders:
            self._folders[folder] = self._is_inside(os.path.realpath(folder))
        return self._folders[folder]

    def _is_inside(self, real: str) -> bool:
        if self._resolved is None:
            self._resolved = os.path.realpath(self._root)
        return real == self._resolved or real.startswith(os.path.join(self._resolved, ""))

    def _read(self, name: str, place: Place) -> bytes | None:
        path = os.path.join(self._root, name)
        try:
            if not self._inside(path):
                self._findings.error(
                    "SYN248", f"`{name}` leads out of the pack folder by a link", place, "copy the file in"
                )
                return None
            found = os.stat(path)
            if not stat.S_ISREG(found.st_mode):
                self._findings.error("SYN209", f"`{name}` is no file", place)
                return None
            most = MOST_YAML_BYTES if name.endswith(".yaml") else MOST_CSV_BYTES
            if found.st_size > most:
                self._findings.error(
                    "SYN209",
                    f"`{name}` is larger than {most // 1024 // 1024} MB",
                    place,
                    "keep long lists in CSV files; split it",
                )
                return None
            with open(path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            self._findings.error("SYN209", f"there is no file `{name}` in the pack", place)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "its name is no file name"
            self._findings.error("SYN209", f"the file `{name}` cannot be read: {reason}", place)
        return None

    def _report_unreadable(self, error: OSError) -> None:
        self._findings.error("SYN209", f"a folder cannot be read: {error.filename}: {error.strerror}", None)
