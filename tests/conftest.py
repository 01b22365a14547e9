"""Every test runs without the developer's own profile, credentials, git settings and proxies."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# The suite runs the same examples every time; `make proof`, which sets DURABLE_SEEDS, looks for new ones.
settings.register_profile("steady", derandomize=True)
if "DURABLE_SEEDS" not in os.environ:
    settings.load_profile("steady")

KEPT = ("DURABLE_SEEDS", "DURABLE_FIRST_SEED", "DURABLE_PROOF")
LEAKS = ("DURABLE_", "SALESFORCE_", "SNOWFLAKE_", "OPENAI_", "GIT_")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
GIT_SETTINGS = "[user]\nname = Test\nemail = test@example.com\n[init]\ndefaultBranch = main\n"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Start each test from the same environment, git identity included; what tells how much to test is kept."""
    for name in [n for n in os.environ if n.startswith(LEAKS) and n not in KEPT]:
        monkeypatch.delenv(name)
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    settings = tmp_path_factory.getbasetemp() / "gitconfig"
    settings.write_text(GIT_SETTINGS, encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")


MANY = int(os.environ.get("DURABLE_SEEDS", "20")) > 20  # as in `make proof`


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what drives a real model or account, unless there is one, and long doubles of other tests."""
    asked = {
        "needs_model": os.environ.get("DURABLE_LLM_BASE_URL") and os.environ.get("DURABLE_LLM_MODEL"),
        "snowflake_live": "snowflake_live" in config.getoption("markexpr"),
        "long": MANY,
    }
    unasked = [marker for marker, yes in asked.items() if not yes]
    left_out = [item for item in items if any(item.get_closest_marker(marker) for marker in unasked)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def seeds(default: int = 20) -> range:
    """The seeds of a randomised test: few in `make test`, DURABLE_SEEDS of them in `make proof`."""
    return range(int(os.environ.get("DURABLE_SEEDS", default)))
