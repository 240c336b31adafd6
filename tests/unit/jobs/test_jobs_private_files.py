"""Files of our own are read back as written, and neither written to nor read from where others have a hand in."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.jobs.private_files import UnsoundFileError, read_private, write_private

MOST = 1000


def test_what_is_written_comes_back_and_nothing_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "one"
    write_private(path, b"some\nbytes")
    assert read_private(path, MOST) == b"some\nbytes"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert read_private(path.with_name("other"), MOST) is None


def test_a_folder_that_others_may_use_gets_no_file(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o700)
    folder.chmod(0o750)
    with pytest.raises(PermissionError):
        write_private(folder / "one", b"x")
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_a_link_gets_no_file(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "kept").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError):
        write_private(tmp_path / "kept" / "one", b"x")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_one_changed_byte_or_one_too_many_is_unsound(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "one"
    write_private(path, b"abc")
    with pytest.raises(UnsoundFileError, match="too large"):
        read_private(path, 10)
    path.write_bytes(path.read_bytes()[:-1] + b"d")
    with pytest.raises(UnsoundFileError, match="damaged"):
        read_private(path, MOST)
