"""What many spellings of one value come to, and that reading twice changes nothing."""

from __future__ import annotations

import csv
import socket
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.model.normalisation import (
    FREE_MAIL_DOMAINS,
    boolean,
    country,
    domain,
    domain_text,
    email,
    instant_or_date,
    number,
    postal_code,
    postal_text,
    registrable_domain,
    state,
    text,
)

COMPANIES = Path(__file__).parents[4] / "shared" / "data" / "financedb" / "companies.csv"


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("  Acme \t GmbH\n", "acme gmbh"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("Ａｃｍｅ　株式会社", "acme 株式会社"),
        ("\N{LATIN SMALL LIGATURE FI}ne", "fine"),
        ("Ångström", "ångström"),
        ("A\u030angstro\u0308m", "ångström"),
        ("\u00a0", ""),
    ],
)
def test_text_is_folded_and_its_white_space_collapsed(raw: str, cleaned: str) -> None:
    assert text(raw) == cleaned
    assert email(raw) == cleaned


@settings(max_examples=150)
@given(st.text(max_size=20))
def test_normalising_twice_changes_nothing(raw: str) -> None:
    assert text(text(raw)) == text(raw)
    assert domain_text(domain_text(raw)) == domain_text(raw)
    assert postal_text(postal_text(raw)) == postal_text(raw)
    for home in (None, "US", "GB"):
        code, _ = postal_code(raw, home)
        assert postal_code(code, home)[0] == code
    found = registrable_domain(raw)
    assert found is None or registrable_domain(found) == found


@settings(max_examples=50)
@given(st.text(max_size=12))
def test_no_text_makes_a_reader_raise(raw: str) -> None:
    for found in (country(raw), state(raw, "US"), number(raw), boolean(raw), instant_or_date(raw, ZoneInfo("UTC"))):
        assert found is None or found is not NotImplemented


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        *((name, "US") for name in ("US", "usa", "U.S.", "U.S.A.", "u. s.", "United States", "The United States")),
        ("United States of America", "US"),
        *((name, "GB") for name in ("UK", "U.K.", "Great Britain", "United Kingdom", "England", "GBR")),
        *((name, "DE") for name in ("Deutschland", " germany ", "DEU", "Federal Republic of Germany")),
        *((name, "NL") for name in ("Holland", "The Netherlands", "nederland")),
        *((name, "KR") for name in ("South Korea", "Korea, Republic of", "Republic of Korea")),
        *((name, "CI") for name in ("Côte d'Ivoire", "Cote d’Ivoire", "Ivory Coast")),
        *((name, "TR") for name in ("Turkey", "Türkiye")),
        *((name, "BS") for name in ("Bahamas", "Bahamas, The", "The Bahamas")),
        ("NO", "NO"),
        ("Österreich", "AT"),
        ("St. Lucia", "LC"),
        ("Hong Kong", "HK"),
        ("NA", "NA"),
        ("n/a", None),
        ("N.A.", None),
        ("Korea", None),
        ("Atlantis", None),
        ("", None),
    ],
)
def test_country_is_read_from_names_and_codes_never_guessed(raw: str, code: str | None) -> None:
    assert country(raw) == code


@pytest.mark.parametrize(
    ("raw", "home", "code"),
    [
        ("CA", "US", "US-CA"),
        ("ca ", "US", "US-CA"),
        ("California", "US", "US-CA"),
        ("Washington, D.C.", "US", "US-DC"),
        ("us-ca", None, "US-CA"),
        ("US-CA", "DE", "US-CA"),
        ("US-XX", "US", None),
        ("CA", None, None),
        ("CA", "DE", None),
        ("BY", "DE", "DE-BY"),
        ("Bayern", "DE", "DE-BY"),
        ("Bavaria", "DE", "DE-BY"),
        ("Québec", "CA", "CA-QC"),
        ("Quebec", "CA", "CA-QC"),
        ("NF", "CA", "CA-NL"),
        ("Nuevo Leon", "MX", "MX-NLE"),
        ("DF", "MX", "MX-CMX"),
        ("County Durham", "GB", "GB-DUR"),
        ("Cantabria", "ES", "ES-CB"),
        ("Hiiumaa", "EE", "EE-39"),
        ("Maputo", "MZ", None),
        ("Vienna", "AT", "AT-9"),
        ("", "US", None),
    ],
)
def test_state_is_read_within_its_country(raw: str, home: str | None, code: str | None) -> None:
    assert state(raw, home) == code


@pytest.mark.parametrize(
    ("raw", "home", "code", "remark"),
    [
        ("94105-1234", "US", "94105", False),
        ("94105 1234", "US", "94105", False),
        ("941051234", "US", "94105", False),
        ("1234", "US", "01234", True),
        ("501", "US", "00501", True),
        ("12", "US", "12", False),
        ("9410512345", "US", "9410512345", False),
        ("94105A", "US", "94105A", False),
        ("94105-1234", None, "941051234", False),
        ("1234", "AT", "1234", False),
        (" sw1a 1aa", "GB", "SW1A1AA", False),
        ("1000–001", "PT", "1000001", False),
        ("  ", "US", "", False),
    ],
)
def test_postal_codes(raw: str, home: str | None, code: str, remark: bool) -> None:
    found, said = postal_code(raw, home)
    assert (found, said is not None) == (code, remark)


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("https://www.Acme.co.uk:8080/path?q=1", "acme.co.uk"),
        ("info@acme.com", "acme.com"),
        ("acme.github.io", "acme.github.io"),
        ("github.io", None),
        ("xn--mnchen-3ya.de", "münchen.de"),
        ("MÜNCHEN.de.", "münchen.de"),
        ("straße.de", "straße.de"),
        ("gmail.com", None),
        ("mail.GMX.de", None),
        ("agency.com", None),
        ("co.uk", None),
        ("192.168.0.1", None),
        ("n/a", None),
        ("acme", None),
        ("", None),
    ],
)
def test_domain_is_the_registrable_one_and_nobody_s_is_none(raw: str, found: str | None) -> None:
    assert domain(raw, frozenset({"agency.com"})) == found


def test_reading_a_domain_opens_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    registrable_domain.cache_clear()
    assert domain("shop.example.co.uk") == "example.co.uk"


def test_mail_providers_are_registrable_domains() -> None:
    assert {each for each in FREE_MAIL_DOMAINS if registrable_domain(each) != each} == set()


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("1000", "1000"),
        (" 1_000 ", "1000"),
        ("5k", "5000"),
        ("2.5M", "2500000"),
        ("1B", "1000000000"),
        ("1e3", "1000"),
        ("-.5", "-0.5"),
        ("１２", "12"),
        ("0.1", "0.1"),
        ("1" * 38 + "k", "1" * 38 + "000"),
        ("1,000", None),
        ("5m", None),
        ("$5", None),
        ("nan", None),
        ("Infinity", None),
        ("1e999", None),
        ("9" * 5000, None),
        ("0x1F", None),
        ("", None),
        ("_1", None),
    ],
)
def test_numbers_are_exact_or_nothing(raw: str, value: str | None) -> None:
    assert number(raw) == (Decimal(value) if value else None)


@pytest.mark.parametrize(
    ("raw", "value"), [("TRUE", True), ("yes", True), ("0", False), (" false ", False), ("on", None), ("", None)]
)
def test_booleans(raw: str, value: bool | None) -> None:
    assert boolean(raw) is value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("2026-07-01", "2026-06-30T22:00:00Z"),
        ("2026-07-01T10:00:00", "2026-07-01T08:00:00Z"),
        ("2026-07-01 10:00:00", "2026-07-01T08:00:00Z"),
        ("2026-07-01T10:00:00.000+0000", "2026-07-01T10:00:00Z"),
        ("2026-07-01T10:00:00Z", "2026-07-01T10:00:00Z"),
        ("1782900000000", "2026-07-01T10:00:00Z"),
        ("2026-02-30", None),
        ("01.07.2026", None),
        ("0001-01-01", None),
        ("99999999999999999999", None),
        ("", None),
    ],
)
def test_days_and_instants(raw: str, value: str | None) -> None:
    assert instant_or_date(raw, ZoneInfo("Europe/Berlin")) == (datetime.fromisoformat(value) if value else None)
    assert instant_or_date("2026-07-01", ZoneInfo("UTC")) == datetime(2026, 7, 1, tzinfo=UTC)


@pytest.mark.data
@pytest.mark.skipif(not COMPANIES.exists(), reason="the shared company list is not beside the repository")
def test_real_countries_and_states_are_read() -> None:
    with COMPANIES.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["country"] for row in rows if country(row["country"]) is None} == {"Netherlands Antilles"}
    states = [row for row in rows if row["state"]]
    unread = [row for row in states if state(row["state"], country(row["country"])) is None]
    assert len(unread) <= len(states) // 500
