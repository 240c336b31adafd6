"""Packs from git: a commit is fetched, checked, stored and let into use in one transaction; an invalid one is not.

Everybody, standbys and one-shot commands too, runs the pack that is stored, never what the repository has meanwhile.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from syncd.crashpoints import crashpoint
from syncd.errors import ConfigError, InputError, UsageError
from syncd.jobs.context import Context
from syncd.jobs.leadership import Leadership
from syncd.jobs.packs.packs import open_pack
from syncd.jobs.packs.revisions import fetch_commit, files_at, uncommitted
from syncd.jobs.recording import recorded
from syncd.settings import Mode, Settings
from syncd.store import ledger, packs
from syncd.store.engine import Store

_NAMED = 3
REFUSED = "refused"
"""Under this key the run of a fetch has the commit whose pack is invalid; PackInvalid is told from it."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a look at the repository came to: the revision and commit in use, and whether they are new."""

    revision: str
    commit: str
    changed: bool


def fetch_pack(context: Context, leader: Leadership) -> Fetched:
    """Look at the repository, and take up its commit if it is another and valid.

    Raises ConfigError SYN631 without pack.git, UsageError SYN007, SYN010 or SYN630 where git cannot have the commit,
    InputError with all findings where its pack is invalid: the last good one stays in use.
    """
    git = context.settings.pack.git
    if git is None:
        hint = "set pack.git in the settings, or keep the folder of pack.path up to date yourself"
        raise ConfigError("SYN631", "the pack is a folder of this machine, not fetched from git", hint=hint)
    leader.check()
    with recorded(context, "pack") as run:
        bare, commit = context.settings.state_dir / "pack.git", ""
        try:
            commit = fetch_commit(bare, git.repository, git.ref)
            with context.store.read() as conn:
                known = packs.active(conn)
            source = _source(commit, git.folder)
            if known is not None and known.source == source:
                restore_pack(context.settings, context.store)
                return Fetched(known.revision, commit, changed=False)
            files = files_at(bare, commit, git.folder)
            revision = _checked(context, files)
        except (UsageError, InputError) as error:
            if isinstance(error, InputError):
                run.summary = {REFUSED: commit}
            context.log.event("pack.refused", error=error)
            raise
        leader.check()
        _activate(context, revision, source, files, run.run_id)
        run.summary = {"revision": revision, "commit": commit}
        return Fetched(revision, commit, changed=True)


def restore_pack(settings: Settings, store: Store) -> None:
    """Put the stored pack in use where pack.path says, if the pack is fetched from git and one was ever stored."""
    if settings.pack.git is None:
        return
    with store.read() as conn:
        known = packs.active(conn)
        if known is None:
            return
        files = packs.files(conn, known.revision)
    _lay_out(settings, known.revision, files)


def require_committed(settings: Settings) -> None:
    """InputError SYN632 where syncd writes by itself and the pack's folder differs from its commit.

    In mode `apply` nobody looks at a plan before it is written: an edit that nobody reviewed must not move accounts.
    """
    if settings.mode is not Mode.APPLY or settings.pack.git is not None:
        return
    names = uncommitted(settings.pack.path)
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        raise InputError(
            "SYN632",
            f"the pack differs from its commit: {', '.join(names[:_NAMED])}{more}",
            where=str(settings.pack.path),
            hint="commit the change (or take it back), then reload; mode apply runs what was committed",
        )


def _source(commit: str, folder: str) -> str:
    return commit if folder == "." else f"{commit}:{folder}"


def _checked(context: Context, files: Mapping[str, bytes]) -> str:
    """The revision of a pack's files; InputError where they are no valid pack."""
    with tempfile.TemporaryDirectory(prefix="syncd-pack-") as scratch:
        folder = Path(scratch) / "pack"
        _write(folder, files)
        return open_pack(context.settings, folder, now=context.clock.now()).revision


def _activate(context: Context, revision: str, source: str, files: Mapping[str, bytes], run_id: str) -> None:
    now = context.clock.now()
    with context.store.write() as conn:
        packs.activate(conn, revision, source, files, now=now)
        facts: dict[str, str | int | None] = {"pack_revision": revision, "commit": source}
        ledger.append(conn, at=now, event="pack.activated", ref=None, actor=context.actor, run_id=run_id, facts=facts)
    crashpoint("pack.activated")
    _lay_out(context.settings, revision, files)
    context.log.event("pack.activated", pack=revision, commit=source)


def _lay_out(settings: Settings, revision: str, files: Mapping[str, bytes]) -> None:
    """Write the files into a folder of their revision, and let the link at pack.path lead there, all at once."""
    link, store = settings.pack.path, settings.state_dir / "packs"
    target = store / revision
    if link.is_symlink() and os.readlink(link) == str(target) and target.is_dir():
        return
    if link.exists() and not link.is_symlink():
        hint = "move it away: syncd makes a link there to the pack it fetched"
        raise ConfigError("SYN633", "something else is where the fetched pack belongs", where=str(link), hint=hint)
    try:
        store.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not target.is_dir():
            draft = Path(tempfile.mkdtemp(prefix=".", dir=store))
            _write(draft / "pack", files)
            crashpoint("pack.before_rename")
            (draft / "pack").rename(target)
            draft.rmdir()
        fresh = link.with_name(f".{link.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target)
        fresh.replace(link)
        for old in store.iterdir():
            if old != target:
                shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        text = f"the fetched pack cannot be written: {os.strerror(error.errno or 0)}"
        raise ConfigError("SYN633", text, where=str(store), hint="may syncd write in state_dir?") from error


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        if ".." in PurePosixPath(name).parts:
            continue  # git does not make such names; a hand-made tree might
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
