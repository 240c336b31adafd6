"""F33: memory and open files are taken away from a pull and from a running daemon, and given back.

What fails says so in words, ends by itself and stores nothing in part; the daemon goes on where it was.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.installation import Installation
from tests.integration.test_daemon_full_disk import wait_for

SCHEDULE = """
[schedule]
pull = "1h"
watch = "3s"
stale_after = "4h"
"""
_STARVED = """
import resource, sys
from syncd import crashpoints
from syncd.cli.main import main
what, place = sys.argv.pop(1), sys.argv.pop(1)
def take(name):
    if name == place and what == "memory":
        size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    elif name == place:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
crashpoints.install(take)
main()
"""
"""A command of syncd that gets no more memory, or no more open files, once it has come to a crashpoint."""
_ENDINGS = {
    0: "",  # what it had was enough
    3: "error SYN",  # SYN011, or the words of whoever could not open a file
    1: "SystemError",  # the interpreter's own word where it cannot even make the exception
    -signal.SIGSEGV: "SystemError",  # after that word, as it ends: its collector dies without any memory
}


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation.make(tmp_path, companies=20, extra=SCHEDULE)
    made.syncd("db", "upgrade")
    yield made
    made.close()


def starved(installation: Installation, what: str, place: str) -> int:
    """A pull that is starved from a place on; how it ended. One that hangs fails the test."""
    command = [sys.executable, "-c", _STARVED, what, place, *installation.command("pull")[3:]]
    done = subprocess.run(command, capture_output=True, text=True, env=installation.environ, timeout=120, check=False)
    assert _ENDINGS[done.returncode] in done.stderr
    assert "Traceback" not in done.stderr
    assert what == "memory" or "open files" in done.stderr
    return done.returncode


def test_a_pull_without_memory_or_files_says_so_and_the_next_one_is_whole(installation: Installation) -> None:
    starved(installation, "memory", "pull.before_page")
    assert starved(installation, "files", "store.before_commit") == 3
    installation.syncd("pull")
    assert "0 changed" in installation.syncd("pull", "--full").stdout  # nothing was missed, nothing is stored in part
    assert json.loads(installation.syncd("db", "verify", "--format", "json").stdout)["ok"]


def test_a_daemon_without_files_answers_nobody_and_goes_on_when_it_has_them_again(installation: Installation) -> None:
    process = installation.start("serve")

    def finished(job: str) -> int:
        lines = [json.loads(line) for line in installation.log().splitlines() if line.startswith("{")]
        return sum(line.get("event") == "job.finished" and line["job"] == job for line in lines)

    try:
        wait_for(lambda: finished("sync") > 0, "the first pull")
        usual = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (8, usual[1]))  # it has these eight, and more
        told = installation.log().count("SYN011")
        wait_for(lambda: installation.log().count("SYN011") > told, "words about it")
        # the system gave the socket its next open file when it began to listen: one more request is taken up
        assert "SYN011" in installation.syncd("adopt", code=3).stderr
        command = installation.command("adopt")
        with subprocess.Popen(command, env=installation.environ, stdout=subprocess.PIPE) as asking:
            try:
                with pytest.raises(subprocess.TimeoutExpired):
                    asking.wait(timeout=2)
                assert process.poll() is None
                resource.prlimit(process.pid, resource.RLIMIT_NOFILE, usual)
                before = finished("watch")
                assert b"adopted the owners of" in asking.communicate(timeout=60)[0]
            finally:
                asking.kill()
        wait_for(lambda: finished("watch") > before, "a watch after there is room again")
        process.terminate()
        assert process.wait(timeout=40) == 0
    finally:
        process.kill()
        process.wait(timeout=40)
    assert "Traceback" not in installation.log()
