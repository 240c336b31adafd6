"""Which lane of the tests takes how long: `make lanes`, or `-p tests.lanes` on any run of pytest.

A lane is a folder of tests, `unit` by its rooms. Seconds are those that the tests themselves took (set-up and tear-down
included), added up over all processes: on two processes half of that passes on the clock. At the end the table is
printed as Markdown, and the slowest tests under it; LANES=page also puts it into docs/performance.md.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path, PurePosixPath

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_MARKS = re.compile(r"(<!-- lanes: begin -->\n).*?(<!-- lanes: end -->)", re.DOTALL)
_SLOWEST = 15
_seconds: Counter[str] = Counter()
"""By test; xdist's workers send their reports to the process that prints."""


def lane_of(test: str) -> str:
    """The lane of a test by its node id: `unit/rules`, `integration`."""
    parts = PurePosixPath(test.partition("::")[0]).parts[1:]
    return "/".join(parts[: 2 if parts[0] == "unit" else 1])


def table(seconds: Counter[str]) -> list[str]:
    """The lanes, longest first, with their tests and seconds, and all of them, as lines of Markdown."""
    lanes: Counter[str] = Counter()
    tests: Counter[str] = Counter()
    for test, took in seconds.items():
        lanes[lane_of(test)] += took  # type: ignore[assignment]
        tests[lane_of(test)] += 1
    lines = ["| lane | tests | seconds |", "|---|---|---|"]
    lines += [f"| {lane} | {tests[lane]:,} | {took:,.0f} |" for lane, took in lanes.most_common()]
    lines.append(f"| all | {sum(tests.values()):,} | {sum(lanes.values()):,.0f} |")
    return lines


def slowest(seconds: Counter[str]) -> list[str]:
    """The tests that take longest, a line each."""
    return [f"{took:6.1f} s  {test}" for test, took in seconds.most_common(_SLOWEST)]


def renewed(page: str, lines: list[str]) -> str:
    """A page with these lines between its marks; ValueError for a page without them."""
    text, count = _MARKS.subn(lambda found: found[1] + "\n".join(lines) + "\n" + found[2], page)
    if count != 1:
        raise ValueError("the page has no place for the table of lanes")
    return text


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Adds one phase of one test."""
    _seconds[report.nodeid] += report.duration  # type: ignore[assignment]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the table."""
    if _seconds:
        terminalreporter.write_line("\n".join([*table(_seconds), "", *slowest(_seconds)]))
        if os.environ.get("LANES") == "page":
            PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), table(_seconds)), encoding="utf-8")
