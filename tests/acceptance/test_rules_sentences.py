"""Each sentence of RULES.md that decides something, as a small pack under sentences/SECTION/NAME.

How a pack says what must come out: its `tests:` pass; `# <- error SYN210` at the end of a line is a finding of that
line, `# <- rows.csv:3: warning SYN265` one of another line, and there are no others (notes aside); `book/accounts.csv`
with `opportunities.csv` and `users.csv`, where there are any, is a book, and `book/expected.csv` its decisions.
The first lines of a pack.yaml hold the number of its sentence and a paraphrase, which sentences/README.md repeats.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from syncd.cli.main import cli
from syncd.errors import Severity
from syncd.model.decisions import Decision
from syncd.model.fields import FieldCatalogue
from syncd.model.money import MoneyTable
from syncd.rules.accounts import read_book
from syncd.rules.cases import run_cases
from syncd.rules.derivation import Derivation
from syncd.rules.engine import decide
from syncd.rules.loader import check_pack
from syncd.rules.pack import Pack

ROOT = Path(__file__).parents[2]
SENTENCES = Path(__file__).parent / "sentences"
INDEX = SENTENCES / "README.md"
WORD_FOR_WORD = SENTENCES / "index"
RULES = ROOT.parent / "shared" / "RULES.md"
NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
MONEY = MoneyTable("USD", {"EUR": Decimal("1.10")})
FOLDERS = sorted({path.parent for path in SENTENCES.glob("*/*/pack.yaml")})
MARK = re.compile(r"# <- (?:(\S+):(\d+): )?((?:error|warning) SYN\d{3})((?:, (?:error|warning) SYN\d{3})*)")
ROW = re.compile(r"^\| (\d\.\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
END = re.compile(r"(?<=[.?!])\s+(?=[A-Z`*(\"])")
Finding = tuple[str, int, str]


def _id(folder: Path) -> str:
    return folder.relative_to(SENTENCES).as_posix()


def _expected_findings(folder: Path) -> list[Finding]:
    """What the marks of all YAML files of the pack say, sorted."""
    found: list[Finding] = []
    for path in folder.rglob("*.yaml"):
        for number, line in enumerate(path.read_text("utf-8").split("\n"), start=1):
            if mark := MARK.search(line):
                place = (mark[1], int(mark[2])) if mark[1] else (path.relative_to(folder).as_posix(), number)
                found += [(*place, each) for each in (mark[3] + mark[4]).split(", ")]
    return sorted(found)


def _sentence(folder: Path) -> tuple[str, str]:
    """The number and the paraphrase that a pack begins with, written on one line."""
    lines = (folder / "pack.yaml").read_text("utf-8").split("\n")
    head = [line.lstrip("# ") for line in lines[: next(n for n, line in enumerate(lines) if line[:1] != "#")]]
    number, _, text = " ".join(line for line in head if not line.startswith("<-")).partition(" ")
    return number, text


def _decisions(pack: Pack, book: Path) -> list[Decision]:
    derivation = Derivation(
        money=MONEY,
        zone=pack.zone,
        default_country=pack.default_country,
        fill_missing_country=pack.fill_missing_country,
    )
    opportunities, users = (book / f"{name}.csv" for name in ("opportunities", "users"))
    read = read_book(
        book / "accounts.csv",
        opportunities=opportunities if opportunities.exists() else None,
        users=users if users.exists() else None,
        derivation=derivation,
        now=NOW,
    )
    return list(decide(pack, read, NOW))


def _shown(decision: Decision) -> dict[str, str]:
    return {
        "id": decision.company,
        "role": decision.role,
        "territory": decision.territory or "",
        "owner": decision.owner.email if decision.owner else "",
        "outcome": decision.outcome.value,
        "reason": decision.reason,
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=_id)
def test_the_pack_of_a_sentence_decides_as_the_sentence_says(folder: Path) -> None:
    expected = _expected_findings(folder)
    pack, findings = check_pack(folder, money=MONEY, now=NOW)
    said = [
        (each.place.path if each.place else "", each.place.line if each.place else 0, f"{each.severity} {each.code}")
        for each in findings
        if each.severity is not Severity.NOTE
    ]
    assert sorted(said) == expected, "\n".join(each.rendered() for each in findings)
    if pack is None:
        assert expected
        return
    results = run_cases(pack, catalogue=FieldCatalogue(), money=MONEY, now=NOW)
    assert {each.name: (*each.failures, *each.notes) for each in results if each.failures or each.notes} == {}
    if (folder / "book").is_dir():
        with (folder / "book" / "expected.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        roles = {row.get("role", "owner") for row in rows}
        decided = [_shown(each) for each in _decisions(pack, folder / "book") if each.role in roles]
        asked = [{key: row[key] for key in rows[0]} for row in decided]
        assert sorted(asked, key=repr) == sorted(rows, key=repr)
    assert results or expected or (folder / "book").is_dir(), "this pack shows nothing"


def test_syncd_test_runs_the_cases_of_a_sentence() -> None:
    result = CliRunner().invoke(cli, ["test", str(SENTENCES / "4" / "first-that-holds")])
    assert (result.exit_code, "2 passed, 0 failed" in result.stdout) == (0, True)


def test_the_index_names_every_case_with_its_sentence_and_nothing_else() -> None:
    rows = [row for row in ROW.findall(INDEX.read_text("utf-8")) if row[2].startswith("[")]
    listed = {re.sub(r"\[(.+?)\].*", r"\1", case): (number, sentence) for number, sentence, case in rows}
    assert listed == {_id(folder): _sentence(folder) for folder in FOLDERS}
    assert len(rows) == len(FOLDERS)


def test_the_tests_that_the_index_names_elsewhere_are_there() -> None:
    elsewhere = [case for _, _, case in ROW.findall(INDEX.read_text("utf-8")) if not case.startswith("[")]
    named = [re.fullmatch(r"`(tests/\S+\.py)::(\w+)`", case) for case in elsewhere]
    wrong = [
        case
        for case, found in zip(elsewhere, named, strict=True)
        if found is None or f"def {found[2]}(" not in (ROOT / found[1]).read_text("utf-8")
    ]
    assert wrong == []


def test_no_two_sentences_have_one_number() -> None:
    numbers = [number for number, _, _ in ROW.findall(INDEX.read_text("utf-8"))]
    assert len(numbers) == len(set(numbers))


def _sentences(text: str) -> Iterator[str]:
    """The sections and sentences of RULES.md: prose by full stops, a row of a table, a comment beside an example."""
    section, paragraph = False, ""
    for line in [*text.split("\n"), ""]:
        ends = not line.strip() or line[:1] in ("#", "|") or line.startswith(("    ", "- ")) or re.match(r"\d ", line)
        if ends:
            yield from (each for each in END.split(paragraph) if each and section)
            paragraph = ""
        if line.startswith("## "):
            section = True
            yield line[:4]
        elif line.startswith("    ") and "  # " in line and section:
            yield line.partition("  # ")[2].strip()
        elif line.startswith("|"):
            yield from [line] if set(line) - set("|- ") else []
        elif line.strip() and not line.startswith(("#", "    ")):
            paragraph = f"{paragraph} {line.strip()}".strip()


def _index() -> list[tuple[str, str]]:
    """What stands before each sentence of the index, and the sentence; a section has nothing before it."""
    lines = [line for line in WORD_FOR_WORD.read_text("utf-8").split("\n") if line and not line.startswith("# ")]
    return [
        ("", line) if line.startswith("## ") else (line.partition("\t")[0], line.partition("\t")[2]) for line in lines
    ]


@pytest.mark.skipif(not RULES.exists(), reason="RULES.md is not beside the project (../shared)")
def test_the_index_has_every_sentence_of_the_rules_word_for_word() -> None:
    assert [sentence for _, sentence in _index()] == list(_sentences(RULES.read_text("utf-8")))


def test_every_sentence_has_cases_or_a_reason_why_it_decides_nothing() -> None:
    said = [before for before, sentence in _index() if not sentence.startswith("## ")]
    assert [before for before in said if not re.fullmatch(r"- \S.+|\d\.\d+( \d\.\d+)*", before)] == []
    assert sum(before.startswith("- ") for before in said) == 11


def test_every_case_is_of_some_sentence_and_every_number_has_a_case() -> None:
    numbers = {number for before, _ in _index() if not before.startswith("-") for number in before.split()}
    assert numbers == {number for number, _, _ in ROW.findall(INDEX.read_text("utf-8"))}
