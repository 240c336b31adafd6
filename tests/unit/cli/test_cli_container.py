"""The container file: no engine is at hand where the tests run, so its instructions are followed in a folder instead.

What is built is built from the files that COPY names and nothing else, by the build's own command. Fetching and the
package manager of the image are not run here: `make wheel` installs the same lock by its hashes.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path
from zipfile import ZipFile

from click.testing import CliRunner
from packaging.requirements import Requirement

from syncd.cli.main import cli

ROOT = Path(__file__).parents[3]
HERE = ROOT / "deploy" / "container"


def instructions() -> list[tuple[str, str]]:
    """Every instruction and what it says, continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", (HERE / "Containerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def stages() -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for name, rest in instructions():
        if name == "FROM":
            found.append([])
        found[-1].append((name, rest))
    return found


def test_it_is_built_from_what_it_copies_by_the_command_that_it_runs(tmp_path: Path) -> None:
    build = stages()[0]
    for words in (rest.split() for name, rest in build if name == "COPY"):
        target = tmp_path / words[-1].lstrip("/")
        for source in words[:-1]:
            assert (ROOT / source).exists(), source
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, target)
    (command,) = [
        part.strip() for name, rest in build if name == "RUN" for part in rest.split("&&") if "hatchling" in part
    ]
    words = [word.replace("/build/bin/python", sys.executable).replace("/wheel", "wheel") for word in command.split()]
    subprocess.run(words, cwd=tmp_path / "src", check=True, capture_output=True)
    (wheel,) = (tmp_path / "src" / "wheel").glob("*.whl")
    names = ZipFile(wheel).namelist()
    for wanted in (
        "syncd/migrations/versions/0001_first.py",
        "syncd/examples/demo/pack.yaml",
        "syncd/config.example.toml",
        "syncd/deploy/systemd/syncd.service",
    ):
        assert wanted in names
    assert any(name.endswith("share/man/man1/syncd.1") for name in names)


def test_everything_that_is_fetched_is_fetched_by_its_hash() -> None:
    installs = [
        part.strip()
        for stage in stages()
        for name, rest in stage
        if name == "RUN"
        for part in rest.split("&&")
        if "pip install" in part
    ]
    assert len(installs) == 3
    for line in installs:
        assert "--require-hashes" in line or "--no-index" in line, line
        named = re.search(r"-r (\S+)", line)
        assert named is None or (ROOT / named[1]).is_file()


def test_what_builds_the_wheel_is_of_the_lock() -> None:
    def blocks(path: Path) -> dict[str, str]:
        text = re.sub(r" \\\n\s+", " ", path.read_text())
        return {line.partition("==")[0]: line for line in text.splitlines() if re.match(r"[\w-]+==", line)}

    locked, ours = blocks(ROOT / "requirements-dev.txt"), blocks(HERE / "requirements-build.txt")
    assert "hatchling" in ours
    assert {name: locked[name] for name in ours} == ours
    needed, known = {"hatchling"}, set(ours)
    while needed:  # pip asks for every one of them by its hash, what they need in turn too
        name = needed.pop()
        assert name in known, f"{name} is needed and not pinned: the image cannot be built"
        asked = [Requirement(text) for text in requires(name) or ()]
        needed |= {each.name for each in asked if each.marker is None or each.marker.evaluate({"extra": ""})} - {name}


def test_it_ends_as_a_user_without_rights_and_keeps_no_lists() -> None:
    """What a linter of such files asks: an image by tag, nobody's root, no ADD, no package lists, exec forms."""
    everything = instructions()
    final = stages()[-1]
    assert all(":" in rest.split()[0] and "latest" not in rest for name, rest in everything if name == "FROM")
    assert "ADD" not in {name for name, _ in everything}
    (user,) = [rest for name, rest in final if name == "USER"]
    numbers = user.split(":")
    made = next(rest for name, rest in final if name == "RUN")
    assert numbers == ["10001", "10001"], "a number, so that Kubernetes can tell that it is not root"
    assert f"useradd --uid {numbers[0]} --gid {numbers[1]}" in made
    assert "--no-install-recommends" in made
    assert "rm -rf /var/lib/apt/lists/*" in made
    order = [name for name, _ in final]
    assert order.index("USER") > order.index("RUN"), "what needs root comes before"
    for name in ("ENTRYPOINT", "CMD"):
        (words,) = [rest for each, rest in final if each == name]
        assert all(isinstance(word, str) for word in json.loads(words)), "signals reach syncd, not a shell"


def test_what_it_starts_and_asks_are_commands_of_syncd() -> None:
    final = dict(stages()[-1])
    start = [*json.loads(final["ENTRYPOINT"]), *json.loads(final["CMD"])]
    health = json.loads(final["HEALTHCHECK"].partition("CMD ")[2])
    assert shlex.join(start) == "syncd --config /etc/syncd/config.toml serve"
    assert health[:3] == start[:3], "of the same settings"
    for words in (start[3:], health[3:]):
        assert CliRunner().invoke(cli, [*words, "--help"]).exit_code == 0
    assert "--exit-code" in health, "without it, what stands still would be healthy"
