"""The book of the rule language is true: every pack in it passes its own cases, every output is what syncd prints.

What counts as an example, in docs/rules.md and docs/rules/*.md:

- a block that begins with `# pack: NAME` is a whole pack without findings, whose `tests:` pass. `# invalid pack: NAME`
  is one that the `$ syncd` block below finds fault with. Both keep that line, so that lines are counted as on the page.
- a block that begins with `# file: PATH` is another file of the pack above it, `# beside the pack: PATH` one next to
  its folder; of a CSV that first line is left out.
- a block that begins with `$ syncd …` shows a command, run beside the pack above it, and all that it prints;
  `pytest -p tests.golden_files --golden-refresh` writes these anew.
- a table headed `condition`, `true of`, `not of`: each row's condition holds of the accounts in its second column and
  not of those in the third. One headed `you write`, `finding`: the condition gives exactly that finding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from syncd.alerts.monitors import MONITORS
from syncd.cli.main import cli
from syncd.clock import parse_instant
from syncd.errors import Severity
from syncd.model.fields import FieldCatalogue
from syncd.model.money import MoneyTable
from syncd.report.explanation_text import render_explanation
from syncd.rules.accounts import read_book
from syncd.rules.cases import EXPECTATIONS, run_cases
from syncd.rules.deciding.assignment import METHODS
from syncd.rules.derivation import Derivation
from syncd.rules.explanation import explain
from syncd.rules.loader import check_pack, load_pack
from syncd.rules.parsing.matcher_table import TYPES_OF
from syncd.rules.reading import pack_options, people_loader, sections
from syncd.rules.reading.cases_loader import CASE_OPTIONS
from syncd.rules.reading.limits import GUARD_OPTIONS
from syncd.rules.reading.territory_options import BALANCE_BY, TERRITORY_OPTIONS

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "docs" / "rules.md", *sorted((ROOT / "docs" / "rules").glob("*.md")), ROOT / "docs" / "routing.md")
NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
MONEY = MoneyTable("USD", {"EUR": Decimal("1.10")})
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARKER = re.compile(r"(?:# (pack|invalid pack|file|beside the pack): (\S+)|\$ (syncd .+))")
REVISION = re.compile(r"\b[0-9a-f]{16}\b")
CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
HEADS = {("condition", "true of", "not of"): "truth", ("you write", "finding"): "error"}


@dataclass
class Example:
    """One pack of a page with its files, and the commands shown for it with what they print."""

    name: str
    page: Path
    line: int
    valid: bool
    files: dict[str, str] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)
    commands: list[tuple[str, str]] = field(default_factory=list)

    def write(self, folder: Path) -> Path:
        for name, text in (*((f"{self.name}/{each}", text) for each, text in self.files.items()), *self.beside.items()):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
        return folder / self.name


@dataclass(frozen=True)
class Row:
    """One row of a table of conditions."""

    place: str
    kind: str
    cells: tuple[str, ...]


def _examples() -> list[Example]:
    found: list[Example] = []
    for page in PAGES:
        text = page.read_text("utf-8")
        for block in BLOCK.finditer(text):
            first, _, rest = block[2].partition("\n")
            marker = MARKER.fullmatch(first)
            if marker is None:
                continue
            kind, name, command = marker.groups()
            content = rest if block[1] == "csv" else block[2]
            if command:
                found[-1].commands.append((command, rest))
            elif kind == "file":
                found[-1].files[name] = content
            elif kind == "beside the pack":
                found[-1].beside[name] = content
            else:
                line = text.count("\n", 0, block.start()) + 1
                found.append(Example(name, page, line, kind == "pack", {"pack.yaml": block[2]}))
    return found


def _rows() -> list[Row]:
    found: list[Row] = []
    for page in PAGES:
        kind = None
        for number, line in enumerate(page.read_text("utf-8").split("\n"), start=1):
            cells = tuple(cell.strip() for cell in line[1:-1].split("|")) if line.startswith("|") else ()
            if not cells:
                kind = None
            elif cells in HEADS:
                kind = HEADS[cells]
            elif kind is not None and not line.startswith("|--"):
                found.append(Row(f"{page.name}:{number}", kind, cells))
    return found


EXAMPLES, ROWS = _examples(), _rows()
VALID = [example for example in EXAMPLES if example.valid]
SHOWN = [(example, command, output) for example in EXAMPLES for command, output in example.commands]


def test_the_pages_hold_examples_of_every_kind() -> None:
    assert len({example.name for example in EXAMPLES}) == len(EXAMPLES)
    assert len(VALID) >= 15
    assert sum(bool(example.commands) for example in EXAMPLES if not example.valid) >= 1
    assert all(example.valid or example.commands for example in EXAMPLES)
    assert {row.kind for row in ROWS} == set(HEADS.values())


WORDS = {
    "sections": sections.SECTIONS,
    "options of pack": pack_options.PACK_OPTIONS,
    "fields of accounts": FieldCatalogue().account,
    "fields of opportunities": FieldCatalogue().opportunity,
    "matchers": TYPES_OF,
    "options of territories": TERRITORY_OPTIONS,
    "loads": BALANCE_BY,
    "ways to pick": METHODS,
    "options of reps": people_loader.REP_OPTIONS,
    "limits": GUARD_OPTIONS,
    "keys of cases": CASE_OPTIONS,
    "expectations": EXPECTATIONS,
}


@pytest.mark.parametrize("kind", WORDS)
def test_the_reference_names_every_word_of_the_language(kind: str) -> None:
    text = (ROOT / "docs" / "rules" / "reference.md").read_text("utf-8")
    code = {word for span in re.findall(r"`+([^`]+)`+", text) for word in re.findall(r"\w+", span)}
    block = {word for found in BLOCK.findall(text) for word in re.findall(r"\w+", found[1])}
    assert set(WORDS[kind]) - (code | block) - {"lead", "parent"} == set()


def test_the_reference_lists_the_monitors_that_are_evaluated() -> None:
    text = (ROOT / "docs" / "rules" / "reference.md").read_text("utf-8")
    table = text.partition("| monitor | fires when |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == {monitor.name for monitor in MONITORS}
    assert {option for monitor in MONITORS for option in monitor.options} <= set(re.findall(r"`(\w+)`", table))


@pytest.mark.parametrize("example", VALID, ids=[each.name for each in VALID])
def test_a_pack_of_the_book_is_valid_and_passes_its_own_cases(example: Example, tmp_path: Path) -> None:
    pack, findings = check_pack(example.write(tmp_path), money=MONEY, now=NOW)
    assert [each.rendered() for each in findings if each.severity is not Severity.NOTE] == []
    assert pack is not None
    results = run_cases(pack, catalogue=FieldCatalogue(), money=MONEY, now=NOW)
    assert {
        result.name: (*result.failures, *result.notes) for result in results if result.failures or result.notes
    } == {}
    assert results or example.commands


@pytest.mark.parametrize(("example", "command", "output"), SHOWN, ids=[command for _, command, _ in SHOWN])
def test_a_command_of_the_book_prints_what_it_shows(
    example: Example,
    command: str,
    output: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    folder = example.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SYNCD_CONFIG", raising=False)
    words = command.split()[1:]
    printed = _explained(folder, words[1]) if words[0] == "explain" else CliRunner().invoke(cli, words).output
    if request.config.getoption("--golden-refresh", default=False):
        shown, text = f"$ {command}\n{output}```", example.page.read_text("utf-8")
        assert shown in text
        example.page.write_text(text.replace(shown, f"$ {command}\n{printed.rstrip()}\n```"), "utf-8")
        return
    assert REVISION.sub("…", printed).rstrip("\n") == REVISION.sub("…", output).rstrip("\n")


@pytest.mark.parametrize("name", ["starter", "demo"])
def test_a_shipped_pack_is_valid_and_passes_its_own_cases(name: str) -> None:
    pack = load_pack(ROOT / "examples" / name, now=NOW)
    assert [str(each) for each in pack.findings] == []
    results = run_cases(pack, catalogue=FieldCatalogue(), money=MONEY, now=NOW)
    assert results
    assert [(result.name, result.failures, result.notes) for result in results if result.failures or result.notes] == []


def _explained(folder: Path, domain: str) -> str:
    """What `syncd explain` prints of an account, from the export beside the pack in place of the mirror."""
    now = parse_instant("2026-12-01T10:00:00Z")
    pack = load_pack(folder)
    derivation = Derivation(zone=pack.zone, default_country=pack.default_country)
    book = read_book(folder.parent / "accounts.csv", opportunities=None, users=None, derivation=derivation, now=now)
    facts = next(each for each in book.facts if each.values.get("domain") == domain)
    return render_explanation({**explain(pack, book, facts.key, now).to_json(), "name": facts.seen["name"].raw})


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.place}-{row.cells[0]}" for row in ROWS])
def test_a_row_of_a_table_of_conditions_is_true(row: Row, tmp_path: Path) -> None:
    condition, *rest = (_code(cell) for cell in row.cells)
    accounts = rest if row.kind == "truth" else []
    cases = [
        (f"{number}-{account}", account, "hit" if column == 0 else "rest")
        for column, listed in enumerate(accounts)
        for number, account in enumerate(listed)
    ]
    (tmp_path / "pack.yaml").write_text(_pack_about(condition[0], cases), "utf-8")
    pack, findings = check_pack(tmp_path, money=MONEY, now=NOW)
    said = [f"{each.severity.value} {each.code} {each.message}" for each in findings]
    if row.kind == "error":
        assert said == rest[0]
        return
    assert said == []
    assert pack is not None
    results = run_cases(pack, catalogue=FieldCatalogue(), money=MONEY, now=NOW)
    assert [(result.name, result.failures) for result in results if not result.passed] == []
    assert len(results) == sum(map(len, accounts)) > 0


def _code(cell: str) -> list[str]:
    """The code spans of a cell."""
    return [text.strip() for _, text in CODE.findall(cell)]


def _pack_about(condition: str, cases: list[tuple[str, str, str]]) -> str:
    lines = [
        "format: 1",
        "lists: {strategic: [acme.com, globex.com]}",
        "segments: {enterprise: {employees: '>= 1000'}, dach: {country: [DE, AT, CH]}}",
        "territories:",
        f"  - {{name: hit, when: {{{condition}}}, owners: unassigned}}",
        "  - {name: rest, when: always, owners: unassigned}",
    ]
    if cases:
        lines.append("tests:")
    for name, account, territory in cases:
        quoted = "'" + f"{territory} {name}".replace("'", "''") + "'"
        lines += [f"  - name: {quoted}", f"    now: {NOW:%Y-%m-%dT%H:%M:%SZ}"]
        lines += [f"    account: {{{account}}}", f"    expect: {{territory: {territory}}}"]
    return "\n".join(lines) + "\n"
