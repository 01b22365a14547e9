"""Other people's Salesforce clients, unmodified: where they are, how they reach the sandbox, what they got wrong."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pytest

from functional.project import REPOSITORY, environment

INSTALLED = REPOSITORY / ".clients"
AIRBYTE = INSTALLED / "airbyte" / "bin" / "source-salesforce"
SINGER = INSTALLED / "singer" / "bin" / "tap-salesforce"
JSFORCE = INSTALLED / "jsforce" / "node_modules"
PINS = REPOSITORY / "tests" / "clients"

NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
COMPOUND = frozenset({"address", "location"})
VERSION = "62.0"
MY_DOMAIN = "durable.my"
"""`https://durable.my.salesforce.com`: any My Domain leads to the sandbox through its proxy."""

needs_clients = pytest.mark.needs_clients


def installed(name: str, place: Path) -> pytest.MarkDecorator:
    """Skip, saying how to install it, where the client is absent."""
    return pytest.mark.skipif(not place.exists(), reason=f"{name} is not installed: make clients")


@dataclass(frozen=True, eq=False)
class Served:
    """A sandbox that speaks TLS, with its proxy."""

    announced: dict[str, str]

    @property
    def variables(self) -> dict[str, str]:
        """All that tells a client where to go and whom to trust."""
        authority = self.announced["ca_file"]
        trusting = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
        return {"HTTPS_PROXY": self.announced["proxy"], **dict.fromkeys(trusting, authority)}

    @cached_property
    def opener(self) -> urllib.request.OpenerDirector:
        """A plain HTTP client past the proxy, for what no client under test may answer."""
        context = ssl.create_default_context(cafile=self.announced["ca_file"])
        return urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )

    def ask(self, path: str, body: object = None, method: str | None = None, **headers: str) -> Any:
        """The JSON answer to a GET, or to a POST where there is a body."""
        content = None if body is None else json.dumps(body).encode()
        known = {"Content-Type": "application/json", **headers}
        request = urllib.request.Request(self.announced["url"] + path, content, known, method=method)
        with self.opener.open(request, timeout=60) as answer:
            return json.loads(answer.read())

    def truth(self, name: str, *, deleted_too: bool = True) -> dict[str, dict[str, Any]]:
        """Id → record, as stored."""
        with self.opener.open(f"{self.announced['url']}/__sandbox__/truth/{name}", timeout=60) as answer:
            records = [json.loads(line) for line in answer if line.strip()]
        return {one["Id"]: one for one in records if deleted_too or not one.get("IsDeleted")}

    def authentication(self, **settings: object) -> dict[str, Any]:
        """Change who may log in and how; what is set now."""
        found: dict[str, Any] = self.ask("/__sandbox__/authentication", settings)
        return found

    def log_in(self) -> str:
        """A session of the test's own, apart from the clients'."""
        form = {"grant_type": "client_credentials"}
        form |= {key: self.announced[key] for key in ("client_id", "client_secret")}
        content = urllib.parse.urlencode(form).encode()
        with self.opener.open(self.announced["url"] + "/services/oauth2/token", content, timeout=60) as answer:
            return str(json.loads(answer.read())["access_token"])

    def read(self, path: str) -> Any:
        """A data resource's answer, by its path under the version."""
        return self.ask(f"/services/data/v{VERSION}/{path}", Authorization=f"Bearer {self.log_in()}")

    @lru_cache(maxsize=64)  # noqa: B019 - one sandbox a module
    def kinds(self, name: str) -> dict[str, str]:
        """Field → type, of every field that is not compound."""
        fields = self.read(f"sobjects/{name}/describe")["fields"]
        return {one["name"]: one["type"] for one in fields if one["type"] not in COMPOUND}


@contextmanager
def serve(folder: Path, *, rows: int, seed: int = 7) -> Iterator[Served]:
    """A sandbox with TLS and proxy that ends with the context."""
    command = [sys.executable, "-m", "durable_sandbox", "--tls", "--proxy", "--exit-with-parent"]
    command += ["--state", str(folder), "--rows", str(rows), "--seed", str(seed)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        try:
            yield Served(json.loads(child.stdout.readline()))
        finally:
            child.stdin.close()
            child.wait(15)


def run(served: Served, command: Sequence[str | Path], *, given: object = None, seconds: float = 120) -> str:
    """A client's standard output; a failure shows both outputs."""
    done = call(served, command, given=given, seconds=seconds)
    assert done.returncode == 0, done.stderr[-4000:] + done.stdout[-4000:]
    return done.stdout


def call(
    served: Served, command: Sequence[str | Path], *, given: object = None, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a client to its end, however that is."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return subprocess.run(
        [str(part) for part in command],
        input=None if given is None else json.dumps(given),
        capture_output=True,
        text=True,
        env={**kept, **served.variables, "NODE_PATH": str(JSFORCE)},
        timeout=seconds,
        check=False,
    )


def node() -> str:
    """The program that runs JavaScript."""
    return shutil.which("node") or "node"


def by_id(records: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Id → record. Fails on a record that comes twice."""
    listed = list(records)
    found = {str(one["Id"]): one for one in listed}
    assert len(found) == len(listed), "a record came twice"
    return found


def differences(
    truth: Mapping[str, Mapping[str, Any]],
    got: Mapping[str, Mapping[str, Any]],
    kinds: Mapping[str, str],
    number: type[Decimal | float],
    kept: Callable[[str], str | None] = str,
) -> list[str]:
    """What a client lost, made up or changed: every field of every record, numbers as the client's own type.

    `kept` is what is left of a text by a client that is known to lose some, which no server can help.
    """
    found = [f"{key}: not delivered" for key in truth.keys() - got.keys()]
    found += [f"{key}: not in the sandbox" for key in got.keys() - truth.keys()]
    for key in truth.keys() & got.keys():
        for name, kind in kinds.items():
            stored = truth[key].get(name)
            wanted = plain(kind, kept(stored) if isinstance(stored, str) else stored, number)
            value = plain(kind, got[key].get(name), number)
            if wanted != value:
                found.append(f"{key}.{name}: {value!r} instead of {wanted!r}")
    return found


def plain(kind: str, value: object, number: type[Decimal | float]) -> object:
    """A value without its spelling: `+0000` and `Z` are one zone, an empty CSV cell and null are one absence."""
    if value is None or value == "":
        return None
    if kind in NUMBERS:
        return number(value)  # type: ignore[arg-type]
    if kind == "boolean":
        return value in (True, "true")
    if kind == "datetime":
        return datetime.fromisoformat(str(value))
    return str(value)[:10] if kind == "date" else value
