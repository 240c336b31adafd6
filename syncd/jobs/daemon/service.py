"""The daemon's life: validate, take the lease, tell systemd, run jobs as children, reload on SIGHUP, end on SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from syncd.clock import Clock
from syncd.entropy import Entropy
from syncd.errors import ConfigError, ExitCode, LeaseHeldError, SyncdError
from syncd.jobs.daemon.children import KILLED, Children
from syncd.jobs.daemon.control import ControlServer, Tell
from syncd.jobs.daemon.notify import Notifier
from syncd.jobs.daemon.schedule import Schedule, Task
from syncd.jobs.daemon.snapshot import Snapshot, take_snapshot
from syncd.jobs.leadership import EPOCH_VARIABLE, TTL, holder_is_gone, holder_name
from syncd.jobs.plan import OFFER
from syncd.planning.windows import last_plan_time
from syncd.settings import Mode, Settings, load_settings
from syncd.store import lease, runs
from syncd.store.engine import Store
from syncd.telemetry import Log

_BEAT = timedelta(seconds=5)
_OFFER = timedelta(minutes=1)
_HEARTBEAT_LIMIT = 30.0
_SUCCESSES = {"sync": "pull", "watch": "watch", "delayed-pass": "delayed-pass", "sweep": "sweep"}


class Daemon:
    """One daemon process. `run` returns when it has been told to stop."""

    def __init__(
        self, config: Path | None, *, clock: Clock, entropy: Entropy, environ: Mapping[str, str], log: Log
    ) -> None:
        self._config = config
        self._clock = clock
        self._entropy = entropy
        self._environ = environ
        self._log = log
        self._notifier = Notifier(environ)
        self._children = Children(clock, environ)
        self._schedule = Schedule(log)
        self._working = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._reload_wanted = False
        self._beat = clock.monotonic()
        self._snapshot: Snapshot
        self._store: Store
        self._lease: lease.Lease

    def run(self) -> ExitCode:
        """Serve until SIGTERM or SIGINT; LEADER where the lease is another's or was lost.

        Raises ConfigError or InputError where settings or pack are invalid at the start, and the lease is given back.
        """
        for number, action in ((signal.SIGTERM, self._stop), (signal.SIGINT, self._stop), (signal.SIGHUP, self._hup)):
            signal.signal(number, lambda *_, do=action: do())
        settings = load_settings(self._config, self._environ)
        self._store = Store.open(settings.database.url, clock=self._clock)
        # The lease comes first: a second daemon without it must not replace what the first one's children read.
        with self._store.write() as conn:
            self._lease = lease.acquire(conn, holder_name(), now=self._clock.now(), ttl=TTL, gone=holder_is_gone)
        try:
            self._snapshot = take_snapshot(self._config, self._environ, self._entropy, now=self._clock.now())
            return self._serve()
        finally:
            with self._store.write() as conn:
                lease.release(conn, self._lease)
            self._store.close()
            self._log.event("daemon.stopped")

    def _serve(self) -> ExitCode:
        """Listen, run jobs and wait, until told to stop."""
        settings = self._snapshot.settings
        control = ControlServer(settings.control.socket, self._perform)
        control.start()
        try:
            self._schedule_all()
            self._schedule.start()
            self._log.event(
                "daemon.started", epoch=self._lease.epoch, pack=self._snapshot.revision, mode=settings.mode.value
            )
            self._notifier.ready(self._status())
            return self._wait()
        finally:
            self._log.event("daemon.stopping")
            self._notifier.stopping()
            control.close()
            self._schedule.stop()
            self._children.stop()

    def _wait(self) -> ExitCode:
        interval = min(self._notifier.watchdog_seconds or 10.0, 10.0) / 2
        while not self._stopping:
            self._wake.wait(interval)
            self._wake.clear()
            if self._reload_wanted:
                self._reload_wanted = False
                self._reload()
            if self._clock.monotonic() - self._beat < _HEARTBEAT_LIMIT:
                self._notifier.alive(self._status())
        return ExitCode.LEADER if self._lost() else ExitCode.OK

    def _status(self) -> str:
        return f"{self._snapshot.settings.mode.value} mode, pack {self._snapshot.revision}"

    def _stop(self) -> None:
        self._stopping = True
        self._wake.set()

    def _hup(self) -> None:
        self._reload_wanted = True
        self._wake.set()

    def _reload(self) -> None:
        """Take up new settings and pack as a whole, or keep the last good ones."""
        self._notifier.reloading(int(self._clock.monotonic() * 1_000_000))
        try:
            self._check_movable(load_settings(self._config, self._environ))
            self._snapshot = take_snapshot(self._config, self._environ, self._entropy, now=self._clock.now())
        except SyncdError as error:
            findings = [str(finding) for finding in error.findings]
            self._log.event("daemon.reload_refused", error=error, findings=findings)
            self._notifier.ready(f"{self._status()} (the last reload was refused: {error.code})")
            return
        self._schedule_all()
        self._log.event("daemon.reloaded", pack=self._snapshot.revision)
        self._notifier.ready(self._status())

    def _check_movable(self, new: Settings) -> None:
        """ConfigError SYN111 where settings changed that a running daemon cannot take up: its lease and socket."""
        old = self._snapshot.settings
        for name, before, after in (
            ("database.url", old.database.url, new.database.url),
            ("control.socket", old.control.socket, new.control.socket),
            ("state_dir", old.state_dir, new.state_dir),
        ):
            if before != after:
                raise ConfigError(
                    "SYN111", f"{name} cannot change while the daemon runs", where=name, hint="restart the daemon"
                )

    def _schedule_all(self) -> None:
        periods = self._snapshot.settings.schedule
        self._put("sync", "work", periods.pull, ["sync"])
        if self._snapshot.settings.hubspot is not None:
            self._put("delayed-pass", "work", periods.delayed_pass, ["pull", "--delayed-pass"])
        else:
            self._schedule.drop("delayed-pass")
        self._put("sweep", "work", periods.sweep, ["pull", "--sweep"])
        self._put("watch", "watch", periods.watch, ["watch"])
        now = self._clock.now()
        self._schedule.put(Task("offer", "offer", _OFFER, now, self._offer))
        self._schedule.put(Task("lease", "keep", TTL / 4, now, self._renew))
        self._schedule.put(Task("heartbeat", "keep", _BEAT, now, self._tick))

    def _put(self, name: str, lane: str, period: timedelta, argv: Sequence[str]) -> None:
        first = self._due(_SUCCESSES[name], period)
        self._schedule.put(Task(name, lane, period, first, self._job(name, lane, argv)))

    def _offer(self) -> None:
        """Make a plan for approval where one of the pack's `plan_at` times has passed since the last."""
        snapshot = self._snapshot
        due = last_plan_time(snapshot.plan_at, self._clock.now(), snapshot.zone)
        if due is None or snapshot.settings.mode is not Mode.APPROVE:
            return
        with self._store.read() as conn:
            last = runs.last_success(conn, OFFER)
        if last is None or last < due:
            with self._working:
                self._child("offer", ["plan"], {}, _to_stderr)

    def _due(self, job: str, period: timedelta) -> datetime:
        """When a job is next due by its last success: a machine that restarts daily still runs a daily job."""
        now = self._clock.now()
        with self._store.read() as conn:
            last = runs.last_success(conn, job)
        return now if last is None else max(now, last + period)

    def _job(self, name: str, lane: str, argv: Sequence[str]) -> Callable[[], None]:
        def action() -> None:
            if lane == "work":
                with self._working:
                    self._child(name, argv, {}, _to_stderr)
            else:
                self._child(name, argv, {}, _to_stderr)

        return action

    def _perform(self, argv: Sequence[str], who: str, tell: Tell) -> int:
        """Do what came through the control socket, after whatever work is under way."""
        self._log.event("request.received", command=argv[0], who=who)
        with self._working:
            code = self._child(argv[0], argv, {"SYNCD_ACTOR": who}, tell)
        self._log.event("request.finished", command=argv[0], who=who, exit=code)
        return code

    def _child(self, name: str, argv: Sequence[str], extra: Mapping[str, str], tell: Tell) -> int:
        if self._stopping:
            return ExitCode.LEADER
        self._log.event("job.started", job=name)
        started = self._clock.monotonic()
        environ = {**self._snapshot.environ, EPOCH_VARIABLE: str(self._lease.epoch), **extra}
        deadline = self._snapshot.settings.schedule.deadline.total_seconds()
        code = self._children.run(argv, extra=environ, deadline=deadline, tell=tell)
        seconds = round(self._clock.monotonic() - started, 3)
        event = "job.finished" if code == 0 else "job.killed" if code == KILLED else "job.failed"
        self._log.event(event, job=name, exit=code, seconds=seconds)
        return code

    def _renew(self) -> None:
        try:
            with self._store.write() as conn:
                self._lease = lease.renew(conn, self._lease, now=self._clock.now(), ttl=TTL)
        except LeaseHeldError as error:
            self._log.event("lease.lost", error=error)
            self._stopping = True
            self._wake.set()

    def _lost(self) -> bool:
        try:
            with self._store.read() as conn:
                lease.require(conn, self._lease.epoch, now=self._clock.now())
        except LeaseHeldError:
            return True
        return False

    def _tick(self) -> None:
        self._beat = self._clock.monotonic()


def _to_stderr(stream: str, line: str) -> None:
    """A child's log lines go beside ours; what it prints for people is in its run's summary."""
    if stream == "stderr":
        sys.stderr.write(line + os.linesep)
        sys.stderr.flush()
