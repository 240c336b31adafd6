"""The registrable domain of a plain name is looked up; it is what taking the same name apart says."""

from __future__ import annotations

import pytest

from syncd.model.normalisation import registrable_domain
from syncd.model.normalisation.domains import public_suffixes


def test_a_plain_name_has_the_domain_that_the_same_name_in_an_address_has() -> None:
    rules = public_suffixes()
    tops = sorted({rule.rpartition(".")[2] for rule in rules})
    names = [f"acme{number % 7}.{top}" for number, top in enumerate(tops)]
    names += [rule.lstrip("!").replace("*", "acme") for rule in rules if rule.count(".") == 1]
    names += ["acme.zz", "acme.local", "1.2", "-a.com", "a-.com", "xn--a.com", "www.ck", "acme.ck", "acme.co", "co.uk"]
    assert len(names) > 3000
    assert [each for each in names if registrable_domain(each) != registrable_domain(f"https://{each}/")] == []


@pytest.mark.parametrize(
    ("told", "domain"),
    [
        ("www.acme.co.uk.", "acme.co.uk"),
        ("shop.acme.github.io", "acme.github.io"),
        ("WWW.XN--MNCHEN-3YA.DE", "münchen.de"),
        ("www.例え.xn--fiqs8s", "例え.中国"),
        ("www。acme．com", "acme.com"),
        ("https://www..acme.com/contact", "acme.com"),
        ("acme..com", None),
        ("a.city.kobe.jp", "city.kobe.jp"),
        ("a.b.c.kobe.jp", "b.c.kobe.jp"),
        ("10.20.30.40:8080", None),
        ("www.acme.no-such-suffix", None),
        ("co.uk", None),
    ],
)
def test_the_registrable_domain_of_what_people_write(told: str, domain: str | None) -> None:
    assert registrable_domain(told) == domain
