"""The local Salesforce: a child process that ends with this one, or the one that already serves this state folder."""

from __future__ import annotations

import importlib.util
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2

from durable_runtime.configuration import Profile, SalesforceSettings
from durable_runtime.credentials import given
from durable_runtime.errors import ConfigurationError, SalesforceUnavailable

MODULE = "durable_sandbox"
BROUGHT_BY_THE_EXTRA = ("mimesis", "starlette", "uvicorn")  # the server's own modules are in every wheel
GOODBYE_SECONDS = 15.0
HEALTH_SECONDS = 2.0
NEEDED = ("url", "client_id", "client_secret", "username")
OVER_TLS = "ca_file"  # named where the server speaks https


@contextmanager
def salesforce(profile: Profile) -> Iterator[SalesforceSettings]:
    """The settings to log in with; for `salesforce = "sandbox"` a server runs inside the context."""
    if not profile.salesforce.sandbox:
        yield profile.salesforce
        return
    folder = profile.state / "sandbox"
    running = _running(folder)
    if running is not None:
        yield _settings(profile, running)
        return
    with _child(folder) as announced:
        yield _settings(profile, announced)


def _settings(profile: Profile, announced: dict[str, str]) -> SalesforceSettings:
    return replace(
        profile.salesforce,
        login_url=announced["url"].rstrip("/"),
        audience=announced["url"].rstrip("/"),
        auth="client_credentials",
        client_id=given(announced["client_id"], "sandbox.client_id", hidden=False),
        client_secret=given(announced["client_secret"], "sandbox.client_secret"),
        username=given(announced["username"], "sandbox.username", hidden=False),
        ca_file=Path(announced[OVER_TLS]) if OVER_TLS in announced else None,
    )


def _running(folder: Path) -> dict[str, str] | None:
    try:
        announced = _announced((folder / "url.json").read_text(encoding="utf-8"))
        verify = ssl.create_default_context(cafile=announced[OVER_TLS]) if OVER_TLS in announced else True
        url = f"{announced['url'].rstrip('/')}/services/data"
        answer = httpx2.get(url, timeout=HEALTH_SECONDS, trust_env=False, verify=verify)
    except (OSError, SalesforceUnavailable, httpx2.HTTPError, httpx2.InvalidURL):
        return None  # nobody serves this folder, or a dead server left its file behind
    return announced if answer.status_code == 200 else None


@contextmanager
def _child(folder: Path) -> Iterator[dict[str, str]]:
    found = importlib.util.find_spec(MODULE)
    if found is None or found.origin is None:
        raise ConfigurationError(
            'salesforce = "sandbox" needs the local Salesforce server, which is not installed.',
            help="Run: pip install 'durable-pipelines[sandbox]'",
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    command = [sys.executable, "-m", MODULE, "--state", str(folder), "--exit-with-parent", "--port", "0"]
    paths = [str(Path(found.origin).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}  # found there by the child as it was here
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            yield _announced(child.stdout.readline())
        finally:
            child.stdin.close()
            _wait(child)


def _wait(child: subprocess.Popen[str]) -> None:
    try:
        child.wait(GOODBYE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()


def _announced(line: str) -> dict[str, str]:
    try:
        found: Any = json.loads(line)
        return {name: str(found[name]) for name in (*NEEDED, *(one for one in (OVER_TLS,) if one in found))}
    except (ValueError, KeyError, TypeError) as error:
        raise SalesforceUnavailable(
            "The local Salesforce server did not start.", help="Run `durable sandbox` to see what it says."
        ) from error
