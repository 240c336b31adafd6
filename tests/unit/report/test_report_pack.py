"""A pack in plain English: what each part of it becomes, and that no pack breaks the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from syncd.report.packs.pack_html import render_pack_html
from syncd.report.packs.pack_markdown import render_pack_markdown
from syncd.report.packs.pack_view import pack_view
from syncd.rules.loader import load_pack

ROOT = Path(__file__).parents[3]
PACKS = sorted({path.parent for path in (ROOT / "examples").glob("*/pack.yaml")})
PACKS += sorted((ROOT / ".." / "shared" / "conformance" / "rules").glob("*/pack"))

WHOLE = """format: 1
pack: {name: whole, time_zone: Europe/Berlin, respect_people_for: 90d, manage: {territories: [a], from: 2027-01-01}}
segments: {big: {employees: ">= 1000"}}
lists: {named: [acme.com, globex.com]}
protect: {late: {when: {open_stages: [Negotiation]}, reason: a late deal, until: 2026-12-31}}
overrides: [{account: acme.com, owner: ben@x.com, by: mei@x.com, why: sponsor, expires: 2026-12-31}]
disputes: [{account: globex.com, opened: 2026-11-20, by: mei@x.com, why: two claims}]
deal_holdouts:
  - {opportunities: {stage: Negotiation}, of: {territory: a}, by: mei@x.com, why: quarter end, expires: 2026-12-31}
guard: {changes: {max: 500, share: 5%}, money: 10M, per_rep: 40, windows: ["Mon-Thu 06:00-20:00"]}
reps:
  - {email: ana@x.com, capacity: 120, max_accounts: 150, start: 2026-02-01, ramp: [0.25, 1.0]}
  - {seat: west-4, holder: lena@x.com, cover: jonas@x.com}
pools: {triage: {members: [ana@x.com, {rep: jonas@x.com, weight: 2}], assign: rotate}}
territories:
  - name: a
    note: the first
    when: {domain: {list: named}, not: {industry: Retail}}
    owners: [ana@x.com, ben@x.com]
    cap: {total: 120, day: 10}
    keep: false
    overflow: {pool: triage}
    effective: {from: 2026-01-01, until: 2027-12-31}
    labels: {region: north}
  - name: b
    when: {any: [{last_activity_at: {not_since: 90d}}, {postal_code: "94000..94999"}], country: US, state: [CA, NV]}
    owners: {pool: triage}
  - name: c
    when: {name: "*bank*", annual_revenue: "5M..", in_segment: big, opportunities: {none: {amount: "> 100"}}}
    owners: [seat:west-4]
  - {name: rest, when: always, owners: unassigned}
"""
SAID = [
    "Changes are written in a from 2027-01-01 only",
    "A change that a person made by hand is left alone for 90 days.",
    "the domain is in the list “named” (2 entries)",
    "it is not so that the industry is Retail",
    "One of ana@x.com and ben@x.com: whoever has the smallest load for their capacity",
    "Limit: at most 120 accounts for each person and 10 new ones a day.",
    "an account that arrives is given out anew",
    "If none of them can take it: a member of the pool “triage” (2 members).",
    "In effect from 2026-01-01 until 2027-12-31 only",
    "Labels: region north.",
    "(1) the day of the last activity was more than 90 days ago or is not known",
    "(2) the postal code is from 94000 to 94999 (codes of 5 digits)",
    "the state is California or Nevada",
    "A member of the pool “triage” (2 members): in turn, by their weights (rotate).",
    "the name contains “bank”",
    "the annual revenue is at least 5,000,000 CHF",
    "there is no open opportunity for which the amount is more than 100 CHF",
    "late: an account with an active owner stays put until 2026-12-31 when the stages of its open",
    "acme.com belongs to ben@x.com until 2026-12-31: sponsor, says mei@x.com.",
    "globex.com is disputed since 2026-11-20 and stays as it is: two claims.",
    "Opportunities of a for which the stage is Negotiation keep their owner",
    "A plan of more than 500 changes needs an approval that names the limit.",
    "more than 10,000,000 CHF of open pipeline",
    "ana@x.com: capacity 120; at most 150 accounts; from 2026-02-01; ramps up by month: 25 %, 100 %.",
    "Seat “west-4”: held by lena@x.com, covered by jonas@x.com.",
    "jonas@x.com (weight 2)",
    "named: 2 entries.",
    "Nobody. The owner stays as it is, and the account is listed as unassigned.",
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("whole")
    (folder / "pack.yaml").write_text(WHOLE)
    return render_pack_markdown(pack_view(load_pack(folder), currency="CHF"))


@pytest.mark.parametrize("sentence", SAID)
def test_every_part_of_a_pack_is_said(page: str, sentence: str) -> None:
    assert sentence in page.replace("\\", "")


@pytest.mark.parametrize("path", PACKS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_pack_has_a_page(path: Path) -> None:
    view = pack_view(load_pack(path), currency="USD")
    text, page = render_pack_markdown(view), render_pack_html(view)
    assert len(re.findall(r'<details class="territory" id="[^"]+" aria-label="[^"]+"', page)) == view.count
    for territory in (each for _, roots in view.roles for root in roots for each in root.walk()):
        assert f"`{territory.place}`" in text
        assert territory.gets.endswith(".")


def test_a_table_of_many_rows_is_told_by_its_first_ones(tmp_path: Path) -> None:
    rows = "".join(f"west,{90000 + number},a@x.com\n" for number in range(2_000))
    (tmp_path / "west.csv").write_text(f"territory,postal_code,owners\n{rows}")
    (tmp_path / "pack.yaml").write_text(
        "format: 1\nterritories:\n  - name: us\n    when: {country: US}\n    owners: [b@x.com]\n"
        "    territories: {table: west.csv}\n  - {name: rest, when: always, owners: unassigned}\n"
    )
    page = render_pack_markdown(pack_view(load_pack(tmp_path), currency="USD"))
    assert "90000" in page
    assert len(page) < 6_000
