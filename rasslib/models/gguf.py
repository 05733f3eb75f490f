"""GGUF files, converted once to a plain safetensors folder, which then loads in about a second."""

from __future__ import annotations

import copy
import glob
import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from filelock import FileLock

from rasslib.errors import ModelError, WorkspaceError
from rasslib.progress import Progress, Silent
from rasslib.settings import cache_dir

_STAGE = "Converting the model once"


def file_id(path: Path) -> str:
    """16 hex digits from the size and both ends of a file: enough to tell weights apart without reading gigabytes."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(1 << 20))
        file.seek(max(0, size - (1 << 20)))
        digest.update(file.read())
    return digest.hexdigest()[:16]


def converted(path: Path, progress: Progress | None = None) -> Path:
    """The folder with the converted model, made now if it is not there yet.

    The folder is built under a temporary name and renamed when it is complete, so a half-made one is never used; a
    lock file lets two processes ask for the same model.

    Raises:
        ModelError: Not a GGUF file, or an architecture that transformers cannot read.
        WorkspaceError: The cache cannot be written.
    """
    progress = progress or Silent()
    try:
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise ModelError(f"{path.name} is not a GGUF file (it does not start with GGUF); download it again.")
        target = cache_dir() / "models" / f"{path.stem}-{file_id(path)}"
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror or error}); check the file.") from error
    if (target / "config.json").is_file():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock"):
            if (target / "config.json").is_file():
                return target
            # Under the lock, what has no config is left over from a process that was killed.
            for stale in (target, *target.parent.glob(f".{glob.escape(target.name)}.*")):
                shutil.rmtree(stale, ignore_errors=True)
            part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
            try:
                _convert(path, part, progress)
                part.replace(target)
            finally:
                shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise WorkspaceError(
            f"The converted model cannot be written to {target.parent} ({error.strerror or error}); free some disk "
            "space or choose another folder with RASS_CACHE."
        ) from error
    return target


def _convert(path: Path, folder: Path, progress: Progress) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    progress.update(f"{_STAGE}: reading {path.name}", 0, 3)
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
        progress.update(f"{_STAGE}: tokenizer", 1, 3)
        tokenizer: Any = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    except Exception as error:
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"{path.name} cannot be read as a GGUF model ({reason}); the file may be broken or its architecture "
            "unknown to transformers: download it again or use the original model folder."
        ) from error
    progress.update(f"{_STAGE}: writing", 2, 3)
    # transformers refuses to save what it loaded from GGUF (flagged as quantised): copy into a fresh model.
    config = copy.deepcopy(model.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain: Any = AutoModelForCausalLM.from_config(config, dtype=model.dtype)
    plain.load_state_dict({name: tensor.clone() for name, tensor in model.state_dict().items()})
    plain.generation_config = copy.deepcopy(model.generation_config)
    # A full disk is an OSError here, a SafetensorError from the weights and a bare Exception from the tokenizer.
    try:
        tokenizer.save_pretrained(folder)
        plain.save_pretrained(folder)
    except OSError:
        raise
    except Exception as error:
        raise OSError(str(error).strip()[:200] or type(error).__name__) from error
    progress.update(f"{_STAGE}: done", 3, 3)
