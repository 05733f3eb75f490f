"""Names of models that may leave this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def public_name(name: str) -> str:
    """A model's name without this machine's paths: a hub id stays, of a path the last part is kept."""
    if name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name or Path(name).exists():
        return Path(name.replace("\\", "/")).name
    return name


def spoken_name(lens: Any) -> str:
    """The name of a loaded model for people, without this machine's paths and with its adapter."""
    adapter, name = getattr(getattr(lens, "spec", None), "adapter", None), public_name(lens.name)
    if adapter is None or (name == "embedded" and adapter.name == "generic"):
        return name
    return f"{name} + {adapter.name}"


def same_model(one: str, other: str) -> bool:
    """Whether two names mean one model, owner and signs left out: "Qwen/Qwen3-8B" and "qwen3:8b" do."""
    return _letters(one) == _letters(other)


def _letters(name: str) -> str:
    return "".join(letter for letter in name.rpartition("/")[2].casefold() if letter.isalnum())
