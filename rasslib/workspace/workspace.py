"""One folder that holds all that was computed and decided: activations, replies, runs, curation."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from rasslib.settings import workspace_dir
from rasslib.workspace.activations import ActivationStore
from rasslib.workspace.database import Database
from rasslib.workspace.files import check_name, check_writable, make_folder


class Workspace:
    """A workspace folder.

    ::

        rass.sqlite              replies, scores, runs, curation
        activations/KEY/         shards of activations
        runs/RUN/                result.json, prompts.parquet, margins, directions, maps

    Args:
        root: The folder; made where it is missing. Default: the settings' workspace.

    Raises:
        WorkspaceError: The folder cannot be made or written to.
    """

    def __init__(self, root: Path | str | None = None) -> None:
        self.root = make_folder(Path(root).expanduser() if root is not None else workspace_dir())
        check_writable(self.root)

    @cached_property
    def database(self) -> Database:
        """Replies, scores, runs and curation."""
        return Database(self.root / "rass.sqlite")

    @cached_property
    def activations(self) -> ActivationStore:
        """Activations by model, prompt, position and layer."""
        return ActivationStore(self.root / "activations")

    def run_dir(self, run_id: str) -> Path:
        """Folder of one run, made where it is missing."""
        return make_folder(self.root / "runs" / check_name(run_id, "run"))
