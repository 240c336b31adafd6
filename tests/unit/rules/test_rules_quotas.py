"""Quotas that territories say themselves: for which period, beside the rows of files, and never in two places."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pack_writing import found, in_pack, loaded

from syncd.rules.quotas import quotas_at

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
PACK = """format: 1
pack: {{fiscal_year_start: 2}}
territories:
  - name: emea
    when: {{country: [DE, FR]}}
    quota: {quota}
    owners: [anna@example.com]
  - {{name: rest, when: always, owners: unassigned}}
"""


@pytest.mark.parametrize(
    ("written", "period", "amount"),
    [
        ("2M", "2027", 2_000_000),
        ("2_000_000 per year", "2027", 2_000_000),
        ("500k per quarter", "2027-Q4", 500_000),
        ("90k USD per month", "2026-11", 90_000),
    ],
)
def test_a_territorys_quota_is_of_the_period_under_way(tmp_path: Path, written: str, period: str, amount: int) -> None:
    pack = loaded(tmp_path, {"pack.yaml": PACK.format(quota=written)})
    (quota,) = quotas_at(pack, NOW)
    assert (quota.territory, quota.period, quota.amount) == ("emea", period, Decimal(amount))
    assert (quota.currency, str(quota.place)) == ("USD", "pack.yaml:6:12")


@pytest.mark.parametrize("written", ["much", "2M per week", "-5", "2M XXX", "per quarter"])
def test_what_is_no_quota_is_an_error_at_its_place(tmp_path: Path, written: str) -> None:
    (finding,) = found(tmp_path, {"pack.yaml": PACK.format(quota=written)})
    assert (finding.code, str(finding.place)) == ("SYN242", "pack.yaml:6:12")


@pytest.mark.parametrize("name", ["emea", "above/emea"])
def test_a_quota_in_two_places_is_an_error_that_names_both(tmp_path: Path, name: str) -> None:
    pack = """format: 1
quotas: {file: q.csv}
territories:
  - name: above
    when: always
    owners: [anna@example.com]
    territories: [{name: emea, when: {country: DE}, quota: 1M, owners: [ben@example.com]}]
"""
    rows = f"territory,period,quota\nabove,2026-Q4,5\n{name},2026-Q4,5\n"
    (finding,) = found(tmp_path, {"pack.yaml": pack, "q.csv": rows})
    assert (finding.code, str(finding.place)) == ("SYN206", "q.csv:3:1")
    assert "pack.yaml:7:60" in finding.message


def test_rows_of_files_stay_beside_it_and_a_territory_in_runs_counts_once(tmp_path: Path) -> None:
    pack = """format: 1
quotas: {file: q.csv}
territories: {table: t.csv}
"""
    table = (
        "territory,industry,employees,owners,quota\n"
        "finance,Banking,,ana@example.com,3M per quarter\n"
        "large,,>= 100,ben@example.com,\n"
        "finance,Retail,,,\n"
        "rest,,,unassigned,\n"
    )
    rows = "rep,period,quota\nana@example.com,2026-Q4,5\n"
    read = loaded(tmp_path, {"pack.yaml": pack, "t.csv": table, "q.csv": rows})
    assert [(each.territory, each.rep, each.period, each.amount) for each in quotas_at(read, NOW)] == [
        (None, "ana@example.com", "2026-Q4", 5),
        ("finance", None, "2026-Q4", 3_000_000),
    ]


def test_the_quota_of_another_role_is_a_warning(tmp_path: Path) -> None:
    (finding,) = found(
        tmp_path,
        in_pack(
            "  - {name: csms, role: csm, when: always, quota: 1M, owners: [ana@example.com]}",
        ),
    )
    assert (finding.code, finding.severity.value) == ("SYN283", "warning")
