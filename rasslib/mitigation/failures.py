"""Failures inside TRL, PEFT and safetensors as sentences for people."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError

from rasslib.errors import WorkspaceError
from rasslib.mitigation.settings import TrainingError
from rasslib.workspace.files import explain

_FULL_DISK = ("no space left", "disk quota", "file too large", "file write failed", "pytorchstreamwriter")
_FULL_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn full disks, missing permission and full memory into sentences; let everything else pass.

    torch and safetensors raise no ``OSError`` when a file cannot be written, so their words are looked at.

    Args:
        folder: Where the block writes; named in the sentence.

    Raises:
        WorkspaceError: Something could not be written.
        TrainingError: Memory ran out.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:  # transformers raises OSError for many other things
            raise
        raise explain(error, folder) from error
    except (RuntimeError, SafetensorError) as error:
        words = str(error).lower()
        if isinstance(error, torch.OutOfMemoryError) or any(sign in words for sign in _FULL_MEMORY):
            raise TrainingError(
                "The memory is full; choose a smaller micro-batch, or close other programs, and start again."
            ) from error
        if any(sign in words for sign in _FULL_DISK):
            raise explain(OSError(errno.ENOSPC, words), folder) from error
        if isinstance(error, SafetensorError):
            raise WorkspaceError(
                f"Cannot use the files in {folder}: {error}; remove the folder and start again."
            ) from error
        raise
