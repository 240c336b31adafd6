"""Finding accounts by what a person types."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from store_builders import HS, SF, account, account_ref, deal, put

from syncd.model.refs import long_salesforce_id
from syncd.store import lookup, mirror
from syncd.store.engine import Store

ONE = long_salesforce_id("001A00000000001")
ACME = account(ONE, fields={"name": "Acme GmbH & Co. KG", "website": "https://www.ACME.de:443/about?x=1"})
ACME_HUB = account("77", system=HS, fields={"name": "ACME", "domain": "acme.de"})
SHOP = account("001A00000000002AAA", fields={"name": "100% Shop_Ltd", "website": "shop.example.co.uk"})
GONE = account("001A00000000003AAA", fields={"name": "Gone", "domain": "acme.de"}, deleted=True)
PLAIN = account("001A00000000004AAA", fields={})


@pytest.fixture
def filled(store: Store) -> Store:
    with store.write() as conn:
        put(conn, ACME, ACME_HUB, SHOP, GONE, PLAIN, deal(1, ACME.ref.id))
    return store


CASES = [
    (f"salesforce:account:{ONE}", [ACME.ref]),
    (f" {ONE} ", [ACME.ref]),
    ("001A00000000001", [ACME.ref]),
    ("77", [ACME_HUB.ref]),
    ("001A00000000003AAA", [GONE.ref]),
    ("acme.de", [ACME_HUB.ref, ACME.ref]),
    ("https://www.acme.de/contact", [ACME_HUB.ref, ACME.ref]),
    ("WWW.ACME.DE", [ACME_HUB.ref, ACME.ref]),
    ("jo@acme.de", [ACME_HUB.ref, ACME.ref]),
    ("acme", [ACME_HUB.ref]),
    ("acme gmbh", [ACME.ref]),
    ("  ACME   GmbH ", [ACME.ref]),
    ("100%", [SHOP.ref]),
    ("shop_l", [SHOP.ref]),
    ("p_L", [SHOP.ref]),
    ("example.co", [SHOP.ref]),
    ("%", [SHOP.ref]),
    ("_", [SHOP.ref]),
    ("gone", []),
    ("nothing like it", []),
    ("", []),
    ("   ", []),
    ("salesforce:account:none", []),
    ("salesforce:opportunity:006-1", []),
]


def test_account_is_found_by_what_a_person_types(filled: Store) -> None:
    with filled.read() as conn:
        found = [(text, list(mirror.find_accounts(conn, text))) for text, _ in CASES]
    assert found == CASES


def test_answer_is_limited(store: Store) -> None:
    with store.write() as conn:
        put(conn, *(account(f"{number:03}") for number in range(20)))
        assert mirror.find_accounts(conn, "company", limit=3) == tuple(account_ref(f"{n:03}", SF) for n in range(3))


@given(
    st.lists(
        st.sampled_from(
            ["https://", "http://", "//", "www.", "a", "acme", ".", "com", "/", "-", "@", ":80", "A", " ", "é"]
        )
    )
)
@example(["www.", "com"])
@settings(max_examples=2_000)
def test_the_host_of_plain_text_is_that_of_the_longer_way(pieces: list[str]) -> None:
    fields = {"website": "".join(pieces)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup, "_PLAIN_HOST", lambda _text: None)
        long = lookup.domain_key(fields)
    assert lookup.domain_key(fields) == long
