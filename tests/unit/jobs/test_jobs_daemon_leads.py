"""The daemon's duty of leads: only where they are read, in a lane of its own, and never beside other writing."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from syncd.clock import SystemClock
from syncd.entropy import SeededEntropy
from syncd.jobs.daemon.duties import LEADS, duties
from syncd.jobs.daemon.service import Daemon
from syncd.settings import Settings, load_settings
from syncd.telemetry import get_log


def settings(folder: Path, text: str = "") -> Settings:
    (folder / "config.toml").write_text(f'[hubspot]\n[control]\nsocket = "control.sock"\n{text}')
    return load_settings(folder / "config.toml", {})


def test_leads_are_a_duty_only_where_they_are_read(tmp_path: Path) -> None:
    zone = ZoneInfo("UTC")
    assert all(duty.lane != LEADS for duty in duties(settings(tmp_path), (), zone))
    mine = [duty for duty in duties(settings(tmp_path, "[leads]\nread = true\n"), (), zone) if duty.lane == LEADS]
    assert [(duty.argv, duty.job) for duty in mine] == [(("leads",), "leads")]


@pytest.mark.parametrize("busy", [True, False])
def test_while_other_work_is_under_way_leads_are_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, busy: bool
) -> None:
    told = settings(tmp_path, "[leads]\nread = true\n")
    daemon = Daemon(tmp_path / "config.toml", clock=SystemClock(), entropy=SeededEntropy(1), environ={}, log=get_log())
    ran: list[tuple[str, ...]] = []

    def child(name: str, argv: Any, extra: Any, tell: Any) -> int:
        ran.append(tuple(argv))
        return 0

    monkeypatch.setattr(daemon, "_child", child)
    duty = next(duty for duty in duties(told, (), ZoneInfo("UTC")) if duty.lane == LEADS)
    if busy:
        daemon._working.acquire()
    daemon._fulfil(duty)
    assert ran == [("leads", "--dry-run") if busy else ("leads",)]
    assert daemon._working.locked() is busy
