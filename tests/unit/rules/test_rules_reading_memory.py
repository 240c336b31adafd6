"""Packs read again after an edit: by what earlier readings left the very same pack and findings, from less reading."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - seeded by the tests, which must repeat

import pytest

from syncd.rules.loader import ReadingOptions, read_pack
from syncd.rules.reading import pack_reading, territory_loader, yaml_reader
from syncd.rules.reading.reading_memory import ReadingMemory

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
OPTIONS = ReadingOptions()
FILES = {
    "pack.yaml": (
        "format: 1\npack: {name: big, time_zone: Europe/Berlin}\n"
        "lists: {strategic: {file: lists/strategic.csv, column: domain}, small: [a.com, b.com]}\n"
        "segments: {large: {employees: '>= 1000'}, bank: {industry: Banking, in_segment: large}}\n"
        "reps: [{email: rep0@example.com}, {seat: west, holder: rep1@example.com}]\n"
        "pools: {triage: {members: [rep0@example.com]}}\n"
        "territories:\n  - {file: parts/one.yaml}\n  - {file: parts/two.yaml}\n"
        "  - {name: rest, when: always, owners: {pool: triage}}\n"
    ),
    "parts/one.yaml": (
        "- {name: named, when: {domain: {list: strategic}}, owners: [rep0@example.com]}\n"
        "- name: emea\n  when: {country: [DE, FR]}\n  owners: [rep1@example.com]\n  territories:\n"
        "    - {name: dach, when: {country: DE, in_segment: bank}, owners: ['seat:west']}\n"
        "    - {table: tables/emea.csv}\n"
    ),
    "parts/two.yaml": (
        "- {name: us, when: {country: US, state: CA}, owners: {file: lists/owners.csv, key: domain, column: rep}}\n"
        "- {name: small, when: {domain: {list: small}}, owners: {pool: triage}}\n"
    ),
    "tables/emea.csv": "territory,owners,industry\nretail,rep0@example.com,Retail\nmedia,rep1@example.com,Media\n",
    "lists/strategic.csv": "domain\nacme.com\n",
    "lists/owners.csv": "domain,rep\nacme.com,rep0@example.com\nb.com,rep1@example.com\n",
}
FILES_POOLS = "pools: {triage: {members: [rep0@example.com]}}\n"
ONE_FILE = {name: text for name, text in FILES.items() if not name.startswith("parts/")} | {
    "pack.yaml": FILES["pack.yaml"].replace(
        "  - {file: parts/one.yaml}\n  - {file: parts/two.yaml}\n",
        "".join(
            f"  {line}\n"
            for part in ("one", "two")
            for line in FILES[f"parts/{part}.yaml"].removesuffix("\n").split("\n")
        ),
    )
    + "tests:\n  - {name: one, account: {country: US, state: CA}, expect: {territory: us}}\n",
    "people.yaml": "pools: {triage: {members: [rep0@example.com]}}\n",
}
ONE_FILE["pack.yaml"] = (
    ONE_FILE["pack.yaml"]
    .replace(FILES_POOLS, "")
    .replace(
        "  - {name: rest",
        "  - {name: warned, when: {not: {country: US, state: NY}}, owners: [rep1@example.com]}\n  - {name: rest",
    )
)
SWAPS = [
    ("rep0@example.com", "rep1@example.com"),
    ("rep1@example.com", "nobody"),
    ("DE", "AT"),
    ("DE", "Atlantis"),
    ("acme.com", "gmail.com"),
    ("acme.com", "other.com"),
    ("list: strategic", "list: strategc"),
    ("list: small", "list: strategic"),
    ("'>= 1000'", "'>= 50'"),
    ("in_segment: bank", "in_segment: bnak"),
    ("name: dach", "name: us"),
    ("name: small", "name: triage"),
    ("pool: triage", "pool: gone"),
    ("Retail", "Retial"),
    ("media,", "retail,"),
    ("seat:west", "seat:east"),
    ("- {name", "# a remark\n- {name"),
    ("territories:", "territories: ["),
    ("owners:", "ownrs:"),
    ("domain", "domian"),
    ("Europe/Berlin", "America/New_York"),
    ("format: 1", "format: 2"),
    ("always", "{country: US}"),
    (", b.com", ""),
    ("state: CA", "state: NY"),
    ("\n", "\n\n"),
    ("- {name: us", "- {name: jp, when: {country: JP}, owners: ['seat:west']}\n  - {name: us"),
    ("- {name: us", "- {name: jp, when: {country: JP}, owners: ['seat:west']}\n- {name: us"),
    ("- {name: small", "- name: br\n    when:\n      country: BR\n    owners: {pool: triage}\n  - {name: small"),
    ("triage: {members", "gone: {members"),
    ("  - {name: named", "  # the named ones\n  - {name: named"),
    ("  - {name: rest", "  # the rest\n\n  - {name: rest"),
    ("(", ")"),
]


def write(folder: Path, files: dict[str, str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def same(folder: Path, memory: ReadingMemory, now: datetime = NOW) -> None:
    """Reading with the memory gives what reading anew gives."""
    again, anew = read_pack(folder, OPTIONS, now=now, memory=memory), read_pack(folder, OPTIONS, now=now)
    assert again.findings == anew.findings
    assert again == anew


@pytest.mark.parametrize("start", [FILES, ONE_FILE], ids=["three files", "one file"])
@pytest.mark.parametrize("seed", range(6))
def test_after_each_of_many_edits_the_pack_is_that_of_a_reading_of_its_own(
    tmp_path: Path, seed: int, start: dict[str, str]
) -> None:
    dice, memory, now = Random(f"reading {seed}"), ReadingMemory(), NOW
    files = dict(start)
    for _ in range(60):
        write(tmp_path / "pack", files)
        same(tmp_path / "pack", memory, now)
        if dice.random() < 0.25:
            files = dict(start)
        elif dice.random() < 0.1:
            now += timedelta(days=1)
        else:
            name, (old, new) = dice.choice(sorted(files)), dice.choice(SWAPS)
            one, other = (old, new) if dice.random() < 0.8 else (new, old)
            files[name] = files[name].replace(one, other, dice.choice([1, 1, -1]))
        if dice.random() < 0.05:
            files.pop(dice.choice(sorted(set(files) - {"pack.yaml"}) or ["pack.yaml"]))


def counting(monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[int, int, int]]:
    """How many files of YAML, CSV files and territories were read since last asked."""
    counts = [0, 0, 0]

    def counted(place: int, work: Callable[..., object]) -> Callable[..., object]:
        def call(*given: object) -> object:
            counts[place] += 1
            return work(*given)

        return call

    loader = territory_loader.TerritoryLoader
    monkeypatch.setattr(yaml_reader._Builder, "run", counted(0, yaml_reader._Builder.run))
    monkeypatch.setattr(pack_reading, "read_csv", counted(1, pack_reading.read_csv))
    monkeypatch.setattr(loader, "_read_item", counted(2, loader._read_item))

    def asked() -> tuple[int, int, int]:
        found = (counts[0], counts[1], counts[2])
        counts[:] = [0, 0, 0]
        return found

    return asked


def test_an_edit_of_one_file_reads_that_file_and_its_territories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, memory = tmp_path / "pack", ReadingMemory()
    write(folder, FILES)
    asked = counting(monkeypatch)
    read_pack(folder, OPTIONS, now=NOW, memory=memory)
    assert asked() == (3, 3, 7)
    read_pack(folder, OPTIONS, now=NOW, memory=memory)
    assert asked() == (0, 0, 1)  # an entry with others below it is read each time, and only those others are kept
    (folder / "parts/two.yaml").write_text(FILES["parts/two.yaml"].replace("CA", "NY"))
    read_pack(folder, OPTIONS, now=NOW, memory=memory)
    assert asked() == (1, 0, 2)  # of the file the one item that was edited
    (folder / "parts/two.yaml").write_text("# a remark\n" + FILES["parts/two.yaml"].replace("CA", "NY"))
    read_pack(folder, OPTIONS, now=NOW, memory=memory)
    assert asked() == (1, 0, 2)  # the item below the remark; the next one only moved
    (folder / "lists/strategic.csv").write_text("domain\nother.com\n")
    read_pack(folder, OPTIONS, now=NOW, memory=memory)
    assert asked() == (0, 1, 2)
    (folder / "tables/emea.csv").write_text(FILES["tables/emea.csv"] + "food,rep0@example.com,Food\n")
    read_pack(folder, OPTIONS, now=NOW, memory=memory)
    assert asked() == (0, 1, 2)


def test_a_file_that_cannot_be_read_for_a_moment_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, memory = tmp_path / "pack", ReadingMemory()
    write(folder, FILES)
    read_pack(folder, OPTIONS, now=NOW, memory=memory)
    (folder / "parts/two.yaml").write_text("- {name: us, when: [\n")
    assert read_pack(folder, OPTIONS, now=NOW, memory=memory).pack is None
    asked = counting(monkeypatch)
    (folder / "parts/two.yaml").write_text(FILES["parts/two.yaml"])
    same(folder, memory)
    assert asked()[2] == 3 + 7  # those of the file and the group, and all of the reading that it is compared with


def test_what_stands_below_lines_that_were_put_in_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, memory = tmp_path / "pack", ReadingMemory()
    write(folder, ONE_FILE)
    read_pack(folder, OPTIONS, now=NOW, memory=memory)
    asked = counting(monkeypatch)
    text = ONE_FILE["pack.yaml"]
    for one in ("  - {name: us,", "  - {name: named,"):
        added = text.replace(one, f"  - {{name: jp, when: {{country: JP}}, owners: ['seat:west']}}\n{one}")
        broken = added.replace("country: JP", "country: Atlantis")
        for lines in (added, broken, broken.replace(one, f"\n\n{one}"), added, text):
            (folder / "pack.yaml").write_text(lines)
            read = read_pack(folder, OPTIONS, now=NOW, memory=memory)
            # the group as ever, what was put in or stands below it, and the one that says a warning with its line
            assert asked()[2] <= 3
            assert read.pack is None or not memory._moves
            same(folder, memory)
            asked()
