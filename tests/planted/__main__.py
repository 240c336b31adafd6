"""`python -m tests.planted [WORD]`: plant each bug whose name or invariant has the word, and tell who caught it.

Without a word the table in docs/reliability.md is written anew. Exit code 1 where a bug was not caught.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.planted.planting import ROOT, Verdict, bugs, caught, copy_of_tree
from tests.reliability_page import put

_ACTED = "| breaks | planted bug | caught by | which said |\n|---|---|---|---|\n"


def main() -> int:
    """Plant and tell."""
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [bug for bug in bugs() if word in (bug.breaks, "") or word in bug.name]
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory() as folder, copy_of_tree(Path(folder)) as tree:
        for bug in chosen:
            verdict = caught(bug, tree)
            verdicts.append(verdict)
            told = f"{bug.breaks}  {bug.name}: {verdict.by or 'NOT CAUGHT'}: {verdict.words}\n"
            sys.stdout.write(told)
            sys.stdout.flush()
    missed = [one for one in verdicts if one.by is None]
    if not word:
        put(ROOT / "docs" / "reliability.md", "planted", table(verdicts))
    sys.stdout.write(f"{len(verdicts) - len(missed)} of {len(verdicts)} bugs caught\n")
    return 1 if missed else 0


def table(verdicts: list[Verdict]) -> str:
    """The verdicts as Markdown, in the order of the invariants."""
    ordered = sorted(verdicts, key=lambda one: (one.bug.breaks[0] != "I", one.bug.breaks))
    return _ACTED + "\n".join(
        f"| {one.bug.breaks} | {one.bug.name} | {one.by or '**nobody**'} | {one.words if one.by else ''} |"
        for one in ordered
    )


if __name__ == "__main__":
    sys.exit(main())
