"""The daemon outlives a disk that is full: it says so, writes nothing, goes on; a read-only one is told in words."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncd.clock import SystemClock
from tests.integration.installation import Installation

CLOCK = SystemClock()
SETTINGS = """
[schedule]
pull = "2s"
watch = "2s"
stale_after = "10min"
[database]
url = "sqlite:///{disk}/syncd.db"
[[receivers]]
name = "file"
type = "file"
path = "{folder}/alerts.jsonl"
"""


def mount(*words: str) -> bool:
    done = subprocess.run(["mount", *words], capture_output=True, check=False)
    return done.returncode == 0


def wait_for(truth: Callable[[], bool], what: str, seconds: float = 60) -> None:
    until = CLOCK.monotonic() + seconds
    while not truth():
        assert CLOCK.monotonic() < until, f"waited {seconds} s for {what}"
        CLOCK.sleep(0.1)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own, with nothing on it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)):
        pytest.skip("NOT TESTED: this user may not mount a file system; test_operations_backup limits a file instead")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_outlived_and_a_read_only_one_is_told(disk: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    installation = Installation.make(home, companies=15, extra=SETTINGS.format(disk=disk, folder=home))

    def events(name: str) -> int:
        lines = installation.log().splitlines()
        return sum(line.startswith("{") and json.loads(line).get("event") == name for line in lines)

    def went_on(job: str, before: int) -> Callable[[], bool]:
        return lambda: count(job) > before

    def count(job: str) -> int:
        lines = [json.loads(line) for line in installation.log().splitlines() if line.startswith("{")]
        return sum(line.get("event") == "job.finished" and line["job"] == job for line in lines)

    installation.syncd("db", "upgrade")
    process = installation.start("serve")
    try:
        wait_for(went_on("watch", 0), "the first watch")
        fill(disk / "ballast")
        wait_for(lambda: events("storage.failing") == 1, "the words about a full disk")
        assert process.poll() is None
        (disk / "ballast").unlink()
        wait_for(went_on("watch", count("watch")), "a watch after the disk has room again")
        wait_for(went_on("sync", count("sync")), "a sync after the disk has room again")
        process.terminate()
        assert process.wait(timeout=40) == 0
        assert mount("-o", "remount,ro", str(disk))
        assert "SYN60" in installation.syncd("watch", code=3).stderr
        installation.syncd("doctor", code=3)
        assert mount("-o", "remount,rw", str(disk))
        installation.syncd("watch")
        assert json.loads(installation.syncd("db", "verify", "--format", "json").stdout)["ok"]
    finally:
        process.kill()
        process.wait(timeout=40)
        installation.close()
    assert "SYN607" in installation.log()
    assert "Traceback" not in installation.log()


def fill(ballast: Path) -> None:
    """Leave not a byte."""
    with ballast.open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(b"x" * size)
            except OSError:
                size //= 2
