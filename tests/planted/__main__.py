"""`python -m tests.planted [WORD…]`: plant each bug that has one of the words as invariant or in its name.

Tells who caught each, and writes the table in docs/reliability.md anew from the latest verdict on every bug; these are
kept in build/planted.jsonl. Exit code 1 where a bug was not caught.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.planted.planting import ROOT, Verdict, bugs, caught, copy_of_tree
from tests.reliability_page import put

_KEPT = ROOT / "build" / "planted.jsonl"
_HEAD = "| breaks | planted bug | caught by | which said |\n|---|---|---|---|\n"


def main(words: list[str]) -> int:
    """Plant and tell."""
    chosen = [bug for bug in bugs() if not words or any(word == bug.breaks or word in bug.name for word in words)]
    missed = 0
    with tempfile.TemporaryDirectory() as folder, copy_of_tree(Path(folder)) as tree:
        for bug in chosen:
            verdict = caught(bug, tree)
            missed += verdict.by is None
            _keep(verdict)
            sys.stdout.write(f"{bug.breaks}  {bug.name}: {verdict.by or 'NOT CAUGHT'}: {verdict.words}\n")
            sys.stdout.flush()
    put(ROOT / "docs" / "reliability.md", "planted", table(_verdicts()))
    sys.stdout.write(f"{len(chosen) - missed} of {len(chosen)} bugs caught\n")
    return 1 if missed else 0


def _keep(verdict: Verdict) -> None:
    _KEPT.parent.mkdir(exist_ok=True)
    with _KEPT.open("a", encoding="utf-8") as file:
        file.write(json.dumps([verdict.bug.name, verdict.by, verdict.words]) + "\n")


def _verdicts() -> Mapping[str, tuple[str | None, str]]:
    """The latest verdict on each bug, by its name."""
    lines = _KEPT.read_text(encoding="utf-8").splitlines() if _KEPT.exists() else []
    return {name: (by, words) for name, by, words in map(json.loads, lines)}


def table(verdicts: Mapping[str, tuple[str | None, str]]) -> str:
    """The verdicts as Markdown, in the order of the invariants."""
    lines = []
    for bug in sorted(bugs(), key=lambda one: (one.breaks[0] != "I", one.breaks)):
        by, words = verdicts.get(bug.name, ("not run yet", ""))
        lines.append(f"| {bug.breaks} | {bug.name} | {by or '**nobody**'} | {words if by else ''} |")
    return _HEAD + "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
