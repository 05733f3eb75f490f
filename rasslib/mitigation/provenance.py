"""Where an adapter comes from: written beside its weights, so that its numbers can be made again."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rasslib.errors import ModelError, RassError
from rasslib.mitigation.adapters import PROVENANCE
from rasslib.models.catalogue import ADAPTER_CONFIG
from rasslib.models.names import public_name as public_name
from rasslib.workspace.files import atomic_json, read_json

METHOD_NOTES = {
    "sft": "sft: supervised fine-tuning, loss on the replies",
    "p-sft": "p-sft: supervised fine-tuning with neutral compliant openings before part of the refusals, masked",
    "dpo": "dpo: direct preference optimisation",
    "grpo": "grpo: group relative policy optimisation with the phrase judge as reward, in place of PPO",
}

LIBRARIES = ("torch", "transformers", "peft", "trl", "accelerate", "datasets", "tokenizers", "safetensors")


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries a training depends on."""
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in LIBRARIES}


def method_note(method: str) -> str:
    """What a method is, in a few words."""
    return METHOD_NOTES[method]


def provenance_of(folder: Path) -> dict[str, Any]:
    """The provenance of an adapter or model; empty where there is none that can be read, and without damaged parts."""
    try:
        found = read_json(folder / PROVENANCE)
    except RassError:
        return {}
    parts = {"settings", "base", "data", "training", "start"}
    known = found.items() if isinstance(found, dict) else ()
    return {name: value for name, value in known if name not in parts or isinstance(value, dict)}


def add_measurement(folder: Path, name: str, measured: Mapping[str, Any]) -> None:
    """Add the rates measured on one more set of prompts to an adapter's provenance, under ``measured``.

    Args:
        folder: Adapter folder.
        name: What was measured on, in a few words.
        measured: Rates by group, each with ``n`` and its interval; what stood under ``name`` is replaced.

    Raises:
        ModelError: The folder holds no adapter.
        WorkspaceError: The file cannot be read or written.
    """
    if not (folder / ADAPTER_CONFIG).is_file():
        raise ModelError(f"There is no adapter at {folder}; an adapter is a folder with {ADAPTER_CONFIG}.")
    path = folder / PROVENANCE
    content = read_json(path)
    content["measured"] = {**content.get("measured", {}), name: dict(measured)}
    atomic_json(path, content)
