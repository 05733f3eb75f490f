"""Data recipes of trainings, one file each."""

from __future__ import annotations

from rasslib.mitigation.recipes import sft
from rasslib.mitigation.recipes.base import Recipe, RecipeData
from rasslib.mitigation.settings import TrainingError

RECIPES: dict[str, Recipe] = {"sft": sft}
"""Recipes by the name that ``rass align --recipe`` takes."""


def find_recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        TrainingError: There is none.
    """
    if name not in RECIPES:
        raise TrainingError(f"Unknown recipe {name!r}; there is: {', '.join(sorted(RECIPES))}.")
    return RECIPES[name]


__all__ = ["RECIPES", "Recipe", "RecipeData", "find_recipe"]
