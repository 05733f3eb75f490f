"""What is evaluated: a model under the lens, as it is or steered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rasslib.boundary.run import Analysis
from rasslib.errors import AnalysisError
from rasslib.models.fingerprint import adapter_digest
from rasslib.models.lens import Lens
from rasslib.models.names import public_name, spoken_name
from rasslib.progress import Progress
from rasslib.steering.book import Book, book_of
from rasslib.steering.building import recipe_key
from rasslib.steering.compare import run_for
from rasslib.steering.conditioning import with_gates, with_predictor
from rasslib.steering.deciding import decide, read_signals
from rasslib.steering.recipe import Recipe
from rasslib.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Steering:
    """A recipe and the directions it names.

    Attributes:
        recipe: What is done; with rules it is decided for each prompt before its reply.
        run: The run the directions come from.
        book: The directions.
    """

    recipe: Recipe
    run: Analysis
    book: Book


@dataclass(frozen=True, eq=False)
class Subject:
    """A model in one setting.

    Attributes:
        lens: The model.
        steering: What is done to it; None: nothing.
    """

    lens: Lens
    steering: Steering | None = None

    @property
    def label(self) -> str:
        """For tables: model, adapter, steering."""
        name = spoken_name(self.lens)
        return name if self.steering is None else f"{name}, {self.steering.recipe.text()}"

    def decided(self, prompts: Mapping[str, str], progress: Progress | None = None) -> dict[Recipe, list[str]]:
        """Prompt ids by the recipe without rules that they get.

        Args:
            prompts: Text by prompt id.
            progress: Told where a recipe with rules has to read the prompts first.
        """
        if self.steering is None or (not self.steering.recipe.parts and not self.steering.recipe.rules):
            return {Recipe(): list(prompts)}
        recipe = self.steering.recipe
        if not recipe.rules or recipe.gate is None:
            return {recipe: list(prompts)}
        run, predictor = with_predictor(self.lens, self.steering.run, progress)
        book, _ = with_gates(run, self.steering.book)
        signals = read_signals(self.lens, run, book, predictor, prompts, recipe.gate, progress)
        groups: dict[Recipe, list[str]] = {}
        for prompt, one in decide(recipe, signals).items():
            groups.setdefault(one, []).append(prompt)
        return groups

    def key(self, recipe: Recipe, tokens: int) -> str:
        """Names greedy replies of this model under a recipe without rules; the same words as elsewhere."""
        from rasslib.boundary.reading import reply_key

        if self.steering is None or not recipe.parts:
            return reply_key(self.lens.key, tokens)
        return f"{self.named(recipe)}-{tokens}"

    def named(self, recipe: Recipe) -> str:
        """Names this model under a recipe without rules."""
        if self.steering is None or not recipe.parts:
            return self.lens.key
        return f"{self.lens.key}-steer-{recipe_key(recipe, self.steering.book)}"

    def facts(self) -> dict[str, Any]:
        """What has to be known to load and steer it again; no path of this machine."""
        lens, spec = self.lens, getattr(self.lens, "spec", None)
        found: dict[str, Any] = {
            "name": public_name(lens.name),
            "kind": getattr(spec, "kind", ""),
            "fingerprint": lens.fingerprint,
            "template": public_name(str(getattr(spec, "template", ""))),
            "template_hash": lens.template_hash,
            "dtype": str(lens.dtype).removeprefix("torch."),
            "device": str(lens.device),
            "batch_size": lens.batch_size,
            "adapter": _adapter(getattr(spec, "adapter", None)),
            "steering": None,
        }
        if self.steering is not None:
            recipe = self.steering.recipe
            found["steering"] = {
                "text": recipe.text(),
                "recipe": recipe.as_dict(),
                "run": self.steering.run.run_id,
                # Vectors count, not names; of a recipe with rules only those it may write.
                "key": recipe_key(Recipe(recipe.all_parts), self.steering.book),
            }
        return found


def steered(lens: Lens, run: Analysis, recipe: Recipe) -> Subject:
    """A model steered with the directions of one of its runs.

    Raises:
        AnalysisError: The run is of another model, or the recipe names what it does not have.
    """
    book = book_of(lens, run)
    for part in recipe.all_parts:
        book.get(part.direction, part.layer)
    return Subject(lens, Steering(recipe, run, book))


def recipe_of(given: str) -> Recipe | None:
    """A recipe as JSON, or the path of a file of it; None where nothing is given.

    Raises:
        AnalysisError: It cannot be read, or is no recipe.
    """
    if not given.strip():
        return None
    text = given
    if not given.lstrip().startswith("{"):
        try:
            text = Path(given.strip()).expanduser().read_text(encoding="utf-8")
        except (OSError, ValueError):
            raise AnalysisError(f"The recipe {given} cannot be read: give a JSON file, or the JSON itself.") from None
    return Recipe.from_text(text)


def subject_of(
    lens: Lens, workspace: Workspace, recipe: Recipe | None = None, run: str = "", progress: Progress | None = None
) -> Subject:
    """A model, steered where a recipe is given.

    Args:
        lens: The model.
        workspace: Holds its runs.
        recipe: What is done to it.
        run: The run whose directions it names; the model's newest by default.
        progress: Told where a run has to be made first.

    Raises:
        AnalysisError: The run does not have what it names.
    """
    if recipe is None:
        return Subject(lens)
    return steered(lens, run_for(lens, workspace, run or None, progress), recipe)


def _adapter(folder: Path | None) -> dict[str, str] | None:
    if folder is None:
        return None
    return {"name": folder.name, "sha256": adapter_digest(folder)}
