"""One prompt, with and without steering: reply, behaviour and refusal score side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rasslib.boundary.analysis import AnalysisSettings, default_settings
from rasslib.boundary.directions import Direction
from rasslib.boundary.reading import score_openers
from rasslib.boundary.run import open_run
from rasslib.errors import AnalysisError, WorkspaceError
from rasslib.models.interventions import Ablate, Add, Intervention, random_like
from rasslib.models.lens import Lens
from rasslib.progress import Progress
from rasslib.prompts import load_bundled
from rasslib.refusal import PhraseJudge, refusal_score
from rasslib.workspace import Workspace


@dataclass(frozen=True)
class SteeringDirection:
    """A direction and where it is from.

    Attributes:
        direction: The direction; its vector is the whole difference of class means.
        residual_norm: Mean norm of the residual stream at its layer.
        openers: Refusal openers of the refusal score.
        origin: The run it comes from.
    """

    direction: Direction
    residual_norm: float
    openers: tuple[str, ...]
    origin: str


def direction_for(
    lens: Lens, workspace: Workspace, run_id: str | None = None, progress: Progress | None = None
) -> SteeringDirection:
    """The chosen direction of a run with this model: the one named, else the newest, else a new run is made.

    Raises:
        AnalysisError: The run named was made with another model.
    """
    for entry in workspace.database.list_runs():
        if (run_id is None and entry.status == "finished") or entry.run_id == run_id:
            model = entry.summary.get("model", {})
            if model.get("key") == lens.key:
                found = open_run(workspace, entry.run_id)
                norm = float(found.summary["direction"]["residual_norm"])
                openers = tuple(found.summary["settings"]["openers"])
                return SteeringDirection(found.direction, norm, openers, f"run {found.run_id}")
            if run_id is not None:
                raise AnalysisError(
                    f"The run {run_id} was made with {model.get('name', 'another model')}, not with {lens.name} as "
                    "loaded now; name another run or load that model."
                )
    if run_id is not None:
        raise WorkspaceError(f"There is no run {run_id}; leave out --run to use the newest one.")
    return _from_bundled(lens, workspace, default_settings(), progress)


def _from_bundled(
    lens: Lens, workspace: Workspace, settings: AnalysisSettings, progress: Progress | None
) -> SteeringDirection:
    """The chosen intent direction of the bundled set; made once, then found as a run."""
    from rasslib.boundary.analysis import analyze

    bundled = load_bundled()
    found = analyze(
        lens,
        bundled,
        bundled,
        workspace,
        settings,
        progress,
        title=f"{lens.name} on bundled prompts",
        complete=False,
    )
    norm = float(found.summary["direction"]["residual_norm"])
    return SteeringDirection(found.direction, norm, settings.openers, f"run {found.run_id}")


def intervention_for(direction: Direction, strength: float | None) -> Intervention:
    """Add ``strength`` times the difference of class means at the direction's layer; ablate where it is None."""
    if strength is None:
        return Ablate(direction.vector)
    return Add(direction.layer, direction.vector * strength)


def control_for(direction: Direction, strength: float | None, seed: int) -> Intervention:
    """The same intervention with a random direction of the same norm."""
    noise = random_like(direction.vector, seed)
    return Ablate(noise) if strength is None else Add(direction.layer, noise * strength)


def compare(
    lens: Lens, prompt: str, steering: SteeringDirection, change: Intervention, *, max_new_tokens: int = 64
) -> dict[str, Any]:
    """Baseline and steered reply, each with ``text``, ``behaviour`` and ``refusal_score``."""
    judge = PhraseJudge()
    openers = score_openers(lens, steering.openers)
    result: dict[str, Any] = {"prompt": prompt}
    for name, changes in (("baseline", ()), ("steered", (change,))):
        reply = lens.generate([prompt], max_new_tokens=max_new_tokens, interventions=changes)[0]
        verdict = judge.judge(reply.text, finished=reply.finished)
        score = float(refusal_score(lens.next_token_logits([prompt], changes), openers)[0])
        result[name] = {"text": reply.text, "behaviour": verdict.behaviour, "refusal_score": score}
    direction = steering.direction
    strength = direction.gap / steering.residual_norm
    kind = "add" if isinstance(change, Add) else "ablate"
    result["direction"] = {
        "axis": direction.axis,
        "layer": direction.layer,
        "mode": kind,
        "gap_share_of_residual_norm": strength,
        "from": steering.origin,
    }
    return result
