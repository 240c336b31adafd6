"""A state folder that the settings name: where it is missing, every command says so in the log, and works."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from jobs_world import World


@pytest.mark.parametrize("make_world", ["sqlite"], indirect=True)
def test_a_state_folder_that_is_not_there_is_told_and_one_that_is_there_is_not(
    make_world: Callable[..., World], log: io.StringIO
) -> None:
    world = make_world(state=True)
    assert log.getvalue().count("state.missing") == 1
    world.settings().state_dir.mkdir()
    world.start()
    assert log.getvalue().count("state.missing") == 1
    world.start(state=False)
    assert log.getvalue().count("state.missing") == 1
