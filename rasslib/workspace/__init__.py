"""The workspace: runs, activations, replies and curation on disk, written so that a crash loses one batch at most."""

from rasslib.workspace.activations import ActivationStore
from rasslib.workspace.database import Database
from rasslib.workspace.records import Reply, Run
from rasslib.workspace.workspace import Workspace

__all__ = ["ActivationStore", "Database", "Reply", "Run", "Workspace"]
