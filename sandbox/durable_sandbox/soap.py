"""SOAP login(): the envelope that is read, the one that is answered, and faults in Salesforce's form."""

from html import escape
from xml.parsers import expat

from starlette.requests import Request
from starlette.responses import Response

from durable_sandbox import ids
from durable_sandbox.errors import ApiError
from durable_sandbox.origin import origin
from durable_sandbox.sandbox import Sandbox
from durable_sandbox.versions import NEWEST_SOAP_LOGIN, served

_NAMESPACES = {"u": "urn:partner.soap.sforce.com", "c": "urn:enterprise.soap.sforce.com"}
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_SESSION_SECONDS = 7200
_OFF = "SOAP API login() is disabled by default in this org. Contact the org administrator to enable SOAP API login()."
_TOO_NEW = (
    "The SOAP Login operation is not available in the API version specified ({version}). "
    "Refer to the documentation for supported versions."
)


class SoapFault(ApiError):
    """An error in SOAP's form: status 500 and an exception code."""

    def __init__(self, code: str, message: str, kind: str = "sf:UnexpectedErrorFault") -> None:
        super().__init__(500, code, message)
        self.kind = kind

    def response(self) -> Response:
        """The HTTP answer."""
        code, text = escape(self.code), escape(self.message)
        return _xml(
            f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {text}</faultstring>"
            f'<detail><{self.kind} xsi:type="{self.kind}"><sf:exceptionCode>{code}</sf:exceptionCode>'
            f"<sf:exceptionMessage>{text}</sf:exceptionMessage></{self.kind}></detail></soapenv:Fault>",
            "urn:fault.partner.soap.sforce.com",
            500,
        )


async def login(sandbox: Sandbox, request: Request) -> Response:
    """A session for a user name with the password and the security token. Raises SoapFault."""
    kind, version = request.path_params["kind"], request.path_params["version"].removeprefix("v")
    sent = _read(await request.body())
    _check_version(version)
    if kind not in _NAMESPACES or "login" not in sent:
        raise SoapFault("INVALID_OPERATION", "No operation available for request: the sandbox knows login alone")
    if float(version) > NEWEST_SOAP_LOGIN:
        raise SoapFault("INVALID_OPERATION", _TOO_NEW.format(version=version))
    if not sandbox.sessions.policy.soap:
        raise SoapFault("INVALID_OPERATION", _OFF)
    try:
        sandbox.sessions.password_log_in(sent.get("username", ""), sent.get("password", ""))
    except ApiError as error:
        raise SoapFault(error.code, error.message, "sf:LoginFault") from error
    return _xml(_answer(sandbox, origin(sandbox, request), kind, version), _NAMESPACES[kind], 200)


def _check_version(version: str) -> None:
    number = version.removesuffix(".0")
    if version != f"{number}.0" or not served(number):
        raise SoapFault("UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL")


def _answer(sandbox: Sandbox, address: str, kind: str, version: str) -> str:
    sessions = sandbox.sessions
    organization = ids.with_checksum(sessions.organization_id)
    user = {
        "organizationId": organization,
        "organizationName": "Durable Sandbox",
        "sessionSecondsValid": str(_SESSION_SECONDS),
        "userEmail": sessions.application.username,
        "userFullName": "Integration User",
        "userId": sessions.user_id,
        "userLanguage": "en_US",
        "userLocale": "en_US",
        "userName": sessions.application.username,
        "userTimeZone": "Etc/UTC",
        "userType": "Standard",
    }
    path = f"{address}/services/Soap"
    result = {
        "metadataServerUrl": f"{path}/m/{version}/{organization}",
        "passwordExpired": "true" if sessions.policy.password_expired else "false",
        "sandbox": "false",
        "serverUrl": f"{path}/{kind}/{version}/{organization}",
        "sessionId": sessions.issue(address)["access_token"],
        "userId": sessions.user_id,
    }
    return f"<loginResponse><result>{_tags(result)}<userInfo>{_tags(user)}</userInfo></result></loginResponse>"


def _tags(entries: dict[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in entries.items())


def _xml(body: str, namespace: str, status: int) -> Response:
    prefix = "xmlns:sf" if status >= 400 else "xmlns"
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="{_ENVELOPE}" '
        f'{prefix}="{namespace}" xmlns:xsi="{_INSTANCE}"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>'
    )
    return Response(text, status, media_type="text/xml;charset=UTF-8")


def _read(content: bytes) -> dict[str, str]:
    """The text of every element by its name without the namespace. Raises SoapFault for what is no XML."""
    found: dict[str, str] = {}
    path: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")

    def start(name: str, _: dict[str, str]) -> None:
        path.append(name.rpartition(" ")[2])
        found.setdefault(path[-1], "")

    def text(data: str) -> None:
        found[path[-1]] += data

    parser.StartElementHandler, parser.CharacterDataHandler = start, text
    parser.EndElementHandler = lambda _: path.pop()
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise SoapFault("MALFORMED_REQUEST", f"The envelope is not XML: {error}") from error
    return found
