"""Mitigation without training, as arms of a comparison: the refusal direction ablated, always or where it looks false.

Ablation takes the direction of the layer that controls refusal out of the residual stream everywhere (Arditi et al.
2024, arXiv 2406.11717); conditional steering does so only for prompts that look like a false refusal, which is this
project's reading of RASS. Layer and thresholds are chosen on the run's validation prompts. The random twins ablate a
random direction of the same norm, for the same prompts.
"""

from __future__ import annotations

from rasslib.benchmarks.subject import Steering, Subject
from rasslib.errors import AnalysisError
from rasslib.mitigation.speakers import Speaker
from rasslib.models.lens import Lens
from rasslib.progress import Progress
from rasslib.steering.book import book_of
from rasslib.steering.compare import run_for
from rasslib.steering.conditioning import condition_for
from rasslib.steering.controlling import controlling_layer
from rasslib.steering.recipe import Part, Recipe
from rasslib.workspace import Workspace

RANDOM = "-random"
"""End of the names of controls."""

WAYS = ("ablation", "ablation-random", "conditional", "conditional-random")
"""What ``rass compare --adapters`` takes beside adapters."""


def steered_by(lens: Lens, workspace: Workspace, way: str, progress: Progress | None = None, draw: int = 0) -> Speaker:
    """A model that is steered in one of the :data:`WAYS`, with the directions of its newest run.

    Args:
        lens: The model.
        workspace: Its runs; the bundled prompts are analysed where there is none.
        way: One of :data:`WAYS`.
        progress: Told of every stage.
        draw: Which random directions a random control takes.

    Raises:
        AnalysisError: No condition qualifies on the run's validation prompts.
        Stopped: ``progress`` asked to stop.
    """
    run = run_for(lens, workspace, None, progress)
    book, layer = book_of(lens, run), controlling_layer(lens, run, progress)
    parts = (Part("ablate", layer.layer),)
    recipe, told = Recipe(parts), layer.reason
    if way.removesuffix(RANDOM) == "conditional":
        ready = condition_for(lens, run, book, progress)
        made = ready.condition.recipe(parts)
        if made is None:
            raise AnalysisError(f"{way}: {ready.condition.text()} Leave it out of the comparison.")
        run, book, recipe, told = ready.run, ready.book, made, f"{told} {ready.condition.text()}"
    if way.endswith(RANDOM):
        recipe = recipe.control(draw * len(recipe.all_parts))
    return Speaker(Subject(lens, Steering(recipe, run, book)), workspace.database, told)
