"""From a model's name to a model in memory: embedded, folder, GGUF or hub, with an adapter merged in."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rasslib.errors import ModelError
from rasslib.models.catalogue import ADAPTER_CONFIG, ADAPTER_WEIGHTS, ModelSpec, resolve
from rasslib.models.gguf import converted
from rasslib.models.tied import untie
from rasslib.progress import Progress, Silent
from rasslib.settings import settings

if TYPE_CHECKING:
    import torch

    from rasslib.models.lens import Lens


@dataclass(frozen=True)
class Pretrained:
    """A plain transformers model and its tokenizer.

    Attributes:
        model: Causal language model in evaluation mode, adapter merged.
        tokenizer: Its tokenizer.
        spec: What was asked for.
    """

    model: Any
    tokenizer: Any
    spec: ModelSpec


def pick_device(wanted: str = "auto") -> str:
    """``cuda``, else ``mps``, else ``cpu``; or what was asked for."""
    import torch

    if wanted != "auto":
        try:
            kind = torch.device(wanted).type
        except RuntimeError as error:
            raise ModelError(f"Unknown device {wanted!r}; use auto, cpu, cuda, cuda:1 or mps.") from error
        missing = (kind == "cuda" and not torch.cuda.is_available()) or (
            kind == "mps" and not torch.backends.mps.is_available()
        )
        if missing:
            raise ModelError(f"This machine has no {kind} device that torch can use; choose auto or cpu.")
        return wanted
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def pick_dtype(device: str, wanted: str = "auto") -> torch.dtype:
    """bfloat16 where the hardware is fast in it (GPUs, CPUs with AMX), else float32; or what was asked for."""
    import torch

    if wanted != "auto":
        named = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
        if wanted not in named:
            raise ModelError(f"Unknown dtype {wanted!r}; use auto, float32, bfloat16 or float16.")
        return named[wanted]
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device == "mps":
        return torch.float16
    amx = getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)()
    return torch.bfloat16 if amx else torch.float32


def load_pretrained(
    spec: ModelSpec | str,
    *,
    device: str | None = None,
    dtype: str | None = None,
    progress: Progress | None = None,
) -> Pretrained:
    """Load a model and its tokenizer with transformers; only safetensors, never remote code.

    Raises:
        ModelError: One sentence on what cannot be loaded and what to do.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    spec = resolve(spec) if isinstance(spec, str) else spec
    progress = progress or Silent()
    chosen = settings()
    device = pick_device(device or chosen.device)
    source = spec.source
    if spec.kind in ("embedded", "gguf"):
        source = str(converted(Path(spec.source), progress))
    progress.update("Loading the model", 0, 1)
    local = spec.kind != "hub" or chosen.offline
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(source, local_files_only=local, trust_remote_code=False)
        model: Any = AutoModelForCausalLM.from_pretrained(
            source,
            dtype=pick_dtype(device, dtype or chosen.dtype),
            local_files_only=local,
            use_safetensors=True,
            trust_remote_code=False,
        )
        model = model.to(device)
    except Exception as error:
        raise ModelError(_why(spec, error)) from error
    if spec.adapter is not None:
        model = _with_adapter(model, spec.adapter)
    progress.update("Loading the model", 1, 1)
    return Pretrained(model.eval().requires_grad_(False), tokenizer, spec)


def load(
    spec: ModelSpec | str,
    *,
    device: str | None = None,
    dtype: str | None = None,
    system: str | None = None,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Lens:
    """Load a model and put it under the lens."""
    from rasslib.models.lens import Lens
    from rasslib.models.templates import ChatFormat

    spec = resolve(spec) if isinstance(spec, str) else spec
    loaded = load_pretrained(spec, device=device, dtype=dtype, progress=progress)
    chat = ChatFormat(loaded.tokenizer, spec.template, system)
    lens = Lens(loaded.model, chat, name=spec.name, batch_size=batch_size or settings().batch_size)
    lens.spec = spec
    return lens


def _with_adapter(model: Any, folder: Path) -> Any:
    from peft import PeftModel, get_peft_model_state_dict
    from safetensors import SafetensorError, safe_open

    weights = folder / ADAPTER_WEIGHTS
    if not weights.is_file():
        raise ModelError(f"The adapter {folder.name} holds no {ADAPTER_WEIGHTS}; only safetensors are loaded.")
    base = "another model"
    try:
        config = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
        base = config.get("base_model_name_or_path") or base
        with safe_open(str(weights), framework="pt") as file:
            held = set(file.keys())
        with warnings.catch_warnings():
            # peft only warns when layers are missing or too many; such an adapter was made for another model.
            warnings.filterwarnings("ignore", message="Found missing adapter keys")
            wrapped = PeftModel.from_pretrained(model, str(folder), use_safetensors=True)
        # Said outright: peft's own guess looks the base model up on the hub.
        embeddings = any("embed_tokens" in name or "lm_head" in name for name in held if ".lora_" not in name)
        if set(get_peft_model_state_dict(wrapped, save_embedding_layers=embeddings)) != held:
            raise ValueError("other layers")
        if any(".lora_embedding_" in name for name in held):
            untie(wrapped)  # merged into a shared matrix, it would change the unembedding too
        return wrapped.merge_and_unload()
    except (SafetensorError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"The adapter {folder.name} is broken ({error}); copy or train it again.") from error
    except Exception as error:
        raise ModelError(
            f"The adapter {folder.name} does not fit this model (it was made for {base}); choose its own base model."
        ) from error


def _why(spec: ModelSpec, error: Exception) -> str:
    reason = str(error).strip().splitlines()[0][:180] if str(error).strip() else type(error).__name__
    if spec.kind == "hub":
        return (
            f"The model {spec.name} cannot be fetched from the hub ({reason}); check the name, your network and access "
            "rights, or give the path of a local folder."
        )
    return (
        f"The model in {spec.name} cannot be loaded ({reason}); check that the folder is complete and uses safetensors."
    )
