"""Files that ship with syncd: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import syncd


def shipped(name: str) -> Traversable:
    """The shipped file or folder `name`: the checkout's own first, so that an editable install is never stale."""
    beside = Path(syncd.__file__).resolve().parent.parent / name
    inside = resources.files("syncd") / name
    return beside if beside.exists() and (beside.parent / "pyproject.toml").exists() else inside


def copy_tree(source: Traversable, target: Path) -> None:
    """Copy a shipped folder to a new folder on disk."""
    target.mkdir(parents=True)
    for entry in source.iterdir():
        if entry.is_dir():
            copy_tree(entry, target / entry.name)
        else:
            (target / entry.name).write_bytes(entry.read_bytes())
