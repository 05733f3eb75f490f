"""Files of one run: ``result.json`` (written last, so that its presence means the run is whole) and tables."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from rasslib.errors import WorkspaceError
from rasslib.workspace.files import atomic_json, atomic_write, check_name, clean_text, explain, read_json

RESULT = "result.json"


def new_run_id() -> str:
    """A new name: the time in UTC (so that names sort by age) and six random hex digits."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def save_result(run_dir: Path, result: Any) -> None:
    """Write the result of a run as JSON; call it after the tables are saved.

    Raises:
        WorkspaceError: It cannot be written.
        TypeError: ``result`` has parts that are no JSON (see :func:`~rasslib.workspace.files.plain`).
    """
    atomic_json(run_dir / RESULT, result)


def load_result(run_dir: Path) -> dict[str, Any]:
    """The result of a finished run.

    Raises:
        WorkspaceError: The run did not finish, or its result is damaged.
    """
    path = run_dir / RESULT
    if not path.is_file():
        raise WorkspaceError(f"The run in {run_dir} has no result (it did not finish or was deleted); start it again.")
    result = read_json(path)
    if not isinstance(result, dict):
        raise WorkspaceError(f"Cannot read {path}: it is damaged (no result in it); start the run again.")
    return result


def has_result(run_dir: Path) -> bool:
    """Whether there is a result that is not empty (it is not read)."""
    try:
        return (run_dir / RESULT).stat().st_size > 0
    except OSError:
        return False


def save_table(run_dir: Path, name: str, table: pd.DataFrame) -> Path:
    """Write a table as ``<name>.parquet`` and return its path; the index is not kept.

    Raises:
        WorkspaceError: It cannot be written, or ``name`` is no safe file name.
    """
    path = _table_path(run_dir, name)
    with atomic_write(path) as temporary:
        try:
            table.to_parquet(temporary, index=False)
        except UnicodeEncodeError:
            # Parquet is UTF-8, which cannot hold the lone surrogates of broken input.
            table.map(_cleaned).to_parquet(temporary, index=False)
    return path


def load_table(run_dir: Path, name: str) -> pd.DataFrame:
    """The table saved under ``name``.

    Raises:
        WorkspaceError: There is none, or it is damaged.
    """
    path = _table_path(run_dir, name)
    if not path.is_file():
        raise WorkspaceError(f"The run in {run_dir} has no table {name} (it did not finish); start it again.")
    try:
        return pd.read_parquet(path)
    except (ValueError, KeyError, NotImplementedError, EOFError) as error:  # ArrowInvalid is a ValueError
        raise WorkspaceError(f"Cannot read {path}: it is damaged; start the run again.") from error
    except OSError as error:
        if error.errno is None:  # pyarrow's way to say that the content is wrong
            raise WorkspaceError(f"Cannot read {path}: it is damaged; start the run again.") from error
        raise explain(error, path, "read") from error


def _table_path(run_dir: Path, name: str) -> Path:
    return run_dir / f"{check_name(name, 'table')}.parquet"


def _cleaned(value: Any) -> Any:
    return clean_text(value) if isinstance(value, str) else value
