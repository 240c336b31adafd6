"""Plans under `plan --watch` while pulls go on: the bytes of a plan of its own, and only what changed read again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - seeded by the tests, which must repeat

import pytest

pytest.importorskip("numpy", reason="the extra `fast` is not installed")
pytest.importorskip("pyarrow", reason="the extra `fast` is not installed")
pytest.importorskip("polars", reason="the extra `fast` is not installed")

from random_mirrors import Mirrors

from syncd.cli.replanning import told
from syncd.jobs.books import live_mirror
from syncd.jobs.plans import replanning
from syncd.jobs.plans.plan import deliberate, plan_of
from syncd.jobs.plans.replanning import Replan, Replanner
from syncd.model.plans import PlanStatus
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.store import mirror, plans
from tests.databases import postgres_server

ACCOUNTS = 120
COURSES = [("sqlite", seed) for seed in (0, 10)] + [pytest.param("postgresql", 13, marks=pytest.mark.postgres)]
FOLLOWED = {"nothing", "edit", "deals", "owners", "delete", "months"}
"""What is followed; the others change marks or applied territories (links carry these over), or users."""


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


def filled(seed: int, folder: Path, url: str) -> Mirrors:
    mirrors = Mirrors(seed, folder, url)
    mirrors.write_pack()
    mirrors.fill(ACCOUNTS)
    return mirrors


def document(mirrors: Mirrors, replanner: Replanner | None) -> str:
    """The plan's document as bytes: of what was planned last, or of a whole reading of its own."""
    thought = replanner.thought if replanner is not None else deliberate(mirrors.context, pack=mirrors.folder / "pack")
    return json.dumps({**plan_of(mirrors.context, thought).document, "plan_id": None})


def shown(replan: Replan) -> tuple[object, ...]:
    return told(replan, everything=True), replan.rules, replan.entries, replan.findings


@pytest.mark.parametrize(("url", "seed"), COURSES, indirect=["url"])
def test_after_each_pull_the_plan_has_every_byte_of_one_of_its_own(
    tmp_path: Path, url: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replanning, "MANY_COUNTED", 1)
    mirrors, dice = filled(seed, tmp_path, url), Random(f"pulls {seed}")
    replanner, plain = Replanner(mirrors.context, tmp_path / "pack"), Replanner(mirrors.context, tmp_path / "pack")
    replanner.plan()
    whole: list[str] = []
    read = live_mirror.read_book
    path = tmp_path / "pack" / "pack.yaml"
    text = path.read_text()
    plain.plan()
    for step in mirrors.steps():
        if dice.random() < 0.4:
            rule = f"  - {{name: new, when: {{country: {dice.choice(['DE', 'US'])}}}, owners: [rep3@example.com]}}\n"
            path.write_text(text.replace("territories:\n", "territories:\n" + rule, 1))
        monkeypatch.setattr(live_mirror, "read_book", lambda *given, step=step: (whole.append(step), read(*given))[1])
        found = replanner.plan()
        monkeypatch.setattr(live_mirror, "read_book", read)
        assert document(mirrors, replanner) == document(mirrors, None), step
        monkeypatch.setattr(replanning, "MANY_COUNTED", 10**9)
        expected = plain.plan()
        monkeypatch.setattr(replanning, "MANY_COUNTED", 1)
        assert found.now == mirrors.clock.now()
        if expected.now == found.now:  # the plain one stays at the instant of its reading while nothing changes
            assert shown(found) == shown(expected), step
    assert not FOLLOWED & set(whole), whole
    mirrors.context.close()


def test_each_plan_that_is_news_is_saved_once_as_a_preview(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replanning, "MANY_COUNTED", 1)
    mirrors = filled(0, tmp_path, f"sqlite:///{tmp_path}/syncd.db")
    replanner = Replanner(mirrors.context, tmp_path / "pack")
    saved = []
    for step in mirrors.steps():
        replanner.plan()
        saved.append(replanner.save()["plan_id"])
        assert replanner.save()["plan_id"] == saved[-1]
        if step == "deals":
            break
    with mirrors.context.store.read() as conn:
        kept = {each.plan_id: each.status for each in plans.list_plans(conn, 9)}
    assert kept == dict.fromkeys(saved, PlanStatus.PREVIEW)
    assert len(kept) > 1
    mirrors.context.close()


def test_a_deal_that_counts_from_an_hour_of_the_day_on_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replanning, "MANY_COUNTED", 1)
    mirrors = filled(0, tmp_path, f"sqlite:///{tmp_path}/syncd.db")
    (tmp_path / "pack" / "pack.yaml").write_text(
        "format: 1\npack: {name: won, time_zone: Europe/Berlin}\nterritories:\n"
        "  - {name: won, when: {won_count_12m: '>= 1'}, owners: [rep3@example.com]}\n"
        "  - {name: rest, when: always, owners: [rep1@example.com]}\n"
    )
    closes = mirrors.clock.now() + timedelta(minutes=90)
    account = next(ref for ref in sorted(mirrors.accounts) if ref.system is System.SALESFORCE)
    fields = {"name": "deal", "is_closed": "true", "is_won": "true", "close_date": closes.isoformat(), "amount": "5"}
    deal = Record(Ref(System.SALESFORCE, Kind.OPPORTUNITY, "006x"), mirrors.clock.now(), fields, None, account.id)
    replanner = Replanner(mirrors.context, tmp_path / "pack")
    replanner.plan()
    monkeypatch.setattr(live_mirror, "read_book", None)  # from here on nothing is read whole by it
    seen = []
    for number in range(5):
        mirrors.clock.advance(timedelta(minutes=40))
        with mirrors.context.store.write() as conn:
            mirror.upsert_records(conn, [deal] if not number else [], now=mirrors.clock.now(), run_id="r2")
            mirrors._complete(conn)
        seen.append(bool(replanner.plan().entries))
        assert document(mirrors, replanner) == document(mirrors, None), number
    assert seen[1:] == [False, True, False, False]
    mirrors.context.close()
