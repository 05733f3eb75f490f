"""Adapter folders: written as a whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from rasslib.errors import WorkspaceError
from rasslib.mitigation.failures import explained
from rasslib.mitigation.settings import HOW_RUN, AlignSettings, TrainingError
from rasslib.models.catalogue import ADAPTER_CONFIG, ADAPTER_WEIGHTS, shipped_adapters
from rasslib.workspace.files import atomic_bytes, atomic_json, read_json
from rasslib.workspace.folders import atomic_folder

PROVENANCE = "provenance.json"


def check_target(folder: Path, made_of: Mapping[str, Any]) -> None:
    """Check, before the work begins, that what is trained may be written to ``folder``.

    Args:
        folder: The folder.
        made_of: Settings, base, data and start of the training.

    Raises:
        WorkspaceError: Something else is there already; only the same training replaces an adapter.
    """
    if made_of["settings"]["full"] and folder.is_dir() and any(folder.iterdir()):
        raise WorkspaceError(f"{folder} is not empty; choose a new folder for the model.")
    if folder.is_dir() and not (folder / ADAPTER_CONFIG).is_file() and any(folder.iterdir()):
        raise WorkspaceError(f"{folder} holds other files and no adapter; choose a new folder for the adapter.")
    if (folder / PROVENANCE).is_file() and (unlike := _unlike(read_json(folder / PROVENANCE), made_of)):
        raise WorkspaceError(
            f"{folder} holds the adapter of another training (it differs in {', '.join(unlike)}); choose a new folder, "
            "or remove that one."
        )
    if folder.exists() and not folder.is_dir():
        raise WorkspaceError(f"{folder} is a file; choose a new folder for the adapter.")


def round_to_half(model: Any) -> dict[str, torch.Tensor]:
    """The adapter's weights in float16, put back into ``model`` too: what is measured is what is saved.

    Half precision keeps a rank-8 adapter of the demo model under 6 MB.

    Args:
        model: A PEFT model.

    Raises:
        TrainingError: A weight is not finite in float16.
    """
    from peft import get_peft_model_state_dict, set_peft_model_state_dict  # slow to import

    # Said outright that the embeddings are not trained: peft's own guess looks the base model up on the hub.
    trained = get_peft_model_state_dict(model, save_embedding_layers=False)
    weights = {name: t.detach().to("cpu", torch.float16) for name, t in trained.items()}
    if not all(bool(torch.isfinite(t).all()) for t in weights.values()):
        raise TrainingError("The trained weights are not finite; start again with a lower learning rate.")
    set_peft_model_state_dict(model, {name: t.float() for name, t in weights.items()})
    return {name: weights[name].contiguous() for name in sorted(weights)}


def _unlike(before: Mapping[str, Any], made_of: Mapping[str, Any]) -> list[str]:
    """In what two trainings differ, by what the provenance of the first one tells."""
    settings, known = dict(before.get("settings") or {}), dict(made_of["settings"])
    found = [name for name, value in settings.items() if name not in HOW_RUN and known.get(name) != value]
    told = {
        "base": (dict(before.get("base") or {}).get("fingerprint"), made_of["base"]["fingerprint"]),
        "data": (dict(before.get("data") or {}).get("train_hash"), made_of["data"]),
        "start": (before.get("start"), made_of.get("start")),
    }
    return found + [name for name, (old, new) in told.items() if old != new]


def start_at(name: str) -> Path:
    """The folder of an adapter to start from, by its path or shipped name.

    Raises:
        TrainingError: It is both.
    """
    path = Path(name).expanduser()
    if name in shipped_adapters() and path.is_dir():
        raise TrainingError(
            f"{name!r} is both a shipped adapter and a folder here; write ./{name} for the folder, or go to another "
            "folder for the shipped one."
        )
    return shipped_adapters().get(name, path)


def check_start(start: Path, settings: AlignSettings, fingerprint: str | None = None) -> None:
    """Check, before the work begins, that a training may start from the adapter at ``start``.

    Args:
        start: Its folder.
        settings: How it will be trained on.
        fingerprint: Of the model it will be trained on with; None where that is not loaded yet.

    Raises:
        TrainingError: It is no adapter, has another rank or base, or all weights are to be trained.
    """
    if settings.full:
        raise TrainingError("Training all weights cannot start from an adapter; leave one of the two out.")
    if not (start / ADAPTER_CONFIG).is_file() or not (start / ADAPTER_WEIGHTS).is_file():
        raise TrainingError(
            f"There is no adapter at {start} to start from; give a folder with {ADAPTER_CONFIG} and {ADAPTER_WEIGHTS}."
        )
    rank = read_json(start / ADAPTER_CONFIG).get("r")
    if rank != settings.rank:
        raise TrainingError(f"The adapter at {start} has rank {rank}, not {settings.rank}; give --rank {rank}.")
    told = read_json(start / PROVENANCE) if (start / PROVENANCE).is_file() else {}
    made_for = dict(told.get("base") or {}).get("fingerprint")
    if fingerprint and made_for and made_for != fingerprint:
        raise TrainingError(
            f"The adapter at {start} was trained on another model (weights {made_for}, here {fingerprint}); start from "
            "one of this model."
        )


def carried_on(model: Any, start: Path) -> Any:
    """``model`` with the LoRA weights of ``start``, to be trained on.

    Raises:
        TrainingError: They do not fit the model.
    """
    from peft import PeftModel, get_peft_model_state_dict  # slow to import
    from safetensors import safe_open

    try:
        wrapped = PeftModel.from_pretrained(model, str(start), is_trainable=True)
        with safe_open(str(start / ADAPTER_WEIGHTS), framework="pt") as file:
            held = set(file.keys())
        if set(get_peft_model_state_dict(wrapped, save_embedding_layers=False)) != held:
            raise ValueError("it has other layers")
        return wrapped
    except (RuntimeError, ValueError, OSError) as error:
        raise TrainingError(f"The adapter at {start} does not fit this model: {str(error)[:200]}") from error


def strengthen(model: Any, factor: float) -> None:
    """Multiply the trained update by ``factor``, in the model and in the α that is saved with it."""
    from peft.tuners.lora import LoraLayer  # slow to import

    for module in model.modules():
        if isinstance(module, LoraLayer):
            module.set_scale("default", factor)
    alpha = model.peft_config["default"].lora_alpha * factor
    model.peft_config["default"].lora_alpha = int(alpha) if float(alpha).is_integer() else alpha


def peft_settings(model: Any, base_name: str) -> dict[str, Any]:
    """The content of ``adapter_config.json``: PEFT's own, without the path of this machine's base model."""
    config = dict(model.peft_config["default"].to_dict())
    config |= {"base_model_name_or_path": base_name, "inference_mode": True}
    config["target_modules"] = sorted(config["target_modules"])
    return {name: (str(value.value) if hasattr(value, "value") else value) for name, value in config.items()}


def save_adapter(
    folder: Path,
    weights: Mapping[str, torch.Tensor],
    config: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> None:
    """Write an adapter folder; an adapter that was there before is replaced only once the new one is whole.

    Raises:
        WorkspaceError: It cannot be written; what was there before is unchanged.
    """
    from safetensors.torch import save

    with atomic_folder(folder, ADAPTER_CONFIG) as fresh, explained(folder):
        atomic_bytes(fresh / ADAPTER_WEIGHTS, save(dict(weights), metadata={"format": "pt"}))
        atomic_json(fresh / ADAPTER_CONFIG, config)
        atomic_json(fresh / PROVENANCE, provenance)
