"""A pack as it stood at another git revision: its files in a temporary folder. The working tree is never touched."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from syncd.errors import UsageError

_DEADLINE = 120.0
_FILES = ("100644", "100755")


@dataclass(frozen=True, slots=True)
class Revision:
    """A pack at a commit: the folder that its files were put into, and the commit's full id."""

    folder: Path
    commit: str


@contextmanager
def pack_at(pack: Path, ref: str) -> Iterator[Revision]:
    """The pack as the commit `ref` has it, for the length of a with-block.

    Raises UsageError: SYN007 without git, SYN008 where the pack is in no repository that git reads, SYN009 for an
    unknown revision, SYN010 where the pack is not in it.
    """
    top = Path(_asked(pack, "rev-parse", "--show-toplevel").decode().rstrip("\n"))
    prefix = PurePosixPath(pack.resolve().relative_to(top.resolve()).as_posix())
    commit = _commit(top, ref)
    blobs = _blobs(top, commit, prefix)
    if not blobs:
        hint = "was the folder called something else then?"
        raise UsageError("SYN010", f"there is no {prefix} in {ref} ({commit[:10]})", hint=hint)
    with tempfile.TemporaryDirectory(prefix="syncd-revision-") as scratch:
        folder = Path(scratch) / pack.resolve().name
        for name, data in _contents(top, blobs):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        yield Revision(folder, commit)


def fetch_commit(bare: Path, repository: str, ref: str) -> str:
    """Fetch one ref of a repository into a bare one of ours, made where it is not there; the full id of its commit.

    Raises UsageError: SYN007 without git, SYN630 where git cannot have it, in git's own words.
    """
    if not (bare / "HEAD").is_file():
        bare.mkdir(parents=True, exist_ok=True)
        _asked(bare, "init", "--quiet", "--bare")
    wanted = "refs/syncd/wanted"
    safe = ("-c", "protocol.ext.allow=never", "-c", "core.hooksPath=/dev/null")
    words = ("fetch", "--quiet", "--force", "--no-tags", "--no-write-fetch-head", "--", repository, f"+{ref}:{wanted}")
    done = _run(bare, *safe, *words)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = said[-1][:200] if said else "git says nothing"
        hint = "is pack.git right, and may the user that runs syncd read the repository?"
        raise UsageError("SYN630", f"{ref} cannot be fetched: {reason}", where=repository, hint=hint)
    return _asked(bare, "rev-parse", "--verify", f"{wanted}^{{commit}}").decode().strip()


def files_at(repository: Path, commit: str, folder: str) -> dict[str, bytes]:
    """The files of a folder as a commit has them, by name within it; UsageError SYN010 where there is none."""
    prefix = PurePosixPath(folder)
    blobs = _blobs(repository, commit, prefix)
    if not blobs:
        hint = "name the pack's folder within the repository with pack.git.folder"
        raise UsageError("SYN010", f"there is no folder {folder} in commit {commit[:10]}", hint=hint)
    return dict(_contents(repository, blobs))


def uncommitted(pack: Path) -> tuple[str, ...]:
    """What differs from the commit in a pack's folder, new files included; nothing where it is in no repository."""
    try:
        done = _run(pack, "status", "--porcelain", "--untracked-files=all", "-z", "--", ".")
    except UsageError:
        return ()
    entries = done.stdout.decode("utf-8", "replace").split("\0") if done.returncode == 0 else []
    return tuple(entry[3:] for entry in entries if len(entry) > 3)


def _commit(top: Path, ref: str) -> str:
    found = None if ref.startswith("-") else _run(top, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    if found is None or found.returncode:
        hint = "name a branch, tag or commit; a shallow clone knows few: fetch it first (in CI: fetch-depth: 0)"
        raise UsageError("SYN009", f"git knows no revision {ref!r}", where=str(top), hint=hint)
    return found.stdout.decode().strip()


def _blobs(top: Path, commit: str, prefix: PurePosixPath) -> dict[str, str]:
    """The ids of a commit's files below a folder, by path within it; links and submodules are no part of a pack."""
    below = [] if str(prefix) == "." else [f"{prefix}/"]
    listed = _asked(top, "ls-tree", "-r", "-z", "--full-tree", commit, *below)
    found: dict[str, str] = {}
    for line in listed.decode("utf-8", "surrogateescape").split("\0"):
        about, _, path = line.partition("\t")
        if path and about.split(" ")[0] in _FILES:
            found[PurePosixPath(path).relative_to(prefix).as_posix()] = about.split(" ")[2]
    return found


def _contents(top: Path, blobs: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """The bytes of every file as committed, by name."""
    answer = _asked(top, "cat-file", "--batch", given="".join(f"{blob}\n" for blob in blobs.values()).encode())
    at = 0
    for name in blobs:
        end = answer.index(b"\n", at)
        size = int(answer[at:end].split(b" ")[2])
        yield name, answer[end + 1 : end + 1 + size]
        at = end + 1 + size + 1


def _asked(folder: Path, *words: str, given: bytes = b"") -> bytes:
    done = _run(folder, *words, given=given)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        owned = any("dubious ownership" in line for line in said)
        hint = "git says why; `git config --global --add safe.directory FOLDER` trusts it" if owned else None
        what = "the folder belongs to another user, so git does not read it" if owned else "this is no git repository"
        raise UsageError("SYN008", what, where=str(folder), hint=hint or "`--against` needs the pack in git")
    return done.stdout


def _run(folder: Path, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    if not folder.is_dir():
        raise UsageError("SYN008", "there is no such folder", where=str(folder), hint="name the folder of the pack")
    quiet = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        return subprocess.run(  # noqa: S603 - words of ours and a checked revision, no shell
            ["git", "-C", str(folder), *words],  # noqa: S607 - whichever git the user has
            input=given,
            capture_output=True,
            env={**os.environ, **quiet},
            timeout=_DEADLINE,
            check=False,
        )
    except FileNotFoundError as error:
        raise UsageError("SYN007", "git is not installed", hint="install it, or plan without --against") from error
    except subprocess.TimeoutExpired as error:
        raise UsageError("SYN008", "git did not answer", where=str(folder), hint="try `git status` there") from error
