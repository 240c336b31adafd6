from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from syncd.cli.main import cli
from syncd.cli.manual import commands

ROOT = Path(__file__).parents[3]
HEAVY = {"sqlalchemy", "hubspot", "simple_salesforce", "pydantic", "structlog", "zeep", "requests", "yaml"}
EVERY = list(commands())


@pytest.mark.parametrize(("words", "command"), EVERY, ids=[words for words, _ in EVERY])
def test_every_command_has_help_with_an_example_that_fits_the_screen(words: str, command: click.Command) -> None:
    result = CliRunner().invoke(cli, [*words.split(), "--help"], terminal_width=80)
    assert result.exit_code == 0
    assert command.help
    assert f"syncd {words.split()[0]}" in result.output.split("Example", 1)[1]
    assert max(len(line) for line in result.output.splitlines()) <= 80


@pytest.mark.parametrize("words", [words for words, _ in EVERY])
def test_every_command_stands_in_the_docs(words: str) -> None:
    docs = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert re.search(rf"`syncd {re.escape(words)}\b", docs), f"docs/commands.md does not show `syncd {words}`"


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from syncd.cli.main import cli;"
        "cli.main(['--help'], standalone_mode=False); print(','.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "Commands:" in done.stdout
    assert {name.partition(".")[0] for name in done.stderr.split(",")} & HEAVY == set()


def test_a_mistyped_command_is_answered_with_a_suggestion() -> None:
    done = subprocess.run([sys.executable, "-m", "syncd", "plna"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Did you mean 'plan'?" in done.stderr


def test_a_bug_is_one_line_and_exit_code_1_without_a_traceback(tmp_path: Path) -> None:
    script = (
        "import sys; from syncd.cli import main as m; from syncd.cli.commands import schema as s;"
        "s.schema.callback = lambda *a, **k: 1 / 0; sys.argv = ['syncd', 'schema']; m.main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert "error SYN001: something unexpected happened: ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr
