"""Which texts of a column need hardly any normalisation, so that they never become Python objects.

The one truth is syncd/model/normalisation: what is told apart here is what that would leave as it is, but for its case.
Knows arrays of texts; no fields and no rows.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from syncd.model.normalisation.domains import FREE_MAIL_DOMAINS, public_suffixes
from syncd.rules.arrays import flags_array, flags_of, numbers_of, texts_array

Mask = NDArray[np.bool_]
_SPACED = r"[\x09-\x0d\x1c-\x1f]|  |^ | $"
"""White space that normalising would change in an ASCII text."""
_PLAIN_DOMAIN = r"^[a-z0-9][a-z0-9-]*\.[a-z]+$"
_FIRST_LABEL = r"^[^.]*\."
_PLAIN_CODE = r"^[A-Za-z0-9 -]*[A-Za-z0-9][A-Za-z0-9 -]*$"
_WHOLE = r"^[0-9]{1,18}$"
_ZIP, _ZIP_PLUS, _SHORT = 5, 9, (3, 4)
ZIP_COUNTRY = "US"
"""The country whose postal codes are ZIP codes."""
_WORD = "[!-~]"


def only_cased(cells: pa.Array) -> Mask:
    """The texts of which lower case is all that they need."""
    return flags_of(pc.string_is_ascii(cells)) & ~flags_of(pc.match_substring_regex(cells, _SPACED))


def blank(cells: pa.Array) -> Mask:
    """The texts that say nothing."""
    found = ~flags_of(pc.match_substring_regex(cells, _WORD))
    rows = np.flatnonzero(found)
    found[rows] = [not text or text.isspace() for text in (cells[row].as_py() for row in rows.tolist())]
    return found


def whole_numbers(cells: pa.Array) -> Mask:
    """The texts that are digits, few enough for a number of the machine."""
    return flags_of(pc.match_substring_regex(cells, _WHOLE))


def bare_codes(cells: pa.Array, in_zips: Mask) -> tuple[pa.Array, Mask]:
    """Postal codes as values, and which of them take more than that: spaces and hyphens go, and of a ZIP code with nine
    digits five stay. `in_zips` are those of the country of ZIP codes.
    """
    plain = flags_of(pc.match_substring_regex(cells, _PLAIN_CODE))
    bare = pc.ascii_upper(pc.replace_substring_regex(cells, "[ -]+", ""))
    zips = in_zips & plain & whole_numbers(bare)
    sizes = numbers_of(pc.binary_length(bare))
    long_ = zips & (sizes == _ZIP_PLUS)
    if long_.any():
        first = pc.utf8_slice_codeunits(bare.filter(flags_array(long_)), 0, _ZIP)
        bare = pc.replace_with_mask(bare, flags_array(long_), first)
    return bare, ~plain | (zips & np.isin(sizes, _SHORT))


def plain_domains(cells: pa.Array) -> Mask:
    """The texts that are names right under a top-level domain, in lower case: what they are is what they say."""
    plain = flags_of(pc.match_substring_regex(cells, _PLAIN_DOMAIN)) & ~flags_of(pc.starts_with(cells, "xn--"))
    if not plain.any():
        return plain
    rows = np.flatnonzero(plain)
    some = cells.filter(flags_array(plain))
    tops = pc.replace_substring_regex(some, _FIRST_LABEL, "").dictionary_encode()
    suffixes = public_suffixes()
    known = np.array([_is_open(top, suffixes) for top in tops.dictionary.to_pylist()], dtype=np.bool_)
    own = flags_of(pc.is_in(some, value_set=_suffix_array()))
    plain[rows] = known[numbers_of(tops.indices)] & ~own
    return plain


def nobodys_domains(cells: pa.Array, shared: frozenset[str]) -> Mask:
    """The names at which anybody can have an address."""
    return flags_of(pc.is_in(cells, value_set=texts_array(sorted(FREE_MAIL_DOMAINS | shared))))


def _is_open(top: str, suffixes: frozenset[str]) -> bool:
    return top in suffixes and f"*.{top}" not in suffixes


@cache
def _suffix_array() -> pa.Array:
    """Names that are suffixes themselves, under which anybody may have a name."""
    return texts_array(sorted(public_suffixes()))
