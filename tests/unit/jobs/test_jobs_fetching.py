"""A pack from git: taken up only when it is valid, kept in the database, and never what nobody committed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd.errors import ConfigError, InputError, UsageError
from syncd.jobs.leadership import leadership
from syncd.jobs.pulling.fetching import fetch_pack, require_committed, restore_pack
from syncd.jobs.watching.watch import watch
from syncd.settings import Mode, Settings
from syncd.settings.packs import GitPackSettings
from syncd.store import ledger, packs
from syncd.store.episodes import open_episodes

GOOD = """format: 1
pack: {{name: {name}}}
territories:
  - {{name: all, when: always, owners: [a@x.example]}}
"""


class Repository:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str) -> str:
        who = {
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@x",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@x",
        }
        environ = {**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null"}
        done = subprocess.run(["git", *words], cwd=self.folder, env=environ, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, name: str, text: str | None = None, folder: str = ".") -> str:
        (self.folder / folder).mkdir(exist_ok=True)
        (self.folder / folder / "pack.yaml").write_text(text or GOOD.format(name=name))
        self.git("add", "-A")
        self.git("commit", "--quiet", "-m", name)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    if shutil.which("git") is None:
        pytest.skip("NOT TESTED: no git on this machine")
    return Repository(tmp_path / "repository")


def fetched_from(world: Any, repository: Repository, folder: str = ".") -> None:
    """Let the world's pack come from the repository."""
    settings: Settings = world.context.settings
    git = GitPackSettings(repository=str(repository.folder), folder=folder)
    state = world.folder / "state"
    state.mkdir(exist_ok=True)
    pack = settings.pack.model_copy(update={"git": git, "path": state / "pack"})
    world.context.settings = settings.model_copy(update={"pack": pack, "state_dir": state})


def fetch(world: Any) -> Any:
    with leadership(world.context) as leader:
        return fetch_pack(world.context, leader)


@pytest.fixture
def gitted(make_world: Callable[..., Any], repository: Repository, tmp_path: Path) -> Any:
    world = make_world()
    world.folder = tmp_path
    fetched_from(world, repository)
    return world


def test_a_commit_is_checked_stored_and_in_use(gitted: Any, repository: Repository) -> None:
    commit = repository.commit("first")
    done = fetch(gitted)
    assert (done.commit, done.changed) == (commit, True)
    assert gitted.context.pack().revision == done.revision
    with gitted.context.store.read() as conn:
        active = packs.active(conn)
        assert active is not None
        assert (active.revision, active.source) == (done.revision, commit)
        assert "name: first" in packs.files(conn, done.revision)["pack.yaml"].decode()
        assert ledger.entries(conn, event="pack.activated")[0].facts["commit"] == commit
    assert not fetch(gitted).changed


def test_an_invalid_commit_changes_nothing(gitted: Any, repository: Repository) -> None:
    repository.commit("first")
    good = fetch(gitted).revision
    repository.commit("bad", "territories: [\n")
    with pytest.raises(InputError, match="SYN200") as caught:
        fetch(gitted)
    assert caught.value.findings
    assert gitted.context.pack().revision == good
    repository.commit("second")
    assert fetch(gitted).changed
    assert gitted.context.pack().revision != good


def test_a_bad_commit_fires_pack_invalid_until_a_good_one_comes(gitted: Any, repository: Repository) -> None:
    def firing() -> list[str]:
        gitted.context.clock.advance(timedelta(minutes=1))
        watch(gitted.context)
        with gitted.context.store.read() as conn:
            return [each.summary for each in open_episodes(conn) if each.monitor == "PackInvalid"]

    repository.commit("first")
    fetch(gitted)
    assert firing() == []
    bad = repository.commit("bad", "territories: [\n")
    for _ in range(2):
        with pytest.raises(InputError):
            fetch(gitted)
        assert firing() == [f"commit {bad[:12]} of the pack is invalid; the last good one stays in use"]
    repository.commit("second")
    fetch(gitted)
    assert firing() == []


def test_a_standby_runs_the_stored_pack_with_the_repository_gone(gitted: Any, repository: Repository) -> None:
    repository.commit("first")
    revision = fetch(gitted).revision
    shutil.rmtree(repository.folder)
    settings = gitted.context.settings
    elsewhere = gitted.folder / "elsewhere"
    elsewhere.mkdir()
    pack = settings.pack.model_copy(update={"path": elsewhere / "pack"})
    settings = settings.model_copy(update={"pack": pack, "state_dir": elsewhere})
    restore_pack(settings, gitted.context.store)
    assert (elsewhere / "pack" / "pack.yaml").read_text() == GOOD.format(name="first")
    assert os.readlink(elsewhere / "pack").endswith(revision)
    with pytest.raises(UsageError, match="SYN630"):
        fetch(gitted)


def test_a_pack_in_a_folder_of_the_repository_is_taken_alone(gitted: Any, repository: Repository) -> None:
    repository.commit("inner", folder="rules")
    (repository.folder / "secret.txt").write_text("x")
    repository.git("add", "-A")
    repository.git("commit", "--quiet", "-m", "more")
    fetched_from(gitted, repository, folder="rules")
    fetch(gitted)
    assert [entry.name for entry in gitted.context.settings.pack.path.iterdir()] == ["pack.yaml"]
    fetched_from(gitted, repository, folder="nowhere")
    with pytest.raises(UsageError, match="SYN010"):
        fetch(gitted)


def test_what_stands_in_the_way_is_not_removed(gitted: Any, repository: Repository) -> None:
    repository.commit("first")
    gitted.context.settings.pack.path.mkdir()
    with pytest.raises(ConfigError, match="SYN633"):
        fetch(gitted)
    assert gitted.context.settings.pack.path.is_dir()


def test_without_a_repository_there_is_nothing_to_fetch(make_world: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError, match="SYN631"):
        fetch(make_world())


@pytest.mark.parametrize("value", ["-x", "https://a:secret@host/x.git", "ext::sh -c id", ""])
def test_a_repository_that_is_an_option_a_secret_or_a_command_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="repository"):
        GitPackSettings(repository=value)


@pytest.mark.parametrize("edit", ["change", "new file"])
def test_in_mode_apply_an_edit_that_nobody_committed_is_refused(repository: Repository, edit: str) -> None:
    repository.commit("first")
    settings = Settings(mode=Mode.APPLY)
    settings = settings.model_copy(update={"pack": settings.pack.model_copy(update={"path": repository.folder})})
    require_committed(settings)
    target = repository.folder / ("pack.yaml" if edit == "change" else "more.yaml")
    target.write_text("owners: {}\n")
    with pytest.raises(InputError, match="SYN632") as caught:
        require_committed(settings)
    assert target.name in caught.value.summary
    require_committed(settings.model_copy(update={"mode": Mode.APPROVE}))


def test_a_pack_in_no_repository_is_a_pack_too(tmp_path: Path) -> None:
    settings = Settings(mode=Mode.APPLY)
    require_committed(settings.model_copy(update={"pack": settings.pack.model_copy(update={"path": tmp_path})}))


@pytest.mark.parametrize("point", ["pack.activated", "pack.before_rename"])
def test_what_a_death_left_half_laid_out_the_next_fetch_makes_good(
    gitted: Any, repository: Repository, crash_at: Callable[..., type[BaseException]], point: str
) -> None:
    repository.commit("first")
    with pytest.raises(crash_at(point)):
        fetch(gitted)
    again = fetch(gitted)
    assert gitted.context.pack().revision == again.revision
    with gitted.context.store.read() as conn:
        active = packs.active(conn)
    assert active is not None
    assert active.revision == again.revision
