"""Paths, device, seeds: read once from the environment (``RASS_...``) or a ``.env`` file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import platformdirs
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of the installation; commands and pages may override them per call.

    Attributes:
        workspace: Folder of runs, activations and curation (``RASS_WORKSPACE``).
        cache: Folder of converted models (``RASS_CACHE``).
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        dtype: ``auto``, ``float32``, ``bfloat16``, ``float16``.
        batch_size: Prompts per forward pass; halved by itself when memory runs out.
        reply_tokens: Length at which replies are cut before they are judged, in tokens.
        seed: Seed of everything that draws random numbers.
        offline: Never look for models on a hub; only local folders and files.
        endpoint_url: Address of an OpenAI-compatible server, such as ``http://localhost:8000/v1``.
        endpoint_model: Name of the model there.
        endpoint_key: Its key, where the server asks for one; never printed.
        endpoint_timeout: Seconds to wait for one answer.
        endpoint_retries: How often a request that failed is sent again.
        endpoint_concurrency: Requests under way at once.
        judge_url: Address of the server of the judge; empty means that of the endpoint, with its key.
        judge_model: Name of the judge's model.
        judge_key: Key of the judge's server, read only together with ``judge_url``.
        price_prompt: Price of a million prompt tokens, in any currency, for estimates of the cost.
        price_completion: Price of a million completion tokens.
    """

    model_config = SettingsConfigDict(env_prefix="RASS_", env_file=".env", extra="ignore")

    workspace: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("rass", appauthor=False)))
    cache: Path = Field(default_factory=lambda: Path(platformdirs.user_cache_dir("rass", appauthor=False)))
    device: str = "auto"
    dtype: str = "auto"
    batch_size: int = Field(default=64, ge=1)
    reply_tokens: int = Field(default=32, ge=4)
    seed: int = 0
    offline: bool = False
    endpoint_url: str = ""
    endpoint_model: str = ""
    endpoint_key: SecretStr = SecretStr("")
    endpoint_timeout: float = Field(default=60.0, gt=0)
    endpoint_retries: int = Field(default=4, ge=0)
    endpoint_concurrency: int = Field(default=4, ge=1, le=256)
    judge_url: str = ""
    judge_model: str = ""
    judge_key: SecretStr = SecretStr("")
    price_prompt: float | None = Field(default=None, ge=0)
    price_completion: float | None = Field(default=None, ge=0)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process (``settings.cache_clear()`` reads them anew)."""
    return Settings()


def workspace_dir() -> Path:
    """Folder of runs, activations and curation."""
    return settings().workspace.expanduser()


def cache_dir() -> Path:
    """Folder of converted models."""
    return settings().cache.expanduser()


def assets_dir() -> Path:
    """Folder of prompts, grammars and adapters: ``assets/`` of a checkout, or its copy inside an installed package."""
    checkout = Path(__file__).resolve().parent.parent / "assets"
    packaged = Path(__file__).resolve().parent / "_assets"
    return packaged if packaged.is_dir() else checkout
