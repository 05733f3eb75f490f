"""Where the endpoint and the judge come from, and that a key goes to its own server only and is never printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rasslib.errors import ModelError
from rasslib.models.endpoint_config import endpoint_config, judge_config
from rasslib.models.usage import Prices, configured_prices
from rasslib.settings import settings

Set = Callable[..., None]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Set]:
    """Sets ``RASS_...`` variables, away from any .env file."""
    monkeypatch.chdir(tmp_path)
    for name in ("ENDPOINT_URL", "ENDPOINT_MODEL", "ENDPOINT_KEY", "JUDGE_URL", "JUDGE_MODEL", "JUDGE_KEY"):
        monkeypatch.delenv(f"RASS_{name}", raising=False)

    def put(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"RASS_{name.upper()}", value)
        settings.cache_clear()

    yield put
    settings.cache_clear()


def test_the_endpoint_comes_from_the_environment(given: Set) -> None:
    given(endpoint_url="http://localhost:8000/v1", endpoint_model="m", endpoint_key="sk-1", endpoint_retries="7")
    config = endpoint_config()
    assert (config.url, config.model, config.retries) == ("http://localhost:8000/v1", "m", 7)
    assert config.key.get_secret_value() == "sk-1"
    assert "sk-1" not in f"{config} {config!r} {settings()} {settings()!r} {settings().model_dump_json()}"


def test_a_missing_endpoint_is_one_sentence(given: Set) -> None:
    given(endpoint_url="http://localhost:8000/v1")
    with pytest.raises(ModelError, match="set RASS_ENDPOINT_URL and RASS_ENDPOINT_MODEL"):
        endpoint_config()
    with pytest.raises(ModelError, match="set RASS_JUDGE_MODEL"):
        judge_config()


def test_the_judge_shares_the_server_or_has_its_own_key(given: Set) -> None:
    given(endpoint_url="http://a/v1", endpoint_model="m", endpoint_key="sk-a", judge_model="j")
    config = judge_config()
    assert (config.url, config.model, config.key.get_secret_value()) == ("http://a/v1", "j", "sk-a")
    given(judge_url="http://b/v1")
    assert judge_config().key.get_secret_value() == ""
    given(judge_key="sk-b")
    assert judge_config().key.get_secret_value() == "sk-b"


def test_prices_are_only_there_when_given(given: Set) -> None:
    given()
    assert configured_prices() is None
    given(price_prompt="0.5", price_completion="2")
    assert configured_prices() == Prices(0.5, 2.0)
    assert Prices(0.5, 2.0).cost(1_000_000, 500_000) == 1.5
