"""Text files of a pack: bytes as people save them, turned into text with every problem named by its place.

It knows encodings and nothing of YAML, CSV or rules.
"""

from __future__ import annotations

import re

from syncd.errors import Place
from syncd.rules.findings import Findings
from syncd.rules.reading.odd_characters import place_at, report_invisible

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_MOST_CONTROLS = 20


def decode(data: bytes, path: str, findings: Findings) -> str | None:
    """The text of a file without its byte-order mark, or None after an error (SYN202).

    Only UTF-8 is text: bytes of another encoding, UTF-16 and control characters are errors at their place.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        findings.error(
            "SYN202", "the file is saved as UTF-16", Place(path, 1), "save it as UTF-8 (in Excel: CSV UTF-8)"
        )
        return None
    if data[:4] == b"PK\x03\x04":
        hint = "save it as CSV UTF-8, or unpack it"
        findings.error("SYN202", "the file is an Excel workbook or an archive, no text", Place(path, 1), hint)
        return None
    try:
        text = (data := data.removeprefix(BYTE_ORDER_MARK)).decode("utf-8")
    except UnicodeDecodeError as error:
        _report_encoding(data, error.start, path, findings)
        return None
    findings.attach(path, text)
    report_invisible(text, path, findings)
    return None if _report_controls(text, path, findings) else text


def _report_encoding(data: bytes, offset: int, path: str, findings: Findings) -> None:
    shown = data.decode("latin-1")
    findings.attach(path, shown)
    findings.error(
        "SYN202",
        f"the file is not UTF-8: byte 0x{ord(shown[offset]):02X} here stands for no character",
        place_at(shown, offset, path),
        f"it looks like Latin-1 or Windows-1252, where that byte is {shown[offset]!r}: save the file as UTF-8",
    )


def _report_controls(text: str, path: str, findings: Findings) -> bool:
    found = False
    for count, match in enumerate(_CONTROL.finditer(text)):
        found = True
        if count >= _MOST_CONTROLS:
            break
        name = "a NUL character" if match.group() == "\x00" else f"the control character U+{ord(match.group()):04X}"
        findings.error(
            "SYN202", f"{name} cannot stand in a text file", place_at(text, match.start(), path), "remove it"
        )
    return found
