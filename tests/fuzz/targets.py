"""The readers of what others write, as functions of bytes: whatever comes, an answer or one of our errors, and soon.

Each target promises more than not to raise: what it checks stands in its docstring. They are called by the replay of
the corpus (`test_fuzz_readers.py`) and by the coverage-guided fuzzer (`campaign.py`).
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from syncd.clock import ManualClock
from syncd.connectors.wire import HttpRequest, HttpResponse, WireError
from syncd.errors import CrmError, Finding, InputError, LeaseHeldError, Severity, SyncdError
from syncd.jobs.daemon.control import REQUESTS, ControlServer, Tell, ask_daemon
from syncd.jobs.importing.exports import read_model
from syncd.model.refs import Kind
from syncd.rules.accounts import read_book
from syncd.rules.derivation import Derivation
from syncd.rules.findings import Findings
from syncd.rules.formatting.layout import formatted, unchanged
from syncd.rules.formatting.pieces import NotPlainError
from syncd.rules.loader import check_pack
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.wire import Request
from syncd.settings import load_settings
from tests.contract.worlds import HubspotWorld, SalesforceWorld, World
from tests.inprocess import InProcessWire, Trouble

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
_MOST_CALLS = 40
_LONGEST_SEED = 4000
_DEEP = 1500
"""Levels of JSON, more than Python's own reader takes."""
_PACK_OF_TABLE = b"""format: 1
territories:
  - name: us
    when: {country: US}
    owners: unassigned
    territories: {table: t.csv}
  - {name: rest, when: always, owners: unassigned}
"""


class BrokenPromiseError(Exception):
    """A reader answered, but not as its docstring says."""


@dataclass(frozen=True, slots=True)
class Target:
    """A reader: what bytes are given to, and the bytes that its corpus begins with."""

    read: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]


@cache
def _folder() -> Path:
    """A folder in memory where there is one: a fuzzer writes thousands of files a second."""
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="syncd-fuzz-", dir=memory if os.access(memory, os.W_OK) else None)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _file(name: str, data: bytes) -> Path:
    path = _folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _checked(pack: object, findings: Sequence[Finding]) -> None:
    """An invalid pack has an error that says why, a valid one has none, and every finding can be printed."""
    errors = any(each.severity is Severity.ERROR for each in findings)
    if errors == (pack is not None):
        raise BrokenPromiseError(f"errors: {errors}, a pack: {pack is not None}")
    for each in findings:
        if not each.message.replace("\t", " ").isprintable():
            raise BrokenPromiseError(f"a message that cannot be printed: {each.message!r}")
        str(each).encode()


def read_pack(data: bytes) -> None:
    """The rule loader: a pack.yaml. A valid one is laid out without a change of meaning, and twice as once."""
    path = _file("pack/pack.yaml", data)
    pack, findings = check_pack(path.parent, now=NOW)
    _checked(pack, findings)
    if pack is not None:
        _laid_out(data.decode("utf-8-sig"))


def _laid_out(text: str) -> None:
    try:
        once = formatted(text)
    except NotPlainError:
        return
    if not unchanged(text, once):
        raise BrokenPromiseError("laying out changes what the file says")
    if formatted(once) != once:
        raise BrokenPromiseError("laid out twice is not laid out once")


def read_table(data: bytes) -> None:
    """A table of territories beside a pack.yaml that is fine."""
    _file("table/pack.yaml", _PACK_OF_TABLE)
    path = _file("table/t.csv", data)
    _checked(*check_pack(path.parent, now=NOW))


def read_csv(data: bytes) -> None:
    """The exports of plan --accounts and import: its first byte says which file it is."""
    kind, path = data[:1], _file("export.csv", data[1:])
    good = _file("accounts.csv", b"id,name,country\n1,Acme,US\n")
    with contextlib.suppress(InputError):
        match kind:
            case b"o":
                read_book(good, opportunities=path, users=None, derivation=Derivation(), now=NOW)
            case b"u":
                read_book(good, opportunities=None, users=path, derivation=Derivation(), now=NOW)
            case b"t":
                read_model([path], Findings())
            case _:
                read_book(path, opportunities=None, users=None, derivation=Derivation(), now=NOW)


def read_settings(data: bytes) -> None:
    """The settings file."""
    with contextlib.suppress(SyncdError):
        load_settings(_file("config.toml", data), {})


# The answers of the CRMs: each question is asked once of the sandbox, then again with one answer put in its place.


@dataclass(slots=True)
class _Question:
    """A question to a CRM, and every answer that it was given."""

    world: World
    ask: Callable[[], object]
    answers: list[HttpResponse]


class _Recorded:
    """A wire that gives the answers of another time, in order, but one; past the last it gives that one for ever."""

    def __init__(self, answers: Sequence[HttpResponse], at: int, body: bytes) -> None:
        self._answers, self._at, self._body = answers, at, body
        self._asked = 0

    def send(self, request: HttpRequest) -> HttpResponse:
        del request
        number, self._asked = self._asked, self._asked + 1
        if self._asked > _MOST_CALLS:
            raise WireError("connect", False)
        good = self._answers[min(number, len(self._answers) - 1)]
        if number == self._at or number >= len(self._answers):
            return HttpResponse(good.status, good.headers, self._body)
        return good


@cache
def _questions() -> tuple[_Question, ...]:
    found = []
    for make in (SalesforceWorld, HubspotWorld):
        for name in _asked(make(), ()):
            world = make()
            world.wire = InProcessWire.to(world.face)
            (account,) = world.accounts(1)
            deals = world.load(Kind.OPPORTUNITY, [{"name": "a", "account": account}, {"name": "b"}])
            question = _Question(world, _asked(world, deals)[name], [])
            keep: Callable[[HttpResponse], HttpResponse] = _keeping(question.answers)
            world.wire.add(Trouble(after=keep, times=None))
            question.ask()
            found.append(question)
    return tuple(found)


def _keeping(answers: list[HttpResponse]) -> Callable[[HttpResponse], HttpResponse]:
    def keep(answer: HttpResponse) -> HttpResponse:
        answers.append(answer)
        return answer

    return keep


def _asked(world: World, deals: Sequence[str]) -> Mapping[str, Callable[[], object]]:
    write = [world.write(deal, world.people[1], kind=Kind.OPPORTUNITY) for deal in deals]
    return {
        "changes": lambda: list(world.reader().changes(Kind.OPPORTUNITY, world.everything())),
        "read": lambda: world.reader().read(Kind.OPPORTUNITY, deals),
        "users": lambda: list(world.reader().users()),
        "ids": lambda: list(world.reader().ids(Kind.ACCOUNT)),
        "identity": lambda: world.reader().identify(),
        "schema": lambda: world.reader().check_schema(),
        "rights": lambda: world.reader().rights(),
        "count": lambda: world.reader().count(Kind.ACCOUNT),
        "write": lambda: world.writer().write_owners(Kind.OPPORTUNITY, write),
    }


def read_json(data: bytes) -> None:
    """An answer of a CRM: the first byte chooses the question, the second which of its answers the rest stands for."""
    if len(data) < 2:
        return
    question = _questions()[data[0] % len(_questions())]
    question.world.wire = _Recorded(question.answers, data[1] % len(question.answers), data[2:])
    with contextlib.suppress(CrmError):
        question.ask()


# The control socket, from both sides.


@cache
def _server() -> tuple[Path, list[Sequence[str]]]:
    done: list[Sequence[str]] = []

    def perform(argv: Sequence[str], who: str, tell: Tell) -> int:
        del who, tell
        done.append(argv)
        return 0

    path = _folder() / "control.sock"
    server = ControlServer(path, perform)
    server.start()
    atexit.register(server.close)
    return path, done


def read_control(data: bytes) -> None:
    """The control socket: what is asked of a daemon, or, behind a `<`, what a daemon answers.

    Whatever is asked, the last line of the answer is an exit code, and nothing is done but a request of the list.
    """
    if data[:1] == b"<":
        _read_answer(data[1:])
        return
    path, done = _server()
    done.clear()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(path))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while part := client.recv(65536):
                answer += part
    if answer and "exit" not in json.loads(answer.splitlines()[-1]):
        raise BrokenPromiseError("the answer ends without an exit code")
    if any(argv[0] not in REQUESTS for argv in done):
        raise BrokenPromiseError(f"done: {done}")


def _read_answer(data: bytes) -> None:
    path = _folder() / "answering.sock"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.recv(4096)
                connection.sendall(data)

        thread = threading.Thread(target=answer)
        thread.start()
        with contextlib.suppress(LeaseHeldError):
            ask_daemon(path, ["apply", "x"], lambda stream, text: None)
        thread.join()


_CALLS_OF_A_DAY = 50_000
"""After so many a new organization is asked: a day has 100,000 calls."""
_asked_of_org: list[None] = []


@cache
def _org() -> tuple[SalesforceOrg, str]:
    org = SalesforceOrg(clock=ManualClock(NOW))
    (person,) = org.load("User", [{"LastName": "Ada", "Username": "ada@x.example", "Email": "ada@x.example"}])
    rows = [{"Name": f"Acme {number}", "OwnerId": person, "NumberOfEmployees": number} for number in range(4)]
    accounts = org.load("Account", rows)
    deal = {"AccountId": accounts[0], "OwnerId": person, "StageName": "Closed Won", "CloseDate": "2026-11-20"}
    org.load("Opportunity", [{"Name": "Deal", **deal}])
    return org, str(org.credentials()["access_token"])


def read_soql(data: bytes) -> None:
    """A query: rows or a refusal in the platform's shape, never a server error."""
    _asked_of_org.append(None)
    if len(_asked_of_org) % _CALLS_OF_A_DAY == 0:
        _org.cache_clear()
    org, token = _org()
    query = data.decode("utf-8", "replace")
    answer = org.handle(
        Request("GET", "/services/data/v66.0/query", {"q": [query]}, {"authorization": f"Bearer {token}"})
    )
    if answer.status not in (200, 400, 414):
        raise BrokenPromiseError(f"HTTP {answer.status}: {answer.body[:300]!r}")
    json.loads(answer.body)


def _texts(*texts: str | bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: (text if isinstance(text, bytes) else text.encode() for text in texts)


def _packs() -> Iterator[bytes]:
    for path in sorted(Path(__file__).parents[2].glob("examples/*/*.yaml")):
        if len(data := path.read_bytes()) < _LONGEST_SEED:
            yield data
    yield _PACK_OF_TABLE


def _recorded_answers() -> Iterator[bytes]:
    for number, question in enumerate(_questions()):
        for at, answer in enumerate(question.answers):
            if len(answer.body) < _LONGEST_SEED:
                yield bytes((number, at)) + answer.body
            yield bytes((number, at)) + b'{"a":' * _DEEP


TARGETS: Mapping[str, Target] = {
    "pack": Target(read_pack, _packs),
    "table": Target(
        read_table,
        _texts(
            'territory,postal_code,employees,owners\na,94105,100-500,ann@x.example\nb,"10*, 11*",>= 50,unassigned\n',
            "sep=;\nterritory;city;owners;priority\nwest;San Jose;ann@x.example;1\nwest;;pool: west;2\n",
        ),
    ),
    "csv": Target(
        read_csv,
        _texts(
            'aid,name,country,employees,owner\n1,Acme,US,50,ann@x.example\n2,"Beta, Inc.",DE,1 000,\n',
            "oid,account,amount,close_date,stage\n9,1,EUR 500.25,2026-12-31,Closed Won\n",
            "uid,email,name,active\n7,ann@x.example,Ann,true\n",
            'tterritory,parent,field,operation,value,owner\nwest,,Account.BillingState,equals,"CA,NV",ann@x.example\n',
        ),
    ),
    "settings": Target(read_settings, lambda: iter([(Path(__file__).parents[2] / "config.example.toml").read_bytes()])),
    "json": Target(read_json, _recorded_answers),
    "control": Target(
        read_control,
        _texts(
            '{"argv": ["approve", "ab12", "--why", "x"]}\n',
            '{"argv": ["serve"]}\n',
            '<{"stream": "stdout", "text": "…"}\n{"exit": 0}\n',
        ),
    ),
    "soql": Target(
        read_soql,
        _texts(
            "SELECT Id, Owner.Name FROM Account WHERE Name LIKE 'ac%' AND NumberOfEmployees >= 2 ORDER BY Id LIMIT 2",
            "SELECT COUNT(Id) n, OwnerId FROM Account WHERE CreatedDate = LAST_N_DAYS:30"
            " GROUP BY OwnerId HAVING COUNT(Id) > 1",
            "SELECT Name, (SELECT Amount FROM Opportunities WHERE IsClosed = true) FROM Account WHERE Id IN"
            " (SELECT AccountId FROM Opportunity) OR (NOT Industry INCLUDES ('a;b','c')) FOR VIEW",
            "SELECT FIELDS(STANDARD), toLabel(Industry) FROM Account WHERE CALENDAR_YEAR(CreatedDate) > 2020 OFFSET 1",
        ),
    ),
}
"""Every target by its name, which is that of its folder in `corpus`."""
