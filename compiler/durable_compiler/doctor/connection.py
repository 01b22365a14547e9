"""The connection: API version, log-in, Salesforce's clock, and what is left of the daily calls."""

from __future__ import annotations

from math import ceil

from durable_compiler.doctor.exam import TRIES, Exam
from durable_compiler.doctor.findings import CONFIGURATION, PERSON, Finding, ok, problem, warning
from durable_runtime import sandbox_process
from durable_runtime.errors import ConfigurationError, PermissionMissing, RequestRefused
from durable_runtime.salesforce import api_versions
from durable_runtime.salesforce.logins import LEGACY
from durable_runtime.salesforce.session import Allowance, Session

WORST_SKEW_SECONDS = 60
REQUESTS, JOBS = "DailyApiRequests", "DailyBulkV2QueryJobs"


def api_version(exam: Exam) -> Finding:
    """The version is neither retired nor soon to be."""
    version = exam.profile.salesforce.api_version
    notice = api_versions.notice(version, exam.clock.now())
    if notice:
        return warning(notice, "Set api_version to the newest version in durable.toml, and compile again.")
    return ok(f"{version}, no end of it announced within {api_versions.NOTICE.days} days")


def log_in(exam: Exam) -> Finding:
    """The configured flow gives a session."""
    exam.found_settings = settings = exam.stack.enter_context(sandbox_process.salesforce(exam.profile))
    session = exam.stack.enter_context(Session(settings, TRIES, exam.clock))
    login = session.login()
    exam.found_session = session
    evidence = f"{settings.auth} at {settings.login_url}: organization {login.organization_id}"
    if settings.auth in LEGACY:
        notice, _, advice = LEGACY[settings.auth].partition(". ")
        return warning(f"{evidence}; {notice}", advice, organization_id=login.organization_id)
    return ok(evidence, organization_id=login.organization_id)


def served_version(exam: Exam) -> Finding:
    """Salesforce serves the version that is asked for."""
    assert exam.found_settings is not None
    version = exam.found_settings.api_version
    served = [str(one["version"]) for one in exam.session.get("/services/data")]
    evidence = f"Salesforce serves {served[0]} to {served[-1]}" if served else "Salesforce serves no version"
    if version in served:
        return ok(f"{evidence}, {version} among them")
    return problem(CONFIGURATION, f"{evidence}, not {version}", "Set api_version to a served version in durable.toml.")


def api_access(exam: Exam) -> Finding:
    """The user may use the API, and there is a call left to ask with."""
    exam.session.get(exam.session.base)
    return ok("the user may use the API")


def clock_of(exam: Exam) -> Finding:
    """This machine's clock agrees with Salesforce's, which decides what is read."""
    skew = round((exam.clock.now() - exam.session.server_time()).total_seconds())
    ahead = "ahead of" if skew > 0 else "behind"
    if abs(skew) > WORST_SKEW_SECONDS:
        return warning(
            f"this machine is {abs(skew):,} s {ahead} Salesforce",
            "Set this machine's clock by NTP: a JWT log-in fails when it is off by minutes, and schedules start wrong.",
            seconds=skew,
        )
    return ok(f"this machine and Salesforce differ by {abs(skew)} s", seconds=skew)


def limits(exam: Exam) -> Finding:
    """What is left of the daily calls is enough for a run, within the pipeline's own share."""
    told = _allowances(exam.session)
    requests, jobs = told.get(REQUESTS), told.get(JOBS)
    if jobs is not None and jobs.remaining < len(exam.extracts):
        return problem(PERSON, f"{jobs.remaining:,} Bulk query jobs left for 24 hours", _LATER)
    if requests is None:
        return warning("Salesforce does not tell how many calls are left", f"Look for {REQUESTS} in Setup.")
    evidence = f"{requests.remaining:,} of {requests.allowed:,} daily API calls left"
    if exam.name is None:
        return ok(evidence, remaining=requests.remaining)
    return _enough(exam, requests, evidence)


def _allowances(session: Session) -> dict[str, Allowance]:
    """What `/limits` tells; to a user who may not ask for it, the header of any answer tells the calls at least."""
    try:
        return session.limits()
    except (PermissionMissing, RequestRefused):
        usage = session.usage
        return {REQUESTS: Allowance(usage.allowed, usage.allowed - usage.used)} if usage else {}


_LATER = "The calls of a day count for 24 hours: wait, let other programs call less, or buy more."


def _enough(exam: Exam, requests: Allowance, evidence: str) -> Finding:
    left, quota = _own_share(exam, requests)
    first, usual = costs_of(exam)
    evidence = f"{evidence}{quota}; a first run takes about {first:,}, a later one {usual:,}"
    details = {"remaining": left, "first_run": first, "later_run": usual}
    if left <= 0:
        return problem(PERSON, evidence, _LATER, **details)
    if left < max(first, usual):
        return warning(
            evidence, f"A run that does not come through ends partial and goes on later. {_LATER}", **details
        )
    return ok(evidence, **details)


def _own_share(exam: Exam, requests: Allowance) -> tuple[int, str]:
    """The calls that are left for the pipeline, and the requirement that leaves the others to other programs."""
    policies = exam.pipeline.policies
    if policies.max_api_share is None:
        return requests.remaining, ""
    left = max(int(requests.allowed * policies.max_api_share) - (requests.allowed - requests.remaining), 0)
    whose = policies.behind("max_api_share")
    return (
        left,
        f"; {whose} lets the organization use {policies.max_api_share:.4g} of them, so {left:,} are left for it",
    )


def costs_of(exam: Exam) -> tuple[int, int]:
    """API calls of a first run and of a later one, by the records that Salesforce holds now and what is assumed."""
    from durable_compiler import costs
    from durable_compiler.catalogue import Snapshot, load
    from durable_compiler.ir import Pipeline
    from durable_runtime.extraction import count

    assert exam.name is not None
    described = exam.root / "requirements" / "salesforce.schema.json"
    try:
        text = (exam.root / "generated" / exam.name / "ir.json").read_text(encoding="utf-8")
        snapshot = load(described) if described.is_file() else Snapshot("", "", ())
        readings = costs.costs(Pipeline.model_validate_json(text), exam.extracts, "", snapshot).readings
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"generated/{exam.name}/ir.json or the schema snapshot cannot be read.", help="Compile the requirements."
        ) from error
    held = {one.object: count(exam.session, one.object) for one in exam.extracts}
    first = sum(one.calls(0, held[one.object], first=True) for one in readings)
    usual = sum(one.calls(ceil(held[one.object] * costs.CHANGED), held[one.object]) for one in readings)
    return costs.ONCE_A_RUN + first, costs.ONCE_A_RUN + usual
