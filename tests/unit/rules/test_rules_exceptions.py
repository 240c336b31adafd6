"""Which company an override or dispute is about."""

from __future__ import annotations

from datetime import date

import pytest
from rule_builders import NOW, decide_all, facts, pack, place, territory

from syncd.errors import InputError, Severity
from syncd.model.refs import Kind, Ref, System
from syncd.rules.deciding.exceptions import match_exceptions
from syncd.rules.pack import Dispute, Override

SHORT = "001A000001abcDE"
LONG = "001A000001abcDEIAY"
COMPANY = facts(
    "salesforce:account:" + LONG,
    refs=(Ref(System.SALESFORCE, Kind.ACCOUNT, LONG), Ref(System.HUBSPOT, Kind.ACCOUNT, "77")),
    domain="acme.com",
)
OTHER = facts("B", domain="globex.com")


def override(account, line=1, **rest):
    return Override(account, "ben@x", place(line, "overrides.yaml"), "mei@x", "sponsor", **rest)


def match(*entries, companies=(COMPANY, OTHER)):
    overrides = tuple(each for each in entries if isinstance(each, Override))
    disputes = tuple(each for each in entries if isinstance(each, Dispute))
    return match_exceptions(pack(overrides=overrides, disputes=disputes), companies, NOW)


@pytest.mark.parametrize(
    "account",
    [
        LONG,
        SHORT,
        "77",
        "salesforce:account:" + LONG,
        "hubspot:account:77",
        "acme.com",
        "ACME.com",
        "https://www.acme.com/x",
    ],
)
def test_ref_id_and_domain_name_the_account(account):
    found, findings = match(override(account), Dispute(account, place(2)))
    assert findings == ()
    assert list(found.overrides) == [COMPANY.key]
    assert list(found.disputes) == [COMPANY.key]


def test_the_case_of_an_id_counts():
    assert match(override(SHORT.lower()))[0].overrides == {}


def test_an_entry_without_an_account_is_a_warning():
    _, (finding,) = match(override("nobody.com", 7))
    assert (finding.code, finding.severity, finding.place.line) == ("SYN322", Severity.WARNING, 7)


def test_an_entry_that_two_accounts_answer_to_is_an_error_and_applies_to_neither():
    found, (finding,) = match(override("acme.com"), companies=(COMPANY, facts("C", domain="acme.com")))
    assert (finding.code, finding.severity) == ("SYN323", Severity.ERROR)
    assert found.overrides == {}


def test_two_overrides_in_force_for_one_account_and_role_are_an_error_that_names_both():
    _, (finding,) = match(override("acme.com", 3), override(SHORT, 8))
    assert (finding.code, finding.place.line) == ("SYN324", 8)
    assert "overrides.yaml:3" in finding.message


def test_an_expired_override_or_one_of_another_role_does_not_clash():
    assert match(override("acme.com"), override("acme.com", expires=date(2026, 11, 30)))[1] == ()
    assert match(override("acme.com"), override("acme.com", role="csm"))[1] == ()


def test_the_engine_refuses_errors_with_all_of_them_and_lives_with_warnings():
    rest = territory("rest", None, "r@x")
    twins = (facts("A", domain="acme.com"), facts("B", domain="acme.com"))
    with pytest.raises(InputError) as refused:
        decide_all(pack(rest, overrides=(override("acme.com"), override("acme.com", 2))), *twins)
    assert refused.value.code == "SYN321"
    assert [each.code for each in refused.value.findings] == ["SYN323", "SYN323"]
    assert len(decide_all(pack(rest, overrides=(override("nobody.com"),)), *twins)) == 2
