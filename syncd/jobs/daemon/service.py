"""The daemon's life: stand for the lease, tell systemd, run jobs as children, reload on SIGHUP, end on SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from syncd.alerts.receivers.delivery import Receiver
from syncd.clock import Clock
from syncd.entropy import Entropy
from syncd.errors import ConfigError, ExitCode, LeaseHeldError, MachineError, StorageError, SyncdError
from syncd.jobs.context import EPOCH_VARIABLE
from syncd.jobs.daemon.children import KILLED, Children
from syncd.jobs.daemon.control import ControlServer, Tell
from syncd.jobs.daemon.due import Duty
from syncd.jobs.daemon.duties import LEADS, OFFERING, WATCHING, WORK, duties
from syncd.jobs.daemon.election import ASKS_EVERY, Candidate
from syncd.jobs.daemon.emergency import Emergency
from syncd.jobs.daemon.looks import Looks, answer
from syncd.jobs.daemon.notify import Notifier
from syncd.jobs.daemon.rounds import Rounds
from syncd.jobs.daemon.schedule import Schedule, Task
from syncd.jobs.daemon.snapshot import Snapshot, take_snapshot
from syncd.jobs.daemon.waking import Waking
from syncd.jobs.daemon.web import View, WebServer
from syncd.jobs.pulling.fetching import restore_pack
from syncd.jobs.telling import receivers_by_settings
from syncd.jobs.watching.alert_reading import alert_document, alerts_document, silences_document
from syncd.jobs.watching.metrics import metrics_text
from syncd.jobs.watching.readiness import unready
from syncd.jobs.watching.status import status
from syncd.settings import Settings, load_settings
from syncd.store import lease, packs, runs
from syncd.store.engine import Store
from syncd.store.leader_lock import LeaderLock
from syncd.store.tallies import save_tally
from syncd.telemetry import Log
from syncd.telemetry.tally import Tally

_BEAT = timedelta(seconds=5)
_PULSE = timedelta(seconds=1)
_HEARTBEAT_LIMIT = 30.0
_EVENT = '{"ts": '
"""What each line of a child's log begins with, and nothing that a command says to people."""
_FIRST_FETCH = 300.0
_LEASED_JOBS = ("pull", "delayed-pass", "sweep", "apply", "adopt", "housekeeping", "pack", "leads", "rights")
"""The jobs that only whoever holds the lease does, by the names of their runs."""


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
        self._keeping = threading.Lock()
        self._given_back = False
        self._wake = Waking()
        self._stopping = False
        self._lost = False
        self._failing = False
        self._refused: str | None = None
        self._reload_wanted = False
        self._leading = False
        self._tally = Tally()
        self._emergency = Emergency(clock, log, self._receivers)
        self._beat = clock.monotonic()
        self._renewed = clock.monotonic()
        self._led_from = clock.now()
        self._settings: Settings
        self._snapshot: Snapshot
        self._store: Store
        self._candidate: Candidate
        self._rounds: Rounds
        self._lease: lease.Lease

    def run(self) -> ExitCode:
        """Serve until SIGTERM or SIGINT; LEADER where the lease was lost, so that the service is started anew.

        Raises LeaseHeldError SYN701 where the lease of an SQLite database is another's; on PostgreSQL this daemon
        stands by. Raises ConfigError or InputError where settings or pack are invalid, and the lease is given back.
        """
        for number, action in ((signal.SIGTERM, self._stop), (signal.SIGINT, self._stop), (signal.SIGHUP, self._hup)):
            signal.signal(number, lambda *_, do=action: do())
        self._settings = settings = load_settings(self._config, self._environ)
        self._store = Store.open(settings.database.url, clock=self._clock)
        lock = LeaderLock(settings.database.url) if self._store.dialect == "postgresql" else None
        self._candidate = Candidate(self._store, self._clock, lock)
        self._rounds = Rounds(self._store, self._clock, self._fulfil)
        web = self._open_web(settings)
        try:
            # The lease comes first: a second daemon without it must not replace what the first one's children read.
            return self._lead(settings) if self._elected() else ExitCode.OK
        finally:
            if web is not None:
                web.close()
            self._candidate.close()
            self._store.close()
            self._log.event("daemon.stopped")

    def _open_web(self, settings: Settings) -> WebServer | None:
        """Metrics and health on loopback, where the settings name a port: standing by, too."""
        if settings.metrics.listen is None:
            return None

        def problems() -> tuple[str, ...]:
            with self._store.read() as conn:
                found = unready(settings, conn, self._clock.now())
            return (*([f"the last reload was refused: {self._refused}"] if self._refused else []), *found)

        view = View(
            ticks=self._ticks,
            unready=problems,
            metrics=lambda: metrics_text(settings, self._store, clock=self._clock, leading=self._leading),
            status=lambda: status(settings, self._store, clock=self._clock),
        )
        try:
            return WebServer(settings.metrics.listen, view)
        except ConfigError:
            self._candidate.close()
            self._store.close()
            raise

    def _ticks(self) -> bool:
        """Whether the scheduler ticks, and children end when they should."""
        return self._clock.monotonic() - self._beat < _HEARTBEAT_LIMIT and not self._children.overdue

    def _elected(self) -> bool:
        """Wait for the lease where waiting makes sense; False where we were told to stop on the way."""
        said = ""
        while not self._stopping:
            try:
                self._lease = self._candidate.stand()
                self._renewed, self._led_from = self._clock.monotonic(), self._clock.now()
            except (LeaseHeldError, StorageError) as error:
                if self._candidate.lock is None or error.code == "SYN617":
                    raise
                said = self._stand_by(error, said)
            else:
                return True
        return False

    def _stand_by(self, error: SyncdError, said: str) -> str:
        """Say once why we wait, wait a little; what was said."""
        words = f"standing by: {error.summary}"
        self._tick()
        if words != said:
            self._log.event("daemon.standing_by", error=error)
            self._notifier.ready(words)
        self._notifier.alive(words)
        self._wake.wait(ASKS_EVERY)
        if self._reload_wanted:  # settings and pack are read when this daemon leads
            self._reload_wanted = False
            self._notifier.reloading(int(self._clock.monotonic() * 1_000_000))
            self._notifier.ready(words)
        return words

    def _lead(self, settings: Settings) -> ExitCode:
        """Serve under the lease that was had, and give it back."""
        try:
            self._store.fence(self._lease.epoch)
            with self._store.write() as conn:
                for job in _LEASED_JOBS:
                    cut_off = runs.close_cut_off(conn, (job,), now=self._clock.now())
                    self._tally.count("job_misfires_total", cut_off, job=job, reason="cut-off")
            self._keep_lease()
            self._have_pack(settings)
            self._snapshot = take_snapshot(self._config, self._environ, self._entropy, now=self._clock.now())
            self._leading = True
            self._tell_loaded(well=True)
            return self._serve()
        finally:
            self._leading = False
            self._schedule.stop()
            self._give_back()

    def _have_pack(self, settings: Settings) -> None:
        """Where the pack is fetched from git, lay out the one that is stored, or fetch the first one."""
        restore_pack(settings, self._store)
        if settings.pack.git is not None and not settings.pack.path.exists():
            told = {} if self._config is None else {"SYNCD_CONFIG": str(self._config.resolve())}
            told[EPOCH_VARIABLE] = str(self._lease.epoch)
            self._children.run(["pack", "fetch"], extra=told, deadline=_FIRST_FETCH, tell=_to_stderr)

    def _give_back(self) -> None:
        """Give the lease back, and keep it no more: a renewal that is under way just then must not take it anew."""
        with self._keeping:
            self._given_back = True
            self._store.fence(None)
            if self._lost:
                return
            try:
                with self._store.write() as conn:
                    lease.release(conn, self._lease)
            except StorageError as error:
                self._log.event("storage.failing", error=error)  # it runs out by itself

    def _serve(self) -> ExitCode:
        """Listen, run jobs and wait, until told to stop."""
        settings = self._snapshot.settings
        control = ControlServer(settings.control.socket, self._perform, partial(answer, self._looks(), self._config))
        control.start()
        try:
            self._take_up_duties()
            self._go_round_lanes()
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

    def _keep_lease(self) -> None:
        """Renew the lease and show that the scheduler ticks, from now on."""
        now = self._clock.now()
        self._schedule.put(Task("lease", "keep", self._candidate.ttl / 4, now, self._keep))
        self._schedule.put(Task("heartbeat", "keep", _BEAT, now, self._tick))
        self._schedule.put(Task("emergency", "emergency", _BEAT, now, self._emergency.look))
        self._schedule.start()

    def _go_round_lanes(self) -> None:
        now = self._clock.now()
        for lane in (WORK, OFFERING, WATCHING, LEADS):
            self._schedule.put(Task(f"round-{lane}", lane, _PULSE, now, partial(self._go_round, lane)))

    def _wait(self) -> ExitCode:
        interval = min(self._notifier.watchdog_seconds or 10.0, 10.0) / 2
        while not self._stopping:
            self._wake.wait(interval)
            if self._reload_wanted:
                self._reload_wanted = False
                self._reload()
            if self._ticks():
                self._notifier.alive(self._status())
        return ExitCode.LEADER if self._lost else ExitCode.OK

    def _status(self) -> str:
        text = f"{self._snapshot.settings.mode.value} mode, pack {self._snapshot.revision}"
        return f"{text}; THE DATABASE CANNOT BE WRITTEN" if self._failing else text

    def _stop(self) -> None:
        if self._stopping:
            os._exit(128 + signal.SIGTERM)  # told twice: what is under way is read back at the next start
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
            self._refused = error.code
            self._tell_loaded(well=False)
            self._log.event("daemon.reload_refused", error=error, findings=findings)
            self._notifier.ready(f"{self._status()} (the last reload was refused: {error.code})")
            return
        self._refused, self._settings = None, self._snapshot.settings
        self._tell_loaded(well=True)
        self._take_up_duties()
        self._log.event("daemon.reloaded", pack=self._snapshot.revision)
        self._notifier.ready(self._status())

    def _check_movable(self, new: Settings) -> None:
        """ConfigError SYN111 where settings changed that a running daemon cannot take up: its lease and socket."""
        old = self._snapshot.settings
        for name, before, after in (
            ("database.url", old.database.url, new.database.url),
            ("control.socket", old.control.socket, new.control.socket),
            ("state_dir", old.state_dir, new.state_dir),
            ("metrics.listen", old.metrics.listen, new.metrics.listen),
        ):
            if before != after:
                raise ConfigError(
                    "SYN111", f"{name} cannot change while the daemon runs", where=name, hint="restart the daemon"
                )

    def _take_up_duties(self) -> None:
        known = self._snapshot
        found = duties(known.settings, known.plan_at, known.zone, known.fiscal_year_start, started=self._led_from)
        self._rounds.take_up(found)

    def _go_round(self, lane: str) -> None:
        """Do what is due in a lane; a database that fails is told by the renewal of the lease."""
        if self._stopping:
            return
        try:
            self._rounds.go_round(lane)
        except StorageError as error:
            self._told_failing(error)

    def _fulfil(self, duty: Duty) -> None:
        if duty.lane == WORK or duty.name == "offer":
            with self._working:
                self._child(duty.name, duty.argv, {}, _to_stderr)
        elif duty.lane == LEADS:
            self._look_at_leads(duty)
        else:
            self._child(duty.name, duty.argv, {}, _to_stderr)
        if duty.name == "pack" and self._fetched_another():
            self._hup()

    def _look_at_leads(self, duty: Duty) -> None:
        """Leads do not wait for a long pull: while other work is under way they are read and routed, and not written.

        Two processes that write would read each other's rows in doubt.
        """
        if not self._working.acquire(blocking=False):
            self._child(duty.name, (*duty.argv, "--dry-run"), {}, _to_stderr)
            return
        try:
            self._child(duty.name, duty.argv, {}, _to_stderr)
        finally:
            self._working.release()

    def _fetched_another(self) -> bool:
        """Whether another pack than the one in use was activated."""
        with self._store.read() as conn:
            active = packs.active(conn)
        return active is not None and active.revision != self._snapshot.revision

    def _perform(self, argv: Sequence[str], who: str, tell: Tell) -> int:
        """Do what came through the control socket, after whatever work is under way."""
        self._log.event("request.received", command=argv[0], who=who)
        with self._working:
            code = self._child(argv[0], argv, {"SYNCD_ACTOR": who}, _told_apart(tell))
        self._log.event("request.finished", command=argv[0], who=who, exit=code)
        return code

    def _looks(self) -> Looks:
        """What whoever may use the control socket can look at, without a process of its own."""
        store, clock = self._store, self._clock
        return {
            "status": lambda _: status(self._snapshot.settings, store, clock=clock),
            "alerts": lambda asked: alerts_document(store, **asked),
            "alert": lambda asked: alert_document(store, **asked),
            "silences": lambda asked: silences_document(store, now=clock.now(), **asked),
        }

    def _child(self, name: str, argv: Sequence[str], extra: Mapping[str, str], tell: Tell) -> int:
        if self._stopping:
            return ExitCode.LEADER
        self._log.event("job.started", job=name)
        started = self._clock.monotonic()
        environ = {**self._snapshot.environ, EPOCH_VARIABLE: str(self._lease.epoch), **extra}
        deadline = self._snapshot.settings.schedule.deadline.total_seconds()
        try:
            code = self._children.run(argv, extra=environ, deadline=deadline, tell=tell)
        except MachineError as error:
            tell("stderr", f"error {error}")
            code = error.exit_code
        seconds = round(self._clock.monotonic() - started, 3)
        # a child that we told to end did not fail
        ended = code == 0 or self._stopping
        event = "job.finished" if ended else "job.killed" if code == KILLED else "job.failed"
        self._log.event(event, job=name, exit=code, seconds=seconds)
        if name == "watch" and not ended:
            self._emergency.failed(f"`syncd watch` ends with exit code {code}")
        if event == "job.killed":
            self._tally.count("job_misfires_total", job=name, reason="deadline")
            self._save_tally()
        return code

    def _tell_loaded(self, *, well: bool) -> None:
        """Tell metrics how the last reading of settings and pack went."""
        self._tally.level("config_last_reload_successful", well)
        if well:
            self._tally.level("config_last_reload_success_timestamp_seconds", self._clock.now().timestamp())
        self._save_tally()

    def _save_tally(self) -> None:
        """Save what this process counted, for metrics; a database that fails is told where it matters more."""
        try:
            with self._store.write() as conn:
                save_tally(conn, self._tally.take())
        except (StorageError, LeaseHeldError) as error:
            self._log.event("metrics.unwritten", path="database", reason=error.summary)

    def _keep(self) -> None:
        """Renew the lease, until it was given back."""
        with self._keeping:
            if not self._given_back:
                self._renew()

    def _renew(self) -> None:
        """Keep the lease; stop where it is lost, or where nobody could say for half of it that it is ours."""
        try:
            if not self._candidate.holds():
                raise LeaseHeldError("SYN702", "the connection that holds the leader's lock is lost")
            with self._store.beat() as conn:
                self._lease = lease.renew(conn, self._lease, now=self._clock.now(), ttl=self._candidate.ttl)
        except LeaseHeldError as error:
            self._lose(error)
        except StorageError as error:
            self._told_failing(error)
            shared = self._candidate.lock is not None
            if shared and self._clock.monotonic() - self._renewed > self._candidate.ttl.total_seconds() / 2:
                self._lose(error)
        else:
            self._renewed = self._clock.monotonic()
            self._failing = False

    def _lose(self, error: SyncdError) -> None:
        """Stop, but for a lease that ran out because the file could not be written, and that nobody else took."""
        if self._candidate.lock is None and not self._stopping:
            try:
                self._store.fence(None)
                self._lease = self._candidate.stand()
                self._store.fence(self._lease.epoch)
                self._log.event("lease.regained", epoch=self._lease.epoch)
            except (LeaseHeldError, StorageError):
                pass
            else:
                return
        self._log.event("lease.lost", error=error)
        self._lost = self._stopping = True
        self._wake.set()

    def _told_failing(self, error: StorageError) -> None:
        """Say it in the log and to systemd once, until it is over; a database that is only busy is not failing."""
        if error.code == "SYN606":
            return
        self._emergency.failed(f"{error.code}: {error.summary}")
        if not self._failing:
            self._failing = True
            self._log.event("storage.failing", error=error)
            self._wake.set()

    def _receivers(self) -> Iterable[Receiver]:
        return receivers_by_settings(self._settings, self._environ, self._clock, self._log).values()

    def _tick(self) -> None:
        self._beat = self._clock.monotonic()


def _told_apart(tell: Tell) -> Tell:
    """What is for people goes to whoever asked; a child's log lines go beside ours, as those of every other job."""

    def sort(stream: str, line: str) -> None:
        (_to_stderr if stream == "stderr" and line.startswith(_EVENT) else tell)(stream, line)

    return sort


def _to_stderr(stream: str, line: str) -> None:
    """A child's log lines go beside ours; what it prints for people is in its run's summary."""
    if stream == "stderr":
        sys.stderr.write(line + os.linesep)
        sys.stderr.flush()
