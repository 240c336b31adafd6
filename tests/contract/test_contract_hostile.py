"""Answers that are JSON and wrong somewhere, for every CRM: each place of each answer, replaced by what it must not be.

Whatever comes, either the records come out or an error of the port does; never a bare exception, never a crash.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from syncd.connectors.wire import HttpRequest, HttpResponse
from syncd.errors import CrmError
from syncd.model.refs import Kind
from tests.contract.worlds import World
from tests.inprocess import Trouble

STRANGE: tuple[Any, ...] = (None, 7, "x", [], {}, [None], True)


def _places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(document, dict):
        for key, value in document.items():
            yield from _places(value, (*path, key))
    elif isinstance(document, list):
        for index, value in enumerate(document[:1]):
            yield from _places(value, (*path, index))


def _replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(document)
    spot = changed
    for step in path[:-1]:
        spot = spot[step]
    spot[path[-1]] = value
    return changed


def _readings(world: World, deals: tuple[str, ...]) -> dict[str, Callable[[], Any]]:
    reader = world.reader
    return {
        "full": lambda: list(reader().changes(Kind.OPPORTUNITY, world.everything())),
        "part": lambda: list(reader().changes(Kind.OPPORTUNITY, world.since(world.now()))),
        "read": lambda: dict(reader().read(Kind.OPPORTUNITY, deals)),
        "users": lambda: list(reader().users()),
        "ids": lambda: list(reader().ids(Kind.ACCOUNT)),
        "teams": lambda: list(reader().teams(Kind.ACCOUNT)),
        "identity": lambda: reader().identify(),
        "schema": lambda: reader().check_schema(),
        "write": lambda: world.writer().write_owners(
            Kind.OPPORTUNITY, [world.write(deal, world.people[1], kind=Kind.OPPORTUNITY) for deal in deals]
        ),
    }


@pytest.mark.parametrize("action", ["full", "part", "read", "users", "ids", "teams", "identity", "schema", "write"])
def test_a_strange_value_anywhere_in_an_answer_never_escapes_as_a_bare_error(world: World, action: str) -> None:
    (account,) = world.accounts(1)
    deals = world.load(Kind.OPPORTUNITY, [{"name": "a", "account": account}, {"name": "b"}])
    for deal in deals:
        world.edit(Kind.OPPORTUNITY, deal, name="changed")
    act = _readings(world, deals)[action]
    kept: list[tuple[HttpRequest, HttpResponse]] = []

    def keep(answer: HttpResponse) -> HttpResponse:
        kept.append((world.inner.sent[-1], answer))
        return answer

    world.inner.add(Trouble(after=keep, times=None))
    act()
    for number, (_, answer) in enumerate(kept):
        if b'"fields":[' in answer.body and len(answer.body) > 5_000:
            continue  # describe is hundreds of equal entries
        document = json.loads(answer.body)
        for path in _places(document):
            for value in STRANGE:
                strange = json.dumps(_replaced(document, path, value)).encode()
                hit = HttpResponse(answer.status, answer.headers, strange)
                world.inner.troubles[:] = [Trouble(before=hit, times=None, skip=number)]
                _only_port_errors(act, f"{path} = {value!r}")


def _only_port_errors(act: Callable[[], Any], what: str) -> None:
    try:
        act()
    except CrmError:
        return
    except Exception as error:
        raise AssertionError(f"{what} let {error!r} out") from error
