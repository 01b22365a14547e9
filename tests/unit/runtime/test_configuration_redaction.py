"""What must never be printed is hidden, ordinary text stays."""

from __future__ import annotations

import pytest

from durable_runtime.redaction import redact, remember


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer 00Dxx!AQ.abc-def", "Authorization: Bearer [hidden]"),
        ("token 00D5g00000abcde!AQcAQF.x_y here", "token [hidden] here"),
        ("assertion=eyJhbGciOi.eyJpc3Mi.c2ln&x=1", "assertion=[hidden]&x=1"),
        ('{"client_secret": "s3cr3t", "a": 1}', '{"client_secret": "[hidden]", "a": 1}'),
        ("smtp://user:pass@mail.example.com:25", "smtp://user:[hidden]@mail.example.com:25"),
        ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY----- end", "[hidden] end"),
        ("https://hooks.slack.com/services/T0/B0/x sent", "[hidden] sent"),
        ("Contact jane.doe+x@example.co.uk failed", "Contact [hidden] failed"),
        ("Found 847 updated records", "Found 847 updated records"),
        ("No such column 'Foo' on entity 'Contact'", "No such column 'Foo' on entity 'Contact'"),
    ],
)
def test_secrets_and_addresses_are_hidden(text: str, expected: str) -> None:
    assert redact(text) == expected


def test_a_secret_that_was_read_is_hidden_wherever_it_appears() -> None:
    remember("correct-horse-battery")
    remember("abc")
    assert redact("x=correct-horse-battery; abc") == "x=[hidden]; abc"
