"""Switches of the org as a whole, that an edit without an object turns: sessions, limits, paging, jobs, versions.

They make the faults that no single request shows: a stale locator, an empty page, a used-up allowance, a retired API.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from syncd.sandbox.salesforce import administration
from syncd.sandbox.salesforce.allowance import Allowance
from syncd.sandbox.salesforce.bulkjobs import BulkJobs
from syncd.sandbox.salesforce.cursors import Cursors
from syncd.sandbox.salesforce.sessions import Sessions
from syncd.sandbox.salesforce.state import OrgState


class Switched(Protocol):
    """The parts of an org that a switch reaches."""

    state: OrgState
    sessions: Sessions
    cursors: Cursors
    jobs: BulkJobs
    allowance: Allowance
    base_url: str
    oldest_version: int


def turn(model: Switched, command: Mapping[str, Any]) -> str | None:
    """Turn the switch that a command names, and say so; None for a command that is a person's. ValueError.

    `{"session": "revoke" | "cursors" | {"refuse": [grants], "instance_url": url, "lifetime": seconds}}`,
    `{"limits": {"api": n, "app": n | null, "by_others": n, "bulk_jobs": n}}`,
    `{"query": {"page_limit": n | null, "empty_pages": n, "total_off": n, "unfiltered": n}}`,
    `{"bulk": {"polls": n, "stuck": bool, "fail": text}}`, `{"retire": version}`, `{"feature": {name: bool}}`,
    `{"covered_behind": seconds}` (latestDateCovered lags).
    """
    for name, switch in _SWITCHES.items():
        if name in command:
            if "object" in command:
                raise ValueError(f"{name} is of the whole org: an edit of it names no object")
            try:
                switch(model, command[name])
            except (KeyError, TypeError, AttributeError, OverflowError) as error:
                raise ValueError(f"cannot turn {name}: {error}") from error
            return f"{name} {command[name]}"
    return None


def _session(model: Switched, argument: Any) -> None:
    """End access tokens or query cursors, refuse grants, move the instance."""
    if argument == "revoke":
        model.sessions.revoke_all()
    elif argument == "cursors":
        model.cursors.expire_all()
    elif isinstance(argument, Mapping):
        _check_keys("session", argument, {"refuse", "instance_url", "lifetime"})
        if "refuse" in argument:
            model.sessions.refuse(argument["refuse"])
        if "instance_url" in argument:
            model.base_url = str(argument["instance_url"]).rstrip("/")
        if "lifetime" in argument:
            model.sessions.set_lifetime(float(argument["lifetime"]))
    else:
        raise ValueError("a session edit is revoke, cursors, or an object of refuse, instance_url, lifetime")


def _limits(model: Switched, argument: Mapping[str, Any]) -> None:
    """Allowances, and what others used of them."""
    _check_keys("limits", argument, {"api", "app", "by_others", "bulk_jobs"})
    model.allowance.limit = int(argument.get("api", model.allowance.limit))
    model.allowance.by_others = int(argument.get("by_others", model.allowance.by_others))
    model.jobs.daily_limit = int(argument.get("bulk_jobs", model.jobs.daily_limit))
    if "app" in argument:
        model.allowance.app_limit = None if argument["app"] is None else int(argument["app"])


def _query(model: Switched, argument: Mapping[str, Any]) -> None:
    """How queries are paged and what they get wrong."""
    _check_keys("query", argument, {"page_limit", "empty_pages", "total_off", "unfiltered"})
    if "page_limit" in argument:
        model.cursors.page_limit = None if argument["page_limit"] is None else max(1, int(argument["page_limit"]))
    model.cursors.empty_pages = int(argument.get("empty_pages", model.cursors.empty_pages))
    model.cursors.total_off = int(argument.get("total_off", model.cursors.total_off))
    model.state.unfiltered = int(argument.get("unfiltered", model.state.unfiltered))


def _bulk(model: Switched, argument: Mapping[str, Any]) -> None:
    """How Bulk jobs go on."""
    _check_keys("bulk", argument, {"polls", "stuck", "fail"})
    model.jobs.polls_needed = int(argument.get("polls", model.jobs.polls_needed))
    model.jobs.stuck = bool(argument.get("stuck", model.jobs.stuck))
    if "fail" in argument:
        model.jobs.fail_with.append(str(argument["fail"]))


def _retire(model: Switched, argument: Any) -> None:
    """Take away every API version before this one (T54)."""
    model.oldest_version = int(str(argument).removeprefix("v").partition(".")[0])


def _feature(model: Switched, argument: Mapping[str, Any]) -> None:
    """Turn features of the org on or off."""
    for name, on in argument.items():
        administration.set_feature(model.state, str(name), bool(on))
    model.state.schema_changed_at = model.state.clock.now()


def _covered_behind(model: Switched, argument: Any) -> None:
    """How far latestDateCovered stays behind the clock."""
    model.state.covered_behind = float(argument)


def _check_keys(name: str, argument: Mapping[str, Any], known: set[str]) -> None:
    """ValueError for a key that no switch has."""
    unknown = sorted(set(argument) - known)
    if unknown:
        raise ValueError(f"{name} has no {', '.join(unknown)}; it has {', '.join(sorted(known))}")


_SWITCHES: Mapping[str, Callable[[Any, Any], None]] = {
    "session": _session,
    "limits": _limits,
    "query": _query,
    "bulk": _bulk,
    "retire": _retire,
    "feature": _feature,
    "covered_behind": _covered_behind,
}
