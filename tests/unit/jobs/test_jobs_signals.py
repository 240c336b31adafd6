"""Side tables: columns beside the CRMs that rules read, with how fresh they are and how many accounts they speak of."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from jobs_world import NOW, SALESFORCE, World
from sqlalchemy import text

from syncd.errors import ConfigError, InputError
from syncd.jobs.answers.explaining import explain_company
from syncd.jobs.books.book import mirror_book
from syncd.jobs.checking import check
from syncd.jobs.plans.exporting import export_mirror
from syncd.jobs.plans.plan import deliberate, make_plan
from syncd.jobs.watching.watch import watch
from syncd.model.normalisation import registrable_domain

Make = Callable[..., World]
SQLITE = pytest.mark.parametrize("make_world", ["sqlite"], indirect=True)
TABLE = """
[[signals]]
name = "intent"
{source}
key = "{key}"
join = "{join}"
{updated}
fields = {{ intent = {{ field = "score", type = "number" }}, topics = {{ field = "topics", type = "several" }} }}
"""
PACK = """
format: 1
pack: {{name: signals}}
guard: {{changes: {{max: 10000}}}}
score: {{components: {{hot: {{when: {{intent: ">= 80"}}, points: 50}}}}, bands: {{A: ">= 50", B: "< 50"}}}}
territories:
  - {{name: hot, when: {{{hot}}}, owners: [{first}], keep: false}}
  - {{name: rest, when: always, owners: [{rest}]}}
"""


class SignalWorld:
    """A world with one side table; `site` is the domain of the account `key`."""

    def __init__(
        self, make_world: Make, *, database: bool = False, join: str = "domain", hot: str = "intent: '>= 80'"
    ) -> None:
        source = 'table = "usage"' if database else 'path = "intent.csv"'
        updated = 'updated = "day"' if database else ""
        extra = TABLE.format(source=source, key="whose", join=join, updated=updated)
        self.world = make_world(only=SALESFORCE, extra=extra)
        world = self.world
        self.file = world.folder / "intent.csv"
        names = {"hot": hot, "first": world.reps[0], "rest": ", ".join(world.reps[1:])}
        (world.folder / "pack" / "pack.yaml").write_text(PACK.format(**names))
        rows = [row for row in world.salesforce.records("Account") if row.get("Website")]
        domains = {row["Id"]: registrable_domain(row["Website"]) for row in rows}
        found = [(key, site) for key, site in domains.items() if site and list(domains.values()).count(site) == 1]
        self.key, self.site = found[0]
        self.other = found[1][1]

    def write(self, content: str, *, days_old: int = 0) -> None:
        self.file.write_text(content)
        stamp = (NOW - timedelta(days=days_old)).timestamp()
        os.utime(self.file, (stamp, stamp))

    def ready(self) -> World:
        self.world.pulled()
        self.world.adopt()
        return self.world

    def decision(self) -> dict[str, object]:
        document = make_plan(self.world.context, all_decisions=True)
        (found,) = [each for each in document["decisions"] if any(self.key in ref for ref in each["accounts"])]
        return dict(found)


def facts_of(signals: SignalWorld):  # type: ignore[no-untyped-def]
    world = signals.world
    book = mirror_book(world.context, world.context.pack(), world.clock.now()).book
    (found,) = [facts for facts in book.facts if any(signals.key in ref for ref in facts.accounts)]
    return found


@SQLITE
def test_a_column_decides_the_territory_and_has_a_part_in_the_score(make_world: Make) -> None:
    signals = SignalWorld(make_world)
    signals.write(f"whose,score,topics\nhttps://www.{signals.site}/en,91,CRM; Data\nnobody.example,5,\n")
    signals.ready()
    facts = facts_of(signals)
    assert (facts.values["intent"], facts.values["topics"], facts.values["band"]) == (91, {"crm", "data"}, "a")
    assert signals.decision()["territory"] == "hot"
    assert "side table intent, as of 2026-11-20T10:00:00.000Z: intent, topics" in " ".join(facts.notes)


@SQLITE
def test_explain_names_the_table_and_its_age(make_world: Make) -> None:
    signals = SignalWorld(make_world)
    signals.write(f"whose,score,topics\n{signals.site},91,\n")
    world = signals.ready()
    document = repr(explain_company(world.context, signals.key))
    assert "intent" in document
    assert "side table intent, as of 2026-11-20" in document


@pytest.mark.parametrize("join", ["salesforce_id", "domain"])
def test_a_table_of_the_database_is_read_as_a_file_is(make_world: Make, join: str) -> None:
    signals = SignalWorld(make_world, database=True, join=join)
    key = signals.key[:15] if join == "salesforce_id" else signals.site
    with signals.world.context.store.write() as conn:
        conn.execute(text("CREATE TABLE usage (whose TEXT, score NUMERIC, topics TEXT, day TEXT)"))
        row = {"whose": key, "score": 92.5}
        conn.execute(text("INSERT INTO usage VALUES (:whose, :score, NULL, '2026-11-19')"), row)
    try:
        world = signals.ready()
        assert float(str(facts_of(signals).values["intent"])) == 92.5
        report = watch(world.context)
        assert report.waiting is None
    finally:
        with signals.world.context.store.write() as conn:
            conn.execute(text("DROP TABLE usage"))


@SQLITE
def test_what_a_stale_table_decides_is_held_and_nothing_else(make_world: Make) -> None:
    signals = SignalWorld(make_world)
    signals.write(f"whose,score,topics\n{signals.site},91,\n", days_old=8)
    world = signals.ready()
    held = signals.decision()
    assert (held["outcome"], held["reason"]) == ("held", "signal-stale")
    document = make_plan(world.context, all_decisions=True)
    others = [each for each in document["decisions"] if each["company"] != held["company"]]
    assert not any(each["reason"] == "signal-stale" for each in others)
    report = check(world.settings(), world.folder / "pack", now=world.clock.now())
    assert {finding.code for finding in report.findings} >= {"SYN869"}
    assert "stale" in report.signals[0]


@SQLITE
def test_a_score_made_of_a_stale_table_is_held_too(make_world: Make) -> None:
    signals = SignalWorld(make_world, hot="band: A")
    signals.write(f"whose,score,topics\n{signals.site},91,\n", days_old=8)
    signals.ready()
    assert signals.decision()["reason"] == "signal-stale"


@SQLITE
def test_check_tells_rows_coverage_and_age(make_world: Make) -> None:
    signals = SignalWorld(make_world)
    signals.write(f"whose,score,topics\n{signals.site},91,\n{signals.other},12,\n")
    world = signals.ready()
    report = check(world.settings(), world.folder / "pack", now=world.clock.now())
    (line,) = report.signals
    assert line.startswith("side table intent: 2 rows, 2 of ")
    assert line.endswith("as of 2026-11-20 10:00 UTC")


@SQLITE
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "SYN865"),
        (b"", "SYN267"),
        (b"whose,score\nacme.com,1\n", "SYN261"),
        (b'whose,score,topics\n"acme.com,1,\n', "SYN260"),
        (b"\xff\xfe\x00\xd8", "SYN202"),
        (b"whose,score,score\nacme.com,1,2\n", "SYN267"),
    ],
)
def test_a_table_that_cannot_be_read_stops_the_plan_and_says_why(
    make_world: Make, content: bytes | None, code: str
) -> None:
    signals = SignalWorld(make_world)
    signals.write("whose,score,topics\n")
    world = signals.ready()
    signals.file.unlink()
    if content is not None:
        signals.file.write_bytes(content)
    with pytest.raises(InputError, match="SYN865") as caught:
        deliberate(world.context)
    assert code in {finding.code for finding in caught.value.findings}
    waiting = watch(world.context).waiting
    assert waiting is not None
    assert "side tables cannot be read: intent" in waiting


@SQLITE
def test_rows_that_say_nothing_clear_are_left_out_and_told(make_world: Make) -> None:
    signals = SignalWorld(make_world)
    rows = [f"{signals.site},91,", f"www.{signals.site},12,", "gmail.com,3,", "not a domain,3,", ",3,"]
    rows += [f"{signals.other},n/a,", *(f"gmail.com,{number}," for number in range(20))]
    signals.write("\ufeffwhose;score;topics\n" + "\n".join(row.replace(",", ";") for row in rows) + "\n")
    world = signals.ready()
    assert "intent" not in facts_of(signals).values
    book = mirror_book(world.context, world.context.pack(), NOW)
    codes = [finding.code for finding in book.signals.findings]
    assert codes.count("SYN866") == 1
    assert codes.count("SYN867") == 6  # five one by one, and how many more there are
    assert any("intent: 'n/a' is not a number" in each for facts in book.book.facts for each in facts.findings)


@SQLITE
def test_an_export_carries_the_fields_of_side_tables(make_world: Make, tmp_path: Path) -> None:
    signals = SignalWorld(make_world)
    signals.write(f"whose,score,topics\n{signals.site},91,\n")
    world = signals.ready()
    export_mirror(world.context, tmp_path / "out", redact=False)
    header, *rows = (tmp_path / "out" / "accounts.csv").read_text().splitlines()
    assert "intent" in header
    assert any("91" in row for row in rows if signals.key in row)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ('{ intent = { field = "score" } }', "has no type"),
        ('{ industry = { field = "score", type = "number" } }', "is taken already"),
        ('{ score = { field = "score", type = "number" } }', "is taken already"),
        ('{ any = { field = "score", type = "number" } }', "is taken already"),
    ],
)
@SQLITE
def test_a_field_needs_a_type_and_a_name_of_its_own(make_world: Make, fields: str, message: str) -> None:
    extra = f'[[signals]]\nname = "x"\npath = "x.csv"\nkey = "d"\nfields = {fields}\n'
    world = make_world(only=SALESFORCE, extra=extra)
    with pytest.raises(ConfigError, match="SYN864") as caught:
        world.context.catalogue()
    assert message in caught.value.summary


def test_freshness_is_of_the_newest_row_where_a_column_says_so() -> None:
    from syncd.errors import Place
    from syncd.jobs.books.signals import _Draft
    from syncd.rules.findings import Findings
    from syncd.rules.matching.time_window import UTC_ZONE
    from syncd.settings import SignalSettings

    fields = {"intent": {"field": "score", "type": "number"}}
    settings = SignalSettings(name="x", path=Path("x"), key="d", updated="day", fields=fields)  # type: ignore[arg-type]
    draft = _Draft(settings, UTC_ZONE, frozenset(), Findings())
    draft.take([(Place("x", 2), ("a.com", "1", "2026-11-01")), (Place("x", 3), ("b.com", "1", "soon"))])
    assert draft.newest == datetime(2026, 11, 1, tzinfo=UTC)
    assert [finding.code for finding in draft.findings.items] == ["SYN868"]
