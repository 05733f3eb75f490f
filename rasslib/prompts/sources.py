"""Where prompts come from: a file, the bytes of an upload, or text; with what to call it in messages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rasslib.errors import PromptError
from rasslib.prompts.schema import clean_text

MAX_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Source:
    """Something to read.

    Attributes:
        content: All of it.
        label: What to call it in messages.
        origin: What the prompts' ``source`` column shall say.
        name: File name that tells the format; "" if there is none.
    """

    content: bytes | str
    label: str
    origin: str
    name: str


def load(source: Path | bytes | str, name: str | None = None) -> Source:
    """Read a file (``Path``), or take an upload (``bytes``) or text (``str``) as it is.

    Args:
        source: What to read.
        name: File name; only its last part is used, never as a path.

    Raises:
        PromptError: There is no such file, it may not be read, it is too large or empty.
    """
    base = PurePosixPath(clean_text(name).replace("\\", "/")).name if name else ""
    if isinstance(source, str):
        loaded = Source(source.removeprefix("\ufeff"), base or "The text", base or "pasted", base)
    elif isinstance(source, Path):
        path = source.expanduser()
        own = clean_text(path.name)
        loaded = Source(_read(path), clean_text(str(path)), base or own, base or own)
    else:
        loaded = Source(bytes(source), base or "The upload", base or "uploaded", base)
    if len(loaded.content) > MAX_BYTES:
        raise _too_large(loaded.label)
    if not loaded.content.strip():
        raise PromptError(f"{loaded.label} is empty; it needs at least one prompt.")
    return loaded


def _read(path: Path) -> bytes:
    label = clean_text(str(path))
    try:
        if path.is_dir():
            raise PromptError(f"{label} is a folder; give a file of prompts (CSV, TSV, JSONL, Parquet or plain lines).")
        if path.stat().st_size > MAX_BYTES:
            raise _too_large(label)
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise PromptError(f"There is no file {label}; check the path of the prompts.") from None
    except PermissionError:
        raise PromptError(f"{label} may not be read: no permission; change that, or copy the file.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PromptError(f"{label} cannot be read ({reason}); check the path of the prompts.") from None


def _too_large(label: str) -> PromptError:
    return PromptError(f"{label} is larger than {MAX_BYTES >> 20} MB; split it, or leave out columns.")
