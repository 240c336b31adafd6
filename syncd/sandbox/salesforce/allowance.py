"""The org's allowance of API requests: counted over 24 hours, told in a header of every reply and by /limits.

Salesforce counts for the whole org; a limit by app comes on top where one is set (salesforce.md 3.5 and 4.1).
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import Any

from syncd.clock import Clock
from syncd.sandbox.salesforce.refusals import limit_exceeded

APP_NAME = "syncd-sandbox"
"""The connected app as a limit by app names it."""
_DAY = timedelta(days=1)
_FIXED = {
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentSyncReportRuns": 20,
    "DailyAsyncApexExecutions": 250_000,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyDurableStreamingApiEvents": 10_000,
    "DailyStandardVolumePlatformEvents": 10_000,
    "HourlyODataCallout": 1_000,
    "HourlyTimeBasedWorkflow": 1_000,
    "MassEmail": 5_000,
    "PermissionSets": 1_500,
    "SingleEmail": 5_000,
}


class Allowance:
    """Requests made and left. `by_others` is what other apps used; `app_limit` switches the second header shape on."""

    def __init__(self, clock: Clock) -> None:
        self.limit = 115_000
        self.by_others = 0
        self.app_limit: int | None = None
        self._clock = clock
        self._calls: deque[datetime] = deque()

    @property
    def used(self) -> int:
        """Requests of the last 24 hours, those of other apps included."""
        return self.by_others + len(self._calls)

    def count(self) -> None:
        """One request more. Raises Refusal 403 where the org's or the app's allowance is used up."""
        now = self._clock.now()
        while self._calls and now - self._calls[0] >= _DAY:
            self._calls.popleft()
        if self.used >= self.limit or (self.app_limit is not None and len(self._calls) >= self.app_limit):
            raise limit_exceeded()
        self._calls.append(now)

    def header(self) -> str:
        """`Sforce-Limit-Info` in the shape that fits: `api-usage=25/5000[; per-app-api-usage=17/250(appName=x)]`."""
        text = f"api-usage={self.used}/{self.limit}"
        if self.app_limit is None:
            return text
        return f"{text}; per-app-api-usage={len(self._calls)}/{self.app_limit}(appName={APP_NAME})"

    def limits(self, bulk_jobs: int, bulk_jobs_left: int) -> dict[str, object]:
        """The answer to /limits (salesforce.md 8.8); requests are shown by app too where the app has a limit."""
        requests: dict[str, Any] = {"Max": self.limit, "Remaining": max(0, self.limit - self.used)}
        if self.app_limit is not None:
            left = max(0, self.app_limit - len(self._calls))
            requests[APP_NAME] = {"Max": self.app_limit, "Remaining": left}
        return {
            "DailyApiRequests": requests,
            "DailyBulkV2QueryJobs": {"Max": bulk_jobs, "Remaining": bulk_jobs_left},
            "DataStorageMB": {"Max": 1_073, "Remaining": 900},
            "FileStorageMB": {"Max": 1_073, "Remaining": 1_000},
            **{name: {"Max": amount, "Remaining": amount} for name, amount in _FIXED.items()},
        }
