"""The only module that talks to a model: a sentence in, canonical English and its evidence out, or why not."""

from __future__ import annotations

import json
import os
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from durable_compiler.prompt import Prompt
from durable_runtime import configuration, credentials

if TYPE_CHECKING:
    import openai
    from openai.types.chat import ParsedChatCompletion

TIMEOUT_SECONDS = 60.0
ATTEMPTS = 3
# A server that asks for a longer wait is told about, not waited for.
LONGEST_WAIT_SECONDS = 30.0
MAX_TOKENS = 800
_DEFAULT_URL = "https://api.openai.com/v1"
_HELP_SETTINGS = "Set it in the [llm] table of durable.toml"


class Evidence(BaseModel):
    """Words of the canonical English and the words of the sentence that say the same."""

    value: str
    quote: str


class Answer(BaseModel):
    """What a model has to answer."""

    outcome: Literal["reading", "unknown"]
    canonical: str
    evidence: list[Evidence]
    question: str


class ModelFailed(Exception):
    """The model cannot be asked, or its server cannot answer: the whole command ends. Exit 2, 6 or 7."""

    def __init__(self, message: str, help: str, exit_code: int) -> None:
        super().__init__(message)
        self.message, self.help, self.exit_code = message, help, exit_code


class NoAnswer(Exception):
    """The model answered with nothing that can be used for this sentence, which stays open."""


@dataclass(frozen=True)
class Settings:
    """Which model, where, and the key to it."""

    base_url: str
    model: str
    api_key: str = field(repr=False)
    timeout_seconds: float = TIMEOUT_SECONDS


def settings(root: Path, model: str | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The [llm] table of durable.toml; the environment fills gaps, and empty is unset. Raises for what is missing."""
    table = _table(root)
    base_url = _text(table, "base_url") or environ.get("OPENAI_BASE_URL", "").strip() or _DEFAULT_URL
    name = (model or "").strip() or _text(table, "model")
    if not name:
        raise ModelFailed("No model is named.", f'{_HELP_SETTINGS}: model = "NAME", or pass --model NAME.', 2)
    address = urlsplit(base_url)
    if address.scheme not in ("http", "https") or not address.hostname:
        message = f"The model's address {base_url!r} is not an http or https URL."
        raise ModelFailed(message, f'{_HELP_SETTINGS}: base_url = "https://…/v1".', 2)
    return Settings(base_url, name, _key(table, root, environ, address.hostname))


def _table(root: Path) -> Mapping[str, Any]:
    path = configuration.find(root)
    configuration.load(path)
    return tomllib.loads(path.read_text(encoding="utf-8")).get("llm", {}) if path is not None else {}


def _text(table: Mapping[str, Any], key: str) -> str:
    return str(table.get(key, "")).strip()


def _key(table: Mapping[str, Any], root: Path, environ: Mapping[str, str], host: str) -> str:
    reference = _text(table, "api_key")
    if reference:
        return credentials.reference(reference, root, "llm.api_key").reveal()
    key = environ.get("OPENAI_API_KEY", "").strip()
    if key:
        return credentials.given(key, "OPENAI_API_KEY").reveal()
    if host in ("localhost", "127.0.0.1", "::1"):
        return "none"  # a server on this machine asks for no key, but the client does
    help = f'{_HELP_SETTINGS}: api_key = "env:NAME", or set OPENAI_API_KEY.'
    raise ModelFailed("There is no key to the model.", help, 2)


class Model:
    """A model behind an OpenAI-compatible server."""

    def __init__(self, settings: Settings, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings, self._sleep = settings, sleep
        self._client = _client(settings)

    @property
    def name(self) -> str:
        """The model's name."""
        return self._settings.model

    def ask(self, prompt: Prompt) -> Answer:
        """Its answer. Raises NoAnswer for one that cannot be used, ModelFailed where there is no point in going on."""
        import openai

        try:
            completion = self._with_retries(prompt)
        except openai.LengthFinishReasonError as wrong:
            raise NoAnswer(f"the model's answer was cut off after {MAX_TOKENS} tokens") from wrong
        except openai.ContentFilterFinishReasonError as wrong:
            raise NoAnswer("the server's content filter stopped the answer") from wrong
        except openai.OpenAIError as wrong:
            raise self._failed(wrong) from wrong
        except ValidationError as wrong:
            raise NoAnswer("the model's answer is not the JSON that was asked for") from wrong
        except (json.JSONDecodeError, AttributeError, TypeError) as wrong:
            message = f"{self._settings.base_url} does not answer like an OpenAI-compatible server."
            raise ModelFailed(message, "Check base_url: it usually ends in /v1.", 2) from wrong
        return _answer(completion)

    def _with_retries(self, prompt: Prompt) -> ParsedChatCompletion[Answer]:
        import openai

        for attempt in range(1, ATTEMPTS):
            try:
                return self._complete(prompt)
            except (openai.RateLimitError, openai.InternalServerError) as wrong:
                wait = _wait(wrong, attempt)
                if wait is None:
                    raise
                self._sleep(wait)
        return self._complete(prompt)

    def _complete(self, prompt: Prompt) -> ParsedChatCompletion[Answer]:
        return self._client.chat.completions.parse(
            model=self._settings.model,
            messages=[dict(one) for one in prompt.messages],  # type: ignore[misc]  # plain role and content pairs
            response_format=Answer,
            temperature=prompt.temperature,
            max_tokens=MAX_TOKENS,
        )

    def _failed(self, wrong: openai.OpenAIError) -> ModelFailed:
        where, status = self._settings.base_url, getattr(wrong, "status_code", None)
        kind = "timeout" if _is_timeout(wrong) else status if isinstance(status, int) else "unreachable"
        server_error = isinstance(kind, int) and kind >= 500
        message, help, exit_code = _FAILURES.get("5xx" if server_error else kind, _FAILURES["other"])
        said = f" ({status}: {_said(wrong)})" if status else ""
        told = message.format(where=where, model=self._settings.model, seconds=self._settings.timeout_seconds)
        return ModelFailed(f"{told}{said}.", help, exit_code)


def _client(settings: Settings) -> openai.OpenAI:
    import openai

    # An address is always passed: an empty OPENAI_BASE_URL would otherwise become an empty address.
    return openai.OpenAI(
        base_url=settings.base_url, api_key=settings.api_key, timeout=settings.timeout_seconds, max_retries=0
    )


def _answer(completion: ParsedChatCompletion[Answer]) -> Answer:
    if not completion.choices:
        raise NoAnswer("the model gave no answer at all")
    message = completion.choices[0].message
    if message.refusal:
        raise NoAnswer(f"the model refused: {_short(message.refusal)}")
    if message.parsed is None:
        raise NoAnswer("the model's answer is empty")
    return message.parsed


# What the server said or did → message, help, exit code.
_FAILURES: dict[int | str, tuple[str, str, int]] = {
    "timeout": ("{where} did not answer within {seconds:g} seconds", "Try again later, or use a faster model.", 6),
    "unreachable": ("{where} cannot be reached", "Check base_url in [llm] of durable.toml and the server.", 6),
    400: ("The server rejects the question", "Check that the model supports structured output (json_schema).", 2),
    401: ("The server does not accept the key", "Check api_key in [llm] of durable.toml, or OPENAI_API_KEY.", 7),
    403: ("The key may not use the model {model}", "Use another key or model.", 7),
    404: ("{where} has no model {model}", "Check model and base_url in [llm] of durable.toml.", 2),
    429: ("The server limits the rate of questions, or the quota is used up", "Try again later.", 6),
    "5xx": ("The server fails", "Try again later.", 6),
    "other": ("The server does not take the question", "Check model and base_url in [llm] of durable.toml.", 2),
}


def _is_timeout(wrong: openai.OpenAIError) -> bool:
    import openai

    return isinstance(wrong, openai.APITimeoutError)


def _wait(wrong: openai.APIStatusError, attempt: int) -> float | None:
    """Seconds before the next attempt: what the server asks for, if it is worth waiting."""
    if wrong.code == "insufficient_quota":
        return None
    try:
        wait = float(wrong.response.headers.get("retry-after", ""))
    except ValueError:
        wait = float(2 ** (attempt - 1))
    return wait if 0 <= wait <= LONGEST_WAIT_SECONDS else None


def _said(wrong: openai.OpenAIError) -> str:
    body = getattr(wrong, "body", None)
    message = body.get("message") if isinstance(body, dict) else None
    return _short(message if isinstance(message, str) else type(wrong).__name__)


def _short(text: str) -> str:
    """One line of what a server said: it is foreign text."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    return plain if len(plain) <= 200 else plain[:200] + "…"
