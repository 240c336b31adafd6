"""Child processes: the same command line, the lease's epoch handed down, killed past a deadline."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from syncd.clock import Clock
from syncd.errors import ExitCode
from syncd.errors.exhaustion import no_process

KILLED = 137
GRACE = 20.0
"""Seconds that a child has to finish its current call, of which one that writes may last 15."""
_OVERDUE = 30.0
_LAST_LINES = 5.0


@dataclass(slots=True)
class Children:
    """Runs child processes and knows which are alive, so that stopping the daemon stops them too."""

    clock: Clock
    environ: Mapping[str, str]
    _alive: dict[subprocess.Popen[str], float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: bool = False

    def run(
        self,
        argv: Sequence[str],
        *,
        extra: Mapping[str, str],
        deadline: float,
        tell: Callable[[str, str], None],
    ) -> int:
        """Run `syncd argv` to its end and return its exit code, or 137 where it ran past `deadline` seconds.

        `tell` gets every line with its stream, `stdout` or `stderr`. The child is its own session, so that a kill
        takes whatever it started. Past its deadline it is asked to end with its current call before it is killed. After
        `stop` nothing is started any more, and the code is LEADER.
        Raises MachineError SYN011 where the machine has no room for a child; none is left that nobody follows.
        """
        try:
            process = self._start(argv, extra, deadline)
        except (OSError, RuntimeError, MemoryError) as error:
            raise no_process(error) from error
        if process is None:
            return ExitCode.LEADER
        try:
            return self._follow(process, deadline, tell)
        except (OSError, RuntimeError, MemoryError) as error:
            _end(process)
            raise no_process(error) from error
        finally:
            with self._lock:
                self._alive.pop(process, None)

    @property
    def overdue(self) -> bool:
        """Whether a child is alive although it should have been killed: then nobody watches deadlines any more."""
        now = self.clock.monotonic()
        with self._lock:
            return any(now > until + GRACE + _OVERDUE for until in self._alive.values())

    def _start(self, argv: Sequence[str], extra: Mapping[str, str], deadline: float) -> subprocess.Popen[str] | None:
        with self._lock:
            if self._stopped:
                return None
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", "syncd", *argv],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                env={**self.environ, **extra},
                start_new_session=True,
            )
            self._alive[process] = self.clock.monotonic() + deadline
            return process

    def _follow(self, process: subprocess.Popen[str], deadline: float, tell: Callable[[str, str], None]) -> int:
        def pump(name: str, stream: object) -> None:
            for line in stream:  # type: ignore[attr-defined]
                tell(name, line.rstrip("\n"))

        pumps = [
            threading.Thread(target=pump, args=(name, stream), daemon=True)
            for name, stream in (("stdout", process.stdout), ("stderr", process.stderr))
        ]
        for thread in pumps:
            thread.start()
        try:
            code = process.wait(timeout=deadline)
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=GRACE)
            _signal(process, signal.SIGKILL)  # and what it started
            process.wait()
            code = KILLED
        for thread in pumps:
            thread.join(timeout=_LAST_LINES)
        if any(thread.is_alive() for thread in pumps):
            _signal(process, signal.SIGKILL)  # something that the child started holds its output open
            for thread in pumps:
                thread.join(timeout=_LAST_LINES)
        for thread, stream in zip(pumps, (process.stdout, process.stderr), strict=True):
            if stream is not None and not thread.is_alive():
                stream.close()
        return code if code >= 0 else int(ExitCode.BUG) if code != -signal.SIGKILL else KILLED

    def stop(self) -> None:
        """Ask every child to end with its current call; kill those that take longer than GRACE seconds."""
        with self._lock:
            self._stopped = True
            alive = list(self._alive)
        for process in alive:
            _signal(process, signal.SIGTERM)
        until = self.clock.monotonic() + GRACE
        for process in alive:
            try:
                process.wait(timeout=max(0.1, until - self.clock.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)


def _end(process: subprocess.Popen[str]) -> None:
    """Kill a child that nobody follows, with what it started, and let go of what it would say."""
    _signal(process, signal.SIGKILL)
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return  # it ended by itself in the meantime
