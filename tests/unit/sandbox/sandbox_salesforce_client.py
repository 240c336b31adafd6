"""A caller of the fake org for the tests beside it, and the adapter that sends foreign software to it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit
from xml.sax.saxutils import escape

from requests.adapters import HTTPAdapter

from syncd.clock import ManualClock
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.wire import Request, Response

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ROOT = "/services/data/v66.0"


class ToSandbox(HTTPAdapter):
    """Sends what is meant for https://anything to the sandbox's http address."""

    def __init__(self, url: str) -> None:
        self._netloc = urlsplit(url).netloc
        super().__init__()

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        request.url = urlsplit(request.url)._replace(scheme="http", netloc=self._netloc).geturl()
        return super().send(request, *args, **kwargs)


class OrgClient:
    """An org on a clock that stands still, and a caller with a token."""

    def __init__(self, seed: int = 5) -> None:
        self.clock = ManualClock(NOW)
        self.org = SalesforceOrg(clock=self.clock, seed=seed)
        self.headers = {"Authorization": f"Bearer {self.org.credentials()['access_token']}"}

    def call(self, method: str, target: str, body: object = None, **headers: str) -> Response:
        """One request; `target` may be a path below the version."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        path = target if target.startswith("/") else f"{ROOT}/{target}"
        return self.org.handle(Request.of(method, path, {**self.headers, **named}, data))

    def json(self, method: str, target: str, body: object = None, **headers: str) -> Any:
        """The answer's document."""
        return json.loads(self.call(method, target, body, **headers).body)

    def error(self, method: str, target: str, body: object = None, **headers: str) -> tuple[int, str]:
        """Status and error code of a refusal."""
        response = self.call(method, target, body, **headers)
        return response.status, str(json.loads(response.body)[0]["errorCode"])

    def query(self, soql: str, call: str = "query") -> list[Any]:
        """The records of the first page."""
        document = self.json("GET", f"{call}?q={quote(soql)}")
        assert isinstance(document, dict), document
        records: list[Any] = document["records"]
        return records

    def row(self, name: str, record_id: str) -> dict[str, Any]:
        """A row as it stands."""
        row = self.org.record(name, record_id)
        assert row is not None
        return row

    def live(self, name: str, record_id: str) -> bool:
        """Whether a row is there and not deleted."""
        row = self.org.record(name, record_id)
        return row is not None and not row["IsDeleted"]

    def soap(self, body: str, header: str = "", version: str = "60.0", *, signed_in: bool = True) -> Response:
        """One SOAP call with the caller's session."""
        token = escape(self.headers["Authorization"].removeprefix("Bearer "))
        session = f"<u:SessionHeader><u:sessionId>{token}</u:sessionId></u:SessionHeader>" if signed_in else ""
        text = (
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:u="urn:partner.soap.sforce.com">'
            f"<e:Header>{session}{header}</e:Header><e:Body>{body}</e:Body></e:Envelope>"
        )
        headers = {"Content-Type": "text/xml", "Host": "org.example"}
        return self.org.handle(Request.of("POST", f"/services/Soap/u/{version}", headers, text.encode()))


def owner_options(*names: str) -> str:
    """The header of an owner change with these options on."""
    options = "".join(f"<u:options><u:type>{name}</u:type><u:execute>true</u:execute></u:options>" for name in names)
    return f"<u:OwnerChangeOptions>{options}</u:OwnerChangeOptions>"


def update_call(name: str, record_id: str, **fields: str) -> str:
    """A SOAP update of one row."""
    inner = "".join(f"<u:{key}>{escape(value)}</u:{key}>" for key, value in fields.items())
    row = f"<u:type>{name}</u:type><u:Id>{record_id}</u:Id>{inner}"
    return f"<u:update><u:sObjects>{row}</u:sObjects></u:update>"
