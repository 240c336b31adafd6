"""The demonstration, as `make demo` runs it. It checks its own claims: what is left is that it ends well."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_demonstration_shows_the_whole_main_job(tmp_path: Path) -> None:
    kept = tmp_path / "northwind"
    command = [sys.executable, "-m", "syncd", "demo", "--keep", str(kept)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "the plan's, and no other." in done.stdout
    assert "plan: nothing to do" in done.stdout
    for alert in ("AccountChurned", "RepLeft", "AttainmentBelow"):
        assert alert in done.stdout
    assert "(territories.yaml:" in done.stdout.split("Why is this account theirs?")[1]
    assert "Traceback" not in done.stderr
    assert {"config.toml", "pack", "syncd.db"} <= {entry.name for entry in kept.iterdir()}
    again = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert again.returncode == 2
    assert "SYN004" in again.stderr
