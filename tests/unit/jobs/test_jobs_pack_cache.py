"""Packs kept between processes: the same pack, never an old one, a damaged one or somebody else's."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from syncd.errors import Place
from syncd.jobs.packs.pack_cache import FOLDER
from syncd.jobs.packs.packs import inspect_pack
from syncd.model.money import MoneyTable
from syncd.rules import loader
from syncd.rules.conditions import FieldTest
from syncd.rules.loader import ReadingOptions, ReadPack, check_pack, read_pack
from syncd.rules.matching.matchers import Interval
from syncd.rules.matching.repricing import repriced
from syncd.rules.pack_bytes import UnreadableBytesError, pack_from_bytes, pack_to_bytes
from syncd.settings import Settings

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
ROOT = Path(__file__).parents[3]
ROOMS = ("examples", "tests/unit/rules/packs", "tests/acceptance/sentences")
FOLDERS = sorted({path.parent for room in ROOMS for path in (ROOT / room).rglob("pack.yaml")})
PACK = """lists: {named: {file: named.csv, column: domain}}
overrides: [{account: acme.com, owner: ben@example.com, by: mei@example.com, why: sponsor, expires: 2026-12-01}]
territories:
  - {name: named, when: {domain: {list: named}}, owners: [ana@example.com], labels: {file: later.csv}}
  - {name: rich, when: {annual_revenue: ">= 1M"}, owners: unassigned}
  - {name: rest, when: always, owners: unassigned}
"""


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that were really read."""
    seen: list[Path] = []

    def read(root: Path, options: ReadingOptions, *, now: datetime | None = None, memory: None = None) -> ReadPack:
        seen.append(root)
        return read_pack(root, options, now=now, memory=memory)

    monkeypatch.setattr(loader, "read_pack", read)
    return seen


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "pack.yaml").write_text(PACK, encoding="utf-8")
    (folder / "named.csv").write_text("domain\nacme.com\n", encoding="utf-8")
    return folder


def inspect(root: Path, now: datetime = NOW, **more: Any) -> object:
    """The pack and its findings, which are those of reading it, wherever they came from."""
    settings = Settings.model_validate({"state_dir": root.parent, **more})
    found = inspect_pack(settings, root, now=now)
    shared = frozenset(settings.identity.shared_domains)
    options = ReadingOptions(money=MoneyTable(settings.money.reporting_currency), shared_domains=shared)
    read = read_pack(root, options, now=now)
    assert found == (read.pack, read.findings)
    return found


def entries(root: Path) -> list[Path]:
    return sorted((root.parent / FOLDER).glob("[!.]*"))


def test_a_pack_is_kept_where_python_writes_a_member_of_an_enumeration_by_its_name(
    root: Path, readings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As 3.11.2 does, Debian 12's: `getattr` stands in no pack, and nothing was kept there."""

    def by_name(member: Enum, _protocol: int) -> Any:
        return getattr, (type(member), member.name)

    for kind in _enumerations(Enum):
        monkeypatch.setattr(kind, "__reduce_ex__", by_name)
    inspect(root)
    assert len(entries(root)) == 1
    readings.clear()
    inspect(root)
    assert readings == []


def _enumerations(kind: type[Enum]) -> list[type[Enum]]:
    """The enumerations of ours that derive from one."""
    below = kind.__subclasses__()
    return [each for each in below if each.__module__.startswith("syncd.")] + [
        found for each in below for found in _enumerations(each)
    ]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_every_pack_comes_back_equal(folder: Path) -> None:
    pack, _ = check_pack(folder, now=NOW)
    if pack is not None:
        assert pack_from_bytes(pack_to_bytes(pack)) == pack


def test_an_amount_in_another_currency_comes_back_with_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text(PACK.replace('">= 1M"', '">= 1M EUR"').replace("named.csv", "n.csv"))
    (tmp_path / "n.csv").write_text("domain\nacme.com\n", encoding="utf-8")
    pack, _ = check_pack(tmp_path, money=MoneyTable("USD", {"EUR": Decimal("1.1")}), now=NOW)
    assert pack is not None
    condition = pack_from_bytes(pack_to_bytes(pack)).roles["owner"][1].when
    assert isinstance(condition, FieldTest)
    older = MoneyTable("USD", {"EUR": Decimal(2)})
    assert isinstance(repriced(condition.matcher, older), Interval)
    assert getattr(repriced(condition.matcher, older), "low", None) == 2_000_000


def test_a_pack_is_read_once_and_keeps_its_findings(root: Path, readings: list[Path]) -> None:
    first = inspect(root)
    assert inspect(root) == first
    assert readings == [root]
    assert [each.code for each in inspect_pack(Settings(state_dir=root.parent), root, now=NOW)[1]] == ["SYN245"]


def rewritten(name: str, text: str) -> Callable[[Path], None]:
    def write(root: Path) -> None:
        (root / name).write_text(text, encoding="utf-8")

    return write


@pytest.mark.parametrize(
    "change",
    [
        rewritten("pack.yaml", PACK.replace("ana@", "eva@")),
        rewritten("named.csv", "domain\nglobex.com\n"),
        rewritten("more.yaml", "reps: [{email: ana@example.com}]\n"),
        rewritten("more.yml", "reps: []\n"),
        rewritten("later.csv", "domain\n"),
        lambda root: (root / "named.csv").unlink(),
        lambda root: (root / "named.csv").rename(root / "other.csv"),
    ],
)
def test_a_change_of_any_file_is_seen(root: Path, readings: list[Path], change: Callable[[Path], None]) -> None:
    inspect(root)
    change(root)
    inspect(root)
    assert readings == [root, root]


@pytest.mark.parametrize(
    "more", [{"money": {"reporting_currency": "EUR"}}, {"identity": {"shared_domains": ["acme.com"]}}]
)
def test_other_settings_read_it_anew(root: Path, readings: list[Path], more: dict[str, Any]) -> None:
    inspect(root)
    inspect(root, **more)
    assert readings == [root, root]


def test_what_expires_overnight_is_told_the_next_day(root: Path, readings: list[Path]) -> None:
    inspect(root)
    inspect(root, NOW + timedelta(hours=13))
    inspect(root, NOW + timedelta(days=1))
    assert readings == [root, root]


def test_an_invalid_pack_is_never_kept(root: Path, readings: list[Path]) -> None:
    (root / "pack.yaml").write_text(PACK.replace("domain:", "domian:"), encoding="utf-8")
    inspect(root)
    inspect(root)
    assert readings == [root, root]
    assert entries(root) == []


def cut(entry: Path) -> None:
    entry.write_bytes(entry.read_bytes()[:-9])


def flip(entry: Path) -> None:
    data = bytearray(entry.read_bytes())
    data[-200] ^= 1
    entry.write_bytes(data)


def empty(entry: Path) -> None:
    entry.write_bytes(b"")


def rubbish(entry: Path) -> None:
    entry.write_bytes(b"[" * 100_000)


def open_to_others(entry: Path) -> None:
    entry.chmod(0o620)


def folder_open_to_others(entry: Path) -> None:
    entry.parent.chmod(0o750)


def linked(entry: Path) -> None:
    entry.rename(entry.parent.parent / "elsewhere")
    entry.symlink_to(entry.parent.parent / "elsewhere")


def linked_folder(entry: Path) -> None:
    entry.parent.rename(entry.parent.parent / "elsewhere")
    entry.parent.symlink_to(entry.parent.parent / "elsewhere")


@pytest.mark.parametrize(
    "harm", [cut, flip, empty, rubbish, open_to_others, folder_open_to_others, linked, linked_folder]
)
def test_a_damaged_entry_or_one_that_others_may_write_is_not_used(
    root: Path, readings: list[Path], harm: Callable[[Path], None]
) -> None:
    inspect(root)
    (entry,) = entries(root)
    harm(entry)
    inspect(root)
    assert readings == [root, root]


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file to another user takes root")
def test_an_entry_of_another_user_is_not_used(root: Path, readings: list[Path]) -> None:
    inspect(root)
    (entry,) = entries(root)
    os.chown(entry, 65534, -1)
    inspect(root)
    assert readings == [root, root]


def test_a_damaged_entry_is_replaced(root: Path, readings: list[Path]) -> None:
    inspect(root)
    flip(entries(root)[0])
    inspect(root)
    inspect(root)
    assert readings == [root, root]


def test_few_entries_are_kept(root: Path) -> None:
    for number in range(12):
        rewritten("named.csv", f"domain\nn{number}.com\n")(root)
        (root / "pack.yaml").write_text(PACK + f"# {number}\n", encoding="utf-8")
        inspect(root)
    assert len(entries(root)) == 8


def test_a_state_folder_that_cannot_be_written_is_no_trouble(root: Path, readings: list[Path]) -> None:
    (root.parent / FOLDER).write_text("no folder", encoding="utf-8")
    inspect(root)
    inspect(root, state_dir=root.parent / "absent")
    assert readings == [root, root]


def test_nothing_is_written_where_no_state_folder_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parent)
    inspect_pack(Settings(), root, now=NOW)
    assert [each.name for each in root.parent.iterdir()] == ["pack"]


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch bombed",)


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps(Bomb()),
        pickle.dumps(Path("x")),
        pickle.dumps(getattr),
        b"csyncd.rules.pack_bytes\nimport_module\n(S'os'\ntR.",
        b"csyncd.rules.loader\nread_pack\n.",
        b"csyncd.errors\nsys.modules\n.",
        pickle.dumps({"no": "pack"}),
        pickle.dumps(Place("p.yaml", 1)),
        b"\x80\x05",
        b"",
        b"rubbish",
    ],
)
def test_bytes_that_are_no_pack_run_nothing(data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnreadableBytesError):
        pack_from_bytes(data)
    assert list(tmp_path.iterdir()) == []
