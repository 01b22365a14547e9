"""Who may log in and how: the connected app, its user, what an administrator switched off, and the tokens."""

import base64
import binascii
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from durable_sandbox import ids
from durable_sandbox.errors import ApiError, OAuthError, invalid_session

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LOGIN_HOSTS = ("login.salesforce.com", "test.salesforce.com")
_LOGIN_AUDIENCES = tuple(f"https://{host}" for host in _LOGIN_HOSTS)


@dataclass(frozen=True)
class Application:
    """The connected app of the sandbox and its integration user."""

    client_id: str
    client_secret: str
    username: str
    private_key: str

    @property
    def password(self) -> str:
        """The user's password; like the two below it follows from the app's secret, so that it outlives the process."""
        return f"Sandbox1-{self._derived('password')[:16]}"

    @property
    def security_token(self) -> str:
        """What a log-in with the password appends to it."""
        return self._derived("security token")[:24]

    @property
    def refresh_token(self) -> str:
        """The refresh token that the user's first approval gave."""
        return f"5Aep861{self._derived('refresh token')}"

    def _derived(self, purpose: str) -> str:
        return hmac.digest(self.client_secret.encode(), purpose.encode(), "sha256").hex()


def make_application() -> Application:
    """A new connected app with its own secret and RSA key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return Application(f"3MVG9{secrets.token_hex(16)}", secrets.token_hex(24), "integration@sandbox.example.com", pem)


@dataclass
class Policy:
    """What an administrator decides about logging in; the defaults let every flow through."""

    user: str = "active"
    organization: str = "active"
    api_enabled: bool = True
    soap: bool = True
    password_flow: bool = True
    password_expired: bool = False
    client_credentials_user: bool = True
    approved: bool = True
    rotate: bool = False
    secret_for_refresh: bool = True
    external_client_app: bool = False
    audiences: tuple[str, ...] | None = None
    refused_logins: int = 0


@dataclass(frozen=True)
class TokenRequest:
    """What the token endpoint was asked; `origin` is the address that the client used."""

    form: Mapping[str, str]
    authorization: str
    origin: str


@dataclass
class Sessions:
    """Issued tokens and the checks that lead to one."""

    application: Application
    organization_id: str
    user_id: str
    tokens: set[str] = field(default_factory=set)
    policy: Policy = field(default_factory=Policy)
    url: str = ""
    refresh_tokens: list[str] = field(default_factory=list)
    store: Path | None = None
    _granted: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.refresh_tokens = [self.application.refresh_token]
        if self.store is not None and self.store.exists():
            self.refresh_tokens = json.loads(self.store.read_text())

    @property
    def refresh_token(self) -> str:
        """The newest refresh token that is still valid, or nothing."""
        return self.refresh_tokens[-1] if self.refresh_tokens else ""

    def token(self, request: TokenRequest) -> dict[str, str]:
        """The token endpoint's answer. Raises OAuthError."""
        grant = GRANTS.get(request.form.get("grant_type", ""))
        if grant is None:
            raise OAuthError("unsupported_grant_type", "grant type not supported")
        self._check_rate()
        refresh_token = grant(self, request)
        self._check_active()
        answer = self.issue(request.origin)
        if refresh_token is None:
            return answer
        newest = self._rotated(refresh_token) if self.policy.rotate else refresh_token
        self._granted[answer["access_token"]] = newest
        return answer | ({"refresh_token": newest} if newest != refresh_token else {})

    def password_log_in(self, username: str, password: str) -> None:
        """Raise ApiError, as SOAP reports it, unless this is the user with the password and the security token."""
        if self.policy.refused_logins > 0:
            self.policy.refused_logins -= 1
            raise ApiError(500, "LOGIN_RATE_EXCEEDED", "login rate exceeded")
        if self.policy.organization != "active":
            raise ApiError(500, "ORG_LOCKED", "This organization is locked.")
        if not self.policy.api_enabled:
            raise ApiError(500, "API_DISABLED_FOR_ORG", "API is not enabled for this Organization or Partner")
        if self.policy.user != "active" or not self.knows(username, password):
            raise ApiError(500, "INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")

    def check(self, authorization: str) -> None:
        """Raise ApiError unless the header carries a token of ours."""
        scheme, _, token = authorization.partition(" ")
        if scheme not in ("Bearer", "OAuth") or token not in self.tokens:
            raise invalid_session()
        if not self.policy.api_enabled:
            raise ApiError(403, "API_DISABLED_FOR_ORG", "API is not enabled for this Organization or Partner")

    def issue(self, origin: str) -> dict[str, str]:
        """A new session."""
        token = f"{self.organization_id[:15]}!{secrets.token_urlsafe(48)}"
        self.tokens.add(token)
        return {
            "access_token": token,
            "signature": secrets.token_urlsafe(32),
            "scope": "api refresh_token",
            "instance_url": origin,
            "id": f"{origin}/id/{self.organization_id}/{self.user_id}",
            "token_type": "Bearer",
            "issued_at": str(int(time.time() * 1000)),
        }

    def revoke(self, token: str) -> None:
        """End the session of an access token, or a refresh token with all sessions it gave. Raises OAuthError."""
        if token in self.tokens:
            self.tokens.remove(token)
        elif token in self.refresh_tokens:
            self.refresh_tokens.remove(token)
            self.tokens -= {access for access, refresh in self._granted.items() if refresh == token}
            self._save()
        else:
            raise OAuthError("unsupported_token_type", "this token type is not supported")

    def revoke_all(self) -> None:
        """End every session and every refresh token, as an administrator does for the whole app."""
        self.tokens.clear()
        self.refresh_tokens.clear()
        self._save()

    def authorize(self) -> str:
        """A new refresh token, as the user's approval in a browser gives one."""
        self.refresh_tokens.append(f"5Aep861{secrets.token_hex(32)}")
        self._save()
        return self.refresh_token

    def identity(self, origin: str) -> dict[str, object]:
        """The identity document of the integration user."""
        rest = f"{origin}/services/data/v{{version}}/"
        soap = f"{origin}/services/Soap"
        organization = self.organization_id[:15]
        return {
            "id": f"{origin}/id/{self.organization_id}/{self.user_id}",
            "asserted_user": True,
            "user_id": self.user_id,
            "organization_id": ids.with_checksum(self.organization_id),
            "username": self.application.username,
            "nick_name": "integration",
            "display_name": "Integration User",
            "email": self.application.username,
            "email_verified": True,
            "first_name": "Integration",
            "last_name": "User",
            "timezone": "Etc/UTC",
            "active": self.policy.user == "active",
            "user_type": "STANDARD",
            "language": "en_US",
            "locale": "en_US",
            "utcOffset": 0,
            "is_app_installed": True,
            "urls": {
                "enterprise": f"{soap}/c/{{version}}/{organization}",
                "partner": f"{soap}/u/{{version}}/{organization}",
                "rest": rest,
                "sobjects": f"{rest}sobjects/",
                "query": f"{rest}query/",
                "search": f"{rest}search/",
                "profile": f"{origin}/{self.user_id}",
                "custom_domain": self.url,
            },
        }

    def _check_rate(self) -> None:
        if self.policy.refused_logins > 0:
            self.policy.refused_logins -= 1
            raise OAuthError("rate_limit_exceeded", "login rate exceeded")

    def _check_active(self) -> None:
        if self.policy.organization != "active":
            raise OAuthError("inactive_org", "organization is inactive")
        if self.policy.user != "active":
            raise OAuthError("inactive_user", "user is inactive")

    def knows(self, username: str, password: str) -> bool:
        """Whether this is the user's name with the password and the security token."""
        whole = self.application.password + self.application.security_token
        right = secrets.compare_digest(password.encode(), whole.encode())
        return right and username.lower() == self.application.username

    def _rotated(self, refresh_token: str) -> str:
        self.refresh_tokens.remove(refresh_token)
        return self.authorize()

    def _save(self) -> None:
        if self.store is not None:
            self.store.touch(mode=0o600)
            self.store.write_text(json.dumps(self.refresh_tokens))


def _check_client(sessions: Sessions, request: TokenRequest, *, secret_needed: bool = True) -> None:
    client_id, client_secret = request.form.get("client_id", ""), request.form.get("client_secret", "")
    if request.authorization.startswith("Basic "):
        client_id, client_secret = _basic(request.authorization)
    if client_id != sessions.application.client_id:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if not client_secret and not secret_needed:
        return
    if not secrets.compare_digest(client_secret.encode(), sessions.application.client_secret.encode()):
        raise OAuthError("invalid_client", "invalid client credentials")


def _client_credentials(sessions: Sessions, request: TokenRequest) -> None:
    if request.origin.rpartition("/")[2] in _LOGIN_HOSTS:
        raise OAuthError("invalid_grant", "request not supported on this domain")
    _check_client(sessions, request)
    if not sessions.policy.client_credentials_user:
        raise OAuthError("invalid_grant", "no client credentials user enabled")


def _password(sessions: Sessions, request: TokenRequest) -> None:
    _check_client(sessions, request)
    known = sessions.knows(request.form.get("username", ""), request.form.get("password", ""))
    if not known or not sessions.policy.password_flow or sessions.policy.password_expired:
        raise OAuthError("invalid_grant", "authentication failure")


def _refresh(sessions: Sessions, request: TokenRequest) -> str:
    _check_client(sessions, request, secret_needed=sessions.policy.secret_for_refresh)
    token = request.form.get("refresh_token", "")
    if token not in sessions.refresh_tokens:
        raise OAuthError("invalid_grant", "expired access/refresh token")
    return token


def _assertion(sessions: Sessions, request: TokenRequest) -> None:
    claims = _claims(sessions, request)
    if claims["iss"] != sessions.application.client_id:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if claims["sub"] != sessions.application.username or not sessions.policy.approved:
        raise OAuthError("invalid_grant", "user hasn't approved this consumer")


def _claims(sessions: Sessions, request: TokenRequest) -> dict[str, str]:
    private = serialization.load_pem_private_key(sessions.application.private_key.encode(), None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise OAuthError("invalid_grant", "invalid assertion")
    try:
        claims: dict[str, str] = jwt.decode(
            request.form.get("assertion", ""),
            private.public_key(),
            algorithms=["RS256"],
            audience=_audiences(sessions, request.origin),
            options={"require": ["iss", "sub", "aud", "exp"]},
        )
    except jwt.InvalidAudienceError as error:
        raise OAuthError("invalid_grant", "Audience validation failed") from error
    except jwt.ExpiredSignatureError as error:
        raise OAuthError("invalid_grant", "expired authorization code") from error
    except jwt.InvalidTokenError as error:
        raise OAuthError("invalid_grant", "invalid assertion") from error
    return claims


def _audiences(sessions: Sessions, origin: str) -> list[str]:
    """An External Client App accepts its My Domain alone, which is the sandbox's own address."""
    if sessions.policy.audiences is not None:
        return list(sessions.policy.audiences)
    if sessions.policy.external_client_app:
        return [sessions.url, f"{sessions.url}/services/oauth2/token"]
    return [
        *_LOGIN_AUDIENCES,
        *(one + path for one in (sessions.url, origin) for path in ("", "/services/oauth2/token")),
    ]


GRANTS: dict[str, Callable[[Sessions, TokenRequest], str | None]] = {
    "client_credentials": _client_credentials,
    JWT_BEARER: _assertion,
    "password": _password,
    "refresh_token": _refresh,
}
"""Each grant raises OAuthError or returns; the refresh grant gives back the token that it used."""


def _basic(authorization: str) -> tuple[str, str]:
    try:
        decoded = base64.b64decode(authorization.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise OAuthError("invalid_client_id", "client identifier invalid") from error
    client_id, _, client_secret = decoded.partition(":")
    return client_id, client_secret
