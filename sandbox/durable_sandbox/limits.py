"""The organisation's allowances: what `/limits` and `Sforce-Limit-Info` tell, and the refusals when one is used up."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from durable_sandbox.clock import Clock
from durable_sandbox.errors import ApiError

REQUESTS, JOBS, STORAGE = "DailyApiRequests", "DailyBulkV2QueryJobs", "DailyBulkV2QueryFileStorageMB"
BATCHES = "DailyBulkApiBatches"
_MEGABYTE, _KILOBYTE = 1 << 20, 1 << 10
_HOUR, _WINDOW_HOURS = timedelta(hours=1), 24

_MAXIMA = {
    "ActiveScratchOrgs": 3,
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentSyncReportRuns": 20,
    REQUESTS: 1_000_000,
    "DailyAsyncApexExecutions": 250_000,
    BATCHES: 15_000,
    STORAGE: 976_562,
    JOBS: 10_000,
    "DailyDurableGenericStreamingApiEvents": 10_000,
    "DailyDurableStreamingApiEvents": 10_000,
    "DailyGenericStreamingApiEvents": 10_000,
    "DailyScratchOrgs": 6,
    "DailyStandardVolumePlatformEvents": 25_000,
    "DailyStreamingApiEvents": 10_000,
    "DailyWorkflowEmails": 390,
    "DataStorageMB": 1024,
    "DurableStreamingApiConcurrentClients": 20,
    "FileStorageMB": 1024,
    "HourlyAsyncReportRuns": 1200,
    "HourlyDashboardRefreshes": 200,
    "HourlyDashboardResults": 5000,
    "HourlyDashboardStatuses": 999_999_999,
    "HourlyODataCallout": 20_000,
    "HourlyPublishedPlatformEvents": 50_000,
    "HourlyPublishedStandardVolumePlatformEvents": 1000,
    "HourlySyncReportRuns": 500,
    "HourlyTimeBasedWorkflow": 500,
    "MassEmail": 10,
    "PermissionSets": 1500,
    "SingleEmail": 15,
    "StreamingApiConcurrentClients": 20,
}
_WHOLE = {STORAGE: 1_000_000_000 * _KILOBYTE}
"""Allowances that Salesforce counts in a smaller unit than it tells: bytes here."""


@dataclass(frozen=True)
class Share:
    """How much of the daily requests one connected app may use, and has used."""

    maximum: int
    used: int


@dataclass
class Limits:
    """Every allowance; requests, Bulk jobs and their results roll over 24 hours of the sandbox's clock."""

    clock: Clock
    maxima: dict[str, int] = field(default_factory=lambda: _MAXIMA | _WHOLE)
    hours: dict[str, Counter[int]] = field(default_factory=dict)
    shares: dict[str, Share] = field(default_factory=dict)
    requests: int = 0
    kept: set[tuple[str, int]] = field(default_factory=set)

    def take_requests(self, count: int = 1) -> None:
        """Count API calls. Raises ApiError, counting nothing, when none are left."""
        if self.left(REQUESTS) <= 0:
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self.requests += count
        self._use(REQUESTS, count)

    def take_job(self) -> None:
        """Count one Bulk query job. Raises ApiError when no more may be made, or no more results may be stored."""
        most, used = self.maxima[JOBS], self._used(JOBS)
        if used >= most:
            text = f"Max bulk v2 query jobs ({most}) per 24 hrs has been reached ({used + 1})"
            raise ApiError(400, "LIMIT_EXCEEDED", text)
        if self.left(STORAGE) <= 0:
            size = self.maxima[STORAGE] // _KILOBYTE
            text = f"Max bulk v2 query result size stored ({size}) kb per 24 hrs has been exceeded"
            raise ApiError(400, "LIMIT_EXCEEDED", text)
        self._use(JOBS, 1)

    def count_batch(self) -> None:
        """Count one batch of a Bulk API 1.0 job."""
        self._use(BATCHES, 1)

    def store(self, job: str, start: int, size: int) -> None:
        """Count the bytes of a page of results; a page that is read again is stored already."""
        if (job, start) not in self.kept:
            self.kept.add((job, start))
            self._use(STORAGE, size)

    def left(self, name: str) -> int:
        """What is left, in the unit that the allowance is counted in."""
        return max(self.maxima[name] - self._used(name), 0)

    def set(self, name: str, maximum: int, remaining: int) -> None:
        """Let so much of so much be left from now on, in the unit that `/limits` shows."""
        unit = _unit(name)
        self.maxima[name] = maximum * unit
        self.hours[name] = Counter({self._hour(): (maximum - remaining) * unit})

    def reset(self, name: str) -> None:
        """The allowance as it was at first, with nothing used."""
        self.maxima[name] = (_MAXIMA | _WHOLE)[name]
        self.hours.pop(name, None)

    def header(self) -> str:
        """The value of `Sforce-Limit-Info`; it names the connected apps that have a share of their own."""
        used, most = self._used(REQUESTS), self.maxima[REQUESTS]
        apps = (f"per-app-api-usage={one.used}/{one.maximum}(appName={name})" for name, one in self.shares.items())
        return "; ".join((f"api-usage={min(used, most)}/{most}", *apps))

    def as_json(self) -> dict[str, dict[str, object]]:
        """What `/limits` answers."""
        shown: dict[str, dict[str, object]] = {
            name: {"Max": most // _unit(name), "Remaining": self.left(name) // _unit(name)}
            for name, most in self.maxima.items()
        }
        for name, one in self.shares.items():
            shown[REQUESTS][name] = {"Max": one.maximum, "Remaining": one.maximum - one.used}
        return shown

    def _used(self, name: str) -> int:
        first = self._hour() - _WINDOW_HOURS
        return sum(count for hour, count in self.hours.get(name, Counter()).items() if hour > first)

    def _use(self, name: str, count: int) -> None:
        self.hours.setdefault(name, Counter())[self._hour()] += count

    def _hour(self) -> int:
        return int(self.clock.now().timestamp() // _HOUR.total_seconds())


def _unit(name: str) -> int:
    return _MEGABYTE if name in _WHOLE else 1
