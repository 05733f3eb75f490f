"""Paths, device, seeds: read once from the environment (``RASS_...``) or a ``.env`` file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import platformdirs
from pydantic import Field
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
