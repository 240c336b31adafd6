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

ROOT = Path(__file__).parents[2]


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

    def syncd(self, *argv: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(self.command(*argv), capture_output=True, text=True, env=self.environ, check=False)
        assert done.returncode == code, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def start(self, *argv: str, **environ: str) -> subprocess.Popen[str]:
        with (self.folder / "log").open("a") as log:
            return subprocess.Popen(
                self.command(*argv), stderr=log, stdout=log, text=True, env={**self.environ, **environ}
            )

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def close(self) -> None:
        self.sandboxes.close()
