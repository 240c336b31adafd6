"""The table of coverage in docs/reliability.md, from what `coverage json` wrote: `python -m tests.coverage_table X`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.reliability_page import put

ROOT = Path(__file__).parents[1]
_ROOMS = ("syncd/rules", "syncd/planning", "syncd/store/outbox.py")
_HEAD = "| room | lines | of these run | branches | of these taken |\n|---|---|---|---|---|\n"
_MOST = 12


def table(document: Mapping[str, Any]) -> str:
    """The figures of each room, and the files in which most branches are never taken."""
    lines = [_row(room, document["files"]) for room in _ROOMS]
    left = [(one["summary"]["missing_branches"], name) for name, one in document["files"].items()]
    worst = [f"{name} ({count})" for count, name in sorted(left, reverse=True)[:_MOST] if count]
    return f"{_HEAD}{chr(10).join(lines)}\n\nMost branches not taken: {', '.join(worst) or 'none'}."


def _row(room: str, files: Mapping[str, Any]) -> str:
    total: Counter[str] = Counter()
    for name, one in files.items():
        if name.startswith(room):
            total.update({key: value for key, value in one["summary"].items() if isinstance(value, int)})
    lines, branches = total["num_statements"], total["num_branches"]
    ran = f"{100 * total['covered_lines'] / max(lines, 1):.1f} %"
    taken = f"{100 * total['covered_branches'] / max(branches, 1):.1f} %"
    return f"| {room} | {lines:,} | {ran} | {branches:,} | {taken} |"


if __name__ == "__main__":
    put(ROOT / "docs" / "reliability.md", "coverage", table(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
