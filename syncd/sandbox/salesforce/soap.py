"""The partner SOAP API as far as clients of REST need it: login, and the writes that REST has no headers for.

SOAP is the only way to change an owner and keep the team (OwnerChangeOptions, salesforce.md 3.4), to merge and to
undelete by API. Its login() ends with API 64.0 and is refused where an administrator refuses it (1.1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from syncd.sandbox.salesforce.allowance import Allowance
from syncd.sandbox.salesforce.batches import MOST_ROWS
from syncd.sandbox.salesforce.describe import NEWEST_VERSION
from syncd.sandbox.salesforce.fieldtypes import stamp
from syncd.sandbox.salesforce.identifiers import canonical
from syncd.sandbox.salesforce.lifecycle import delete, hard_delete, merge, undelete
from syncd.sandbox.salesforce.refusals import Refusal
from syncd.sandbox.salesforce.sessions import OAuthError, Sessions
from syncd.sandbox.salesforce.soapxml import SoapCall, SoapFault, answer, child, children, parsed, sobject_of, text_of
from syncd.sandbox.salesforce.state import OrgState, Saving
from syncd.sandbox.salesforce.tables import Table
from syncd.sandbox.salesforce.writing import create, update
from syncd.sandbox.wire import Request, Response

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

LAST_LOGIN_VERSION = 64
_WRONG_LOGIN = "Invalid username, password, security token; or user locked out."
_NO_SESSION = "Invalid Session ID found in SessionHeader: Illegal Session"
_OTHERS, _OWN = "TransferOthersOpenOpportunities", "TransferOwnedOpenOpportunities"
Row = Callable[[], str]


class SoapFace:
    """The SOAP endpoint of one org."""

    def __init__(self, state: OrgState, sessions: Sessions, allowance: Allowance, organization_id: str) -> None:
        self._state = state
        self._sessions = sessions
        self._allowance = allowance
        self._organization_id = organization_id

    def answer(self, request: Request, version: str, base_url: str, oldest: int) -> Response:
        """Answer a POST to /services/Soap/u/VERSION; whatever is wrong with it is a fault."""
        try:
            if request.method != "POST":
                raise SoapFault("UNKNOWN_EXCEPTION", f"HTTP method {request.method} is not supported by SOAP")
            number = version.partition(".")[0]
            if not number.isdigit() or not oldest <= int(number[:4]) <= NEWEST_VERSION:
                raise SoapFault("UNSUPPORTED_API_VERSION", f"Invalid Api version specified on URL: {version}")
            call = parsed(request.body)
            if call.operation == "login":
                return self._login(call, int(number), base_url)
            user_id = self._user_of(call)
            try:
                self._allowance.count()
            except Refusal as refusal:
                raise SoapFault(refusal.code, refusal.message) from refusal
            return self._operation(call, user_id)
        except SoapFault as fault:
            return fault.response()

    def _login(self, call: SoapCall, version: int, base_url: str) -> Response:
        """A session for a username and a password with or without the security token behind it."""
        if version > LAST_LOGIN_VERSION:
            raise SoapFault("INVALID_OPERATION", f"login() is not available in API version {version}.0", "LoginFault")
        if self._sessions.refuses("soap"):
            raise SoapFault("INVALID_OPERATION", "SOAP API login() is disabled by default in this org.", "LoginFault")
        username = call.text("username")
        if not self._sessions.check_password(username, call.text("password")):
            raise SoapFault("INVALID_LOGIN", _WRONG_LOGIN, "LoginFault")
        try:
            user_id, token = self._sessions.log_in(username)
        except OAuthError as error:
            code = "LOGIN_RATE_EXCEEDED" if error.error == "rate_limit_exceeded" else "INVALID_LOGIN"
            raise SoapFault(code, error.description, "LoginFault") from error
        soap = f"{base_url}/services/Soap"
        return answer(
            "login",
            [
                {
                    "metadataServerUrl": f"{soap}/m/{version}.0/{self._organization_id}",
                    "passwordExpired": False,
                    "sandbox": True,
                    "serverUrl": f"{soap}/u/{version}.0/{self._organization_id}",
                    "sessionId": token,
                    "userId": user_id,
                    "userInfo": self._user_info(user_id),
                }
            ],
        )

    def _user_of(self, call: SoapCall) -> str:
        """The user whose session the header names. Raises SoapFault."""
        user_id = self._sessions.token_user(call.header("SessionHeader", "sessionId"))
        if user_id is None:
            raise SoapFault("INVALID_SESSION_ID", _NO_SESSION)
        return user_id

    def _user_info(self, user_id: str) -> dict[str, Any]:
        """The user as login and getUserInfo tell of one."""
        user = self._state.tables.get("User", user_id) or {}
        return {
            "organizationId": self._organization_id,
            "organizationMultiCurrency": True,
            "organizationName": "Sandbox Org",
            "profileId": user.get("ProfileId"),
            "roleId": user.get("UserRoleId"),
            "sessionSecondsValid": int(self._sessions.lifetime.total_seconds()),
            "userDefaultCurrencyIsoCode": None,
            "userEmail": user.get("Email"),
            "userFullName": user.get("Name"),
            "userId": user_id,
            "userLanguage": "en_US",
            "userLocale": user.get("LocaleSidKey"),
            "userName": user.get("Username"),
            "userTimeZone": user.get("TimeZoneSidKey"),
            "userType": user.get("UserType"),
        }

    def _operation(self, call: SoapCall, user_id: str) -> Response:
        """Carry out an operation of a signed-in user. Raises SoapFault."""
        match call.operation:
            case "logout":
                self._sessions.end(call.header("SessionHeader", "sessionId"))
                return answer("logout", [])
            case "getUserInfo":
                return answer("getUserInfo", [self._user_info(user_id)])
            case "getServerTimestamp":
                return answer("getServerTimestamp", [{"timestamp": stamp(self._state.clock.now())}])
            case "create" | "update" | "delete" | "undelete" | "emptyRecycleBin" | "merge":
                rows = self._rows_of(call, _saving_of(call, user_id))
                if len(rows) > MOST_ROWS:
                    raise SoapFault("EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MOST_ROWS}")
                whole = call.header("AllOrNoneHeader", "allOrNone") == "true"
                return answer(call.operation, self._each(rows, all_or_none=whole))
            case name:
                raise SoapFault("UNKNOWN_EXCEPTION", f"No operation available for request {name}")

    def _rows_of(self, call: SoapCall, saving: Saving) -> list[Row]:
        """What to do, one row at a time; each gives the id it did it to."""
        state = self._state
        match call.operation:
            case "create":
                return [self._creation(*sobject_of(item), saving) for item in children(call.arguments, "sObjects")]
            case "update":
                rows = [sobject_of(item) for item in children(call.arguments, "sObjects")]
                self._check_owner_change(rows, saving)
                return [self._update(name, fields, saving) for name, fields in rows]
            case "merge":
                requests = children(call.arguments, "request")
                return [self._merge(child_of_merge, saving) for child_of_merge in map(_merge_of, requests)]
        work: dict[str, Callable[[str, str], None]] = {
            "delete": lambda name, record_id: delete(state, name, record_id, saving),
            "undelete": lambda name, record_id: undelete(state, name, record_id, saving),
            "emptyRecycleBin": lambda name, record_id: hard_delete(state, name, record_id),
        }
        do = work[call.operation]
        return [self._by_id(record_id, do) for record_id in call.texts("ids") + call.texts("iDs")]

    def _creation(self, name: str, fields: dict[str, Any], saving: Saving) -> Row:
        """Make one row."""
        return lambda: create(self._state, self._table(name).schema.name, fields, saving)

    def _update(self, name: str, fields: dict[str, Any], saving: Saving) -> Row:
        """Change one row."""

        def work() -> str:
            record_id = canonical(str(fields.get("Id")))
            if record_id is None:
                raise Refusal(
                    400, "MALFORMED_ID", f"{name} ID: id value of incorrect type: {fields.get('Id')}", ("Id",)
                )
            rest = {key: value for key, value in fields.items() if key != "Id"}
            update(self._state, self._table(name).schema.name, record_id, rest, saving)
            return record_id

        return work

    def _merge(self, request: tuple[str, str, dict[str, Any], list[str]], saving: Saving) -> Row:
        """Merge rows into one, then give that the fields of the master record."""
        name, master, fields, losers = request

        def work() -> str:
            winner = canonical(master) or master
            merge(self._state, self._table(name).schema.name, winner, [canonical(i) or i for i in losers], saving)
            if fields:
                update(self._state, name, winner, fields, saving)
            return winner

        return work

    def _by_id(self, record_id: str, do: Callable[[str, str], None]) -> Row:
        """Do something to the row of an id of any object."""

        def work() -> str:
            key = canonical(record_id)
            table = self._state.tables.of_prefix(key) if key else None
            if key is None or table is None or key not in table.rows:
                raise Refusal(400, "MALFORMED_ID" if key is None else "INVALID_CROSS_REFERENCE_KEY", record_id, ())
            do(table.schema.name, key)
            return key

        return work

    def _table(self, name: str) -> Table:
        """The table of an object that is seen. Raises Refusal INVALID_TYPE."""
        if name not in self._state.tables or not self._state.visibility.sees_object(name):
            raise Refusal(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.", ())
        return self._state.tables.table(name)

    def _check_owner_change(self, rows: list[tuple[str, dict[str, Any]]], saving: Saving) -> None:
        """With options all accounts of a call have one old and one new owner (salesforce.md 3.4). Raises SoapFault."""
        if not saving.options:
            return
        moves = set()
        for name, fields in rows:
            if name == "Account" and fields.get("OwnerId"):
                row = self._state.tables.get("Account", canonical(str(fields.get("Id"))))
                moves.add((row.get("OwnerId") if row else None, canonical(str(fields["OwnerId"]))))
        if len(moves) > 1:
            message = "With OwnerChangeOptions all accounts must have the same old and the same new owner"
            raise SoapFault("INVALID_OPERATION", message)

    def _each(self, rows: list[Row], *, all_or_none: bool) -> list[dict[str, Any]]:
        """Do the rows; with `all_or_none` one failure takes back all."""
        mark = self._state.tables.begin()
        results: list[dict[str, Any]] = []
        for row in rows:
            savepoint = self._state.tables.begin()
            try:
                results.append({"id": row(), "success": True})
                self._state.tables.commit(savepoint)
            except Refusal as refusal:
                self._state.tables.rollback(savepoint)
                error = {"fields": list(refusal.fields or ()), "message": refusal.message, "statusCode": refusal.code}
                results.append({"errors": error, "id": None, "success": False})
        if all_or_none and not all(result["success"] for result in results):
            self._state.tables.rollback(mark)
            message = "Record rolled back because not all records were valid and the request was using AllOrNone header"
            error = {"fields": [], "message": message, "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK"}
            return [
                {"errors": error, "id": None, "success": False} if result["success"] else result for result in results
            ]
        self._state.tables.commit(mark)
        return results


def _saving_of(call: SoapCall, user_id: str) -> Saving:
    """How the headers of a call want rows saved. Raises SoapFault for options that do not go together."""
    header = call.headers.get("OwnerChangeOptions")
    options = children(header, "options") if header is not None else []
    chosen = {text_of(item, "type") for item in options if text_of(item, "execute") == "true"}
    if _OTHERS in chosen and _OWN not in chosen:
        raise SoapFault("INVALID_OPERATION", f"{_OTHERS} needs {_OWN}")
    return Saving(
        user_id,
        auto_assign=call.header("AssignmentRuleHeader", "useDefaultRule") == "true",
        allow_duplicates=call.header("DuplicateRuleHeader", "allowSave") == "true",
    ).with_options(chosen)


def _merge_of(request: Element) -> tuple[str, str, dict[str, Any], list[str]]:
    """A merge request: the object, the winner's id, fields to set on it, the losers' ids. Raises SoapFault."""
    master = child(request, "masterRecord")
    if master is None:
        raise SoapFault("MISSING_ARGUMENT", "a merge needs a masterRecord")
    name, fields = sobject_of(master)
    losers = [(item.text or "").strip() for item in children(request, "recordToMergeIds")]
    winner = str(fields.pop("Id", ""))
    return name, winner, fields, losers
