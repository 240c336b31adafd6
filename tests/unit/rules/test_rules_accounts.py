"""The book of `plan --accounts`: accounts, opportunities and users from CSV."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from rule_builders import NOW, decide_all, is_, pack, territory

from syncd.errors import InputError
from syncd.model.fields import FieldCatalogue, FieldType
from syncd.model.money import MoneyTable
from syncd.model.refs import Kind
from syncd.rules.accounts import accounts_header, read_book
from syncd.rules.derivation import Derivation

DERIVATION = Derivation()


@pytest.fixture
def read(tmp_path):
    def reader(accounts: str, opportunities: str | None = None, users: str | None = None, derivation=DERIVATION):
        paths = {}
        for name, data in (("accounts", accounts), ("opportunities", opportunities), ("users", users)):
            paths[name] = tmp_path / f"{name}.csv" if data is not None else None
            if data is not None:
                paths[name].write_text(data, "utf-8")
        return read_book(
            paths["accounts"],
            opportunities=paths["opportunities"],
            users=paths["users"],
            derivation=derivation,
            now=NOW,
        )

    return reader


def codes(findings):
    return [(each.code, each.severity.value, each.place.path.rpartition("/")[2], each.place.line) for each in findings]


def by_key(book):
    return {each.key: each for each in book.facts}


def test_the_header_is_id_and_every_account_field_with_custom_ones():
    catalogue = FieldCatalogue().extended(Kind.ACCOUNT, {"plan_name": FieldType.TEXT})
    header = accounts_header(catalogue)
    assert header[0] == "id"
    assert {"country", "open_stages", "owner", "plan_name"} <= set(header)
    assert len(set(header)) == len(header)


def test_each_row_is_its_own_company_with_normalised_values(read):
    book = read("id,name,country,employees,domain\nA1,Acme,Germany,1200,www.acme.com\nA2,Acme,Germany,,acme.com\n")
    assert [(each.key, each.accounts) for each in book.facts] == [("A1", ("A1",)), ("A2", ("A2",))]
    assert by_key(book)["A1"].values["country"] == "DE"
    assert by_key(book)["A1"].values["employees"] == Decimal(1200)
    assert by_key(book)["A1"].values["domain"] == "acme.com"
    assert "employees" not in by_key(book)["A2"].values
    assert book.findings == ()


def test_several_values_in_a_cell_are_joined_by_semicolons(read):
    values = by_key(read("id,open_stages,systems\nA1,Negotiation; Closing ;,salesforce\n"))["A1"].values
    assert values["open_stages"] == {"negotiation", "closing"}
    assert values["systems"] == {"salesforce"}


def test_derived_columns_win_over_opportunities(read):
    deals = "id,account,stage,amount,is_closed\nO1,A1,Negotiation,100.10,false\nO2,A1,Won,9,true\nO3,A2,Proposal,7,\n"
    book = by_key(read("id,open_pipeline\nA1,\nA2,5000\nA3,\n", deals))
    assert [book[key].values["open_pipeline"] for key in ("A1", "A2", "A3")] == [Decimal("100.10"), Decimal(5000), 0]
    assert book["A1"].values["open_stages"] == {"negotiation"}
    assert book["A2"].values["open_opportunities"] == 1


def test_families_are_read_across_rows(read):
    book = by_key(read("id,parent,employees\nA1,,10\nA2,A1,20\nA3,A2,30\n"))
    assert [book[key].values["children"] for key in ("A1", "A2", "A3")] == [1, 1, 0]
    assert {each.values["family_employees"] for each in book.values()} == {Decimal(60)}


def test_without_users_every_email_is_active_and_a_missing_owner_is_not(read):
    book = read("id,owner\nA1,Anna@Example.com\nA2,\n")
    assert book.directory.assume_active
    assert by_key(book)["A1"].current_owner.email == "anna@example.com"
    assert [by_key(book)[key].owner_active for key in ("A1", "A2")] == [True, False]


def test_with_users_only_those_listed_as_active_are(read):
    users = "id,email,name,active\n1,Anna@Example.com,Anna,true\n2,ben@example.com,Ben,FALSE\n3,zoe@example.com,,\n"
    book = read(
        "id,owner\nA1,ANNA@example.com\nA2,ben@example.com\nA3,nobody@example.com\nA4,zoe@example.com\n", None, users
    )
    assert [by_key(book)[f"A{n}"].owner_active for n in (1, 2, 3, 4)] == [True, False, False, True]
    tree = pack(territory("t", None, ["ben@example.com", "nobody@example.com", "anna@example.com"], assign="first"))
    found = decide_all(tree, *book.facts, directory=book.directory)
    assert {each.owner.email for each in found.values()} == {"anna@example.com"}


def test_an_email_of_two_active_users_gets_nothing_and_of_one_active_user_does(read):
    users = "email,active\na@x.com,true\na@x.com,true\nb@x.com,false\nb@x.com,true\nb@x.com,false\n"
    book = read("id\nA1\n", None, users)
    assert codes(book.findings) == [("SYN309", "warning", "users.csv", 3)]
    tree = pack(territory("t", None, ["a@x.com", "b@x.com"], assign="first"))
    assert decide_all(tree, *book.facts, directory=book.directory)["A1"].owner.email == "b@x.com"


def test_all_errors_of_all_files_are_reported_at_once_with_their_lines(read):
    with pytest.raises(InputError) as refused:
        read(
            "id,employes\nA1,5\n,6\nA1,7\nA2,1,2\n",
            "id,stage\nO1,Won\n",
            "name,email,active\nAnna,a@x.com,perhaps\n",
        )
    assert refused.value.code == "SYN301"
    assert codes(refused.value.findings) == [
        ("SYN304", "error", "accounts.csv", 1),
        ("SYN303", "error", "accounts.csv", 3),
        ("SYN303", "error", "accounts.csv", 4),
        ("SYN305", "error", "accounts.csv", 5),
        ("SYN302", "error", "opportunities.csv", 1),
        ("SYN309", "error", "users.csv", 2),
    ]


def test_the_second_row_of_an_id_names_the_first(read):
    with pytest.raises(InputError) as refused:
        read("id\nA1\nA2\nA1\n")
    assert refused.value.findings[0].message == "the id A1 stands twice; the first is in line 2"


def test_what_cannot_be_read_is_a_warning_and_counts_as_missing(read):
    book = read(
        'id,employees,annual_revenue\nA1,"1,200",\nA2,5,10 EUR\n', derivation=Derivation(money=MoneyTable("USD"))
    )
    assert codes(book.findings) == [("SYN307", "warning", "accounts.csv", 2), ("SYN307", "warning", "accounts.csv", 3)]
    assert "A1: employees" in book.findings[0].message
    assert "employees" not in by_key(book)["A1"].values
    assert by_key(book)["A1"].seen["employees"].raw == "1,200"


def test_opportunities_of_no_account_are_left_out_with_a_warning(read):
    book = read("id\nA1\n", "account,amount\nA9,5\n,6\nA1,7\n")
    assert codes(book.findings) == [
        ("SYN308", "warning", "opportunities.csv", 2),
        ("SYN308", "warning", "opportunities.csv", 3),
    ]
    assert by_key(book)["A1"].values["open_pipeline"] == 7


def test_an_opportunity_that_stands_twice_is_an_error(read):
    with pytest.raises(InputError) as refused:
        read("id\nA1\n", "id,account\nO1,A1\nO1,A1\n")
    assert codes(refused.value.findings) == [("SYN303", "error", "opportunities.csv", 3)]


def test_a_given_owner_active_wins(read):
    assert by_key(read("id,owner,owner_active\nA1,a@x.com,false\n"))["A1"].owner_active is False


def test_a_book_is_decided_end_to_end(read):
    book = read("id,country,owner\nA1,Deutschland,old@x.com\nA2,US,us@x.com\nA3,,\n")
    tree = pack(territory("dach", is_("country", "DE"), "d@x.com"), territory("rest", None, ["us@x.com"]))
    found = decide_all(tree, *book.facts, directory=book.directory, now=datetime(2026, 12, 1, tzinfo=UTC))
    assert {key: (each.territory, each.reason) for key, each in found.items()} == {
        "A1": ("dach", "picked"),
        "A2": ("rest", "kept"),
        "A3": ("rest", "picked"),
    }
