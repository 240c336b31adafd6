"""The XML of the partner SOAP API: envelopes read into plain values, results and faults written out.

Document types are refused before anything is parsed, so that no entity can be defined. It knows no operations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.sax.saxutils import escape

from syncd.sandbox.wire import Response

_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
PARTNER = "urn:partner.soap.sforce.com"
FAULTS = "urn:fault.partner.soap.sforce.com"
_HEADERS = {"Content-Type": "text/xml; charset=utf-8"}


class SoapFault(Exception):
    """A call refused as a whole: HTTP 500 and a fault of a `kind` such as LoginFault (salesforce.md 4.3, shape 7)."""

    def __init__(self, code: str, message: str, kind: str = "UnexpectedErrorFault") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.kind = kind

    def response(self) -> Response:
        """The fault on the wire."""
        kind, code, message = self.kind, escape(self.code), escape(self.message)
        body = (
            f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring><detail>"
            f'<sf:{kind} xsi:type="sf:{kind}"><sf:exceptionCode>{code}</sf:exceptionCode>'
            f"<sf:exceptionMessage>{message}</sf:exceptionMessage></sf:{kind}></detail></soapenv:Fault>"
        )
        return _envelope(500, body, f' xmlns:sf="{FAULTS}"')


@dataclass(frozen=True, slots=True)
class SoapCall:
    """A parsed envelope: the operation, its arguments, and the headers by local name."""

    operation: str
    arguments: Element
    headers: Mapping[str, Element]

    def text(self, name: str) -> str:
        """The text of an argument, empty where it is absent."""
        return text_of(self.arguments, name)

    def texts(self, name: str) -> list[str]:
        """The texts of all arguments of that name."""
        return [(item.text or "").strip() for item in children(self.arguments, name)]

    def header(self, name: str, field: str) -> str:
        """The text of a field of a header, empty where either is absent."""
        element = self.headers.get(name)
        return "" if element is None else text_of(element, field)


def parsed(body: bytes) -> SoapCall:
    """The call in a body. Raises SoapFault for what is no envelope."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise SoapFault("UNKNOWN_EXCEPTION", "a document type is not allowed in a SOAP message")
    try:
        root = fromstring(body)  # noqa: S314 - document types are refused above
    except ParseError as error:
        raise SoapFault("UNKNOWN_EXCEPTION", f"the body is no XML: {error}") from error
    header, content = child(root, "Header"), child(root, "Body")
    if local(root) != "Envelope" or content is None or len(content) != 1:
        raise SoapFault("UNKNOWN_EXCEPTION", "the body is no SOAP envelope with one call")
    named = {} if header is None else {local(item): item for item in header}
    return SoapCall(local(content[0]), content[0], named)


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def children(element: Element, name: str) -> list[Element]:
    """The children of that local name."""
    return [item for item in element if local(item) == name]


def child(element: Element, name: str) -> Element | None:
    """The first child of that local name."""
    return next(iter(children(element, name)), None)


def text_of(element: Element, name: str) -> str:
    """The text of a child, empty where it is absent."""
    found = child(element, name)
    return "" if found is None else (found.text or "").strip()


def sobject_of(element: Element) -> tuple[str, dict[str, Any]]:
    """An sObject's type and its fields; those named in `fieldsToNull` are None."""
    fields: dict[str, Any] = {}
    name = ""
    for item in element:
        if local(item) == "type":
            name = (item.text or "").strip()
        elif local(item) == "fieldsToNull":
            fields[(item.text or "").strip()] = None
        else:
            fields[local(item)] = item.text
    return name, fields


def answer(operation: str, results: Sequence[Mapping[str, Any]]) -> Response:
    """The response of an operation with one `result` element for each of `results`."""
    inner = "".join(f"<result>{_xml_of(result)}</result>" for result in results)
    return _envelope(200, f"<{operation}Response>{inner}</{operation}Response>", f' xmlns="{PARTNER}"')


def _xml_of(value: Any) -> str:
    """A value as the content of an element: mappings as children, lists as repeated ones."""
    if isinstance(value, Mapping):
        return "".join(_element(key, item) for key, item in value.items())
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(str(value))


def _element(name: str, value: Any) -> str:
    """One named value; None is nil."""
    if isinstance(value, list | tuple):
        return "".join(_element(name, item) for item in value)
    return f'<{name} xsi:nil="true"/>' if value is None else f"<{name}>{_xml_of(value)}</{name}>"


def _envelope(status: int, body: str, namespaces: str) -> Response:
    """A whole SOAP message."""
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="{_ENVELOPE}"{namespaces} '
        f'xmlns:xsi="{_INSTANCE}"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>'
    )
    return Response(status, _HEADERS, text.encode("utf-8", errors="replace"))
