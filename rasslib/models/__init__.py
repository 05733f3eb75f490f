"""Models: catalogue, loading, chat templates, and the lens. The only room that touches transformers or its hooks."""

from rasslib.models.catalogue import EMBEDDED_HINT, ModelSpec, catalogue, resolve
from rasslib.models.decode import Reply, Sampling
from rasslib.models.loading import load, load_pretrained

__all__ = [
    "EMBEDDED_HINT",
    "ModelSpec",
    "Reply",
    "Sampling",
    "catalogue",
    "load",
    "load_pretrained",
    "resolve",
]
