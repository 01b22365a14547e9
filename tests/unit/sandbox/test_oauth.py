"""Refresh tokens and what they gave, without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from durable_sandbox.errors import ApiError, OAuthError
from durable_sandbox.oauth import Application, Sessions, TokenRequest

APPLICATION = Application("client", "secret", "user@example.com", "no key")
ORGANIZATION, USER = "00DHs0000000001MAA", "005Hs0000000001IAA"


def sessions(folder: Path) -> Sessions:
    return Sessions(APPLICATION, ORGANIZATION, USER, store=folder / "refresh_tokens.json")


def refreshed(of: Sessions, token: str) -> dict[str, str]:
    form = {"grant_type": "refresh_token", "client_id": "client", "client_secret": "secret", "refresh_token": token}
    return of.token(TokenRequest(form, "", "https://example.com"))


def test_the_first_refresh_token_outlives_the_process_and_so_does_its_successor(tmp_path: Path) -> None:
    first = sessions(tmp_path).refresh_token
    again = sessions(tmp_path)
    assert again.refresh_token == first
    again.policy.rotate = True
    newest = refreshed(again, first)["refresh_token"]
    assert (tmp_path / "refresh_tokens.json").stat().st_mode & 0o777 == 0o600
    later = sessions(tmp_path)
    assert later.refresh_token == newest
    with pytest.raises(OAuthError, match="expired access/refresh token"):
        refreshed(later, first)
    assert "refresh_token" not in refreshed(later, newest)  # without rotation the same one goes on


def test_a_refused_refresh_does_not_rotate(tmp_path: Path) -> None:
    held = sessions(tmp_path)
    held.policy.rotate, held.policy.user = True, "inactive"
    with pytest.raises(OAuthError, match="user is inactive"):
        refreshed(held, held.refresh_token)
    assert held.refresh_token == APPLICATION.refresh_token


def test_an_app_may_do_without_its_secret_only_where_that_is_set(tmp_path: Path) -> None:
    held = sessions(tmp_path)
    form = {"grant_type": "refresh_token", "client_id": "client", "refresh_token": held.refresh_token}
    request = TokenRequest(form, "", "https://example.com")
    with pytest.raises(OAuthError, match="invalid client credentials"):
        held.token(request)
    held.policy.secret_for_refresh = False
    assert held.token(request)["instance_url"] == "https://example.com"


def test_revoking_a_refresh_token_ends_its_sessions_and_no_others(tmp_path: Path) -> None:
    held = sessions(tmp_path)
    first, other = held.refresh_token, held.authorize()
    ended, kept = refreshed(held, first)["access_token"], refreshed(held, other)["access_token"]
    held.revoke(first)
    held.check(f"Bearer {kept}")
    with pytest.raises(ApiError, match="Session expired or invalid"):
        held.check(f"Bearer {ended}")
    held.revoke(kept)
    with pytest.raises(ApiError, match="Session expired or invalid"):
        held.check(f"OAuth {kept}")


def test_another_scheme_is_no_session(tmp_path: Path) -> None:
    held = sessions(tmp_path)
    token = held.issue("https://example.com")["access_token"]
    held.check(f"OAuth {token}")
    for header in (f"Basic {token}", token, "", "Bearer "):
        with pytest.raises(ApiError, match="Session expired or invalid"):
            held.check(header)
