"""Mutants: one operator, constant or condition of a module is changed at a time, and the module's own tests are run.

In a copy of the tree. A mutant that no test kills shows what no test looks at.
`python -m tests.mutants [MODULE…] [--most N]`. It is small on purpose: comparisons, boolean words, conditions, `+` and
`-`, numbers, True and False.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.planted.planting import ROOT, copy_of_tree
from tests.reliability_page import put

_KEPT = ROOT / "build" / "mutants.jsonl"
TESTS: Mapping[str, tuple[str, ...]] = {
    "syncd/planning/writing/verdicts.py": (
        "tests/unit/planning/test_planning_verdicts.py",
        "tests/unit/planning/test_planning_apply.py",
        "tests/unit/planning/test_planning_doubt.py",
    ),
    "syncd/planning/proposing/staleness.py": (
        "tests/unit/planning/test_planning_staleness.py",
        "tests/unit/planning/test_planning_caps.py",
        "tests/unit/planning/test_planning_apply.py",
        "tests/unit/jobs/test_jobs_fields.py",
        "tests/unit/jobs/test_jobs_apply.py",
    ),
    "syncd/planning/approval.py": ("tests/unit/planning/test_planning_approval.py",),
    "syncd/planning/proposing/guard.py": ("tests/unit/planning/test_planning_guard.py",),
    "syncd/planning/proposing/windows.py": (
        "tests/unit/planning/test_planning_plan_times.py",
        "tests/unit/planning/test_planning_guard.py",
    ),
    "syncd/store/outbox.py": ("tests/unit/store/test_store_outbox.py",),
    "syncd/rules/deciding/precedence.py": (
        "tests/unit/rules/test_rules_precedence.py",
        "tests/unit/rules/test_rules_following.py",
        "tests/unit/rules/test_rules_retrieve.py",
    ),
}
"""The modules, and which tests are their own."""
_SWAPS: Mapping[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module's text with one thing changed: where, and what."""

    module: str
    line: int
    change: str
    text: str


def mutants(module: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines."""
    source = (ROOT / module).read_text(encoding="utf-8")
    count = len(list(_places(ast.parse(source))))
    for number in range(count):
        tree = ast.parse(source)
        node, attribute, index = list(_places(tree))[number]
        change = _changed(node, attribute, index)
        if change is not None:
            yield Mutant(module, getattr(node, "lineno", 0), change, ast.unparse(tree))


def _places(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int]]:
    """What could be changed: the node, the attribute of it, and which of several."""
    how_made = {
        id(part) for node in ast.walk(tree) for one in getattr(node, "decorator_list", ()) for part in ast.walk(one)
    }
    for node in ast.walk(tree):
        if id(node) in how_made:  # that a value cannot be changed, or has slots: no answer depends on it
            continue
        if isinstance(node, ast.Compare):
            yield from ((node, "ops", index) for index in range(len(node.ops)))
        elif isinstance(node, ast.BoolOp | ast.BinOp):
            yield node, "op", 0
        elif isinstance(node, ast.If | ast.IfExp | ast.While):
            yield node, "test", 0
        elif isinstance(node, ast.Constant) and type(node.value) in (bool, int):
            yield node, "value", 0


def _changed(node: ast.AST, attribute: str, index: int) -> str | None:
    """Change it, and say how; None for what has no other."""
    before = ast.unparse(node)
    value = getattr(node, attribute)
    if isinstance(value, list):
        value[index] = _SWAPS[type(value[index])]()
    elif attribute == "op":
        if type(value) not in _SWAPS or (isinstance(value, ast.Add) and "'" in before):
            return None
        setattr(node, attribute, _SWAPS[type(value)]())
    elif attribute == "test":
        setattr(node, attribute, ast.UnaryOp(ast.Not(), value))
    else:
        setattr(node, attribute, not value if isinstance(value, bool) else value + 1)
    return f"{_head(before)} → {_head(ast.unparse(node))}"


def _head(text: str) -> str:
    return text.partition("\n")[0][:80]


def survives(mutant: Mutant, tree: Path) -> bool:
    """Whether the module's own tests pass all the same."""
    path = tree / mutant.module
    whole = path.read_text(encoding="utf-8")
    path.write_text(mutant.text, encoding="utf-8")
    environ = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not postgres"]
    command += TESTS[mutant.module]
    try:
        done = subprocess.run(command, cwd=tree, env=environ, capture_output=True, timeout=300, check=False)
    except subprocess.TimeoutExpired:
        return False
    finally:
        path.write_text(whole, encoding="utf-8")
    return done.returncode == 0


def main(arguments: list[str]) -> int:
    """Run the mutants of the modules named, or of all: at most N of each, spread over it; write the table anew."""
    most = int(arguments[arguments.index("--most") + 1]) if "--most" in arguments else 1_000
    named = [one for one in arguments if one.endswith(".py")] or list(TESTS)
    with tempfile.TemporaryDirectory() as folder, copy_of_tree(Path(folder)) as tree:
        for module in named:
            found = list(mutants(module))
            chosen = found[:: max(1, -(-len(found) // most))]
            alive = []
            for mutant in chosen:
                if survives(mutant, tree):
                    alive.append(f"{mutant.line}: {mutant.change}")
                    sys.stdout.write(f"{module}:{mutant.line}: survived: {mutant.change}\n")
                    sys.stdout.flush()
            _keep(module, len(found), len(chosen), alive)
            sys.stdout.write(f"{module}: {len(chosen) - len(alive)} of {len(chosen)} killed, of {len(found)}\n")
            sys.stdout.flush()
    put(ROOT / "docs" / "reliability.md", "mutants", table())
    return 0


def _keep(module: str, found: int, run: int, alive: list[str]) -> None:
    _KEPT.parent.mkdir(exist_ok=True)
    with _KEPT.open("a", encoding="utf-8") as file:
        file.write(json.dumps([module, found, run, alive]) + "\n")


def table() -> str:
    """The latest figures of each module as Markdown."""
    lines = _KEPT.read_text(encoding="utf-8").splitlines() if _KEPT.exists() else []
    latest = {module: rest for module, *rest in map(json.loads, lines)}
    rows = [
        f"| {module} | {found} | {run} | {run - len(alive)} | {100 * (run - len(alive)) / max(run, 1):.0f} % |"
        for module, (found, run, alive) in latest.items()
    ]
    return "| module | mutants | run | killed | score |\n|---|---|---|---|---|\n" + "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
