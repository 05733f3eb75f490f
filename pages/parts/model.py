"""The model in memory: one at a time for the whole app, loaded once, with real progress."""

from __future__ import annotations

import gc
import threading
from dataclasses import dataclass, field

import streamlit as st

from pages.parts import progress, runs
from rasslib import models
from rasslib.boundary.run import Analysis
from rasslib.errors import ModelError
from rasslib.models.lens import Lens
from rasslib.progress import Progress


@dataclass(frozen=True)
class ModelChoice:
    """A model as chosen on the start page; saved with the run."""

    model: str
    adapter: str = ""
    template: str = "auto"


@dataclass
class Slot:
    """Holds a lens once it is loaded (a cached function itself may not draw progress)."""

    choice: ModelChoice
    lens: Lens | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def load(self, told: Progress) -> Lens:
        """The lens; loaded by whoever comes first."""
        with self.lock:
            if self.lens is None:
                choice = self.choice
                spec = models.resolve(choice.model, choice.adapter or None, choice.template)
                self.lens = models.load(spec, progress=told)
            return self.lens


def _release(slot: Slot) -> None:
    slot.lens = None
    gc.collect()
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@st.cache_resource(max_entries=1, on_release=_release, show_spinner=False)
def _slot(choice: ModelChoice) -> Slot:
    return Slot(choice)


def lens_of(choice: ModelChoice, told: Progress | None = None) -> Lens:
    """The chosen model under the lens.

    Raises:
        ModelError: It cannot be loaded.
    """
    slot = _slot(choice)
    if slot.lens is not None:
        return slot.lens
    place = st.empty()
    lens = slot.load(told or progress.PageProgress(place.container()))
    if told is None:
        place.empty()
    return lens


def choice_of(run: Analysis) -> ModelChoice:
    """The model a run was made with."""
    saved = runs.workspace().database.get_run(run.run_id).settings
    return ModelChoice(
        str(saved.get("model") or run.summary["model"]["name"]),
        str(saved.get("adapter") or ""),
        str(saved.get("template") or "auto"),
    )


def lens_for(run: Analysis) -> Lens:
    """The model of a run, loaded where it is not in memory yet.

    Raises:
        ModelError: It cannot be loaded, or what is there now under its name is another model.
    """
    lens = lens_of(choice_of(run))
    if lens.key != run.key:
        raise ModelError(
            f"The model {lens.name} is not the one this run was made with (weights, adapter, template or number "
            "format differ); start a new run with it on the start page."
        )
    return lens
