"""Training arms: data recipes, training (TRL and PEFT), and what a trained adapter does."""

from __future__ import annotations

from rasslib.mitigation.aligning import Aligned, align
from rasslib.mitigation.provenance import add_measurement
from rasslib.mitigation.recipes import RECIPES
from rasslib.mitigation.settings import AlignSettings, TrainingError

__all__ = ["RECIPES", "AlignSettings", "Aligned", "TrainingError", "add_measurement", "align"]
