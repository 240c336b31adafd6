from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from syncd.identity import link_accounts
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def account(system: System, id_: str, **fields: str) -> Record:
    return Record(Ref(system, Kind.ACCOUNT, id_), NOW, fields)


def salesforce(id_: str, **fields: str) -> Record:
    return account(System.SALESFORCE, id_.ljust(15, "0") + "AAA", **fields)


def hubspot(id_: str, **fields: str) -> Record:
    return account(System.HUBSPOT, id_, **fields)


def test_a_domain_that_stands_once_on_each_side_joins() -> None:
    left, right = salesforce("001a", website="https://www.acme.com/"), hubspot("7", domain="Acme.com")
    linking = link_accounts([left, right])
    assert linking.links[left.ref] == linking.links[right.ref] == min(str(left.ref), str(right.ref))
    assert linking.evidence[right.ref] == "domain acme.com"


def test_a_domain_that_stands_twice_on_one_side_joins_nothing_and_makes_candidates() -> None:
    left = salesforce("001a", domain="acme.com", name="Acme Inc.", city="Berlin")
    first = hubspot("7", domain="acme.com", name="Acme", city="Berlin")
    second = hubspot("8", domain="acme.com", name="Acme GmbH", city="Paris")
    linking = link_accounts([left, first, second])
    assert len(set(linking.links.values())) == 3
    first = linking.candidates[0]
    assert (first.hubspot.id, first.score >= 85) == ("7", True)


def test_free_mail_and_shared_domains_join_nothing() -> None:
    pairs = [salesforce("001a", domain="gmail.com"), hubspot("7", domain="gmail.com")]
    assert len(set(link_accounts(pairs).links.values())) == 2
    pairs = [salesforce("001a", domain="shop.example.net"), hubspot("7", domain="example.net")]
    assert len(set(link_accounts(pairs, shared_domains=frozenset({"example.net"})).links.values())) == 2


def test_the_id_map_outranks_every_other_evidence() -> None:
    left = salesforce("001a", domain="acme.com")
    wanted, other = hubspot("7", domain="other.com"), hubspot("8", domain="acme.com")
    linking = link_accounts([left, wanted, other], id_map=[(left.ref.id[:15], "7")])
    assert linking.links[left.ref] == linking.links[wanted.ref] != linking.links[other.ref]
    assert linking.evidence[left.ref] == "id-map"


def test_a_cross_reference_joins_and_two_that_name_one_record_do_not() -> None:
    left = salesforce("001a")
    named = hubspot("7", cross_reference=left.ref.id)
    assert link_accounts([left, named]).evidence[left.ref] == "cross-reference"
    both = link_accounts([left, named, hubspot("8", cross_reference=left.ref.id)])
    assert len(set(both.links.values())) == 3


def test_deleted_records_and_records_of_one_system_are_never_joined() -> None:
    gone = Record(Ref(System.HUBSPOT, Kind.ACCOUNT, "7"), NOW, {"domain": "acme.com"}, deleted=True)
    twin = [salesforce("001a", domain="acme.com"), salesforce("001b", domain="acme.com")]
    linking = link_accounts([*twin, gone])
    assert gone.ref not in linking.links
    assert len(set(linking.links.values())) == 2


DOMAINS = st.sampled_from(["acme.com", "globex.com", "initech.com", "gmail.com", ""])
NAMES = st.sampled_from(["Acme Inc", "ACME", "Globex GmbH", "Initech", ""])
RECORDS = st.lists(st.tuples(st.booleans(), st.integers(1, 30), DOMAINS, NAMES), max_size=14, unique_by=lambda t: t[:2])


@given(RECORDS, st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(rows: list[tuple[bool, int, str, str]], chance: object) -> None:
    make = [
        (salesforce(f"001{n:03d}") if left else hubspot(str(n)), {"domain": domain, "name": name})
        for left, n, domain, name in rows
    ]
    records = [Record(record.ref, NOW, {k: v for k, v in fields.items() if v}) for record, fields in make]
    shuffled = records[:]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = link_accounts(records), link_accounts(shuffled)
    assert (one.links, one.evidence, one.candidates) == (other.links, other.evidence, other.candidates)
    members: dict[str, list[System]] = {}
    for ref, key in one.links.items():
        members.setdefault(key, []).append(ref.system)
    assert all(len(systems) == len(set(systems)) for systems in members.values())


def test_companies_of_one_group_that_share_a_domain_are_candidates_not_links() -> None:
    """A parent and its subsidiary, two numbered funds, one name in two countries: each alone on its side."""
    for one, other in (
        ({"name": "Cogeco Inc."}, {"name": "Cogeco Communications Inc."}),
        ({"name": "Humax Holdings"}, {"name": "Humax"}),
        ({"name": "Fund I"}, {"name": "Fund II"}),
        ({"name": "KSB SE", "country": "Germany"}, {"name": "KSB Limited", "country": "IN"}),
    ):
        left, right = salesforce("001a", domain="acme.com", **one), hubspot("7", domain="acme.com", **other)
        linking = link_accounts([left, right])
        assert linking.links[left.ref] != linking.links[right.ref], one
        assert [(found.salesforce, found.hubspot) for found in linking.candidates] == [(left.ref, right.ref)]


def test_a_name_that_is_written_otherwise_still_joins() -> None:
    for one, other in (
        ("Société Générale S.A.", "SOCIETE GENERALE"),
        ("Procter & Gamble Co.", "Procter and Gamble"),
        ("Commerzbank AG", "Comerzbank"),
        ("T.T. Limited", "TT Ltd"),
        ("Acme Inc.", ""),
    ):
        left, right = salesforce("001a", domain="acme.com", name=one), hubspot("7", domain="acme.com", name=other)
        assert link_accounts([left, right]).evidence[left.ref] == "domain acme.com", (one, other)


def test_candidates_are_found_by_name_and_place_however_they_are_written() -> None:
    left = salesforce("001a", name="Kreissparkasse Süd e.V.", city="München", country="Germany")
    right = hubspot("7", name="KREISSPARKASSE SUD EV", city="Munchen", country="DE")
    (found,) = link_accounts([left, right]).candidates
    assert found.reason == "names 100 % alike, same city, same country"
    far = hubspot("8", name="Kreissparkasse Süd e.V.", city="Paris", country="FR")
    assert link_accounts([left, far]).candidates == ()


def test_a_rejected_pair_is_neither_joined_nor_a_candidate() -> None:
    left, right = salesforce("001a", domain="acme.com", name="Acme"), hubspot("7", domain="acme.com", name="Acme")
    linking = link_accounts([left, right], rejected=frozenset({(left.ref, right.ref)}))
    assert linking.links[left.ref] != linking.links[right.ref]
    assert linking.candidates == ()
