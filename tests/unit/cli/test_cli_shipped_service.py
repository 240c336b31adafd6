"""What ships for a machine: the unit and how hard it is, the manual page, the completions."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from syncd.cli import manual
from syncd.cli.catalogue import COMMANDS
from syncd.cli.main import cli

ROOT = Path(__file__).parents[3]
UNIT = ROOT / "deploy" / "systemd" / "syncd.service"


def directives(path: Path) -> list[tuple[str, str]]:
    lines = (line.partition("=") for line in path.read_text().splitlines() if line and line[0] not in "#[")
    return [(name, value) for name, _, value in lines]


def test_the_unit_is_hard_enough() -> None:
    """At most 1.5 of 10 by systemd's own measure, which it takes times ten as a threshold."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("NOT TESTED: no systemd-analyze on this machine")
    words = [program, "security", "--offline=true", "--no-pager", "--threshold=15", str(UNIT)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    level = re.search(r"exposure level for .*: ([\d.]+)", done.stdout)
    assert level is not None
    assert float(level[1]) <= 1.5


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("NOT TESTED: no systemd-analyze on this machine")
    text = UNIT.read_text().replace("/usr/bin/syncd", "/bin/true").replace("Documentation=man:syncd(1)\n", "")
    (tmp_path / "syncd.service").write_text(text)
    done = subprocess.run(
        [program, "verify", "--man=no", str(tmp_path / "syncd.service")], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "syncd.service" in line]
    assert ours == []


def test_the_unit_keeps_its_promises() -> None:
    found = dict(directives(UNIT))
    assert found["Type"] == "notify"
    assert found["User"] == found["Group"] == "syncd", "a static user"
    assert found["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert int(found["TimeoutStopSec"]) > 20 + 15, "children finish their call, and are killed after 20 s"
    assert "PrivateUsers" not in found, "it would hide who asks at the control socket"
    credentials = [value.split(":")[0] for name, value in directives(UNIT) if name == "LoadCredential"]
    assert set(credentials) == {"salesforce_private_key", "salesforce_client_secret", "hubspot_token"}
    drop_in = dict(directives(ROOT / "deploy" / "systemd" / "notify-reload.conf"))
    assert drop_in["Type"] == "notify-reload"


def test_init_prints_the_unit_with_the_path_of_this_program() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "syncd"), "init", "--systemd"], capture_output=True, text=True, check=True
    )
    started = next(line for line in done.stdout.splitlines() if line.startswith("ExecStart="))
    program = Path(started.removeprefix("ExecStart=").split()[0])
    assert program.is_absolute()
    assert program.name == "syncd"
    assert done.stdout.replace(started, "") == UNIT.read_text().replace(
        "ExecStart=/usr/bin/syncd --config /etc/syncd/config.toml serve", ""
    )


def test_init_for_systemd_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(cli, ["init", "--systemd"]).exit_code == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(manual.files()))
def test_the_shipped_manual_and_completions_are_current(name: str) -> None:
    shipped = (ROOT / "deploy" / name).read_text()
    assert shipped == manual.files()[name], "the commands changed: run `make man`"


def test_the_manual_has_every_command_and_groff_takes_it(tmp_path: Path) -> None:
    page = manual.man_page()
    for name in COMMANDS:
        assert f"syncd {name}".replace("-", "\\-") in page
    if shutil.which("man") is None:
        pytest.skip("NOT TESTED: no man on this machine")
    (tmp_path / "syncd.1").write_text(page)
    done = subprocess.run(
        ["man", "--warnings", "-l", str(tmp_path / "syncd.1")],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "MANPAGER": "cat", "MANWIDTH": "100"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "syncd db restore" in done.stdout


def test_bash_completes_commands() -> None:
    script = manual.completion("bash")
    assert "_SYNCD_COMPLETE=bash_complete" in script
    done = subprocess.run(
        [sys.executable, "-m", "syncd"],
        capture_output=True,
        text=True,
        check=False,
        env={"_SYNCD_COMPLETE": "bash_complete", "COMP_WORDS": "syncd fr", "COMP_CWORD": "1", "PATH": "/usr/bin"},
    )
    assert "freeze" in done.stdout


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    """Measured by what is imported, which does not depend on the machine: see docs/performance.md for the time."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "syncd", "--help"], capture_output=True, text=True, check=True
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    heavy = {"sqlalchemy", "pydantic", "requests", "apscheduler", "yaml", "structlog", "hubspot", "alembic"}
    assert imported & heavy == set()


def test_the_daemon_imports_no_dataframe_library() -> None:
    script = "import sys, syncd.jobs.daemon.service; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & {"numpy", "polars", "pandas", "pyarrow", "pyspark", "highspy"} == set()
