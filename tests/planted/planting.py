"""Planting: a bug of the list goes into a copy of the tree, and the lane that should catch it runs there.

The shared tree is never touched. A bug is caught where its lane fails; of the simulation the invariant that fails is
told, of tests the first that does.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("bugs.toml")
SEEDS = (1, 4, 8, 7, 2, 3, 12, 16)
"""They hold without a bug, and are tried in turn."""
_COPIED = ("syncd", "tests", "migrations", "docs", "examples", "deploy")
_RUN_SEEDS = """
import sys, tempfile
from pathlib import Path
import syncd
from tests.simulation.stepper import SimulationFailedError, Stepper
assert Path(syncd.__file__).is_relative_to(Path.cwd()), syncd.__file__
for seed in map(int, sys.argv[1:]):
    with tempfile.TemporaryDirectory() as folder:
        try:
            Stepper.of(seed, Path(folder)).run()
        except SimulationFailedError as failure:
            print(f"CAUGHT seed {seed}: {failure.invariant}")
            break
"""
_TOLD = re.compile(r"^FAILED (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Bug:
    """A bug: what it breaks, the texts that it replaces in a file, and the lanes that should catch it, in turn.

    `seed` is one that is known to catch it, where none of SEEDS does.
    """

    name: str
    breaks: str
    file: str
    texts: tuple[tuple[str, str], ...]
    lane: str
    seed: int | None = None

    def planted(self, text: str) -> str:
        """A file's text with the bug in it. ValueError where a text to be replaced does not stand in it just once."""
        for old, new in self.texts:
            if text.count(old) != 1:
                raise ValueError(f"{self.name}: {self.file} has {text.count(old)} times {old!r}")
            text = text.replace(old, new)
        return text


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a bug: by which lane it was caught, None where it was not, and what the lane said."""

    bug: Bug
    by: str | None
    words: str


def bugs() -> tuple[Bug, ...]:
    """The list."""
    found = tomllib.loads(LIST.read_text(encoding="utf-8"))["bug"]
    return tuple(_bug(one) for one in found)


def _bug(one: dict[str, str | int | list[str]]) -> Bug:
    also = one.get("also")
    texts = [(str(one["old"]), str(one["new"]))]
    texts += zip(also[::2], also[1::2], strict=True) if isinstance(also, list) else []
    seed = int(str(one["seed"])) if "seed" in one else None
    return Bug(str(one["name"]), str(one["breaks"]), str(one["file"]), tuple(texts), str(one["lane"]), seed)


@contextmanager
def copy_of_tree(folder: Path) -> Iterator[Path]:
    """A copy of what the lanes need, in `folder`, for as long as the block lasts."""
    place = folder / "tree"
    for name in _COPIED:
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (*ROOT.glob("*.toml"), *ROOT.glob("*.md"), ROOT / "Makefile", ROOT / "mkdocs.yml"):
        shutil.copy(path, place / path.name)
    try:
        yield place
    finally:
        shutil.rmtree(place)


def caught(bug: Bug, tree: Path, seeds: Sequence[int] = SEEDS) -> Verdict:
    """Plant a bug into the copy, run its lanes until one catches it, and take it out again."""
    path = tree / bug.file
    whole = path.read_text(encoding="utf-8")
    path.write_text(bug.planted(whole), encoding="utf-8")
    try:
        return _run(bug, tree, seeds)
    finally:
        path.write_text(whole, encoding="utf-8")


def _run(bug: Bug, tree: Path, seeds: Sequence[int]) -> Verdict:
    lanes = bug.lane.split()
    if "seeds" in lanes:
        tried = seeds if bug.seed is None else (bug.seed, *seeds)
        words = _output([sys.executable, "-c", _RUN_SEEDS, *map(str, tried)], tree)
        found = re.search(r"^CAUGHT (seed \d+): (.*)$", words, re.MULTILINE)
        if found is not None:
            return Verdict(bug, "simulation, " + found[1], found[2])
        if "Error" in words:
            return Verdict(bug, None, words[-500:])
    tests = [lane for lane in lanes if lane != "seeds"]
    if tests:
        words = _output([sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests], tree)
        test = _TOLD.search(words)
        if test is not None:
            return Verdict(bug, test[1].partition("::")[0], test[1].rpartition("::")[2].partition("[")[0])
        return Verdict(bug, None, words[-500:])
    return Verdict(bug, None, "no seed and no test caught it")


def _output(command: list[str], tree: Path) -> str:
    environ = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "SHRINK": "0"}
    done = subprocess.run(command, cwd=tree, env=environ, capture_output=True, text=True, timeout=900, check=False)
    return done.stdout + done.stderr
