"""The connection: API version, log-in, Salesforce's clock, and what is left of the daily calls."""

from __future__ import annotations

from math import ceil

from durable_compiler.doctor.exam import TRIES, Exam
from durable_compiler.doctor.findings import CONFIGURATION, PERSON, Finding, ok, problem, warning
from durable_runtime import sandbox_process
from durable_runtime.errors import ConfigurationError
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
    exam.allowances = exam.session.limits()
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
    requests = exam.allowances.get(REQUESTS)
    if requests is None:
        return warning(f"/limits does not tell {REQUESTS}", "Give the integration user View Setup and Configuration.")
    evidence = f"{requests.remaining:,} of {requests.allowed:,} daily API calls left"
    jobs = exam.allowances.get(JOBS)
    if jobs is not None and jobs.remaining < len(exam.extracts):
        return problem(PERSON, f"{jobs.remaining:,} Bulk query jobs left for 24 hours", _LATER)
    if exam.name is None:
        return ok(evidence, remaining=requests.remaining)
    return _enough(exam, requests, evidence)


_LATER = "The calls of a day count for 24 hours: wait, let other programs call less, or buy more."


def _enough(exam: Exam, requests: Allowance, evidence: str) -> Finding:
    share, whose = exam.pipeline.policies.max_api_share, exam.pipeline.policies.behind("max_api_share")
    used = requests.allowed - requests.remaining
    left = requests.remaining if share is None else int(requests.allowed * share) - used
    allowed = f"{whose} lets the organization use {share:.4g} of them, so {max(left, 0):,} are left for it"
    quota = f"; {allowed}" if share is not None else ""
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
