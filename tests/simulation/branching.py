"""A golden day that takes many turns: at each place a copy of the process meets with something, and goes on from there.

Up to a place a day is the same whatever happens there. So it is run once, and forks at each place: the copy moves to a
copy of the folder, dies there or has a call fail, and lives its day to the end, while the first one waits. That costs
half of what a day from its morning on would for each place.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
import warnings
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from syncd.model.refs import System
from tests.simulation.golden_day import Day, State
from tests.simulation.world import Killed

Call = tuple[System, int]


@dataclass(slots=True)
class Branches:
    """One day and its turns, each of which must end as the golden one. Numbers of places count from 1, as a trace does.

    The process dies at the crashpoints `deaths`, once more at each crashpoint of the recovery from those `twice`, and
    each of `calls` fails by each of `faults`. With `files`, each file that the process keeps for itself is not written.
    """

    folder: Path
    golden: State
    deaths: Collection[int] = ()
    twice: Collection[int] = ()
    calls: Collection[Call] = ()
    faults: Collection[str] = ()
    files: bool = False
    days: int = 0
    """How many days came to their end, the first one too."""
    _day: Day = field(init=False)
    _broken: list[str] = field(default_factory=list)
    _turn: str = ""
    _died_at: tuple[int, ...] = ()
    _failed: System | None = None
    _answer: int | None = None
    """Where a copy says what it came to; None in the first process."""

    def run(self) -> list[str]:
        """Every day; what is broken, each with its turn."""
        self.folder.mkdir(exist_ok=True)
        self._day = Day(self.folder / "day")
        self._day.world.reaper.visit = self._passed
        self._day.visit = self._called
        self._day.world.before_file = self._writes
        try:
            self._ended()
        except AssertionError as error:
            self._broken.append(f"{self._turn or 'the day itself'}: {error}")
        finally:
            self.days += 1
            if self._answer is not None:  # nothing of the test that started us may go on in a copy, whatever raises
                self._tell(self._answer, sys.exc_info()[1])
        return self._broken

    def _tell(self, answer: int, error: BaseException | None) -> NoReturn:
        """The end of a copy: what it and its own copies came to, said to the process that waits."""
        if error is not None:
            self._broken.append(f"{self._turn}: {error!r}")
        os.write(answer, json.dumps([self.days, self._broken]).encode())
        os._exit(0)

    def _ended(self) -> None:
        found = self._day.run()
        assert found.deaths == len(self._died_at), f"{found.deaths} deaths"
        assert found.state == self.golden, "it came to another end"
        if self._failed is not None:
            hits = [each["hits"] for each in self._day.world.faces[self._failed].faults.to_json()]
            assert hits == [1], f"the fault struck {hits} times"

    def _passed(self, name: str) -> None:
        """At a crashpoint: a copy dies here."""
        number = len(self._day.world.reaper.passed)
        if not self._turn:
            if number in self.deaths and self._forked(f"killed at {number} ({name})"):
                self._die(number, name)
        elif self._may_die_again() and self._forked(f"{self._turn}, and again at {number} ({name})"):
            self._die(number, name)

    def _may_die_again(self) -> bool:
        return len(self._died_at) == 1 and self._died_at[0] in self.twice and self._day.recovering

    def _die(self, number: int, name: str) -> None:
        self._died_at += (number,)
        self._day.world.reaper.dead = True
        raise Killed(name)

    def _called(self, system: System) -> None:
        """Before a call: copies find that it fails."""
        number = self._day.calls[system]
        if self._turn or (system, number) not in self.calls:
            return
        for fault in self.faults:
            if self._forked(f"{system.value} call {number}, {fault}"):
                self._failed = system
                entry = {"match": {"nth": 1, "times": 1}, "fault": fault}
                self._day.world.faces[system].faults.install([entry])
                return

    def _writes(self, path: Path) -> None:
        """Before a file is written: a copy finds the disk full."""
        if self.files and not self._turn and self._forked(f"{path.suffix} file not written"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _forked(self, turn: str) -> bool:
        """Go on twice: True in the copy, False in the first process when the copy has come to its end."""
        here = self._day.world.folder
        folder = here.with_name(f"{here.name}+")
        shutil.copytree(here, folder)
        reading, writing = os.pipe()
        with warnings.catch_warnings():  # of threads that a copy lacks: no thread of ours lives meanwhile
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            os.close(reading)
            self._turn, self._answer, self._broken, self.days = turn, writing, [], 0
            self._day.world.move_to(folder)
            return True
        os.close(writing)
        with open(reading, encoding="utf-8") as told:
            answer = told.read()
        _, status = os.waitpid(child, 0)
        if status or not answer:
            self._broken.append(f"{turn}: the process ended with {status}")
        else:
            days, broken = json.loads(answer)
            self.days += days
            self._broken += broken
        shutil.rmtree(folder)
        return False
