"""Golden files: what a renderer prints, kept under tests/golden and compared byte for byte.

`pytest -p tests.golden_files --golden-refresh` writes them anew; the diff is then what a person looks at.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that refreshes the files."""
    parser.addoption("--golden-refresh", action="store_true", help="write tests/golden anew from what is printed now")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden("plan_text/one_change.txt", text)`: the text is what stands in the file."""

    def check(name: str, text: str) -> None:
        path = FOLDER / name
        if request.config.getoption("--golden-refresh", default=False):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
            return
        if not path.exists():
            pytest.fail(
                f"there is no golden file {name}: run pytest -p tests.golden_files --golden-refresh and look at it"
            )
        expected = path.read_bytes().decode("utf-8")
        if text != expected:
            diff = difflib.unified_diff(expected.splitlines(), text.splitlines(), "golden", "printed", lineterm="")
            pytest.fail(f"{name} is printed differently:\n" + "\n".join(diff), pytrace=False)

    return check
