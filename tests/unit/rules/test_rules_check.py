"""Checking packs: everything at once, in order, with source lines; and never anything but InputError."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pack_writing import MINIMAL, write

from syncd.errors import InputError, Severity, page_of
from syncd.rules.loader import check_pack, load_pack, pack_revision

HERE = Path(__file__).parent
PACKS = HERE / "packs"
SOURCES = HERE.parents[2] / "syncd" / "rules"
SHARED = HERE.parents[3] / "shared" / "conformance" / "rules"


def test_mistakes_in_four_files_are_reported_in_one_pass_in_order() -> None:
    pack, findings = check_pack(PACKS / "mistakes")
    assert pack is None
    assert [f"{each.place} {each.code}" for each in findings] == [
        "a.yaml:2:31 SYN242",
        "a.yaml:2:65 SYN242",
        "a.yaml:3:1 SYN240",
        "b.yaml:2:20 SYN203",
        "b.yaml:2:28 SYN210",
        "b.yaml:4:42 SYN261",
        "c.yaml:2:11 SYN244",
        "c.yaml:4:20 SYN250",
        "c.yaml:6:27 SYN210",
        "c.yaml:7:14 SYN251",
        "c.yaml:8:5 SYN207",
        "d.yaml:3:1 SYN204",
    ]


def test_every_finding_shows_its_source_line_with_a_caret_and_a_suggestion() -> None:
    for finding in check_pack(PACKS / "mistakes")[1]:
        assert finding.place is not None
        assert finding.source == (PACKS / "mistakes" / finding.place.path).read_text().split("\n")[
            finding.place.line - 1
        ].replace("\t", finding.source[:1] if finding.source else "\t")
        assert "^" in finding.rendered()
        assert finding.hint or finding.code == "SYN242"


def test_a_finding_reads_as_one_line_for_machines_and_a_caret_for_people() -> None:
    finding = check_pack(PACKS / "mistakes")[1][2]
    assert finding.rendered() == (
        "a.yaml:3:1: error SYN240 a pack has no section `segmnts`\n"
        "    segmnts: {x: {country: DE}}\n"
        "    ^\n"
        "    did you mean `segments`?"
    )


def test_the_example_pack_of_the_language_has_no_error_or_warning() -> None:
    pack, findings = check_pack(PACKS / "acme")
    assert pack is not None
    assert {each.severity for each in findings} <= {Severity.NOTE}
    assert pack.findings == findings


def test_two_checks_of_one_pack_say_the_same() -> None:
    assert check_pack(PACKS / "mistakes") == check_pack(PACKS / "mistakes")
    assert check_pack(PACKS / "acme")[0] == check_pack(PACKS / "acme")[0]


def test_every_code_that_the_loader_uses_has_a_page() -> None:
    used = {code for path in SOURCES.glob("*.py") for code in re.findall(r"\bSYN2\d\d\b", path.read_text())}
    own = {code for code in used if code <= "SYN209" or code >= "SYN240"}
    assert own
    for code in sorted(own):
        page = page_of(code)
        assert page is not None, code
        assert page.startswith(f"# {code}: ")
        for heading in ("## What it means", "## Example", "## What to do"):
            assert heading in page, code


@pytest.mark.skipif(not SHARED.is_dir(), reason="the conformance packs in ../shared are not here")
def test_the_conformance_packs_are_valid() -> None:
    for folder in sorted(SHARED.iterdir()):
        pack = load_pack(folder / "pack")
        assert len(list(pack.territories())) == 61
        assert all(each.severity is not Severity.ERROR for each in pack.findings)


def check_anything(root: Path, files: dict[str, bytes]) -> None:
    write(root, files)
    pack, findings = check_pack(root)
    for finding in findings:
        assert re.fullmatch(r"SYN2\d\d", finding.code)
        assert "\n" not in str(finding)
        finding.rendered()
    assert (pack is None) == any(each.severity is Severity.ERROR for each in findings)
    if pack is not None:
        assert load_pack(root).revision == pack.revision == pack_revision(root)
        return
    with pytest.raises(InputError) as caught:
        load_pack(root)
    assert caught.value.findings == findings


@settings(max_examples=60)
@given(data=st.binary(max_size=200), table=st.binary(max_size=100))
def test_arbitrary_bytes_are_findings_and_never_a_crash(
    data: bytes, table: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    naming = b"lists: {l: {file: t.csv, column: domain}}\nterritories: {table: t.csv}\n"
    check_anything(
        tmp_path_factory.mktemp("p"), {"a.yaml": data, "b.yaml": MINIMAL.encode(), "c.yaml": naming, "t.csv": table}
    )


PIECES = (
    "territories:", "- name: a", "when:", "country:", "[DE, AT]", "always", "owners:", "a@example.com", "unassigned",
    "{pool: p}", "pools:", "segments:", "in_segment: x", "{", "}", "[", "]", ":", "-", "- ", "\n", "\n  ", "\n    ",
    "\n      ", " ", "\t", '"', "'", "#", "&a", "*a", "!t", "> 5", "null", "~", "---\n", "file: b.yaml", "table: t.csv",
    "tests:", "expect:", "account:", "guard:", "overrides:", "reps:", "lists:", "format: 1\n", "\u2028", "ü", "\r\n",
    "opportunities:", "any:", "not:", "list: l", "effective:", "from:", "2026-01-01", "weight:", "role:", "pack:",
    "time_zone:", "monitors:", "quotas:", "protect:", "disputes:", "deal_holdouts:", ",", "? ", "<<: *a", "| \n",
)  # fmt: skip


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=40))
def test_pieces_of_packs_in_any_order_never_crash(pieces: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    check_anything(
        tmp_path_factory.mktemp("p"), {"a.yaml": "".join(pieces).encode(), "t.csv": b"country,territory\nDE,a\n"}
    )


LINES = (PACKS / "acme" / "pack.yaml").read_text().split("\n")
TREE = (PACKS / "acme" / "territories" / "emea.yaml").read_text()


@settings(max_examples=40)
@given(data=st.data())
def test_damaged_packs_never_crash(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("p")
    files = {
        path.relative_to(PACKS / "acme").as_posix(): path.read_bytes()
        for path in (PACKS / "acme").rglob("*.*")
        if path.is_file()
    }
    name = data.draw(st.sampled_from(sorted(files)))
    content = bytearray(files[name])
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content) - 1))
        end = start + data.draw(st.integers(0, 12))
        content[start:end] = data.draw(
            st.sampled_from([b"", b":", b"[", b"}", b"\n", b"-", b"null", b",", b'"', b"\xff", b"0", b"@"])
        )
    files[name] = bytes(content)
    check_anything(root, files)


def test_deep_and_wide_structures_never_crash(tmp_path: Path) -> None:
    deep = "a: " + "[" * 50 + "]" * 50
    nested = "format: 1\nterritories:\n" + "".join(
        "  " * level * 2
        + f"  - name: t{level}\n"
        + "  " * level * 2
        + "    when: always\n"
        + "  " * level * 2
        + "    territories:\n"
        for level in range(25)
    )
    check_anything(tmp_path / "1", {"a.yaml": deep.encode(), "b.yaml": MINIMAL.encode()})
    check_anything(tmp_path / "2", {"a.yaml": nested.encode()})
    chain = {
        f"t{number}.yaml": f"- {{name: n{number}, when: always, territories: [file: t{number + 1}.yaml]}}\n".encode()
        for number in range(100)
    }
    check_anything(tmp_path / "3", {"a.yaml": b"format: 1\nterritories:\n  - file: t0.yaml\n", **chain})


def test_folders_and_pipes_with_the_names_of_files_are_findings(tmp_path: Path) -> None:
    write(tmp_path, {"pack.yaml": MINIMAL + "lists: {l: {file: l.csv, column: x}}\n"})
    (tmp_path / "l.csv").mkdir()
    (tmp_path / "x.yaml").mkdir()
    codes = [each.code for each in check_pack(tmp_path)[1]]
    assert codes == ["SYN209"]
