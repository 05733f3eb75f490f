"""Writing files so that a crash leaves the old file or the new one, never half of one; errors as sentences."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import json
import math
import os
import re
import secrets
import time
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rasslib.errors import WorkspaceError

TEMPORARY_PREFIX = ".rass-"
TEMPORARY_SUFFIX = ".tmp"

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_BLOCKED = {errno.ENOTDIR, errno.EEXIST, errno.EISDIR}
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def explain(error: OSError, path: Path, doing: str = "write") -> WorkspaceError:
    """The error as one sentence: what could not be done, where, why, and what to do about it.

    Args:
        error: What the operating system said.
        path: The file or folder that was to be used; told to the user.
        doing: A verb that fits "Cannot ... <path>".
    """
    start = f"Cannot {doing} {path}"
    if error.errno in _FULL:
        return WorkspaceError(f"{start}: the disk is full; free some space and start again.")
    if error.errno in _DENIED:
        return WorkspaceError(f"{start}: no permission; choose another folder or change its permissions.")
    if error.errno in _BLOCKED:
        return WorkspaceError(
            f"{start}: something else is in its place (a file where a folder is needed, or the other way round); "
            "choose another folder or move it away."
        )
    if error.errno == errno.ENOENT:
        return WorkspaceError(f"{start}: it does not exist; check the path.")
    if error.errno == errno.ENAMETOOLONG:
        return WorkspaceError(f"{start}: the name is too long; choose a shorter one.")
    reason = error.strerror or str(error) or type(error).__name__
    return WorkspaceError(f"{start}: {reason}; check the disk and start again.")


def make_folder(path: Path) -> Path:
    """Create ``path`` and its parents where they are missing, and return it.

    Raises:
        WorkspaceError: The folder cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain(error, path, "create the folder") from error
    return path


def check_writable(folder: Path) -> None:
    """Create and remove an empty file: the only test that also holds on network drives and read-only mounts.

    Raises:
        WorkspaceError: Nothing can be written there.
    """
    with _explained(folder, "write to the folder"):
        probe = _temporary(folder)
        probe.open("xb").close()
        probe.unlink(missing_ok=True)


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary path in the folder of ``path`` to write to; it takes the place of ``path`` at the end.

    The temporary file exists and is empty when the block starts. After the block it is flushed to the disk and
    renamed, so that another process (or the next start after a crash) sees the old file or the whole new one. On any
    error the temporary file is removed and ``path`` stays as it was.

    Raises:
        WorkspaceError: For every ``OSError`` (full disk, no permission, ...), in the block or here.
    """
    temporary: Path | None = None
    with _explained(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(path.parent)
        try:
            temporary.open("xb").close()  # unlike tempfile, this respects the umask of a shared workspace
            yield temporary
            _flush(temporary)
            temporary.replace(path)
            temporary = None
            _flush_folder(path.parent)
        finally:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)


def atomic_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` atomically (errors as in :func:`atomic_write`)."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


def atomic_json(path: Path, value: Any) -> None:
    """Write ``value`` as JSON to ``path`` atomically.

    NaN and infinities become ``null`` (JSON has neither); frozen dataclasses, paths, dates, sets, numpy scalars and
    arrays become their plain counterparts. All characters outside ASCII are escaped, so any text survives.

    Raises:
        WorkspaceError: The file cannot be written.
        TypeError: ``value`` holds something that has no plain counterpart.
    """
    atomic_bytes(path, (json.dumps(plain(value), indent=1, allow_nan=False) + "\n").encode("ascii"))


def read_json(path: Path) -> Any:
    """The value in a JSON file.

    Raises:
        WorkspaceError: The file is missing, unreadable or no JSON.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise explain(error, path, "read") from error
    except (ValueError, RecursionError) as error:
        raise WorkspaceError(
            f"Cannot read {path}: it is damaged (no valid JSON); move it away and start again."
        ) from error


def plain(value: Any) -> Any:
    """``value`` made of dict, list, str, int, float, bool and None only (see :func:`atomic_json`).

    Raises:
        TypeError: It holds something that has no plain counterpart.
    """
    if value is None:
        return None
    if isinstance(value, bool | str):
        return value.value if hasattr(value, "value") else value  # members of string enumerations
    if isinstance(value, int | float):
        return value if isinstance(value, int) or math.isfinite(value) else None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):  # numpy and torch
        return plain(value.tolist())
    if hasattr(value, "isoformat"):  # dates and times
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")


def clean_text(text: str) -> str:
    """``text`` with lone surrogates replaced by U+FFFD: neither SQLite nor Parquet can hold them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def check_name(name: str, what: str) -> str:
    """``name`` if it is safe as the name of a file on every system, in any folder.

    Raises:
        WorkspaceError: It is empty, too long, or holds anything but letters, digits, dot, dash and underscore.
    """
    if not _SAFE_NAME.fullmatch(name) or name.endswith("."):
        shown = ascii(clean_text(name)[:60])
        raise WorkspaceError(
            f"{shown} cannot be the name of a {what}: use letters, digits, dot, dash and underscore (at most 100)."
        )
    return name


def folder_name(key: str) -> str:
    """A safe, readable and unique folder name for any ``key``: a slug, then 16 hex digits of its SHA-256."""
    ascii_text = unicodedata.normalize("NFKD", key).encode("ascii", "ignore").decode("ascii")
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")[:40].strip("-")
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{slug}-{digest}" if slug else digest


def remove_old_temporaries(folder: Path, seconds: float = 3600.0) -> int:
    """Remove what killed writers left in ``folder`` more than ``seconds`` ago; the number of files removed.

    Younger ones may belong to a living process. Errors are left to the next call.
    """
    removed = 0
    with contextlib.suppress(OSError):
        for path in folder.glob(f"{TEMPORARY_PREFIX}*{TEMPORARY_SUFFIX}"):
            removed += remove_if_old(path, seconds)
    return removed


def remove_if_old(path: Path, seconds: float) -> bool:
    """Remove the file if it was last written more than ``seconds`` ago; whether it was removed."""
    try:
        if time.time() - path.stat().st_mtime <= seconds:
            return False
        path.unlink()
    except OSError:
        return False
    return True


@contextmanager
def _explained(path: Path, doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise explain(error, path, doing) from error


def _temporary(folder: Path) -> Path:
    # Not derived from the final name: that may already be as long as the file system allows.
    return folder / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"


def _flush(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system can do that (not on Windows, not on some network drives)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
