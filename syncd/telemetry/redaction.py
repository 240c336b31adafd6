"""Taking secrets out of whatever is about to be logged or shown: by key, and by the shape of the value."""

from __future__ import annotations

import re
from collections.abc import Mapping

MASK = "[secret]"
_KEYS = re.compile(
    r"authorization|token|secret|password|passwd|assertion|routing_key|signature|cookie|private_key|api_key|credential",
    re.IGNORECASE,
)
_SHAPES = re.compile(
    r"00D\w{12,15}![\w.]+"  # Salesforce session ids
    r"|pat-[a-z]{2,3}\d?-[\w-]{8,}"  # HubSpot private-app tokens and service keys
    r"|5Aep861[\w.!+/=-]{20,}"  # Salesforce refresh tokens
    r"|(?<=hooks\.slack\.com/)[^\s?\"']+"  # these three are secrets as a whole: who has the URL may post
    r"|(?<=hc-ping\.com/)[^\s?\"']+"
    r"|(?<=webhook\.office\.com/)[^\s?\"']+"
    r"|Bearer\s+[\w.!~+/=-]{8,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # JWTs
    r"|-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|$)",
    re.DOTALL,
)
_NAMED = re.compile(
    r"""(["']?(?:client_secret|refresh_token|access_token|routing_key|assertion|password|api_?key|signature)["']?\s*[=:]\s*)"""
    r"""(?:"[^"]*"|'[^']*'|[^\s&,;"'}]+)""",
    re.IGNORECASE,
)
_PATH = re.compile(r"/[^\s:\"']*/[^\s:\"']*:")
_URL_QUERY = re.compile(r"(https?://[^\s?\"']+)\?[^\s\"']*")
_URL_USER = re.compile(r"(\w+://[^\s:/@]+):[^\s@]+@")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
LONGEST = 2000


def redacted_text(text: str) -> str:
    """The text without secrets, URL queries, passwords in URLs and control characters, at most 2,000 characters."""
    text = _SHAPES.sub(MASK, text)
    text = _NAMED.sub(_masked, text)
    text = _URL_USER.sub(rf"\1:{MASK}@", text)
    text = _URL_QUERY.sub(r"\1?…", text)
    text = _CONTROL.sub("�", text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _masked(found: re.Match[str]) -> str:
    """The name with its value masked, but for what says of a file that it cannot be read: `…_secret: /a/path: why`.

    Such a path is no value, and its own end no name: both stand before a colon with a space behind it.
    """
    text, name = found.string, found.group(1)
    start = max(text.rfind(char, 0, found.start()) for char in " \t\n\"'=") + 1
    if name.endswith(": ") and (_PATH.match(text, start, found.start(1) + len(name)) or _is_path(found)):
        return found.group()
    return f"{name}{MASK}"


def _is_path(found: re.Match[str]) -> bool:
    path = found.group()[len(found.group(1)) :]
    return bool(_PATH.fullmatch(path)) and found.string[found.end() : found.end() + 1] == " "


def redacted(value: object, key: str = "") -> object:
    """A value with every secret in it masked, in whatever depth of mappings and lists it stands."""
    if key and _KEYS.search(key) and isinstance(value, str | bytes):
        return MASK
    if isinstance(value, bytes):
        return redacted_text(value.decode("utf-8", "replace"))
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, Mapping):
        inherited = key if key and _KEYS.search(key) else ""
        return {redacted_text(str(name)): redacted(item, inherited or str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(item, key) for item in value]
    if isinstance(value, BaseException):
        return redacted_text(f"{type(value).__name__}: {value}")
    return value
