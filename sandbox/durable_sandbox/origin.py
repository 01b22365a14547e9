"""The address under which a client reached the sandbox, which is what answers name as the instance."""

import re

from starlette.requests import Request

from durable_sandbox.sandbox import Sandbox

_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?|\[[0-9A-Fa-f:]+\](:\d{1,5})?")


def origin(sandbox: Sandbox, request: Request) -> str:
    """`https://login.salesforce.com` for a client that a proxy led here under that name; else the sandbox's own."""
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        return sandbox.url
    scheme = sandbox.url.partition(":")[0]
    standard = ":443" if scheme == "https" else ":80"
    return f"{scheme}://{host.removesuffix(standard)}"
