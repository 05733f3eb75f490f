"""The ablation as a LoRA adapter: W − r rᵀW is a change of rank one, B = −r and A = rᵀW.

Linear matrices get ``lora_A`` [1, in] = rᵀW and ``lora_B`` [d_model, 1] = −r. The embedding E [vocab, d_model] gets
LoRA too (``lora_embedding_A`` [1, vocab] = (E r)ᵀ, ``lora_embedding_B`` [d_model, 1] = −r) rather than
``modules_to_save``: vocab + d_model numbers instead of a copy of the whole matrix. PEFT applies it when tokens are
read only, so an unembedding tied to E keeps its scores; merged into tied weights it would change them, which
``rass`` prevents by untying first.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from rasslib.errors import ModelError
from rasslib.models.catalogue import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from rasslib.models.loading import Pretrained
from rasslib.models.names import public_name
from rasslib.steering.export.check import Expected, agree, difference
from rasslib.steering.export.orthogonal import coefficients
from rasslib.steering.export.plain_model import POST_NORM, Exported
from rasslib.steering.export.source import PROVENANCE, Source
from rasslib.steering.export.writers import Writer, find_writers
from rasslib.workspace.files import atomic_bytes, atomic_json, plain
from rasslib.workspace.folders import atomic_folder, check_folder


def export_adapter(
    load: Callable[[], Pretrained],
    source: Source,
    folder: Path,
    hooks: Expected | None = None,
    *,
    approximate: bool = False,
) -> Exported:
    """Write the ablation as a PEFT adapter of rank 1, for the model the direction was fitted on.

    A model that itself has an adapter is meant with that adapter in place: merged, or active beside this one.

    Args:
        load: Gives the model the direction belongs to; its weights are read only.
        source: The direction.
        folder: Made anew; an earlier export is replaced.
        hooks: What the ablation by hooks gives; the folder is loaded with PEFT and compared before it takes its place.
        approximate: Also write where a norm makes the result unequal to the hooks.

    Raises:
        AnalysisError: The direction belongs to another model.
        ModelError: The architecture cannot hold it, or the logits differ.
        WorkspaceError: The folder cannot be written, or holds something else.
    """
    from peft import PeftModel
    from safetensors.torch import save

    check_folder(folder, PROVENANCE)
    loaded = load()
    source.check(loaded.model)
    writers = find_writers(loaded.model)
    _check(writers, type(loaded.model).__name__)
    exact = all(writer.norm is None for writer in writers)
    if not exact and not approximate:
        raise ModelError(f"{POST_NORM}; say --approximate to write the closest one, or export the direction.")
    weights = lora_weights(writers, source.direction.unit)
    base = public_name(source.model)
    with atomic_folder(folder, PROVENANCE) as fresh:
        atomic_bytes(fresh / ADAPTER_WEIGHTS, save(weights, metadata={"format": "pt"}))
        atomic_json(fresh / ADAPTER_CONFIG, _config(loaded.model, writers, base))
        found = None
        if hooks is not None:
            wrapped: Any = PeftModel.from_pretrained(loaded.model, str(fresh)).eval()
            found = agree(wrapped, hooks) if exact else difference(wrapped, hooks)
        facts = {"exact": exact, "largest_logit_difference_to_hooks": found, "base": base}
        atomic_json(fresh / PROVENANCE, plain(source.provenance("ablation adapter", **facts)))
    return Exported(folder, exact, found)


def lora_weights(writers: list[Writer], unit: Tensor) -> dict[str, Tensor]:
    """A and B of every matrix, float32, under PEFT's names.

    Args:
        writers: The matrices.
        unit: u, [d_model], of length 1.
    """
    found: dict[str, Tensor] = {}
    for writer in writers:
        along = writer.reads(unit)
        a, b = coefficients(writer, along)[None], -along.float()[:, None]
        stem = f"base_model.model.{writer.name}"
        if writer.part == "embedding":
            found |= {f"{stem}.lora_embedding_A": a, f"{stem}.lora_embedding_B": b}
        else:
            found |= {f"{stem}.lora_A.weight": a, f"{stem}.lora_B.weight": b}
    return {name: found[name].cpu().contiguous() for name in sorted(found)}


def _check(writers: list[Writer], name: str) -> None:
    if any(writer.weight.ndim == 3 for writer in writers):
        raise ModelError(f"{name} is a mixture of experts, which LoRA does not fit here; export the model instead.")
    if any(writer.bias is not None for writer in writers):
        raise ModelError(f"{name} writes biases, which LoRA does not change; export the model instead.")


def _config(model: Any, writers: list[Writer], base: str) -> dict[str, Any]:
    from peft import LoraConfig

    targets, leaves = {w.name for w in writers}, {w.name.rpartition(".")[2] for w in writers}
    matched = {name for name, _ in model.named_modules() if name.rpartition(".")[2] in leaves}
    config = LoraConfig(
        r=1,
        lora_alpha=1,  # the scale α / r is 1: the update as it is
        target_modules=sorted(leaves if matched == targets else targets),
        task_type="CAUSAL_LM",
        base_model_name_or_path=base,
        inference_mode=True,
        fan_in_fan_out=False,
    ).to_dict()
    config["target_modules"] = sorted(config["target_modules"])
    return {name: (str(value.value) if hasattr(value, "value") else value) for name, value in config.items()}
