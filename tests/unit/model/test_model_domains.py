"""The registrable domain of a plain name is looked up; it is what taking the same name apart says."""

from __future__ import annotations

import tldextract

from syncd.model.normalisation import registrable_domain


def test_a_plain_name_has_the_domain_that_the_same_name_in_an_address_has() -> None:
    rules = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True).tlds
    tops = sorted({rule.rpartition(".")[2] for rule in rules})
    names = [f"acme{number % 7}.{top}" for number, top in enumerate(tops)]
    names += [rule.lstrip("!").replace("*", "acme") for rule in rules if rule.count(".") == 1]
    names += ["acme.zz", "acme.local", "1.2", "-a.com", "a-.com", "xn--a.com", "www.ck", "acme.ck", "acme.co", "co.uk"]
    assert len(names) > 3000
    assert [each for each in names if registrable_domain(each) != registrable_domain(f"https://{each}/")] == []
