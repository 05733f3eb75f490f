"""One prompt, with and without steering: reply, behaviour and refusal score side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rasslib.boundary.analysis import analyze, default_settings
from rasslib.boundary.directions import Direction
from rasslib.boundary.run import Analysis, open_run
from rasslib.errors import AnalysisError, WorkspaceError
from rasslib.models.lens import Lens
from rasslib.models.names import spoken_name
from rasslib.progress import Progress
from rasslib.prompts import load_bundled
from rasslib.steering.controlling import controlling_layer, direction_at
from rasslib.steering.streaming import stream_outcomes, variants
from rasslib.workspace import Workspace


@dataclass(frozen=True)
class SteeringDirection:
    """A direction and where it is from.

    Attributes:
        direction: The direction; its vector is the whole difference of class means.
        residual_norm: Mean norm of the residual stream at its layer.
        openers: Refusal openers of the refusal score.
        origin: The run it comes from.
        reason: Why this layer.
    """

    direction: Direction
    residual_norm: float
    openers: tuple[str, ...]
    origin: str
    reason: str


def direction_for(
    lens: Lens,
    workspace: Workspace,
    run_id: str | None = None,
    layer: int | None = None,
    progress: Progress | None = None,
) -> SteeringDirection:
    """The direction to steer this model with, from a run: the one named, else the newest, else a new one is made.

    Args:
        lens: The model.
        workspace: Where runs are kept.
        run_id: The run; by default the newest finished one of this model, else the bundled set is analysed.
        layer: The layer; by default the one that controls refusal (:func:`controlling_layer`).
        progress: Told of analysis and trial.

    Raises:
        AnalysisError: The run named was made with another model, or has no such layer.
        WorkspaceError: There is no such run.
    """
    run = run_for(lens, workspace, run_id, progress)
    if layer is None:
        found = controlling_layer(lens, run, progress)
        layer, reason = found.layer, found.reason
    else:
        reason = "The layer that was asked for."
    direction, norm = direction_at(run, layer)
    return SteeringDirection(direction, norm, tuple(run.summary["settings"]["openers"]), f"run {run.run_id}", reason)


def run_for(lens: Lens, workspace: Workspace, run_id: str | None, progress: Progress | None) -> Analysis:
    """The run to steer with: the one named, else the newest finished one of this model, else a new one is made.

    Raises:
        AnalysisError: The run named was made with another model.
        WorkspaceError: There is no such run.
    """
    for entry in workspace.database.list_runs():
        if (run_id is None and entry.status == "finished") or entry.run_id == run_id:
            model = entry.summary.get("model", {})
            if model.get("key") == lens.key:
                return open_run(workspace, entry.run_id)
            if run_id is not None:
                raise AnalysisError(
                    f"The run {run_id} was made with {model.get('name', 'another model')}, not with {lens.name} as "
                    "loaded now; name another run or load that model."
                )
    if run_id is not None:
        raise WorkspaceError(f"There is no run {run_id}; leave out --run to use the newest one.")
    bundled, settings = load_bundled(), default_settings()
    title = f"{spoken_name(lens)} on bundled prompts"
    return analyze(lens, bundled, bundled, workspace, settings, progress, title=title, complete=False)


def compare(
    lens: Lens,
    prompt: str,
    steering: SteeringDirection,
    strength: float | None,
    *,
    max_new_tokens: int = 64,
    seed: int | None = 0,
) -> dict[str, Any]:
    """Baseline, steered and control reply, each with ``text``, ``behaviour`` and ``refusal_score``.

    Args:
        lens: The model.
        prompt: The prompt.
        steering: The direction.
        strength: Adds so many differences of class means at the direction's layer; None ablates it everywhere.
        max_new_tokens: Length at which replies are cut.
        seed: Of the random direction of the same norm; None leaves the control out.
    """
    columns = variants(steering.direction, strength, seed)
    *_, outcomes = stream_outcomes(lens, prompt, columns, steering.openers, max_new_tokens=max_new_tokens)
    direction = steering.direction
    return {
        "prompt": prompt,
        **{o.name: {"text": o.text, "behaviour": o.behaviour, "refusal_score": o.refusal_score} for o in outcomes},
        "direction": {
            "axis": direction.axis,
            "layer": direction.layer,
            "mode": "ablate" if strength is None else "add",
            "strength": strength,
            "gap_share_of_residual_norm": direction.gap / steering.residual_norm,
            "from": steering.origin,
            "reason": steering.reason,
        },
    }
