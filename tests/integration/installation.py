"""A whole installation in a folder: sandboxes on loopback, settings, pack, database; commands as child processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syncd.cli.sandboxes import RunningSandboxes, open_sandboxes
from tests.forks import run_forked

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """What a command said."""

    stdout: str
    stderr: str


@dataclass
class Installation:
    folder: Path
    sandboxes: RunningSandboxes
    environ: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path, *, companies: int = 80, mode: str = "approve", extra: str = "") -> Installation:
        sandboxes = open_sandboxes(companies=companies, seed=7)
        line: Any = sandboxes.ready_line()
        shutil.copytree(ROOT / "examples" / "demo", folder / "pack")
        for name, value in (("sf", line["salesforce"]["client_secret"]), ("hs", line["hubspot"]["access_token"])):
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(value)
        (folder / "config.toml").write_text(
            f"""
mode = "{mode}"
owner_writer = "both"
[salesforce]
login_url = "{line["salesforce"]["url"]}"
client_id = "{line["salesforce"]["client_id"]}"
grant = "client_credentials"
client_secret = "file:{folder}/sf"
[hubspot]
base_url = "{line["hubspot"]["url"]}"
token = "file:{folder}/hs"
[limits]
salesforce_holdback = "0s"
hubspot_holdback = "0s"
[control]
socket = "control.sock"
{extra}"""
        )
        environ = {key: value for key, value in os.environ.items() if not key.startswith("SYNCD_")}
        return cls(folder, sandboxes, environ)

    def command(self, *argv: str) -> list[str]:
        return [sys.executable, "-m", "syncd", "--config", str(self.folder / "config.toml"), *argv]

    def syncd(self, *argv: str, code: int = 0) -> Done:
        """A command in a process of its own, which must end with `code`."""
        out, err = self.folder / "out", self.folder / "err"
        for file in (out, err):
            file.unlink(missing_ok=True)
        ended = self.run(*argv, out=out, err=err)
        done = Done(out.read_text(), err.read_text())
        assert ended == code, f"{argv}: {ended}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def run(self, *argv: str, out: Path | None = None, err: Path | None = None, seconds: float = 300) -> int:
        """The exit code of a command, -9 where it was killed after so many seconds; it says all it says to the log."""
        log, config = self.folder / "log", str(self.folder / "config.toml")
        words = ["--config", config, *argv]
        return run_forked(words, environ=self.environ, out=out or log, err=err or log, seconds=seconds)

    def start(self, *argv: str, **environ: str) -> subprocess.Popen[str]:
        with (self.folder / "log").open("a") as log:
            return subprocess.Popen(
                self.command(*argv), stderr=log, stdout=log, text=True, env={**self.environ, **environ}
            )

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def close(self) -> None:
        self.sandboxes.close()
