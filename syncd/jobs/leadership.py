"""Being the one who may change things: a daemon's lease handed down, its socket asked, or the lease taken oneself."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from syncd.jobs.context import Context
from syncd.store import lease as leases

TTL = timedelta(seconds=60)
"""How long a lease stands without being renewed."""
EPOCH_VARIABLE = "SYNCD_LEASE_EPOCH"


@dataclass(slots=True)
class Leadership:
    """The right to write, with the epoch that every claim and commit carries."""

    context: Context
    epoch: int
    _own: leases.Lease | None

    def check(self) -> None:
        """Raise LeaseHeldError where the lease is no longer ours; renew it where it is our own and a third is gone."""
        now = self.context.clock.now()
        if self._own is not None and self._own.until - now < TTL * 2 / 3:
            with self.context.store.write() as conn:
                self._own = leases.renew(conn, self._own, now=now, ttl=TTL)
        else:
            with self.context.store.read() as conn:
                leases.require(conn, self.epoch, now=now)


@contextmanager
def leadership(context: Context) -> Iterator[Leadership]:
    """Lead for the length of a with-block: under the daemon that started us, or with a lease of our own.

    Raises LeaseHeldError SYN701 where another living process holds it.
    """
    handed_down = context.environ.get(EPOCH_VARIABLE)
    if handed_down:
        under = Leadership(context, int(handed_down), None)
        under.check()
        yield under
        return
    own = acquire(context)
    try:
        yield (leader := Leadership(context, own.epoch, own))
        own = leader._own or own
    finally:
        with context.store.write() as conn:
            leases.release(conn, own)


def acquire(context: Context) -> leases.Lease:
    """Take the lease; from a holder on this machine whose process is gone it is taken at once."""
    with context.store.write() as conn:
        return leases.acquire(conn, holder_name(), now=context.clock.now(), ttl=TTL, gone=holder_is_gone)


def holder_name() -> str:
    """This process, told apart from any other on any machine: host, boot, pid and start of the process."""
    return f"{socket.gethostname()}:{_boot_id()}:{os.getpid()}:{_started(os.getpid())}"


def holder_is_gone(holder: str) -> bool:
    """Whether a holder certainly lives no more: of this machine, and of an earlier boot or an ended process."""
    host, boot, pid, started = (*holder.split(":"), "", "", "")[:4]
    if host != socket.gethostname() or not pid.isdigit():
        return False
    return boot != _boot_id() or _started(int(pid)) != started


def _boot_id() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else ""


def _started(pid: int) -> str:
    """When a process started, in ticks since boot; empty where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]
