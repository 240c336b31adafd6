"""`python -m tests.planted [WORD…]`: plant each bug that has one of the words as invariant or in its name.

Tells who caught each, and puts the verdicts into the table in docs/reliability.md, where those on other bugs stay. Exit
code 1 where a bug was not caught, 2 for a word that no bug has.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.planted.planting import ROOT, Bug, Verdict, bugs, caught, copy_of_tree
from tests.reliability_page import put, rows

PAGE = ROOT / "docs" / "reliability.md"
_HEAD = "| breaks | planted bug | caught by | which said |\n|---|---|---|---|\n"
_NEVER_RUN = ("not run yet", "")


def main(words: list[str], page: Path = PAGE) -> int:
    """Plant and tell."""
    unknown = [word for word in words if not any(_has(bug, word) for bug in bugs())]
    if unknown:
        sys.stderr.write(f"no planted bug breaks or is named {', '.join(unknown)}; see tests/planted/bugs.toml\n")
        return 2
    chosen = [bug for bug in bugs() if not words or any(_has(bug, word) for word in words)]
    verdicts = {name: (by, said) for _, name, by, said in rows(page, "planted")}
    missed = 0
    with tempfile.TemporaryDirectory() as folder, copy_of_tree(Path(folder)) as tree:
        for bug in chosen:
            verdict = caught(bug, tree)
            missed += verdict.by is None
            verdicts[bug.name] = _told(verdict)
            sys.stdout.write(f"{bug.breaks}  {bug.name}: {verdict.by or 'NOT CAUGHT'}: {verdict.words}\n")
            sys.stdout.flush()
            put(page, "planted", table(verdicts))
    sys.stdout.write(f"{len(chosen) - missed} of {len(chosen)} bugs caught\n")
    return 1 if missed else 0


def _has(bug: Bug, word: str) -> bool:
    return word == bug.breaks or word in bug.name


def _told(verdict: Verdict) -> tuple[str, str]:
    return (verdict.by, verdict.words) if verdict.by else ("**nobody**", "")


def table(verdicts: Mapping[str, tuple[str, str]]) -> str:
    """The verdicts by the names of their bugs as Markdown, in the order of the invariants."""
    lines = []
    for bug in sorted(bugs(), key=lambda one: (one.breaks[0] != "I", one.breaks)):
        by, words = verdicts.get(bug.name, _NEVER_RUN)
        lines.append(f"| {bug.breaks} | {bug.name} | {by} | {words} |")
    return _HEAD + "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
