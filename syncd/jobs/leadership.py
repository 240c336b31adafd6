"""Being the one who may change things: a daemon's lease handed down, its socket asked, or the lease taken oneself."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from syncd.errors import LeaseHeldError
from syncd.jobs.context import EPOCH_VARIABLE, Context
from syncd.store import lease as leases

TTL = timedelta(seconds=60)
"""How long a daemon's lease stands without being renewed, on SQLite: there a long write holds up the renewal."""
SHARED_TTL = timedelta(seconds=20)
"""The same on PostgreSQL, where another machine may stand by and reading is to go on within 30 s."""
COMMAND_TTL = timedelta(minutes=3)
"""The same for a command, which renews it only between its steps: one of them may wait for a CRM or a large book."""
_LONGEST_NAP = 5.0


@dataclass(slots=True)
class Leadership:
    """The right to write, with the epoch that every claim and commit carries."""

    context: Context
    epoch: int
    _own: leases.Lease | None
    _parent: int = field(default_factory=os.getppid)
    _told_to_stop: bool = False

    def check(self) -> None:
        """Raise LeaseHeldError where the lease is no longer ours; renew it where it is our own and a third is gone.

        Raises SYN703 after SIGTERM, and under a daemon that has died: what is under way is finished, no more is begun.
        """
        hint = "nothing is lost; the next run goes on from here"
        if self._told_to_stop:
            raise LeaseHeldError("SYN703", "told to stop (SIGTERM)", hint=hint)
        if self._own is None and os.getppid() != self._parent:
            raise LeaseHeldError("SYN703", "the daemon that started this process is gone", hint=hint)
        now = self.context.clock.now()
        if self._own is not None and self._own.until - now < COMMAND_TTL * 2 / 3:
            with self.context.store.write() as conn:
                self._own = leases.renew(conn, self._own, now=now, ttl=COMMAND_TTL)
        else:
            with self.context.store.read() as conn:
                leases.require(conn, self.epoch, now=now)

    def writes_in(self) -> float:
        """Seconds until this lease may write; 0 for at once.

        After a takeover a call of the earlier holder may be under way for so long; only then can rows in doubt be read.
        """
        with self.context.store.read() as conn:
            held = leases.current(conn)
        from_ = held.writes_from if held is not None else None
        return 0.0 if from_ is None else max(0.0, (from_ - self.context.clock.now()).total_seconds())

    def await_writes(self) -> None:
        """Wait until this lease may write; raises as `check` where it is lost on the way."""
        while (seconds := self.writes_in()) > 0:
            self.context.clock.sleep(min(seconds, _LONGEST_NAP))
            self.check()

    def stop(self) -> None:
        """Let the next check end the work."""
        self._told_to_stop = True


@contextmanager
def leadership(context: Context) -> Iterator[Leadership]:
    """Lead for the length of a with-block: under the daemon that started us, or with a lease of our own.

    SIGTERM ends the work at the next check. Raises LeaseHeldError SYN701 where another living process holds the lease.
    """
    handed_down = context.environ.get(EPOCH_VARIABLE)
    if handed_down:
        under = Leadership(context, int(handed_down), None)
        context.store.fence(under.epoch)
        under.check()
        with _stopped_by_signal(under):
            yield under
        return
    own = acquire(context)
    try:
        leader = Leadership(context, own.epoch, own)
        context.store.fence(own.epoch)
        with _stopped_by_signal(leader):
            yield leader
    finally:
        context.store.fence(None)
        with context.store.write() as conn:
            leases.release(conn, own)


@contextmanager
def _stopped_by_signal(leader: Leadership) -> Iterator[None]:
    """SIGTERM finishes the current call instead of cutting it; only the main thread may ask for that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: leader.stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def acquire(context: Context) -> leases.Lease:
    """Take the lease; from a holder on this machine whose process is gone it is taken at once."""
    with context.store.write() as conn:
        return leases.acquire(conn, holder_name(), now=context.clock.now(), ttl=COMMAND_TTL, gone=holder_is_gone)


def holder_name(*, daemon: bool = False) -> str:
    """This process, told apart from any other: host, boot and process namespace, pid and start of the process.

    A daemon's says so too: its children may live on for one call after it.
    """
    name = f"{socket.gethostname()}:{_boot_id()}/{_pid_namespace()}:{os.getpid()}:{_started(os.getpid())}"
    return name + leases.DAEMON if daemon else name


def holder_is_gone(holder: str) -> bool:
    """Whether a holder certainly lives no more: of this machine, and of an earlier boot or an ended process.

    A process of another container of this machine cannot be seen from here, whatever stands under its pid.
    """
    host, where, pid, started = (*holder.split(":"), "", "", "")[:4]
    boot, _, namespace = where.partition("/")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    if boot != _boot_id():
        return True
    return namespace in ("", _pid_namespace()) and _started(int(pid)) != started


def _boot_id() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else ""


def _pid_namespace() -> str:
    """The number of the namespace that pids count in; empty where the system does not say."""
    try:
        return os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process started, in ticks since boot; empty where there is none, or one that ended and lies unburied."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in ("Z", "X") else fields[19]
