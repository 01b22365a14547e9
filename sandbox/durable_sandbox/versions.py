"""The API versions that the sandbox serves, and the answers for those that are retired or not there yet."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from durable_sandbox.errors import ApiError, not_found
from durable_sandbox.sandbox import Sandbox

OLDEST_VERSION, NEWEST_VERSION = 31, 68
NEWEST_SOAP_LOGIN = 64
"""SOAP login() ends with this version; the sessions it gives serve every version."""

_RETIRED = range(7, OLDEST_VERSION)
_SEASONS = ("Summer", "Winter", "Spring")  # of versions 31, 32 and 33, and so on
_SUMMER_14 = 31


def base_path(request: Request) -> str:
    """The versioned root of the request, `/services/data/v62.0`. Raises ApiError for a version that is not served."""
    version = request.path_params["version"]
    number = version.removeprefix("v").removesuffix(".0")
    if number.isdigit() and int(number) in _RETIRED:
        raise ApiError(410, "GONE", f"API version {number}.0 is retired")
    if version != f"v{number}.0" or not served(number):
        raise not_found()
    return f"/services/data/{version}"


def served(number: str) -> bool:
    """Whether this is the number of a served version, without its `.0`."""
    return number.isdigit() and OLDEST_VERSION <= int(number) <= NEWEST_VERSION


def label(number: int) -> str:
    """The release that brought a version: 62 is `Winter '25`."""
    past = number - _SUMMER_14
    return f"{_SEASONS[past % 3]} '{14 + (past + 2) // 3:02d}"


async def versions(_: Sandbox, __: Request) -> Response:
    """Every version that is served."""
    numbers = range(OLDEST_VERSION, NEWEST_VERSION + 1)
    return JSONResponse([{"label": label(n), "url": f"/services/data/v{n}.0", "version": f"{n}.0"} for n in numbers])
