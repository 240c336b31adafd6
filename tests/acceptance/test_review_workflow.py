"""The example workflow is true: its steps, run in order in a repository as CI checks it out, review an edit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "examples" / "workflows" / "territory-review.yml"
NEEDS_A_NETWORK = {"Install syncd", "Comment"}


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=r", "-c", "user.email=r@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    if shutil.which("git") is None or shutil.which("bash") is None:
        pytest.skip("git and bash are not installed")
    shutil.copytree(ROOT / "examples" / "starter", tmp_path / "pack")
    ci = tmp_path / "ci"
    ci.mkdir()
    (ci / "accounts.csv").write_text(
        "id,employees,country,state,owner\nsalesforce:account:0011,700,US,CA,ben@example.com\n"
        "salesforce:account:0012,20,US,OR,ben@example.com\n"
    )
    (ci / "opportunities.csv").write_text("id,account,amount\n")
    (ci / "users.csv").write_text("email,active\nanna@example.com,true\nben@example.com,true\nchloe@example.com,true\n")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "rules")
    return tmp_path


def test_the_steps_of_the_workflow_review_an_edit(repository: Path) -> None:
    base = git(repository, "rev-parse", "HEAD")
    rules = repository / "pack" / "pack.yaml"
    rules.write_text(rules.read_text().replace('">= 1000"', '">= 500"'))
    git(repository, "commit", "-q", "-a", "-m", "smaller ones too")
    steps = yaml.safe_load(WORKFLOW.read_text())
    shown = repository / "summary.md"
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environ |= {"BASE": base, "GITHUB_STEP_SUMMARY": str(shown)}
    environ |= {name: str(value) for name, value in steps["env"].items()}
    for step in steps["jobs"]["review"]["steps"]:
        if "run" in step and step.get("name") not in NEEDS_A_NETWORK:
            words = ["bash", "-e", "-o", "pipefail", "-c", step["run"]]
            done = subprocess.run(words, cwd=repository, env=environ, capture_output=True, text=True, check=False)
            assert done.returncode == 0, (step["name"], done.stdout, done.stderr)
    review = (repository / "review.md").read_text()
    assert shown.read_text() == review
    assert "1 of 2 decisions come out otherwise: 1 in another territory" in review
    assert "| enterprise | `pack.yaml:" in review
    assert "salesforce:account:0011" in review
    assert "@example.com" not in review


def test_the_workflow_needs_no_secret_and_may_only_comment() -> None:
    text = WORKFLOW.read_text()
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert "pull_request_target" not in text
    assert "secrets." not in text
    runs = [step["run"] for step in workflow["jobs"]["review"]["steps"] if "run" in step]
    assert [run for run in runs if "${{" in run] == []  # nothing that a branch can name reaches a shell
