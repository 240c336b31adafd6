"""The daemon's parts, each for itself: snapshots, child processes, the schedule, and its lease after a kill."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jobs_world import NOW
from sqlalchemy import Connection

from syncd.clock import SystemClock
from syncd.entropy import SeededEntropy
from syncd.errors import ConfigError, ExitCode, InputError, LeaseHeldError, MachineError
from syncd.jobs.daemon.children import KILLED, Children
from syncd.jobs.daemon.control import ControlServer
from syncd.jobs.daemon.schedule import Schedule, Task
from syncd.jobs.daemon.service import Daemon
from syncd.jobs.daemon.snapshot import Snapshot, take_snapshot
from syncd.jobs.leadership import TTL, Leadership, holder_is_gone, leadership
from syncd.store import lease
from syncd.store.engine import Store

CLOCK = SystemClock()
GOOD = """format: 1
pack: {{name: {name}}}
territories:
  - {{name: all, when: always, owners: [a@x.example]}}
"""


class Told:
    """A log that remembers."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []

    def event(self, name: str, **facts: object) -> None:
        self.events.append((name, facts))

    def bind(self, **facts: object) -> Told:
        return self

    def names(self) -> list[str]:
        return [name for name, _ in self.events]


@pytest.fixture
def folder(tmp_path: Path, empty_database: Path) -> Path:
    shutil.copyfile(empty_database, tmp_path / "syncd.db")
    write_pack(tmp_path, "first")
    (tmp_path / "config.toml").write_text(
        '[hubspot]\nbase_url = "http://127.0.0.1:9"\n[control]\nsocket = "control.sock"\n'
    )
    return tmp_path


def write_pack(folder: Path, name: str) -> None:
    (folder / "pack").mkdir(exist_ok=True)
    (folder / "pack" / "pack.yaml").write_text(GOOD.format(name=name))


def snap(folder: Path, number: int, **environ: str) -> Snapshot:
    return take_snapshot(folder / "config.toml", environ, SeededEntropy(number), now=NOW)


def copies(folder: Path) -> list[str]:
    return sorted(entry.name for entry in (folder / "active").iterdir())


def test_a_snapshot_is_a_copy_that_later_edits_do_not_touch(folder: Path) -> None:
    shot = snap(folder, 1)
    write_pack(folder, "second")
    (folder / "config.toml").write_text("mode = 'nonsense'")
    copy = Path(shot.environ["SYNCD_PACK__PATH"]) / "pack.yaml"
    assert "name: first" in copy.read_text()
    assert "hubspot" in Path(shot.environ["SYNCD_CONFIG"]).read_text()
    assert shot.environ["SYNCD_CONFIG_FOLDER"] == str(folder)
    assert (folder / "active").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("trouble", ["pack", "config", "no pack", "pack is a file", "rates"])
def test_what_is_invalid_leaves_the_earlier_copy_alone(folder: Path, trouble: str) -> None:
    shot = snap(folder, 1)
    before = copies(folder)
    if trouble == "pack":
        (folder / "pack" / "pack.yaml").write_text("nonsense: [\n")
    elif trouble == "config":
        (folder / "config.toml").write_text("mode = 'nonsense'")
    elif trouble == "rates":
        (folder / "config.toml").write_text('[money]\nrates = "none.csv"\n[hubspot]\n')
    else:
        shutil.rmtree(folder / "pack")
        if trouble == "pack is a file":
            (folder / "pack").touch()
    with pytest.raises((InputError, ConfigError)) as caught:
        snap(folder, 2)
    assert caught.value.findings or caught.value.hint
    assert copies(folder) == before
    assert Path(shot.environ["SYNCD_PACK__PATH"]).is_dir()


def test_the_newest_copy_and_the_one_before_it_are_kept(folder: Path) -> None:
    shots = []
    for number in range(4):
        shots.append(Path(snap(folder, number).environ["SYNCD_PACK__PATH"]).parent)
        os.utime(shots[-1], (number, number))
    assert copies(folder) == sorted(path.name for path in shots[-2:])


def test_a_half_made_copy_never_becomes_active_and_goes_with_the_next(
    folder: Path, crash_at: Callable[..., type[BaseException]]
) -> None:
    first = snap(folder, 1)
    with pytest.raises(crash_at("daemon.before_snapshot")):
        snap(folder, 2)
    assert [name for name in copies(folder) if not name.startswith(".")] == [
        Path(first.environ["SYNCD_CONFIG"]).parent.name
    ]
    second = snap(folder, 3)
    assert copies(folder) == sorted(Path(shot.environ["SYNCD_CONFIG"]).parent.name for shot in (first, second))


def test_a_copy_that_was_whole_before_a_death_is_used_again(
    folder: Path, crash_at: Callable[..., type[BaseException]]
) -> None:
    with pytest.raises(crash_at("daemon.snapshot_taken")):
        snap(folder, 1)
    assert Path(snap(folder, 2).environ["SYNCD_PACK__PATH"]).is_dir()
    assert not [name for name in copies(folder) if name.startswith(".")]


def test_a_state_folder_that_cannot_be_written_says_what_to_do(folder: Path) -> None:
    (folder / "active").touch()
    with pytest.raises(ConfigError, match="SYN110") as caught:
        snap(folder, 1)
    assert "state_dir" in str(caught.value.hint)


@pytest.fixture
def run_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, list[tuple[str, str]]]]:
    """Runs a script as a child in the place of the command line: `python -m syncd` finds this one.

    No bytecode is kept: of two scripts of one length in one second the first would be run twice.
    """

    def run(script: str, deadline: float = 30.0, children: Children | None = None) -> tuple[int, list[tuple[str, str]]]:
        place = tmp_path / "child"
        place.mkdir(exist_ok=True)
        (place / "syncd.py").write_text(script)
        told: list[tuple[str, str]] = []
        family = children or Children(CLOCK, {**os.environ, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"})
        monkeypatch.chdir(place)
        code = family.run(["x"], extra={"EXTRA": "1"}, deadline=deadline, tell=lambda *line: told.append(line))
        return code, told

    return run


def test_a_child_gives_its_exit_code_and_lines(run_script: Callable[..., Any]) -> None:
    script = "import os, sys\nprint('out', os.environ['EXTRA'])\nprint('err', file=sys.stderr)\nsys.exit(6)"
    code, told = run_script(script)
    assert code == 6
    assert sorted(told) == [("stderr", "err"), ("stdout", "out 1")]


def test_a_child_that_is_killed_has_no_success(run_script: Callable[..., Any]) -> None:
    assert run_script("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")[0] == ExitCode.BUG
    assert run_script("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")[0] == KILLED


def test_a_deadline_kills_the_whole_process_group(run_script: Callable[..., Any], tmp_path: Path) -> None:
    script = (
        "import subprocess, sys, time\n"
        "grandchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(grandchild.pid, flush=True)\ntime.sleep(60)"
    )
    code, told = run_script(script, deadline=1.5)
    assert code == KILLED
    pid = int(told[0][1])
    until = CLOCK.monotonic() + 5
    while _lives(pid) and CLOCK.monotonic() < until:
        CLOCK.sleep(0.05)
    assert not _lives(pid)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_child_that_nobody_can_follow_is_ended(
    run_script: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Left alone it would go on beside the next one, and two that write read each other's rows in doubt."""

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    started: list[int] = []
    popen = subprocess.Popen

    def noted(*words: Any, **options: Any) -> Any:
        process = popen(*words, **options)
        started.append(process.pid)
        return process

    monkeypatch.setattr(threading.Thread, "start", start)
    monkeypatch.setattr("syncd.jobs.daemon.children.subprocess.Popen", noted)
    with pytest.raises(MachineError, match="SYN011"):
        run_script("import time\ntime.sleep(60)")
    assert len(started) == 1
    assert not _lives(started[0])


def test_stopping_ends_children_and_starts_no_more(run_script: Callable[..., Any], tmp_path: Path) -> None:
    family = Children(CLOCK, {**os.environ, "PYTHONPATH": str(tmp_path / "child")})
    ended: list[int] = []
    thread = threading.Thread(
        target=lambda: ended.append(run_script("import time\ntime.sleep(60)", children=family)[0])
    )
    thread.start()
    while not family._alive:
        CLOCK.sleep(0.01)
    family.stop()
    thread.join(timeout=10)
    assert ended == [ExitCode.BUG]
    assert run_script("print('never')", children=family) == (ExitCode.LEADER, [])


def test_tasks_run_when_due_one_at_a_time_and_what_fails_is_told() -> None:
    log = Told()
    schedule = Schedule(log)  # type: ignore[arg-type]
    ran: list[str] = []
    done = threading.Event()

    def fail() -> None:
        ran.append("fail")
        raise ValueError("x")

    def slow() -> None:
        ran.append("slow")
        CLOCK.sleep(0.25)
        done.set()

    now = CLOCK.now()
    schedule.put(Task("later", "work", timedelta(days=1), now + timedelta(days=1), lambda: ran.append("later")))
    schedule.put(Task("slow", "work", timedelta(milliseconds=100), now, slow))
    schedule.put(Task("fail", "watch", timedelta(days=1), now, fail))
    schedule.start()
    assert done.wait(5)
    schedule.stop()
    assert "later" not in ran
    assert ("job.missed", {"job": "fail", "reason": "failed", "error": "ValueError: x"}) in log.events


def daemon(folder: Path, log: Told) -> Daemon:
    environ = {"SYNCD_HUBSPOT__TOKEN": "x"}
    return Daemon(
        folder / "config.toml",
        clock=CLOCK,
        entropy=SeededEntropy(9),
        environ=environ,
        log=log,  # type: ignore[arg-type]
    )


@pytest.fixture
def signals() -> Any:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def open_store(folder: Path) -> Store:
    return Store.open(f"sqlite:///{folder}/syncd.db", clock=CLOCK)


def test_a_second_daemon_touches_nothing_that_the_first_ones_children_read(folder: Path, signals: None) -> None:
    active = snap(folder, 1)
    store = open_store(folder)
    with store.write() as conn:
        lease.acquire(conn, "elsewhere:boot:1:1", now=CLOCK.now(), ttl=TTL)
    for _ in range(3):
        with pytest.raises(LeaseHeldError, match="SYN701"):
            daemon(folder, Told()).run()
    assert Path(active.environ["SYNCD_PACK__PATH"]).is_dir()
    assert len(copies(folder)) == 1
    store.close()


@pytest.mark.parametrize("trouble", ["pack", "socket"])
def test_a_daemon_that_cannot_start_gives_the_lease_back(folder: Path, signals: None, trouble: str) -> None:
    if trouble == "pack":
        (folder / "pack" / "pack.yaml").write_text("nonsense: [\n")
    else:
        (folder / "control.sock").mkdir()
    with pytest.raises((InputError, ConfigError)) as caught:
        daemon(folder, Told()).run()
    assert caught.value.code in ("SYN200", "SYN112")
    store = open_store(folder)
    with store.read() as conn:
        assert lease.current(conn) is None
    store.close()


def test_a_renewal_that_comes_when_the_lease_is_given_back_takes_it_no_more(
    folder: Path, signals: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "control.sock").mkdir()
    tasks: list[Task] = []
    late: list[threading.Thread] = []
    put, release = Schedule.put, lease.release

    def keep(schedule: Schedule, task: Task) -> None:
        tasks.append(task)
        put(schedule, task)

    def release_late(conn: Connection, held: lease.Lease) -> None:
        release(conn, held)
        late.append(threading.Thread(target=next(task.action for task in tasks if task.name == "lease")))
        late[0].start()

    monkeypatch.setattr(Schedule, "put", keep)
    monkeypatch.setattr(lease, "release", release_late)
    with pytest.raises(ConfigError, match="SYN112"):
        daemon(folder, Told()).run()
    late[0].join()
    store = open_store(folder)
    with store.read() as conn:
        assert lease.current(conn) is None
    store.close()


def test_a_lease_of_a_process_that_was_killed_is_taken_over_at_once(folder: Path) -> None:
    script = (
        "import sys, time\nfrom datetime import timedelta\nfrom syncd.clock import SystemClock\n"
        "from syncd.jobs.leadership import holder_name\nfrom syncd.store import lease\n"
        "from syncd.store.engine import Store\n"
        "store = Store.open(sys.argv[1], clock=SystemClock())\n"
        "with store.write() as conn:\n"
        "    lease.acquire(conn, holder_name(), now=SystemClock().now(), ttl=timedelta(minutes=1))\n"
        "print('held', flush=True)\ntime.sleep(60)\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, f"sqlite:///{folder}/syncd.db"], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    store = open_store(folder)
    with store.write() as conn, pytest.raises(LeaseHeldError, match="SYN701"):
        lease.acquire(conn, "me", now=CLOCK.now(), ttl=TTL, gone=holder_is_gone)
    holder.kill()  # not waited for: dead and unburied, as under a parent that has other things to do
    until = CLOCK.monotonic() + 5
    while _lives(holder.pid) and CLOCK.monotonic() < until:
        CLOCK.sleep(0.02)
    with store.write() as conn:
        assert lease.acquire(conn, "me", now=CLOCK.now(), ttl=TTL, gone=holder_is_gone).epoch == 2
    holder.stdout.close()
    holder.wait()
    store.close()


def test_a_holder_in_another_container_of_this_machine_may_live() -> None:
    from syncd.jobs.leadership import holder_name

    host, where, pid, _ = holder_name().split(":")
    boot, _, _ = where.partition("/")
    assert not holder_is_gone(f"{host}:{boot}/another:{pid}:1")
    assert holder_is_gone(f"{host}:{where}:{pid}:1")
    assert holder_is_gone(f"{host}:an-earlier-boot/another:{pid}:1")


def test_sigterm_ends_the_work_at_the_next_check_and_gives_the_lease_back(world: Any) -> None:
    before = signal.getsignal(signal.SIGTERM)
    steps: list[str] = []

    def work() -> None:
        with leadership(world.context) as leader:
            leader.check()
            os.kill(os.getpid(), signal.SIGTERM)
            steps.append("the current call is finished")
            leader.check()
            steps.append("never")

    with pytest.raises(LeaseHeldError, match="SYN703"):
        work()
    assert steps == ["the current call is finished"]
    assert signal.getsignal(signal.SIGTERM) is before
    with world.context.store.read() as conn:
        assert lease.current(conn) is None


def test_a_child_of_a_dead_daemon_stops_at_the_next_check(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with world.context.store.write() as conn:
        held = lease.acquire(conn, "daemon", now=world.clock.now(), ttl=TTL)
    leader = Leadership(world.context, held.epoch, None)
    leader.check()
    monkeypatch.setattr(os, "getppid", lambda: 1)
    with pytest.raises(LeaseHeldError, match="SYN703 the daemon that started this process is gone"):
        leader.check()


def test_a_client_that_is_stopped_does_not_stop_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from syncd.jobs.daemon import control

    monkeypatch.setattr(control, "_PATIENCE", 0.2)
    done = threading.Event()

    def perform(argv: Any, who: str, tell: Callable[[str, str], None]) -> int:
        for _ in range(200):
            tell("stdout", "x" * 10_000)
        done.set()
        return 0

    server = ControlServer(tmp_path / "c.sock", perform)
    server.start()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(tmp_path / "c.sock"))
        client.sendall(b'{"argv": ["pull"]}\n')
        assert done.wait(5), "the client reads nothing"
    server.close()
