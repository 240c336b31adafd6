"""The settings and the pack that were last found valid, kept as a copy that child processes read.

An edit in the middle of the day changes nothing until a reload has found the whole of it valid.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from syncd.crashpoints import crashpoint
from syncd.entropy import Entropy
from syncd.errors import ConfigError, InputError
from syncd.jobs.packs.packs import open_pack
from syncd.jobs.pulling.fetching import require_committed
from syncd.settings import Settings, load_settings

_KEPT = 2
_DRAFT = "."


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One valid state of settings and pack: settings, the pack's revision and plan times, children's variables."""

    settings: Settings
    revision: str
    plan_at: tuple[str, ...]
    zone: ZoneInfo
    environ: Mapping[str, str]
    fiscal_year_start: int = 1


def take_snapshot(path: Path | None, environ: Mapping[str, str], entropy: Entropy, *, now: datetime) -> Snapshot:
    """Read and validate settings and pack, and copy both into the state folder. Only for whoever holds the lease.

    Raises ConfigError or InputError with all findings, and leaves earlier copies alone, where either is invalid or
    cannot be copied.
    """
    settings = load_settings(path, environ)
    folder, name = settings.state_dir / "active", entropy.token()
    draft = _new_folder(folder, f"{_DRAFT}{name}")
    try:
        told = {"SYNCD_PACK__PATH": str(folder / name / "pack")}
        if path is not None:
            told["SYNCD_CONFIG"] = str(folder / name / "config.toml")
            told["SYNCD_CONFIG_FOLDER"] = environ.get("SYNCD_CONFIG_FOLDER") or str(path.resolve().parent)
            shutil.copyfile(path, draft / "config.toml")
            anchor = {"SYNCD_CONFIG_FOLDER": told["SYNCD_CONFIG_FOLDER"]}
            settings = load_settings(draft / "config.toml", {**environ, **anchor})
        shutil.copytree(settings.pack.path, draft / "pack", ignore=shutil.ignore_patterns(".*"))
        require_committed(settings)
        # The copies are what counts from here on: the originals may change under our hands while they are read.
        pack = open_pack(settings, draft / "pack", now=now)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        where, hint = str(settings.pack.path), "is pack.path a folder that syncd may read?"
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise InputError("SYN200", f"the pack cannot be copied: {reason}", where=where, hint=hint) from error
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    crashpoint("daemon.before_snapshot")
    draft.rename(folder / name)
    crashpoint("daemon.snapshot_taken")
    _forget_old(folder, name)
    return Snapshot(settings, pack.revision, pack.plan_at, pack.zone, told, pack.fiscal_year_start)


def _new_folder(folder: Path, name: str) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / name).mkdir(mode=0o700)
    except OSError as error:
        hint = "name a folder that syncd may write with state_dir"
        text = f"the state folder cannot be written: {os.strerror(error.errno or 0)}"
        raise ConfigError("SYN110", text, where=str(folder), hint=hint) from error
    return folder / name


def _forget_old(folder: Path, newest: str) -> None:
    """Keep the newest copy and the one before it, which a running child may still read; half-made ones go."""
    others = [entry for entry in folder.iterdir() if entry.name != newest]
    drafts = [entry for entry in others if entry.name.startswith(_DRAFT)]
    whole = [entry for entry in others if entry not in drafts]
    whole.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
    for entry in drafts + whole[_KEPT - 1 :]:
        shutil.rmtree(entry, ignore_errors=True)
