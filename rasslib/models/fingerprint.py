"""Names for what a model or an adapter computes: two share one only if their weights are the same."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch

from rasslib.models.catalogue import ADAPTER_WEIGHTS


def adapter_digest(folder: Path) -> str:
    """SHA-256 of an adapter's weights in hex; empty where there is no such file."""
    file = folder / ADAPTER_WEIGHTS
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def fingerprint(model: Any) -> str:
    """16 hex digits that tell models apart by what they compute: shapes, and a sample of every weight tensor.

    Values are read as float32 rounded to bfloat16, so the same weights loaded in another dtype keep their name.
    """
    digest = hashlib.sha256()
    for name, weight in sorted(model.state_dict().items()):
        flat = weight.detach().reshape(-1)
        sample = flat[:: max(1, flat.numel() // 64)][:64].to("cpu", torch.bfloat16).float()
        digest.update(f"{name}{tuple(weight.shape)}".encode())
        digest.update(sample.numpy().tobytes())
    return digest.hexdigest()[:16]
