"""The connector port: what syncd asks of a CRM. A third CRM implements this and passes tests/contract.

A connector translates between the wire and `model` values. It raises only the remote errors of `syncd.errors`
(AuthError, SchemaError, RetryableError after its own retries are spent, RateLimitedError, QuotaExhaustedError,
CursorLostError, BadDataError), never a vendor SDK's. It holds no state between calls but tokens and the rate budget.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from syncd.model.cursors import Page, Window
from syncd.model.money import CurrencyRate
from syncd.model.plans import OWNER_FIELD
from syncd.model.records import Record, Team, User
from syncd.model.refs import Kind, Ref, System
from syncd.model.schemas import ObjectSchema


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the credentials lead to: the organization or portal id, our own user's id there, and the server's time."""

    system: System
    account_id: str
    user_id: str | None
    server_now: datetime


@dataclass(frozen=True, slots=True)
class OwnerWrite:
    """One owner to write: only where the record still holds `old`. `unmodified_since` guards it where the CRM can.

    With another `field` it is that of the mapping's fields that the plan names: a role's, or a text of ours; `new` None
    empties it. All writes of one call are of one field.
    """

    ref: Ref
    old: str | None
    new: str | None
    unmodified_since: datetime | None = None
    field: str = OWNER_FIELD


@dataclass(frozen=True, slots=True)
class OwnerVersion:
    """One owner that a record had: since when, who set it (a user's id there) and by what means, as far as it is told.

    `by_person` is False where the CRM says that a program did it.
    """

    at: datetime | None
    owner: str | None
    by: str | None
    source: str | None = None
    by_person: bool = True


def latest_version(versions: Sequence[OwnerVersion], owner: str | None) -> OwnerVersion | None:
    """The newest of the versions, newest first; of several of one instant the one that names `owner`, if one does.

    Salesforce tells whole seconds, and two people may save a record in one.
    """
    newest = versions[0] if versions else None
    tied = (each for each in versions if newest is not None and each.at == newest.at and each.owner == owner)
    return next(tied, newest)


@dataclass(frozen=True, slots=True)
class StageVersion:
    """A stage that a deal entered, and when; `stage` is in the words of the mirror's field."""

    at: datetime
    stage: str


class WriteOutcome(StrEnum):
    """What the CRM said of one row of a write; `UNKNOWN` means it may or may not have been applied: read it."""

    ACCEPTED = "accepted"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    RETRY = "retry"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The CRM's answer for one row: `code` and `message` are its own words, `request_id` its evidence."""

    ref: Ref
    outcome: WriteOutcome
    code: str | None = None
    message: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One record as the CRM's store (not its index) holds it now; `record` is None where it is gone."""

    ref: Ref
    record: Record | None
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Right:
    """Something that our credentials are allowed to do, or must be, by the CRM's own name of the scope or permission.

    `granted` is None where the CRM does not tell; `writing` is True for what is needed only to write owners; `needed`
    is False for what syncd never uses: if that is granted, whoever steals the credentials can do more than syncd.
    """

    name: str
    purpose: str
    granted: bool | None
    writing: bool = False
    needed: bool = True


@dataclass(frozen=True, slots=True)
class RowCount:
    """How many live records of a kind we are shown, and how many there are in all; None where the CRM does not say.

    Both are the CRM's own counts of about now; `total` may be some minutes old.
    """

    seen: int
    total: int | None = None


class Reader(Protocol):
    """What reading a CRM offers. Pages stream; a walk can be taken up again with the last page's `resume`."""

    @property
    def system(self) -> System:
        """Which system this is."""
        ...

    @property
    def calls(self) -> int:
        """HTTP calls made so far by this connector, retries and token requests included."""
        ...

    def identify(self) -> Identity:
        """Who we are there, and the server's time."""
        ...

    def check_schema(self, without: Collection[Kind] = ()) -> tuple[str, ...]:
        """Notes about the mapping (empty: all well); SchemaError where a mapped object or field cannot be read.

        Kinds `without` are not looked at.
        """
        ...

    def unfit(self) -> Mapping[Kind, tuple[str, ...]]:
        """The mapped kinds that cannot be read as they are mapped: the names of what is not there, or hidden from us.

        No call where `check_schema` was asked before.
        """
        ...

    def schemas(self, without: Collection[Kind] = ()) -> tuple[ObjectSchema, ...]:
        """What the CRM says of each mapped object, users and kinds `without` apart.

        No call where `check_schema` was asked before.
        """
        ...

    def rights(self) -> tuple[Right, ...]:
        """What we must be allowed to do there, and whether we are; asks with a call or more, and writes nothing."""
        ...

    def unstamped(self) -> Mapping[Kind, tuple[str, ...]]:
        """The rule fields of each mapped kind whose change need not stamp the record, so that increments miss it."""
        ...

    def count(self, kind: Kind) -> RowCount:
        """How many live records of a mapped kind the CRM counts."""
        ...

    def native_sync(self) -> str | None:
        """A sign, in words, that the vendor's own sync with the other CRM is on; None where there is none."""
        ...

    def users(self) -> Iterator[User]:
        """Every user or owner, inactive and archived ones included."""
        ...

    def currency_rates(self) -> tuple[CurrencyRate, ...]:
        """What the CRM says of its currencies, dated rates included; empty where it has one currency or keeps none."""
        ...

    def changes(self, kind: Kind, window: Window, resume: str | None = None) -> Iterator[Page]:
        """Records of `kind` stamped inside the window, deleted and merged ones included where the CRM shows them.

        Without `window.lower` it is a full walk. Rows outside the window may come too; the caller upserts by stamp.
        """
        ...

    def recent(self, kind: Kind, window: Window, resume: str | None = None) -> Iterator[Page]:
        """As `changes`, of a window with a lower bound, for looking often: what costs calls by itself is left out.

        Deleted records come where they cost nothing; the caller reads those that matter to it by id.
        """
        ...

    def ids(self, kind: Kind) -> Iterator[tuple[str, ...]]:
        """The ids of all live records, in batches: what a sweep compares the mirror with."""
        ...

    def read(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, Reading]:
        """The records as the store holds them now, one reading for every id asked; strongly consistent."""
        ...

    def owner_history(
        self, kind: Kind, ids: Sequence[str], field: str = OWNER_FIELD
    ) -> Mapping[str, tuple[OwnerVersion, ...]]:
        """Who owned these records, or held the role of a plan's `field`, newest first, as far as the CRM remembers.

        Those of which it keeps no history are left out; so are all where the mapping knows no such field.
        """
        ...

    def stage_history(self, ids: Sequence[str]) -> Mapping[str, tuple[StageVersion, ...]]:
        """The stages that these opportunities entered, closed ones too, oldest first, as far as the CRM remembers.

        Those of which it keeps no history are left out; so are all where the mapping reads the stage from elsewhere.
        """
        ...

    def teams(self, kind: Kind, ids: Sequence[str] | None = None, *, restorable: bool | None = None) -> Iterator[Team]:
        """Teams of accounts or opportunities that an owner change would drop; of all, or of the records named.

        Of all of them `restorable`, as an earlier call told it, saves asking whether members can be put back.
        Empty where the system has none. Raises AuthError or SchemaError where teams exist but cannot be read.
        """
        ...


class Writer(Protocol):
    """What writing a CRM offers; constructed only when the mode allows writing."""

    @property
    def system(self) -> System:
        """Which system this is."""
        ...

    @property
    def calls(self) -> int:
        """HTTP calls made so far by this connector, retries and token requests included."""
        ...

    @property
    def batch_size(self) -> int:
        """How many rows one call of `write_owners` takes."""
        ...

    def write_owners(self, kind: Kind, writes: Sequence[OwnerWrite]) -> tuple[WriteResult, ...]:
        """Write at most `batch_size` owners, or values of one other field, of one kind; one result a row, in order.

        Makes one attempt: whether to send again is the caller's to decide after a read. Raises AuthError,
        SchemaError, QuotaExhaustedError where nothing was applied; a lost answer is `UNKNOWN` for each row.
        """
        ...

    def add_members(self, kind: Kind, teams: Sequence[Team]) -> tuple[WriteResult, ...]:
        """Put members back into the teams of records of one kind; one result a member, in the order of the teams.

        One attempt, like `write_owners`; putting back a member who is there changes nothing. Raises as it does.
        """
        ...
