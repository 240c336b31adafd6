"""Commands as real processes by the hundred: a server that has imported syncd forks one for each, and may kill it.

A new interpreter takes longer to start than most commands run, so that a loop of kills would mostly kill imports. A
forked child is a process like any other to the kernel, the database and the CRMs: SIGKILL leaves it no word to say,
and it ends as an interpreter does.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_SERVER = """
import json, os, signal, sys, time
import syncd.cli.main, syncd.jobs.sync, syncd.jobs.plans.apply, syncd.jobs.plans.plan
import syncd.jobs.pulling.pull, syncd.jobs.watching.watch
import syncd.cli.commands.sync, syncd.cli.commands.plan, syncd.cli.commands.pull, syncd.cli.commands.apply
import syncd.connectors.salesforce.reader, syncd.connectors.salesforce.writer
import syncd.connectors.hubspot.reader, syncd.connectors.hubspot.writer
import alembic.command, publicsuffixlist, simple_salesforce, yaml
orders = sys.stdin
for line in orders:
    order = json.loads(line)
    pid = os.fork()
    if pid == 0:
        os.environ.clear()
        os.environ.update(order["environ"])
        os.chdir(order["folder"])
        for number, name in ((1, order["out"]), (2, order["err"])):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdin = open(0, closefd=False)
        sys.argv = ["syncd", *order["argv"]]
        sys.exit(syncd.cli.main.main())
    until = time.monotonic() + order["seconds"]
    done, status = os.waitpid(pid, os.WNOHANG)
    while not done and time.monotonic() < until:
        time.sleep(0.002)
        done, status = os.waitpid(pid, os.WNOHANG)
    if not done:
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


@cache
def _server() -> subprocess.Popen[str]:
    """The server of this process, which ends with it; one command at a time."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        text=True,
    )
    atexit.register(_end, process)
    return process


def _end(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=30)


def run_forked(argv: list[str], *, environ: Mapping[str, str], out: Path, err: Path, seconds: float = 300) -> int:
    """The exit code of `syncd argv`, -9 where it was killed after so many seconds.

    What it says is appended to the files `out` and `err`.
    """
    order = {
        "argv": argv,
        "environ": dict(environ),
        "folder": os.getcwd(),
        "out": str(out),
        "err": str(err),
        "seconds": seconds,
    }
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps(order) + "\n")
    server.stdin.flush()
    return int(server.stdout.readline())


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
