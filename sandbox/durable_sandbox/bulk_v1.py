"""Bulk API 1.0 query jobs as older clients use them: a job, a batch with the SOQL, results as CSV or JSON."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from durable_sandbox import ids
from durable_sandbox.bulk import refuse_unsupported
from durable_sandbox.clock import parse as parse_moment
from durable_sandbox.errors import ApiError
from durable_sandbox.evaluate import Column, Selection, evaluate
from durable_sandbox.jobs import Batch, BatchJob
from durable_sandbox.render import csv_header, csv_lines, json_records
from durable_sandbox.sandbox import Sandbox
from durable_sandbox.soql import parse
from durable_sandbox.versions import NEWEST_VERSION, OLDEST_VERSION

_NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"
_XML_VALUE = re.compile(r"<(\w+)>([^<>]*)</\1>")
_OPERATIONS = ("query", "queryAll")
_CONTENTS = ("CSV", "JSON")
_NO_RECORDS = '"Records not found for this query"\n'
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COUNTED = {"Queued": "numberBatchesQueued", "Completed": "numberBatchesCompleted", "Failed": "numberBatchesFailed"}


class BulkError(ApiError):
    """An error in Bulk API 1.0's form: an exception code and message, in the format that the client wrote in."""

    def __init__(self, request: Request, code: str, message: str, status: int = 400) -> None:
        super().__init__(status, code, message)
        self.as_json = _writes_json(request)

    def response(self) -> Response:
        """The HTTP answer."""
        return _answer(
            {"exceptionCode": self.code, "exceptionMessage": self.message}, "error", self.as_json, self.status
        )


def authorize(sandbox: Sandbox, request: Request) -> None:
    """The guard of these endpoints: the session is in a header of its own."""
    try:
        sandbox.sessions.check(f"Bearer {request.headers.get('x-sfdc-session', '')}")
    except ApiError as error:
        raise BulkError(request, "InvalidSessionId", "Invalid session id") from error
    number = request.path_params["version"].removesuffix(".0")
    if not number.isdigit() or not OLDEST_VERSION <= int(number) <= NEWEST_VERSION:
        raise BulkError(request, "InvalidVersion", f"API version {request.path_params['version']} is not served")
    sandbox.limits.take_requests()


async def create(sandbox: Sandbox, request: Request) -> Response:
    """Open a job for one object."""
    body = await _fields(request)
    operation, content = body.get("operation", ""), body.get("contentType", "XML")
    if operation not in _OPERATIONS:
        raise BulkError(request, "InvalidJob", f"operation must be one of {', '.join(_OPERATIONS)}, not {operation!r}")
    if content not in _CONTENTS:
        raise BulkError(request, "InvalidJob", f"the sandbox serves contentType CSV and JSON, not {content!r}")
    table = sandbox.store.table(body.get("object", ""))
    if table is None or not table.kind.listed:
        raise BulkError(request, "InvalidJob", f"Unable to find object: {body.get('object')}")
    job = BatchJob(
        id=ids.make("750", sandbox.jobs.next_batched_number()),
        operation=operation,
        object=table.kind.name,
        content=content,
        version=request.path_params["version"],
        created=sandbox.clock.now_stamp(),
        created_by=sandbox.sessions.user_id,
    )
    sandbox.jobs.batched[job.id] = job
    return _answer(_job_info(job), "jobInfo", _writes_json(request), 201)


async def info(sandbox: Sandbox, request: Request) -> Response:
    """A job with the counts of its batches."""
    return _answer(_job_info(_job(sandbox, request)), "jobInfo", _writes_json(request))


async def change(sandbox: Sandbox, request: Request) -> Response:
    """Close or abort a job."""
    job = _job(sandbox, request)
    state = (await _fields(request)).get("state", "")
    if state not in ("Closed", "Aborted") or job.state == "Aborted":
        raise BulkError(request, "InvalidJobState", f"a job in state {job.state} cannot become {state!r}")
    job.state = state
    return _answer(_job_info(job), "jobInfo", _writes_json(request))


async def add_batch(sandbox: Sandbox, request: Request) -> Response:
    """Run a query; one that cannot run shows as a failed batch, not as an error of this call."""
    job = _job(sandbox, request)
    if job.state != "Open":
        raise BulkError(
            request, "InvalidJobState", f"a batch can be added to an open job only, this one is {job.state}"
        )
    sandbox.jobs.batches += 1
    sandbox.limits.count_batch()
    batch = Batch(ids.make("751", sandbox.jobs.batches), sandbox.clock.now_stamp())
    shown = _batch_info(job, batch)
    _execute(sandbox, job, batch, (await request.body()).decode("utf-8", "replace"))
    job.batches[batch.id] = batch
    return _answer(shown, "batchInfo", job.content == "JSON", 201)


def _execute(sandbox: Sandbox, job: BatchJob, batch: Batch, text: str) -> None:
    """Complete or fail the batch at once: its clients sleep twenty seconds after every look at an unfinished one."""
    try:
        batch.selection = _select(sandbox, job, text)
        batch.state = "Completed"
    except ApiError as error:
        batch.state = "Failed"
        batch.message = f"InvalidBatch : Failed to process query: {error.code}: {error.message}"


def _select(sandbox: Sandbox, job: BatchJob, text: str) -> Selection:
    selection = evaluate(parse(text), sandbox.store, sandbox.clock.now(), job.operation == "queryAll")
    refuse_unsupported(selection)
    if selection.table.kind.name != job.object:
        raise ApiError(400, "INVALID_TYPE", f"the job is for {job.object}, not {selection.table.kind.name}")
    return selection


async def batches(sandbox: Sandbox, request: Request) -> Response:
    """Every batch of a job."""
    job = _job(sandbox, request)
    listed = [_batch_info(job, batch) for batch in job.batches.values()]
    if job.content == "JSON":
        return JSONResponse({"batchInfo": listed})
    return _document("batchInfoList", "".join(f"<batchInfo>{_xml(one)}</batchInfo>" for one in listed))


async def batch_info(sandbox: Sandbox, request: Request) -> Response:
    """One batch and its state."""
    job = _job(sandbox, request)
    return _answer(_batch_info(job, _batch(job, request)), "batchInfo", job.content == "JSON")


async def result_list(sandbox: Sandbox, request: Request) -> Response:
    """The results of a batch: one, whatever its size."""
    job = _job(sandbox, request)
    batch = _batch(job, request)
    listed = [_result_id(batch)] if batch.selection else []
    if job.content == "JSON":
        return JSONResponse(listed)
    return _document("result-list", "".join(f"<result>{one}</result>" for one in listed))


async def result(sandbox: Sandbox, request: Request) -> Response:
    """A result; a CSV one without rows is a sentence instead, as Salesforce has it."""
    job = _job(sandbox, request)
    batch = _batch(job, request)
    if batch.selection is None or request.path_params["result"] != _result_id(batch):
        raise BulkError(request, "InvalidBatch", f"no result {request.path_params['result']} of batch {batch.id}")
    if job.content == "JSON":
        return Response(_json_result(batch.selection, job.version), media_type="application/json;charset=UTF-8")
    columns, rows = batch.selection.columns, batch.selection.rows
    text = csv_header(columns, ",", "\n") + "".join(csv_lines(columns, rows, ",", "\n")) if rows else _NO_RECORDS
    return Response(text, headers={"Content-Type": "text/csv; charset=UTF-8"})


def _json_result(selection: Selection, version: str) -> str:
    """An array of records as REST has them, but for moments and dates: those are milliseconds since 1970."""
    counted = replace(selection, columns=tuple(_counted(column) for column in selection.columns))
    return "[" + ",".join(json_records(counted, f"/services/data/v{version}", list(selection.rows))) + "]"


def _counted(column: Column) -> Column:
    if column.field.type not in ("date", "datetime"):
        return column
    get = column.get
    number = replace(column.field, type="long")
    return replace(column, field=number, place=None, get=lambda row: _milliseconds(get(row)))


def _milliseconds(text: str) -> str:
    if not text:
        return text
    moment = parse_moment(text if "T" in text else f"{text}T00:00:00Z")
    return str((moment - _EPOCH) // timedelta(milliseconds=1))


def _job(sandbox: Sandbox, request: Request) -> BatchJob:
    job = sandbox.jobs.batched.get(ids.with_checksum(request.path_params["id"]))
    if job is None:
        raise BulkError(request, "InvalidJob", f"Unable to find job: {request.path_params['id']}")
    return job


def _batch(job: BatchJob, request: Request) -> Batch:
    batch = job.batches.get(ids.with_checksum(request.path_params["batch"]))
    if batch is None:
        raise BulkError(request, "InvalidBatch", f"Unable to find batch: {request.path_params['batch']}")
    return batch


def _result_id(batch: Batch) -> str:
    return ids.with_checksum(f"752{batch.id[3:15]}")


def _job_info(job: BatchJob) -> dict[str, Any]:
    counts = dict.fromkeys(_COUNTED.values(), 0)
    for batch in job.batches.values():
        counts[_COUNTED[batch.state]] += 1
    records = sum(len(batch.selection.rows) for batch in job.batches.values() if batch.selection)
    return {
        "id": job.id,
        "operation": job.operation,
        "object": job.object,
        "createdById": job.created_by,
        "createdDate": job.created,
        "systemModstamp": job.created,
        "state": job.state,
        "concurrencyMode": "Parallel",
        "contentType": job.content,
        **counts,
        "numberBatchesInProgress": 0,
        "numberBatchesTotal": len(job.batches),
        "numberRecordsProcessed": records,
        "numberRetries": 0,
        "apiVersion": float(job.version),
        "numberRecordsFailed": 0,
        "totalProcessingTime": 0,
        "apiActiveProcessingTime": 0,
        "apexProcessingTime": 0,
    }


def _batch_info(job: BatchJob, batch: Batch) -> dict[str, Any]:
    message = {"stateMessage": batch.message} if batch.message else {}
    return {
        "id": batch.id,
        "jobId": job.id,
        "state": batch.state,
        **message,
        "createdDate": batch.created,
        "systemModstamp": batch.created,
        "numberRecordsProcessed": len(batch.selection.rows) if batch.selection else 0,
        "numberRecordsFailed": 0,
        "totalProcessingTime": 0,
        "apiActiveProcessingTime": 0,
        "apexProcessingTime": 0,
    }


def _writes_json(request: Request) -> bool:
    return "json" in request.headers.get("content-type", "")


async def _fields(request: Request) -> dict[str, str]:
    text = (await request.body()).decode("utf-8", "replace")
    if not _writes_json(request):
        return dict(_XML_VALUE.findall(text))
    try:
        body = json.loads(text)
    except ValueError as error:
        raise BulkError(request, "InvalidJob", f"the body is not JSON: {error}") from error
    return {name: str(value) for name, value in body.items()} if isinstance(body, dict) else {}


def _answer(values: dict[str, Any], root: str, as_json: bool, status: int = 200) -> Response:
    if as_json:
        return JSONResponse(values, status)
    return _document(root, _xml(values), status)


def _xml(values: dict[str, Any]) -> str:
    return "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in values.items())


def _document(root: str, inside: str, status: int = 200) -> Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?><{root} xmlns="{_NAMESPACE}">{inside}</{root}>'
    return Response(text, status, media_type="application/xml")
