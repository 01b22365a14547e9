"""durable.toml: defaults, profiles, unknown keys, and secrets by reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from durable_runtime.configuration import AUTHS, NEEDED_BY_AUTH, Profile, load
from durable_runtime.credentials import key
from durable_runtime.errors import ConfigurationError

PROD = """
default_profile = "prod"
[profiles.prod.salesforce]
login_url = "https://example.my.salesforce.com/"
auth = "jwt"
client_id = "env:SALESFORCE_CLIENT_ID"
username = "nightly@example.com"
private_key = "file:secrets/salesforce.pem"
[profiles.prod.warehouse]
kind = "snowflake"
account = "org-account"
user = "DURABLE"
private_key = "file:secrets/snowflake.pem"
database = "CRM"
[profiles.prod.alerts]
slack = "env:SLACK_WEBHOOK_URL"
[profiles.prod.keys]
journal = "file:keys/journal"
mask = "file:keys/mask"
rejects = "file:keys/rejects"
[paths]
state = "var"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "durable.toml"
    path.write_text(text, encoding="utf-8")
    return path


def prod(folder: Path, *replacements: tuple[str, str]) -> Profile:
    text = PROD
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return load(written(folder, text))


def test_no_file_means_the_local_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    profile = load()
    assert (profile.name, profile.salesforce.sandbox, profile.salesforce.horizon_seconds) == ("local", True, 0)
    assert (profile.warehouse.kind, profile.warehouse.path) == ("duckdb", tmp_path / ".durable/warehouse.duckdb")
    assert profile.alerts.file


def test_a_whole_profile_is_read_relative_to_its_file(tmp_path: Path) -> None:
    profile = prod(tmp_path)
    assert profile.state == tmp_path / "var"
    assert profile.salesforce.login_url == "https://example.my.salesforce.com"
    assert profile.salesforce.audience == "https://example.my.salesforce.com"
    assert (profile.salesforce.horizon_seconds, profile.salesforce.timeout_seconds) == (300, 120)
    assert profile.salesforce.username is not None
    assert profile.salesforce.username.reveal() == "nightly@example.com"
    assert (profile.warehouse.database, profile.warehouse.schema) == ("CRM", None)
    assert not profile.alerts.file


def test_the_argument_wins_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, 'default_profile = "a"\n[profiles.a]\n[profiles.b]\n[profiles.c]\n')
    assert load(path).name == "a"
    monkeypatch.setenv("DURABLE_PROFILE", "b")
    assert load(path).name == "b"
    assert load(path, "c").name == "c"


@pytest.mark.parametrize(
    ("text", "says", "suggests"),
    [
        ("[profile.x]", "durable.toml has no setting 'profile'", "Did you mean 'profiles'?"),
        ("[profiles.local]\nalert = 'file'", "profiles.local has no setting 'alert'", "Did you mean 'alerts'?"),
        ("[profiles.local.warehouse]\nkind='duckdb'\npth='x'", "warehouse has no setting 'pth'", "'path'"),
        ("[profiles.local]\nsalesforce = 'sandbx'", "salesforce is 'sandbx'", "sandbox"),
        ("[profiles.local.warehouse]\nkind='oracle'", "kind is 'oracle'", "duckdb, snowflake"),
        ("[profiles.local]\nwarehouse = 3", "warehouse must be a table", "durable.toml"),
        ("default_profile = 'prd'\n[profiles.prod]", "no profile 'prd'", "Did you mean 'prod'?"),
        ("[llm]\nkey = 'x'", "llm has no setting 'key'", "api_key"),
        ("a = ", "is not valid TOML", "Correct that line"),
    ],
)
def test_a_mistake_is_named_with_what_was_meant(tmp_path: Path, text: str, says: str, suggests: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(written(tmp_path, text))
    assert says in caught.value.message
    assert suggests in caught.value.help
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"https://example.my.salesforce.com/"', '"http://example.com"', "login_url must start with https://"),
        ('auth = "jwt"', 'auth = "magic"', "auth is 'magic'"),
        ('auth = "jwt"', 'auth = "client_credentials"', "needs client_secret"),
        ('"file:secrets/salesforce.pem"', '"-----BEGIN"', "private_key must be a reference to a secret"),
        ('journal = "file:keys/journal"\n', "", "keys needs journal"),
        ('private_key = "file:secrets/snowflake.pem"', 'password = "env:P"', "needs private_key|for a server on this"),
        ('user = "DURABLE"', 'user = "DURABLE"\nprotocol = "http"', "protocol must be https"),
        ('user = "DURABLE"', 'user = "DURABLE"\nport = "x"', "port must be a whole number"),
    ],
)
def test_a_profile_that_cannot_work_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        prod(tmp_path, (old, new))


@pytest.mark.parametrize("auth", AUTHS)
def test_every_log_in_names_each_setting_that_it_lacks(tmp_path: Path, auth: str) -> None:
    needed = {"login_url": '"https://example.my.salesforce.com"', **dict.fromkeys(NEEDED_BY_AUTH[auth], '"env:X"')}
    for missing in needed:
        lines = [f"{name} = {value}" for name, value in needed.items() if name != missing]
        path = written(tmp_path, f'[profiles.p.salesforce]\nauth = "{auth}"\n' + "\n".join(lines))
        with pytest.raises(ConfigurationError) as caught:
            load(path, "p")
        assert caught.value.message == f"profiles.p.salesforce needs {missing}."
        assert caught.value.exit_code == 2


@pytest.mark.parametrize("written_out", ["62.0", "62", "v62.0"])
def test_an_api_version_has_one_form(tmp_path: Path, written_out: str) -> None:
    line = f'auth = "jwt"\napi_version = "{written_out}"'
    assert prod(tmp_path, ('auth = "jwt"', line)).salesforce.api_version == "62.0"


@pytest.mark.parametrize("wrong", ["62.5", "newest", "", "0.0", "v", "../62.0"])
def test_what_is_no_api_version_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="api_version is") as caught:
        prod(tmp_path, ('auth = "jwt"', f'auth = "jwt"\napi_version = "{wrong}"'))
    assert caught.value.exit_code == 2


def test_an_authority_is_a_file_relative_to_the_configuration(tmp_path: Path) -> None:
    found = prod(tmp_path, ('auth = "jwt"', 'auth = "jwt"\nca_file = "secrets/ca.pem"')).salesforce
    assert found.ca_file == tmp_path / "secrets" / "ca.pem"
    assert prod(tmp_path).salesforce.ca_file is None


def test_a_snowflake_profile_never_falls_back_to_the_sandbox(tmp_path: Path) -> None:
    start, end = PROD.index("[profiles.prod.salesforce]"), PROD.index("[profiles.prod.warehouse]")
    with pytest.raises(ConfigurationError, match=r"profiles\.prod needs salesforce"):
        prod(tmp_path, (PROD[start:end], ""))


def test_a_real_profile_without_alerts_has_no_channel_and_does_not_write_files(tmp_path: Path) -> None:
    alerts = prod(tmp_path, ('[profiles.prod.alerts]\nslack = "env:SLACK_WEBHOOK_URL"\n', "")).alerts
    assert (alerts.file, alerts.slack, alerts.smtp) == (False, None, None)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_local_snowflake_may_use_a_password_and_plain_http(tmp_path: Path, host: str) -> None:
    local = f'password = "env:P"\nhost = "{host}"\nport = 8084\nprotocol = "http"'
    profile = prod(tmp_path, ('private_key = "file:secrets/snowflake.pem"', local))
    assert (profile.warehouse.host, profile.warehouse.port, profile.warehouse.protocol) == (host, 8084, "http")


def test_plain_http_is_accepted_for_this_machine(tmp_path: Path) -> None:
    profile = prod(tmp_path, ("https://example.my.salesforce.com/", "http://127.0.0.1:8080"))
    assert profile.salesforce.login_url == "http://127.0.0.1:8080"


def test_a_secret_is_read_when_it_is_needed_and_stays_out_of_the_repr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = prod(tmp_path).alerts.slack
    assert secret is not None
    with pytest.raises(ConfigurationError, match="SLACK_WEBHOOK_URL, which is not set"):
        secret.reveal()
    monkeypatch.setenv("SLACK_WEBHOOK_URL", "https://example.com/hook")
    assert secret.reveal() == "https://example.com/hook"
    assert "example.com" not in repr(secret)


def test_a_secret_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    secret = prod(tmp_path).salesforce.private_key
    assert secret is not None
    with pytest.raises(ConfigurationError, match="does not exist"):
        secret.reveal()
    path = tmp_path / "secrets/salesforce.pem"
    path.parent.mkdir()
    path.write_text("key\n")
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="other users may read") as caught:
        secret.reveal()
    assert "chmod 600" in caught.value.help
    path.chmod(0o600)
    assert secret.reveal() == "key"


def test_a_key_is_made_once_for_this_user_alone(tmp_path: Path) -> None:
    first = key(None, tmp_path, "mask")
    assert len(first) == 32
    assert key(None, tmp_path, "mask") == first
    assert key(None, tmp_path, "journal") != first
    assert (tmp_path / "keys/mask").stat().st_mode & 0o777 == 0o600
    (tmp_path / "keys/mask").write_text("short")
    with pytest.raises(ConfigurationError, match="32 bytes in hexadecimal"):
        key(None, tmp_path, "mask")
