# ruff: noqa: E402 - the extra is looked for first
"""A plan of the mirror by its columns: the same bytes and findings as the plain one, whatever happened in between."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpy", reason="the extra `fast` is not installed")
pytest.importorskip("pyarrow", reason="the extra `fast` is not installed")
pytest.importorskip("polars", reason="the extra `fast` is not installed")

from random_mirrors import Mirrors

from syncd.jobs.engines import EngineChoice
from syncd.jobs.plan import deliberate, plan_of
from syncd.jobs.stages import Stages
from tests.databases import DIALECTS, postgres_server

sys.path.append(str(Path(__file__).parents[1] / "rules"))
from batch_exports import Exports

ACCOUNTS = 160


@pytest.fixture(params=DIALECTS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/syncd.db"
        return
    server = postgres_server()
    name = server.migrated()
    yield server.url(name)
    server.drop(name)


def planned(mirrors: Mirrors, engine: EngineChoice) -> tuple[str, Any, list[str]]:
    context = mirrors.context
    stages = Stages(lambda: 0.0)
    thought = deliberate(context, pack=mirrors.folder / "pack", stages=stages, engine=engine)
    document = {**plan_of(context, thought).document, "plan_id": None}
    return json.dumps(document), [(each.code, each.message) for each in thought.findings], stages.notes


def world(seed: int, folder: Path, url: str) -> Mirrors:
    Exports(seed).write(folder, 0)
    mirrors = Mirrors(seed, folder, url)
    mirrors.fill(ACCOUNTS)
    return mirrors


@pytest.mark.parametrize("seed", range(6))
def test_a_plan_by_columns_has_every_byte_and_finding_of_the_plain_one(tmp_path: Path, url: str, seed: int) -> None:
    mirrors = world(seed, tmp_path, url)
    for step in mirrors.steps():
        plain = planned(mirrors, EngineChoice.PLAIN)
        batch = planned(mirrors, EngineChoice.BATCH)
        assert batch[2][-1].startswith("decided in batches"), (seed, step, batch[2])
        assert batch[:2] == plain[:2], (seed, step)
    mirrors.context.close()
