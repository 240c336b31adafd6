"""The report that the conformance suite writes of real accounts: what was tried, how it ended, differences first."""

from __future__ import annotations

from datetime import UTC, datetime

from syncd.model.refs import System
from tests.contract.live.conformance_report import ConformanceReport, Facts

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


def lines(report: ConformanceReport) -> list[str]:
    return report.text(NOW).splitlines()


def test_a_run_without_credentials_is_not_told() -> None:
    assert not ConformanceReport(dict.fromkeys(System, ("SOME_VARIABLE",))).worth_telling


def test_each_crm_says_whether_it_was_tested_and_how_that_ended() -> None:
    report = ConformanceReport({System.SALESFORCE: ("THE_SECRET",), System.HUBSPOT: ()})
    report.accounts[System.HUBSPOT] = "44515151"
    for test, word in (("test_a", "passed"), ("test_b", "passed"), ("test_b", "failed"), ("test_c", "skipped")):
        report.outcome(System.HUBSPOT, test, word)
    assert "- Salesforce: **not tested**: THE_SECRET not set" in lines(report)
    assert "- HubSpot: 44515151: 1 tests passed, 1 skipped, 1 failed (**test_b**)" in lines(report)


def test_an_account_that_refuses_us_is_no_silence() -> None:
    report = ConformanceReport(dict.fromkeys(System, ()), refused={System.HUBSPOT: "SYN401 the token"})
    assert report.worth_telling
    assert "- HubSpot: **not tested**: SYN401 the token" in lines(report)
    assert "- Salesforce: **not tested** in this run" in lines(report)


def test_differences_come_first() -> None:
    report, facts = ConformanceReport(dict.fromkeys(System, ())), Facts(System.HUBSPOT)
    facts.check("hubspot.md 1", "as it is", 1, holds=True)
    facts.check("hubspot.md 2", "otherwise", "a|b\nc", holds=False)
    report.rows += facts.rows
    rows = [line for line in lines(report) if "hubspot.md" in line]
    assert rows[0] == "| **DIFFERENT** | HubSpot | hubspot.md 2 | otherwise | a\\|b c |"
    assert rows[1] == "| as described | HubSpot | hubspot.md 1 | as it is | 1 |"
