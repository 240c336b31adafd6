"""Commands as real processes by the hundred: a server that has imported syncd forks one for each, and may kill it.

A new interpreter takes longer to start than most commands run, so that a loop of kills would mostly kill imports. A
forked child is a process like any other to the kernel, the database and the CRMs: SIGKILL leaves it no word to say.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_SERVER = """
import json, os, signal, sys, time
import syncd.cli.main, syncd.jobs.sync, syncd.jobs.plans.apply, syncd.jobs.plans.plan
import syncd.jobs.pulling.pull, syncd.jobs.watching.watch
import syncd.cli.commands.sync, syncd.cli.commands.plan, syncd.cli.commands.pull, syncd.cli.commands.apply
for line in sys.stdin:
    order = json.loads(line)
    pid = os.fork()
    if pid == 0:
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1); os.dup2(log, 2)
        null = os.open(os.devnull, os.O_RDONLY); os.dup2(null, 0)
        sys.argv = ["syncd", *order["argv"]]
        code = 1
        try:
            syncd.cli.main.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        finally:
            sys.stdout.flush(); sys.stderr.flush()
            os._exit(code)
    until = time.monotonic() + order["seconds"]
    done, status = os.waitpid(pid, os.WNOHANG)
    while not done and time.monotonic() < until:
        time.sleep(0.002)
        done, status = os.waitpid(pid, os.WNOHANG)
    if not done:
        os.kill(pid, order["signal"])
        _, status = os.waitpid(pid, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


@dataclass
class Forks:
    """The server; one command at a time."""

    process: subprocess.Popen[str]
    config: Path

    @classmethod
    def start(cls, folder: Path, environ: dict[str, str]) -> Forks:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            text=True,
        )
        return cls(process, folder / "config.toml")

    def run(self, *argv: str, seconds: float = 120, signal: int = 9) -> int:
        """The exit code of a command, the negative number of the signal where it was ended after so many seconds."""
        order = {
            "argv": ["--config", str(self.config), *argv],
            "seconds": seconds,
            "signal": int(signal),
            "log": str(self.config.parent / "log"),
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


def descendants(pid: int) -> list[int]:
    """The processes that this one started and that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            if parent == pid:
                found.append(int(entry.name))
    return found


def alive(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False
