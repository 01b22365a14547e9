"""Logging in: client credentials, JWT bearer, and the tokens that the data endpoints ask for."""

import base64
import binascii
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from durable_sandbox import ids
from durable_sandbox.errors import OAuthError, invalid_session

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")


@dataclass(frozen=True)
class Application:
    """The connected app of the sandbox and its integration user."""

    client_id: str
    client_secret: str
    username: str
    private_key: str


def make_application() -> Application:
    """A new connected app with its own secret and RSA key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return Application(f"3MVG9{secrets.token_hex(16)}", secrets.token_hex(24), "integration@sandbox.example.com", pem)


@dataclass
class Sessions:
    """Issued tokens and the checks that lead to one."""

    application: Application
    organization_id: str
    user_id: str
    tokens: set[str] = field(default_factory=set)

    def token(self, form: Mapping[str, str], authorization: str, url: str) -> dict[str, str]:
        """The token endpoint's answer. Raises OAuthError."""
        grant = form.get("grant_type", "")
        if grant == "client_credentials":
            self._check_client(form, authorization)
        elif grant == JWT_BEARER:
            self._check_assertion(form.get("assertion", ""), url)
        else:
            raise OAuthError("unsupported_grant_type", "grant type not supported")
        return self._issue(url)

    def check(self, authorization: str) -> None:
        """Raise ApiError unless the header carries a token of ours."""
        scheme, _, token = authorization.partition(" ")
        if scheme not in ("Bearer", "OAuth") or token not in self.tokens:
            raise invalid_session()

    def _issue(self, url: str) -> dict[str, str]:
        token = f"{self.organization_id[:15]}!{secrets.token_urlsafe(48)}"
        self.tokens.add(token)
        return {
            "access_token": token,
            "signature": secrets.token_urlsafe(32),
            "scope": "api",
            "instance_url": url,
            "id": f"{url}/id/{self.organization_id}/{self.user_id}",
            "token_type": "Bearer",
            "issued_at": str(int(time.time() * 1000)),
        }

    def _check_client(self, form: Mapping[str, str], authorization: str) -> None:
        client_id, client_secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization.startswith("Basic "):
            client_id, client_secret = _basic(authorization)
        if client_id != self.application.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if not secrets.compare_digest(client_secret.encode(), self.application.client_secret.encode()):
            raise OAuthError("invalid_client", "invalid client credentials")

    def _check_assertion(self, assertion: str, url: str) -> None:
        private = serialization.load_pem_private_key(self.application.private_key.encode(), None)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise OAuthError("invalid_grant", "invalid assertion")
        try:
            claims = jwt.decode(
                assertion,
                private.public_key(),
                algorithms=["RS256"],
                audience=[*_AUDIENCES, url, f"{url}/services/oauth2/token"],
                options={"require": ["iss", "sub", "aud", "exp"]},
            )
        except jwt.InvalidAudienceError as error:
            raise OAuthError("invalid_grant", "audience is invalid") from error
        except jwt.ExpiredSignatureError as error:
            raise OAuthError("invalid_grant", "expired authorization code") from error
        except jwt.InvalidTokenError as error:
            raise OAuthError("invalid_grant", "invalid assertion") from error
        if claims["iss"] != self.application.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if claims["sub"] != self.application.username:
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")

    def identity(self, url: str) -> dict[str, object]:
        """The identity document of the integration user."""
        return {
            "id": f"{url}/id/{self.organization_id}/{self.user_id}",
            "asserted_user": True,
            "user_id": self.user_id,
            "organization_id": ids.with_checksum(self.organization_id),
            "username": self.application.username,
            "email": self.application.username,
            "display_name": "Integration User",
            "active": True,
            "user_type": "STANDARD",
            "urls": {"rest": f"{url}/services/data/v{{version}}/", "query": f"{url}/services/data/v{{version}}/query/"},
        }


def _basic(authorization: str) -> tuple[str, str]:
    try:
        decoded = base64.b64decode(authorization.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise OAuthError("invalid_client_id", "client identifier invalid") from error
    client_id, _, client_secret = decoded.partition(":")
    return client_id, client_secret
