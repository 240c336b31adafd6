"""Processes that are killed, and processes that write at the same time."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from store_builders import SF

from syncd.clock import ManualClock
from syncd.model.refs import Kind
from syncd.store import mirror
from syncd.store.engine import Store

_WRITER = """
import os, signal, sys
from dataclasses import replace
sys.path[:0] = [{room!r}, {root!r}]
from store_builders import LIVE, account, page
from syncd import crashpoints
from syncd.clock import SystemClock
from syncd.store import mirror
from syncd.store.engine import Store
from tests.databases import NOW

url, point, at, first, pages = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
passed = 0
def kill(name):
    global passed
    passed += name == point
    if passed == at:
        os.kill(os.getpid(), signal.SIGKILL)
crashpoints.install(kill)
store = Store.open(url, clock=SystemClock())
for number in range(first, first + pages):
    with store.write() as conn:
        cursor = mirror.get_cursor(conn, LIVE.system, LIVE.kind)
        done = int(cursor.resume or 0)
        records = [account(f"{{number:04}}-{{n}}") for n in range(20)]
        mirror.store_page(conn, page(*records), replace(LIVE, resume=str(done + 1)), now=NOW, run_id="r")
    print(number, flush=True)
store.close()
"""


def _writer(url: str, *, point: str = "none", at: int = 1, first: int = 0, pages: int = 5) -> subprocess.Popen[str]:
    room = Path(__file__).parent
    script = _WRITER.format(room=str(room), root=str(room.parents[2]))
    arguments = [sys.executable, "-c", script, url, point, str(at), str(first), str(pages)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def _stored(url: str, clock: ManualClock) -> tuple[int, int]:
    """How many records there are, and how many pages the cursor counts."""
    store = Store.open(url, clock=clock)
    try:
        with store.read() as conn:
            count = len(list(mirror.records(conn, SF, Kind.ACCOUNT)))
            return count, int(mirror.get_cursor(conn, SF, Kind.ACCOUNT).resume or 0)
    finally:
        store.close()


@pytest.mark.parametrize(("point", "pages"), [("store.before_commit", 2), ("store.after_commit", 3)])
def test_killed_writer_leaves_page_and_cursor_together(
    store_url: str, clock: ManualClock, point: str, pages: int
) -> None:
    writer = _writer(store_url, point=point, at=3)
    acknowledged = len(writer.communicate(timeout=60)[0].split())
    assert writer.returncode == -signal.SIGKILL
    assert acknowledged == 2
    assert _stored(store_url, clock) == (pages * 20, pages)


def test_writer_killed_at_any_moment_loses_nothing_it_acknowledged(store_url: str, clock: ManualClock) -> None:
    writer = _writer(store_url, pages=100_000)
    assert writer.stdout is not None
    for _ in range(3):
        writer.stdout.readline()
    time.sleep(0.03)  # noqa: TID251 - a real process runs meanwhile
    writer.kill()
    acknowledged = 3 + len(writer.communicate(timeout=60)[0].split())
    count, pages = _stored(store_url, clock)
    assert count == pages * 20
    assert pages >= acknowledged


def test_two_processes_write_in_turn(store_url: str, clock: ManualClock) -> None:
    """Each reads the cursor, then writes it: a lost update or a BUSY_SNAPSHOT would show."""
    writers = [_writer(store_url, first=first, pages=12) for first in (0, 500)]
    for writer in writers:
        assert len(writer.communicate(timeout=60)[0].split()) == 12
        assert writer.returncode == 0
    assert _stored(store_url, clock) == (24 * 20, 24)
