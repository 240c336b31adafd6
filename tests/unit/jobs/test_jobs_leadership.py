from __future__ import annotations

import os
import socket
import subprocess
import sys

from syncd.jobs.leadership import holder_is_gone, holder_name


def test_this_process_is_not_gone() -> None:
    assert not holder_is_gone(holder_name())


def test_a_holder_of_another_machine_may_live() -> None:
    assert not holder_is_gone("elsewhere:boot:1:1")


def test_a_holder_of_this_machine_that_ended_is_gone() -> None:
    script = "from syncd.jobs.leadership import holder_name; print(holder_name())"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    assert holder_is_gone(ended)


def test_a_holder_whose_pid_is_another_process_now_is_gone() -> None:
    host, boot, pid, _ = holder_name().split(":")
    assert holder_is_gone(f"{host}:{boot}:{pid}:1")
    assert holder_is_gone(f"{host}:an-earlier-boot:{pid}:1")


def test_a_holder_that_cannot_be_read_may_live() -> None:
    assert not holder_is_gone("somebody")
    assert not holder_is_gone(f"{socket.gethostname()}:x:y:z")
    assert os.getpid() > 0
