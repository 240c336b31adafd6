"""The settings and the pack that were last found valid, kept as a copy that child processes read.

An edit in the middle of the day changes nothing until a reload has found the whole of it valid.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from syncd.crashpoints import crashpoint
from syncd.entropy import Entropy
from syncd.jobs.mapping import field_catalogue
from syncd.jobs.money import money_table
from syncd.rules.loader import load_pack
from syncd.settings import Settings, load_settings

_KEPT = 2


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One valid state of settings and pack: the settings, the pack's revision, and what children are told."""

    settings: Settings
    revision: str
    environ: Mapping[str, str]


def take_snapshot(path: Path | None, environ: Mapping[str, str], entropy: Entropy) -> Snapshot:
    """Read and validate settings and pack, and copy both into the state folder.

    Raises ConfigError or InputError with all findings, and leaves earlier copies alone, where either is invalid.
    """
    settings = load_settings(path, environ)
    folder = settings.state_dir / "active"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = entropy.token()
    draft = folder / f".{name}"
    draft.mkdir(mode=0o700)
    try:
        shutil.copytree(settings.pack.path, draft / "pack", ignore=shutil.ignore_patterns(".*"))
        # The copy is what counts from here on: the folder may change under our hands while it is read.
        pack = load_pack(draft / "pack", catalogue=field_catalogue(settings), money=money_table(settings.money))
        told = {"SYNCD_PACK__PATH": str(folder / name / "pack")}
        if path is not None:
            shutil.copyfile(path, draft / "config.toml")
            told["SYNCD_CONFIG"] = str(folder / name / "config.toml")
            told["SYNCD_CONFIG_FOLDER"] = environ.get("SYNCD_CONFIG_FOLDER") or str(path.resolve().parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    crashpoint("daemon.before_snapshot")
    draft.rename(folder / name)
    crashpoint("daemon.snapshot_taken")
    _forget_old(folder, name)
    return Snapshot(settings, pack.revision, told)


def _forget_old(folder: Path, newest: str) -> None:
    """Keep the newest copy and the one before it, which a running child may still read."""
    others = [entry for entry in folder.iterdir() if entry.name != newest]
    others.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
    for entry in others[_KEPT - 1 :]:
        shutil.rmtree(entry, ignore_errors=True)
