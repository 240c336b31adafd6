"""The pages: each reads a document that a command shows, too, and hands it to a template."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask, abort, flash, g, redirect, render_template, request, session, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from syncd.console.actions import Actions, Done, Opened
from syncd.console.guards import Door, local_path
from syncd.console.people import person_of
from syncd.console.plan_page import Filter, plan_page
from syncd.errors import ConfigError, SyncdError
from syncd.jobs.answers.explaining import explain_company
from syncd.jobs.context import Context
from syncd.jobs.plans.archive import find
from syncd.jobs.plans.plan_list import plan_entries, waits_for_approval
from syncd.jobs.watching.alert_reading import alert_document, alerts_document
from syncd.jobs.watching.status import status
from syncd.report.explanation_text import render_explanation
from syncd.report.status_text import status_text
from syncd.report.wording import moment, money, plain
from syncd.settings import Settings
from syncd.telemetry import Log

_PLANS = 50
_LONGEST_REASON = 500
_LONGEST_WORDS = 1000


@dataclass(frozen=True, slots=True)
class Site:
    """The pages of one installation."""

    settings: Settings
    environ: Mapping[str, str]
    opened: Opened
    door: Door
    log: Log

    def fit(self, app: Flask) -> None:
        """Put the pages into an app."""
        app.jinja_env.filters.update(
            moment=moment, plain=plain, money=lambda each: money(each["amount"], each["currency"])
        )
        for rule, endpoint, view, methods in (
            ("/", "start", self.start, ["GET"]),
            ("/sign-in", "sign_in", self.sign_in, ["GET"]),
            ("/sign-in", "enter", self.enter, ["POST"]),
            ("/sign-out", "sign_out", self.sign_out, ["POST"]),
            ("/plans", "plans", self.plans, ["GET"]),
            ("/plans/<plan_id>", "plan", self.plan, ["GET"]),
            ("/plans/<plan_id>/approve", "approve", self.approve, ["POST"]),
            ("/explain", "explain", self.explain, ["GET"]),
            ("/alerts", "alerts", self.alerts, ["GET"]),
            ("/alerts/<int:alert_id>", "alert", self.alert, ["GET"]),
            ("/alerts/<int:alert_id>/take", "take", self.take, ["POST"]),
        ):
            app.add_url_rule(rule, endpoint, view, methods=methods)
        app.register_error_handler(SyncdError, self.failed)
        app.register_error_handler(HTTPException, self.refused)
        app.register_error_handler(500, self.broken)

    @contextmanager
    def context(self) -> Iterator[Context]:
        """A context for one page."""
        context = self.opened(self.settings, self.environ)
        try:
            yield context
        finally:
            context.close()

    def sign_in(self) -> str | Response:
        """The page that asks for a token. A link in a mail comes without the session's cookie: it says how to go on."""
        onward = local_path(request.args.get("next", "/"))
        if g.person is not None:
            return redirect(onward)
        return render_template("sign_in.html", onward=onward)

    def enter(self) -> str | Response | tuple[str, int]:
        """Sign in with a token."""
        person, onward = person_of(self.door.people(), request.form.get("token", "")), request.form.get("next", "/")
        if person is None:
            self.log.event("console.refused", reason="unknown token")
            return render_template("sign_in.html", onward=local_path(onward), wrong=True), 403
        self.door.enter(person)
        self.log.event("console.entered", who=person.name)
        return redirect(local_path(onward))

    def sign_out(self) -> Response:
        """End the session."""
        session.clear()
        return redirect(url_for("sign_in"))

    def start(self) -> str:
        """How syncd is, what waits for an approval, and what fires."""
        with self.context() as context:
            entries = plan_entries(context, _PLANS)
            alerts = alerts_document(context.store)["alerts"]
            now = status(self.settings, context.store, clock=context.clock)
        waiting = [entry for entry in entries if entry["summary"] is not None]
        firing = _gravest_first(alert for alert in alerts if alert["state"] == "firing")
        return render_template("start.html", waiting=waiting, firing=firing, status=now, text=status_text(now))

    def plans(self) -> str:
        """The newest plans."""
        with self.context() as context:
            return render_template("plans.html", plans=plan_entries(context, _PLANS))

    def plan(self, plan_id: str) -> str:
        """One plan with pictures, its rows by filter, and the form that approves it."""
        with self.context() as context:
            document, fate = self._found(context, plan_id)
            open_ = waits_for_approval(context, str(document["plan_id"]))
        page = plan_page(document, fate, Filter.of(request.args))
        return render_template("plan.html", plan=page, open=open_, hash=fate["hash"])

    def approve(self, plan_id: str) -> Response:
        """Approve a plan with a reason."""
        self._may_act()
        reason = " ".join(request.form.get("why", "").split())
        with self.context() as context:
            document, fate = self._found(context, plan_id)
        known = [str(trip["limit"]) for trip in document["guard"]["tripped"]]
        limits = [limit for limit in request.form.getlist("limit") if limit in known]
        if request.form.get("hash") != fate["hash"]:
            abort(400)
        if not reason or len(reason) > _LONGEST_REASON:
            self._tell(Done(False, f"write why, in at most {_LONGEST_REASON} characters: it stands in the ledger"))
        else:
            self._tell(self._actions().approve(g.person.name, str(document["plan_id"]), reason, limits))
        return redirect(url_for("plan", plan_id=document["plan_id"]))

    def explain(self) -> str:
        """Why a company is whose it is."""
        what, role = request.args.get("what", "").strip()[:300], request.args.get("role", "owner").strip()[:60]
        told = problem = None
        if what:
            try:
                with self.context() as context:
                    told = render_explanation(explain_company(context, what, role=role or "owner"), every=False)
            except SyncdError as error:
                problem = error
        return render_template("explain.html", what=what, role=role or "owner", told=told, problem=problem)

    def alerts(self) -> str:
        """The alerts that are open, or all of late."""
        everything = request.args.get("all") == "1"
        with self.context() as context:
            document = alerts_document(context.store, everything=everything)
        alerts = document["alerts"] if everything else _gravest_first(document["alerts"])
        return render_template("alerts.html", document=document, alerts=alerts, everything=everything)

    def alert(self, alert_id: int) -> str:
        """One alert with its evidence, and the form that takes it."""
        with self.context() as context:
            return render_template("alert.html", alert=alert_document(context.store, alert_id))

    def take(self, alert_id: int) -> Response:
        """Take an alert."""
        self._may_act()
        self._tell(self._actions().take(g.person.name, alert_id))
        return redirect(url_for("alert", alert_id=alert_id))

    def failed(self, error: SyncdError) -> tuple[str, int]:
        """What could not be shown, in the words of the command."""
        code = 404 if error.code in ("SYN501", "SYN502", "SYN531", "SYN803") else 503
        return render_template("problem.html", problem=error), code

    def refused(self, error: HTTPException) -> tuple[str, int]:
        """A page that there is not, or a request that is not taken."""
        return render_template("problem.html", refused=_REFUSED.get(error.code or 500, error.name)), error.code or 500

    def broken(self, error: Exception) -> tuple[str, int]:
        """A bug: one line for people, an event in the log."""
        cause = getattr(error, "original_exception", None) or error
        self.log.event("error.unhandled", error=cause, where=request.endpoint or "")
        return render_template("problem.html", refused="Something unexpected happened; the log says what."), 500

    def _found(self, context: Context, plan_id: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        _, plan = find(context, plan_id)
        return plan if plan is not None else abort(404)

    def _actions(self) -> Actions:
        return Actions(self.settings, self.environ, self.opened)

    def _may_act(self) -> None:
        if not g.person.may_approve:
            abort(403)

    def _tell(self, done: Done) -> None:
        """Say on the next page how an action ended, and in the log who did it."""
        event = "console.acted" if done.well else "console.refused"
        self.log.event(event, who=g.person.name, reason=request.endpoint)
        flash(done.words[:_LONGEST_WORDS], "well" if done.well else "not-well")


_REFUSED = {
    400: "This form does not fit what is there now: open the page again.",
    403: "You may not do this, or the form is too old: open the page again.",
    404: "There is no such page.",
    405: "There is no such page.",
    413: "That is too much text.",
    421: "This is not the address of the console.",
}


_GRAVEST = ("page", "ticket", "info")


def _gravest_first(alerts: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Pages before tickets before the rest, else in the order in which they come."""
    return sorted(alerts, key=lambda alert: _GRAVEST.index(alert["severity"]))


def check_people(door: Door) -> None:
    """Refuse to serve where nobody could come in: ConfigError SYN812."""
    if not door.people():
        hint = "`syncd console token NAME --role approve` makes a token and the line for the file"
        raise ConfigError("SYN812", "nobody may use the console", where="console.tokens", hint=hint)
