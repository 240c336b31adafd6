"""docs/extending.md names every module that asks which CRM it has before it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "extending.md"
ASKS = re.compile(r"\bSystem\.(SALESFORCE|HUBSPOT)\b")
NAMED = re.compile(r"^\| `([a-z_/]+\.py)` \|", re.MULTILINE)


def test_every_module_that_asks_for_the_system_is_named() -> None:
    asking = {
        path.relative_to(ROOT / "syncd").as_posix()
        for path in (ROOT / "syncd").rglob("*.py")
        if "connectors" not in path.parts and "sandbox" not in path.parts and ASKS.search(path.read_text())
    }
    assert set(NAMED.findall(PAGE.read_text())) == asking
