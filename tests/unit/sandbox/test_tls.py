"""The sandbox's own authority: made once, private, made anew where it is damaged or old."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from durable_sandbox import tls
from durable_sandbox.tls import certificates


def shown(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def names(path: Path) -> x509.SubjectAlternativeName:
    return shown(path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def test_the_authority_stays_and_the_certificate_is_new_each_time(tmp_path: Path) -> None:
    first = certificates(tmp_path / "tls", "127.0.0.1")
    authority, certificate = first.ca_file.read_bytes(), first.certificate_file.read_bytes()
    again = certificates(tmp_path / "tls", "127.0.0.1")
    assert again == first
    assert again.ca_file.read_bytes() == authority
    assert again.certificate_file.read_bytes() != certificate
    shown(again.certificate_file).verify_directly_issued_by(shown(again.ca_file))
    assert {one.name for one in (tmp_path / "tls").iterdir()} == {"ca.pem", "ca.key", "server.pem", "server.key"}
    assert {one.stat().st_mode & 0o777 for one in (tmp_path / "tls").iterdir()} == {0o600}


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "sandbox.internal"])
def test_the_certificate_is_for_this_machine_salesforce_and_the_host_that_was_asked_for(
    tmp_path: Path, host: str
) -> None:
    found = names(certificates(tmp_path, host).certificate_file)
    hosts = [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]
    assert {"localhost", "127.0.0.1", "::1", "login.salesforce.com", "*.my.salesforce.com", host} <= set(hosts)
    assert len(hosts) == len(set(hosts))
    assert ip_address("127.0.0.1") in found.get_values_for_type(x509.IPAddress)


@pytest.mark.parametrize("damaged", ["ca.pem", "ca.key"])
def test_a_damaged_authority_is_replaced(tmp_path: Path, damaged: str) -> None:
    files = certificates(tmp_path, "localhost")
    before = files.ca_file.read_bytes()
    (tmp_path / damaged).write_text("damaged")
    certificates(tmp_path, "localhost")
    assert files.ca_file.read_bytes() not in (before, b"damaged")
    shown(files.certificate_file).verify_directly_issued_by(shown(files.ca_file))


def test_an_authority_that_ends_before_the_certificate_would_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "_AUTHORITY_LIFE", timedelta(days=400))
    old = certificates(tmp_path, "localhost").ca_file.read_bytes()
    monkeypatch.undo()
    files = certificates(tmp_path, "localhost")
    assert files.ca_file.read_bytes() != old
    assert shown(files.ca_file).not_valid_after_utc > datetime.now(UTC) + timedelta(days=3000)


def test_openssl_takes_the_chain_in_strict_mode(tmp_path: Path) -> None:
    files = certificates(tmp_path, "localhost")
    client = ssl.create_default_context(cafile=str(files.ca_file))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(incoming, outgoing, server_hostname="acme.my.salesforce.com")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(files.certificate_file, files.key_file)
    far = server.wrap_bio(outgoing, incoming, server_side=True)
    for _ in range(4):
        for side in (near, far):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert near.version() == "TLSv1.3"
