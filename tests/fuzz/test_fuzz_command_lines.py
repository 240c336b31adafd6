"""Whatever is typed, a command ends by itself, with a documented exit code and without a traceback.

`make fuzz-commands LINES=n FIRST=k` is the long run: so many lines from each seed on. A line that failed stands in
`tests/unit/cli/test_cli_words.py` once it is mended.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.errors import ExitCode
from tests.fuzz.command_lines import lines
from tests.integration.installation import Installation

COUNT = int(os.environ.get("LINES_DRAWN", "60"))
SEED = int(os.environ.get("FIRST", "1"))
EACH = 30
"""So many lines share a folder: some of them erase, restore and take syncd out of service."""
SECONDS = 90.0
ENDS = {*ExitCode} - {ExitCode.BUG}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation with a book, owners and a plan that waits, beside two CRMs."""
    made = Installation.make(tmp_path_factory.mktemp("lines") / "home" / "in" / "a" / "folder", companies=20)
    try:
        for words in (["db", "upgrade"], ["pull"], ["adopt"], ["plan"]):
            made.syncd(*words)
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("part", range(-(-COUNT // EACH)))
def test_no_command_line_ends_in_a_bug(
    part: int, home: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in" / "a" / "folder"
    shutil.copytree(home.folder, folder)
    monkeypatch.chdir(folder)
    copy = Installation(folder, home.sandboxes, home.environ)
    for words in lines(SEED + part, min(EACH, COUNT - part * EACH)):
        out, err = tmp_path / "out", tmp_path / "err"
        for file in (out, err):
            file.write_bytes(b"")
        code = copy.run(*words, out=out, err=err, seconds=SECONDS)
        told = err.read_text(errors="replace")
        assert code in ENDS, f"{code}: syncd {shlex.join(words)}\n{told[-2000:]}"
        assert "Traceback" not in told, f"syncd {shlex.join(words)}\n{told[-2000:]}"
