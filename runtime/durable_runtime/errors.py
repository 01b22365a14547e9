"""Every way a run can end badly, in three families, each error with its code, exit code and what to do.

PipelineError
├── Transient      trying again later may help (exit 6)
├── Recoverable    a remedy or a person can help (exit 4 or 5)
└── Fatal          trying again changes nothing (exit 2, 3 or 7)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SUCCEEDED, PARTIAL, WAITING, FAILED = "succeeded", "partial", "waiting", "failed"

STATUS_BY_EXIT = {0: SUCCEEDED, 4: WAITING, 5: PARTIAL}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a person has to judge: `subject` is a guard's word such as max_deleted:Contact, else an object or empty.

    `numbers` are counts and limits by name, never values of records.
    """

    subject: str
    message: str
    numbers: Mapping[str, int | float | str] = field(default_factory=dict)
    requirement: str = ""


class PipelineError(Exception):
    """What happened, where, and what to do; `code` names the page in docs/reference/errors.md."""

    family = "fatal"
    exit_code = 70
    code = "RUN000"
    retry_after: float | None = None  # seconds that the server asked to wait
    evidence: tuple[Evidence, ...] = ()  # what a task for a person is made of

    def __init__(self, message: str, *, help: str = "", requirement: str | None = None) -> None:
        self.message, self.help, self.requirement = message, help, requirement
        super().__init__(f"{message} {help}".strip())

    @property
    def status(self) -> str:
        """The run status that this error's exit code stands for."""
        return STATUS_BY_EXIT.get(self.exit_code, FAILED)


class Transient(PipelineError):
    """Trying again later may help."""

    family = "transient"
    exit_code = 6
    code = "RUN600"


class Recoverable(PipelineError):
    """A closed remedy or a person can help; the run waits or stops part-way."""

    family = "recoverable"
    exit_code = 4
    code = "RUN400"


class Fatal(PipelineError):
    """Trying again changes nothing until somebody acts."""

    family = "fatal"
    exit_code = 7
    code = "RUN700"


class ConfigurationError(Fatal):
    """durable.toml, a secret, an extra, a package or a flag is wrong."""

    exit_code = 2
    code = "RUN201"


class PackageMismatch(Fatal):
    """The package's hashes or runtime API differ from what was released."""

    exit_code = 3
    code = "RUN301"


class GuardStopped(Recoverable):
    """A run would change more than the guards allow; nothing was written."""

    code = "RUN401"


class TargetChanged(Recoverable):
    """The target is missing, emptied, restored or swapped; an increment would leave it incomplete."""

    code = "RUN402"


class FieldGone(Recoverable):
    """A field that a rule needs is not visible any more; nothing was read."""

    code = "RUN403"


class DriftStopped(Recoverable):
    """New fields appeared and the requirements say to stop."""

    code = "RUN404"


class ObjectGone(Recoverable):
    """An object is not visible any more; nothing was read, of the other objects neither."""

    code = "RUN405"


class FieldRetyped(Recoverable):
    """A field that a rule needs has another type than the rule was compiled for; nothing was read."""

    code = "RUN406"


class TargetUnfit(Recoverable):
    """A table or a column of the target cannot become what the requirements want without losing something."""

    code = "RUN407"


class GreenNotReady(Recoverable):
    """Green is missing, incomplete, or was not compared with what is in use now; nothing was changed."""

    code = "RUN410"


class QuotaReached(Recoverable):
    """The Salesforce API allowance is used up; what was committed stays."""

    exit_code = 5
    code = "RUN501"


class TimeSpent(Recoverable):
    """The run has taken as long as the requirements let it; what was committed stays."""

    exit_code = 5
    code = "RUN503"


class SalesforceUnavailable(Transient):
    """Salesforce cannot be reached or answers with a server error, and retries are spent."""

    code = "RUN601"


class WarehouseUnavailable(Transient):
    """The warehouse cannot be reached, or its file is locked by another process."""

    code = "RUN602"


class LockHeld(Transient):
    """Another run of this pipeline holds its lease."""

    code = "RUN603"


class DiskFull(Transient):
    """No room is left for landed or staged files."""

    code = "RUN604"


class Incomplete(Transient):
    """Counts of pages, jobs or windows do not match the source's, even after reading again."""

    code = "RUN605"


class RepeatedRecords(Incomplete):
    """One query gave a record twice, so that another one may be missing though the counts match."""

    code = "RUN609"


class QueryTooSlow(Transient):
    """Salesforce gave a query up for taking too long: a narrower one may do better, the same one will not."""

    code = "RUN608"


class LeaseLost(Transient):
    """Another run took over the lease; this one's commit was refused."""

    code = "RUN606"


class Interrupted(Transient):
    """Somebody, or a service manager, stopped the run; what was committed stays."""

    code = "RUN610"


class CredentialsRejected(Fatal):
    """Salesforce or the warehouse refuses the credentials."""

    code = "RUN701"


class PermissionMissing(Fatal):
    """The user may log in but may not do what the pipeline needs."""

    code = "RUN702"


class OtherOrganization(Fatal):
    """The target was filled from another Salesforce organization."""

    code = "RUN703"


class WarehouseCorrupt(Fatal):
    """The warehouse file cannot be read."""

    code = "RUN704"


class RequestRefused(Fatal):
    """Salesforce refuses a request for a reason that trying again does not change."""

    code = "RUN705"


class StatementFailed(Fatal):
    """The warehouse refuses a generated statement."""

    code = "RUN706"


class RateLimited(SalesforceUnavailable):
    """Salesforce asks to slow down, and waiting did not help."""

    code = "RUN607"


class Unsettled(Recoverable):
    """What was read is committed, but the target holds fewer records than the source; the next run tries again."""

    exit_code = 5
    code = "RUN502"


class Bug(Fatal):
    """Durable itself failed; nothing that the user did can explain it."""

    exit_code = 70
    code = "RUN001"


class RegionMismatch(Fatal):
    """The profile's warehouse is not in a region where the requirements let the data be."""

    exit_code = 2
    code = "RUN202"


class RequirementUnsupported(Fatal):
    """The package asks for something that this runtime does not do; nothing was read."""

    exit_code = 3
    code = "RUN302"


class RuleBroken(Fatal):
    """Records break a rule that the requirements let fail the run; nothing was written."""

    code = "RUN707"
