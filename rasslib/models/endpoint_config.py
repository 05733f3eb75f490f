"""Where a chat server is and how to ask it: from the settings, for the writer of rewrites and for their judge."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from rasslib.errors import ModelError
from rasslib.settings import settings

NO_KEY = SecretStr("")


@dataclass(frozen=True)
class EndpointConfig:
    """An OpenAI-compatible server: vLLM, Ollama, llama.cpp, or a hosted one.

    Attributes:
        url: Its address up to ``/v1``.
        model: Name of the model there.
        key: Its key; empty where it asks for none. Never shown.
        timeout: Seconds to wait for one answer.
        retries: How often a request that failed is sent again, by the client's own waits (``Retry-After`` where
            the server gives it, else twice as long each time).
        max_concurrency: Requests under way at once.

    Raises:
        ModelError: The address is none, or the model has no name.
    """

    url: str
    model: str
    key: SecretStr = NO_KEY
    timeout: float = 60.0
    retries: int = 4
    max_concurrency: int = 4

    def __post_init__(self) -> None:
        parts = _parts(self.url)
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
            raise ModelError(f"{self.shown!r} is no address of an endpoint: give one such as http://localhost:8000/v1.")
        if not self.model.strip():
            raise ModelError(f"No model is named for the endpoint {self.shown}: set RASS_ENDPOINT_MODEL.")

    @property
    def shown(self) -> str:
        """The address without user name, password and query, fit to be printed and stored."""
        parts = _parts(self.url)
        if parts is None or not parts.hostname:
            return self.url.rpartition("@")[2][:60]
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"

    def hide(self, text: str) -> str:
        """``text`` without key and password: some servers repeat them in what they say of them."""
        parts = _parts(self.url)
        for secret in (self.key.get_secret_value(), parts.password if parts else None):
            text = text.replace(secret, "***") if secret else text
        return text


def endpoint_config() -> EndpointConfig:
    """The endpoint of the settings.

    Raises:
        ModelError: None is set.
    """
    given = settings()
    if not given.endpoint_url or not given.endpoint_model:
        raise ModelError(
            "No endpoint is set: set RASS_ENDPOINT_URL and RASS_ENDPOINT_MODEL (and RASS_ENDPOINT_KEY where the "
            "server asks for a key), in the environment or in a .env file."
        )
    return _config(given.endpoint_url, given.endpoint_model, given.endpoint_key)


def judge_config() -> EndpointConfig:
    """The judge's endpoint of the settings; its server is that of the endpoint unless ``RASS_JUDGE_URL`` is set.

    Raises:
        ModelError: None is set.
    """
    given = settings()
    url = given.judge_url or given.endpoint_url
    if not url or not given.judge_model:
        raise ModelError(
            "No judge is set: set RASS_JUDGE_MODEL (and RASS_JUDGE_URL and RASS_JUDGE_KEY where it is on another "
            "server than the endpoint), in the environment or in a .env file."
        )
    # A key goes to its own server only.
    return _config(url, given.judge_model, given.judge_key if given.judge_url else given.endpoint_key)


def _config(url: str, model: str, key: SecretStr) -> EndpointConfig:
    given = settings()
    return EndpointConfig(url, model, key, given.endpoint_timeout, given.endpoint_retries, given.endpoint_concurrency)


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    return parts
