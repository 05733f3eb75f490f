"""What is kept on disk: activations, replies, scores, curation and runs, safe against crashes and shared use."""

from rasslib.workspace.activations import ActivationStore
from rasslib.workspace.database import Database
from rasslib.workspace.records import DAMAGED, DECISIONS, Reply, Run
from rasslib.workspace.workspace import Workspace

__all__ = [
    "DAMAGED",
    "DECISIONS",
    "ActivationStore",
    "Database",
    "Reply",
    "Run",
    "Workspace",
]
