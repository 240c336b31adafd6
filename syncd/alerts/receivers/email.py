"""E-mail as a receiver: SMTP over TLS, one message a notice, which a second copy does not double.

The Message-ID is made from the notice, so that a mail reader shows a repeated message once, and all messages about one
alert refer to it, so that they are one thread.
"""

from __future__ import annotations

import hashlib
import smtplib
import socket
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from syncd.alerts.receivers.delivery import DeliveryError
from syncd.alerts.receivers.outside import AGENT, Outside
from syncd.alerts.receivers.posting import TIMEOUT, words_of
from syncd.alerts.receivers.routing import REPORT, route_of
from syncd.alerts.receivers.wording import lines, one_line, title
from syncd.settings import ReceiverSettings

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SUBJECT = 200
_LARGEST_PAGE = 8_000_000
"""Many mail servers refuse messages of 10 MB and more."""
_IN_THE_TEXT = 20
"""So many accounts are plainly in the text of an alert; a longer list is attached."""


class EmailReceiver:
    """Hands each notice to one mail server."""

    def __init__(self, settings: ReceiverSettings, outside: Outside, *, timeout: float = TIMEOUT) -> None:
        self.name = settings.name
        self.route = route_of(settings)
        self._settings = settings
        self._outside = outside
        self._timeout = timeout

    def deliver(self, body: Mapping[str, Any]) -> None:
        """One message to all recipients, or to those that the notice itself is for; DeliveryError where none took it.

        A server that does not offer TLS gets nothing, the password least of all.
        """
        mail = self.message(body)
        try:
            with self._connected() as server:
                if self._settings.username is not None:
                    server.login(self._settings.username, self._outside.secret(self._settings))
                server.send_message(mail)
        except smtplib.SMTPAuthenticationError as error:
            raise DeliveryError("auth_error", f"the mail server answered {error.smtp_code} to the login") from error
        except smtplib.SMTPNotSupportedError as error:
            raise DeliveryError("misconfigured", "the mail server does not offer what the settings ask for") from error
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise _refused(min(codes), "all recipients") from error
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code, "the message") from error
        except TimeoutError as error:
            raise DeliveryError("timeout", f"the mail server was silent for {self._timeout:g} s") from error
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError("unreachable", words_of(error)) from error

    def message(self, body: Mapping[str, Any]) -> EmailMessage:
        """The message of a notice."""
        sender = str(self._settings.sender)
        domain = sender.rpartition("@")[2]
        mail = EmailMessage()
        mail["From"] = sender
        mail["To"] = ", ".join(one_line(address) for address in body.get("to") or self._settings.recipients)
        mail["Subject"] = title(body, _SUBJECT)
        mail["Date"] = format_datetime(self._outside.clock.now())
        mail["Message-ID"] = _message_id(str(body["event_id"]), domain)
        mail["References"] = _message_id(str(body["dedup_key"]), domain)
        mail["Auto-Submitted"] = "auto-generated"
        mail["User-Agent"] = AGENT
        mail.set_content("\n".join(lines(body)) + "\n", cte="quoted-printable")
        accounts = body.get("accounts") or []
        if len(accounts) > _IN_THE_TEXT:
            listed = "".join(f"{one_line(account)}\n" for account in accounts)
            mail.add_attachment(listed, filename="accounts.txt", cte="quoted-printable")
        _attach_report(mail, body)
        return mail

    def _connected(self) -> smtplib.SMTP:
        """A connection that is safe to log in over."""
        settings, host = self._settings, str(self._settings.host)
        port = settings.port or _PORTS[settings.security]
        if settings.security == "none" and host not in _LOOPBACK:
            raise DeliveryError("misconfigured", 'security = "none" is for this machine itself alone')
        name = socket.gethostname() or "localhost"
        if settings.security == "tls":
            return smtplib.SMTP_SSL(host, port, name, timeout=self._timeout, context=self._tls())
        server = smtplib.SMTP(host, port, name, timeout=self._timeout)
        if settings.security == "starttls":
            try:
                server.starttls(context=self._tls())
            except BaseException:
                server.close()
                raise
        return server

    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._outside.ca_bundle)


def _attach_report(mail: EmailMessage, body: Mapping[str, Any]) -> None:
    """Put the page of a report beside the text; where it is gone or too large for mail the text names its place."""
    if body["kind"] != REPORT:
        return
    page = Path(str(body["file"]))
    try:
        if page.stat().st_size <= _LARGEST_PAGE:
            mail.add_attachment(page.read_bytes(), maintype="text", subtype="html", filename=page.name)
    except OSError:
        return


def _refused(code: int, what: str) -> DeliveryError:
    """What a mail server's refusal means: 4xx passes, 5xx does not."""
    text = f"the mail server answered {code} to {what}"
    return DeliveryError("server_error" if 400 <= code < 500 else "client_error", text)


def _message_id(key: str, domain: str) -> str:
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"
