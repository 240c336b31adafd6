"""A plan of the mirror by its columns: the same bytes and findings as the plain one, whatever happened in between."""

from __future__ import annotations

import io
import json
import shutil
import threading
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpy", reason="the extra `fast` is not installed")
pytest.importorskip("pyarrow", reason="the extra `fast` is not installed")
pytest.importorskip("polars", reason="the extra `fast` is not installed")

from random_mirrors import Mirrors
from sqlalchemy import Connection

from syncd.jobs.books import batch_book, column_book, column_making
from syncd.jobs.books.book_cache import COLUMNS_FOLDER, forget_books
from syncd.jobs.books.company_records import homes_of, records_among, records_of
from syncd.jobs.books.engines import EngineChoice, InFull
from syncd.jobs.context import Context
from syncd.jobs.plans import plan as planning
from syncd.jobs.plans.plan import Deliberation, deliberate, input_of, make_plan, plan_of
from syncd.jobs.stages import Stages
from syncd.model.plans import OutboxRow, RowState
from syncd.model.refs import Kind, Ref, System
from syncd.planning.adoption import remember_kept
from syncd.planning.proposing.staleness import present_rows
from syncd.rules.batch.keeping import OWNER
from syncd.store import ownership
from syncd.store.book_state import suspects
from syncd.store.ownership import AppliedRow
from tests.databases import postgres_server

ACCOUNTS = 120
COURSES = [("sqlite", 0), ("sqlite", 1), ("sqlite", 2), pytest.param("postgresql", 3, marks=pytest.mark.postgres)]
HARMS = [(".columns", harm) for harm in ("flipped", "misspelled", "cut", "empty", "foreign", "open")]
HARMS += [(suffix, "flipped") for suffix in (".changes", ".ledger", ".late-ledger")]


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of the dialect that the test is given, gone afterwards."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/syncd.db"
        return
    server = postgres_server()
    name = server.migrated()
    yield server.url(name)
    server.give_back(name)


@pytest.fixture(autouse=True)
def _databases_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every process of the mirrors ends with its test, which sqlite3 asks for since Python 3.13."""
    opened, process = [], Mirrors.process

    def kept(mirrors: Mirrors, **options: bool) -> Context:
        opened.append(process(mirrors, **options))
        return opened[-1]

    monkeypatch.setattr(Mirrors, "process", kept)
    yield
    for context in opened:
        context.close()


def planned(mirrors: Mirrors, engine: EngineChoice) -> tuple[str, Any, list[str]]:
    """The document as bytes, the findings, and the notes of how it was made."""
    context, stages = mirrors.context, Stages(lambda: 0.0)
    thought = deliberate(context, pack=mirrors.folder / "pack", stages=stages, engine=engine)
    document = {**plan_of(context, thought).document, "plan_id": None}
    return json.dumps(document), [(each.code, each.message) for each in thought.findings], stages.notes


def world(seed: int, folder: Path, url: str, accounts: int = ACCOUNTS) -> Mirrors:
    mirrors = Mirrors(seed, folder, url)
    mirrors.write_pack()
    mirrors.fill(accounts)
    return mirrors


def by_columns(notes: list[str]) -> int:
    """How many companies were settled by their columns."""
    assert notes[-1].startswith("decided in batches"), notes
    return int(notes[-1].split(": ")[1].split()[0].replace(",", ""))


def same(mirrors: Mirrors) -> int:
    """The two engines make one plan; how many companies were settled by columns."""
    plain, batch = planned(mirrors, EngineChoice.PLAIN), planned(mirrors, EngineChoice.BATCH)
    assert batch[:2] == plain[:2]
    return by_columns(batch[2])


@pytest.mark.parametrize(("url", "seed"), COURSES, indirect=["url"])
def test_a_plan_by_columns_has_every_byte_and_finding_of_the_plain_one(tmp_path: Path, url: str, seed: int) -> None:
    mirrors = world(seed, tmp_path, url)
    settled = {step: same(mirrors) for step in mirrors.steps()}
    assert max(settled.values()) > ACCOUNTS // 8, settled


def small(tmp_path: Path) -> Mirrors:
    return world(3, tmp_path, f"sqlite:///{tmp_path}/syncd.db", 40)


def test_only_what_changed_is_derived_again(tmp_path: Path) -> None:
    mirrors = small(tmp_path)
    notes = {step: planned(mirrors, EngineChoice.BATCH)[2][:-1] for step in mirrors.steps()}
    assert notes["nothing"][0].endswith("made anew")
    assert notes["edit"] in (["9 companies derived again"], ["10 companies derived again"])
    assert notes["users"] == []
    assert notes["marks"] == ["marks and applied territories read anew"]
    again = planned(mirrors, EngineChoice.BATCH)[2]
    assert len(again) == 1


def test_who_has_to_be_looked_at_is_read_with_all_records_of_the_company(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several: list[int] = []

    def checked(conn: Connection, members: Mapping[str, tuple[Ref, ...]], systems: Collection[System]) -> Any:
        found = list(records_among(conn, members, systems))
        assert found == list(records_of(conn, list(members), systems))
        several.append(sum(len(each.accounts) > len({record.ref.system for record in each.accounts}) for each in found))
        return iter(found)

    monkeypatch.setattr(batch_book, "records_among", checked)
    mirrors = world(1, tmp_path, f"sqlite:///{tmp_path}/syncd.db")
    lone = [ref for ref in sorted(mirrors.accounts) if ref.system is System.HUBSPOT and ref not in mirrors.links]
    joined = [ref for ref in sorted(mirrors.links) if ref.system is System.HUBSPOT][-4:]
    mirrors.links |= {ref: mirrors.links[other] for ref, other in zip(lone[-4:], joined, strict=True)}
    for _ in mirrors.steps():
        planned(mirrors, EngineChoice.BATCH)
    assert len(several) > 5
    assert max(several) > 0


@pytest.mark.parametrize(("suffix", "harm"), HARMS)
def test_a_damaged_or_foreign_file_is_told_once_and_made_anew(
    tmp_path: Path, log: io.StringIO, suffix: str, harm: str
) -> None:
    mirrors = small(tmp_path)
    pack = tmp_path / "pack" / "pack.yaml"
    first = "territories:\n  - {name: banks, when: {industry: banking}, owners: [rep0@example.com]}\n"
    pack.write_text(pack.read_text().replace("territories:\n", first))
    steps = mirrors.steps()
    for step in steps:
        planned(mirrors, EngineChoice.BATCH)
        if step == "edit":
            break
    (path,) = (tmp_path / COLUMNS_FOLDER).glob(f"*{suffix}")
    data = path.read_bytes()
    if harm == "flipped":
        middle = len(data) // 2
        path.write_bytes(data[:middle] + bytes(255 - each for each in data[middle : middle + 64]) + data[middle + 64 :])
    elif harm == "misspelled":  # what only the pack's conditions read
        path.write_bytes(data.replace(b"banking", b"banring"))
    elif harm == "open":
        path.chmod(0o666)
    else:
        path.write_bytes({"cut": data[: len(data) // 2], "empty": b"", "foreign": b"x" * len(data)}[harm])
    same(mirrors)
    assert log.getvalue().count("book.rebuilt") == 1
    same(mirrors)
    assert log.getvalue().count("book.rebuilt") == 1


def test_columns_of_a_later_state_than_the_databases_are_not_used(tmp_path: Path, log: io.StringIO) -> None:
    mirrors = small(tmp_path)
    mirrors.context.close()
    shutil.copy(tmp_path / "syncd.db", tmp_path / "older.db")
    mirrors.context = mirrors.process()
    for step in mirrors.steps():
        planned(mirrors, EngineChoice.BATCH)
        if step == "owners":
            break
    mirrors.context.close()
    for name in ("syncd.db-wal", "syncd.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "older.db", tmp_path / "syncd.db")
    mirrors.context = mirrors.process()
    same(mirrors)
    assert log.getvalue().count("of another database, or of a later state") == 1


def test_without_a_state_folder_nothing_is_kept_and_the_plan_is_the_same(tmp_path: Path) -> None:
    mirrors = small(tmp_path)
    mirrors.context.close()
    mirrors.context = mirrors.process(kept=False)
    same(mirrors)
    assert not (tmp_path / COLUMNS_FOLDER).exists()


def test_a_failure_while_columns_are_joined_waits_for_the_ledger_that_is_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirrors = small(tmp_path)
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def slow(conn: Connection) -> list[str]:
        begun.set()
        may_end.wait(10)
        ended.set()
        return suspects(conn)

    def failing(*_: object) -> None:
        assert begun.wait(10), "the ledger is not read meanwhile"
        threading.Timer(0.05, may_end.set).start()
        raise ValueError("the columns cannot be joined")

    monkeypatch.setattr(column_book, "suspects", slow)
    monkeypatch.setattr(column_making.ReadBook, "joined", failing)
    with pytest.raises(ValueError, match="cannot be joined"):
        planned(mirrors, EngineChoice.BATCH)
    assert ended.is_set(), "the connection would have been given back in the middle of a query"


def test_forgetting_the_books_drops_the_columns(tmp_path: Path) -> None:
    mirrors = small(tmp_path)
    planned(mirrors, EngineChoice.BATCH)
    assert list((tmp_path / COLUMNS_FOLDER).iterdir())
    forget_books(mirrors.context.settings)
    assert not list((tmp_path / COLUMNS_FOLDER).iterdir())


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("score: {components: {x: {field: employees, curve: [[0, 0], [10, 5]]}}}\n", "the pack grades companies"),
        (
            "protect: {new: {when: {owner_changed_at: {last: 7d}}, reason: fresh}}\n",
            "the pack reads when owners changed",
        ),
    ],
)
def test_a_pack_that_columns_do_not_take_is_decided_plainly_and_said_so(tmp_path: Path, more: str, reason: str) -> None:
    mirrors = Mirrors(1, tmp_path, f"sqlite:///{tmp_path}/syncd.db")
    mirrors.write_pack()
    text = (tmp_path / "pack" / "pack.yaml").read_text().splitlines()
    kept = [line for line in text if not line.startswith("protect:")]
    (tmp_path / "pack" / "pack.yaml").write_text("\n".join(kept) + f"\n{more}")
    mirrors.fill(30)
    batch = planned(mirrors, EngineChoice.BATCH)
    assert batch[2] == [f"decided plainly: {reason}"]
    assert batch[:2] == planned(mirrors, EngineChoice.PLAIN)[:2]


def test_a_territory_that_is_gone_is_told_as_by_the_plain_engine(tmp_path: Path) -> None:
    mirrors = small(tmp_path)
    path = tmp_path / "pack" / "pack.yaml"
    path.write_text(path.read_text().replace("name: t1", "name: other"))
    plain, batch = planned(mirrors, EngineChoice.PLAIN), planned(mirrors, EngineChoice.BATCH)
    assert batch[:2] == plain[:2]
    assert "SYN551" in [code for code, _ in plain[1]]
    assert batch[2][-1].startswith("decided plainly: accounts are held by territories")


def test_where_too_many_have_to_be_looked_at_the_whole_book_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from syncd.jobs.books import batch_book

    monkeypatch.setattr(batch_book, "_FEW", 0)
    mirrors = small(tmp_path)
    for one_in, is_whole in ((1, False), (1000, True)):
        engine, stages = EngineChoice.BATCH, Stages(lambda: 0.0)
        in_full = InFull(one_in=one_in)
        thought = deliberate(mirrors.context, pack=tmp_path / "pack", stages=stages, engine=engine, in_full=in_full)
        assert (not thought.kept) is is_whole
        assert stages.notes[-1].endswith("companies have to be looked at") is is_whole


def test_auto_takes_columns_for_a_large_mirror_with_a_state_folder_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirrors = small(tmp_path)
    assert planned(mirrors, EngineChoice.AUTO)[2] == []
    monkeypatch.setattr(planning, "LARGE_MIRROR", 10)
    assert by_columns(planned(mirrors, EngineChoice.AUTO)[2])
    mirrors.context.close()
    mirrors.context = mirrors.process(kept=False)
    assert planned(mirrors, EngineChoice.AUTO)[2] == []


def test_all_decisions_and_another_instant_are_planned_plainly(tmp_path: Path) -> None:
    mirrors = small(tmp_path)
    for options in ({"all_decisions": True}, {"as_of": mirrors.clock.now()}):
        stages = Stages(lambda: 0.0)
        pack = tmp_path / "pack"
        make_plan(mirrors.context, pack=pack, stages=stages, engine=EngineChoice.BATCH, **options)
        assert [note.split(":")[0] for note in stages.notes] == ["decided plainly"]


def remembered(mirrors: Mirrors, thought: Deliberation) -> dict[str, AppliedRow]:
    """What would be remembered of a deliberation as applied, by company."""
    told: dict[str, AppliedRow] = {}
    context = mirrors.context
    with context.store.write() as conn, conn.begin_nested() as undone:
        remember_kept(
            conn, thought.decisions, thought.facts, now=thought.now, pack_revision="p", rates_as_of=thought.rates_as_of
        )
        for company, roles in ownership.applied(conn).items():
            told[company] = roles[OWNER]
        undone.rollback()
    return told


@pytest.mark.parametrize(("url", "seed"), COURSES[2:3], indirect=["url"])
def test_what_an_apply_asks_for_is_decided_in_full_and_the_same_is_remembered(
    tmp_path: Path, url: str, seed: int
) -> None:
    mirrors = world(seed, tmp_path, url)
    settled = 0
    planned_before: list[tuple[Any, list[OutboxRow]]] = []
    for step in mirrors.steps():
        named = frozenset(str(ref) for ref in mirrors.dice.sample(sorted(mirrors.accounts), 20))
        rows = [row for _, rows in planned_before for row in rows]
        with mirrors.context.store.read() as conn:
            about = homes_of(conn, [row.ref for row in rows]) | {row.because for row in rows}
        deals = frozenset(row.ref for row in rows if row.ref.kind is Kind.OPPORTUNITY)
        in_full = InFull(named | about, deals, unremembered=True)
        pack = tmp_path / "pack"
        plain = deliberate(mirrors.context, pack=pack)
        batch = deliberate(mirrors.context, pack=pack, engine=EngineChoice.BATCH, in_full=in_full)
        by_company = {each.company: each for each in plain.decisions}
        assert all(by_company[each.company] == each for each in batch.decisions)
        assert named & by_company.keys() <= {each.company for each in batch.decisions}
        assert remembered(mirrors, batch) == remembered(mirrors, plain), step
        for document, of_plan in planned_before:
            now, by_columns = (
                present_rows(input_of(mirrors.context, each), document, of_plan, each.source.book.memory)
                for each in (plain, batch)
            )
            assert by_columns == now
        document = plan_of(mirrors.context, plain).document
        planned_before = [(document, [row_of(number, change) for number, change in enumerate(document["changes"])])]
        settled += sum(each.count for each in batch.kept)
    assert settled


def row_of(number: int, change: Any) -> OutboxRow:
    """A change of a plan as its approval puts it into the outbox."""
    ref, parent = Ref.parse(change["ref"]), change.get("parent")
    return OutboxRow(
        number,
        "plan",
        ref,
        change["from"],
        change["to"],
        change["because"],
        Ref.parse(parent) if parent else None,
        change.get("fingerprint", ""),
        RowState.APPROVED,
    )
