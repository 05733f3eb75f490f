"""All evidence of one model in one go: which kinds, which other models beside it, saved with the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rasslib.boundary.analysis import analyze
from rasslib.errors import AnalysisError
from rasslib.models.lens import Lens
from rasslib.progress import Progress
from rasslib.prompts.bundled import load_bundled
from rasslib.prompts.schema import SPLITS
from rasslib.triggers.behavioural import REPLY_TOKENS, compare_arms, measure_arm
from rasslib.triggers.bundled import load_triggers
from rasslib.triggers.causal import CausalSettings, causal_evidence
from rasslib.triggers.evidence import Behavioural, Causal, Difference, Representational
from rasslib.triggers.keeping import about_causal, about_models, about_nearness, keep_evidence
from rasslib.triggers.lexicon_building import build_lexicon
from rasslib.triggers.representational import NearnessSettings, anchors_of, representational_evidence
from rasslib.workspace import Workspace

KINDS = ("behavioural", "representational", "causal")

Load = Callable[[str, str | None], Lens]


@dataclass(frozen=True)
class Arms:
    """Models to compare.

    Attributes:
        models: Name → (model, adapter); the first is the base.
        studied: Name of the one under study.
    """

    models: dict[str, tuple[str, str | None]]
    studied: str

    @classmethod
    def parse(cls, base: str, model: str, adapter: str | None, also: Sequence[str]) -> Arms:
        """From a command's options; ``also`` holds NAME=MODEL or NAME=MODEL+ADAPTER.

        Raises:
            AnalysisError: An entry is written in another way, or two have one name.
        """
        studied = f"{model}+{adapter}" if adapter else model
        models: dict[str, tuple[str, str | None]] = {base: (base, None), studied: (model, adapter)}
        for entry in also:
            name, mark, what = entry.partition("=")
            if not (mark and name.strip() and what.strip()):
                raise AnalysisError(f"{entry!r} should be written NAME=MODEL or NAME=MODEL+ADAPTER.")
            if name.strip() in models:
                raise AnalysisError(f"Two models are called {name.strip()!r}: give {entry!r} another name.")
            path, _, part = what.partition("+")
            models[name.strip()] = (path.strip(), part.strip() or None)
        return cls(models, studied)


@dataclass(frozen=True)
class Evidence:
    """What was found; None where a kind was not asked for."""

    behavioural: Behavioural | None = None
    representational: Representational | None = None
    causal: Causal | None = None


def kinds_of(names: str) -> tuple[str, ...]:
    """The kinds in a list with commas; ``all`` for all.

    Raises:
        AnalysisError: One is not known.
    """
    if names == "all":
        return KINDS
    wanted = tuple(name.strip() for name in names.split(",") if name.strip())
    if not wanted or set(wanted) - set(KINDS):
        raise AnalysisError(f"{names!r} names no kinds of evidence: choose among {', '.join(KINDS)}.")
    return wanted


def collect(
    kinds: Sequence[str],
    arms: Arms,
    splits: Sequence[str],
    load: Load,
    workspace: Workspace,
    progress: Progress,
    *,
    benign_only: bool = True,
) -> Evidence:
    """Compute the kinds that were asked for, on bundled prompts and triggers, and save them with the run.

    One model is loaded at a time. The lexicon of the causal kind is made of train and validation prompts and tried on
    test prompts, with its benign cues alone or with all of its phrases; anchors of the representational kind are the
    triggers of the train split, its queries are held out.

    Raises:
        AnalysisError: A split is unknown or has no triggers, or the model's behaviour does not allow a kind.
        ModelError: A model cannot be loaded or read.
    """
    if unknown := [split for split in splits if split not in SPLITS]:
        raise AnalysisError(f"There is no split {unknown[0]!r}: choose among {', '.join(SPLITS)}.")
    triggers = [one for split in splits for one in load_triggers(split)]
    behavioural: Behavioural | None = None
    near: Representational | None = None
    causal: Causal | None = None
    if "behavioural" in kinds:
        measured = [
            measure_arm(load(*spec), triggers, workspace, name, progress=progress) for name, spec in arms.models.items()
        ]
        behavioural = compare_arms(measured, triggers)
    lens, bundled = load(*arms.models[arms.studied]), load_bundled()
    run = analyze(lens, bundled, bundled, workspace, None, progress, title=f"{arms.studied} on bundled prompts")
    if behavioural is not None:
        keep_evidence(run, about_models(splits, arms.models, REPLY_TOKENS), behavioural)
    if "representational" in kinds:
        texts = [one.trigger for one in load_triggers("train")]
        near = representational_evidence(lens, run, texts, anchors_of(run, texts), progress=progress)
        keep_evidence(run, about_nearness(run, texts, NearnessSettings()), near)
    if "causal" in kinds:
        lexicon, settings = build_lexicon(lens, run, progress=progress), CausalSettings(benign_only=benign_only)
        causal = causal_evidence(lens, run, lexicon, settings, progress)
        keep_evidence(run, about_causal(run, settings, lexicon.settings), causal)
    return Evidence(behavioural, near, causal)


def in_words(found: Evidence) -> str:
    """The findings in a few lines."""
    lines: list[str] = []
    if found.behavioural:
        lines.append(f"{found.behavioural.n_triggers} triggers of the splits {', '.join(found.behavioural.splits)}")
        if "train" in found.behavioural.splits:
            lines.append("A model that was trained on triggers has seen those of the split train: that flatters it.")
    for arm in found.behavioural.arms if found.behavioural else ():
        rates = ", ".join(f"{r.rate:.1%} ({r.low:.1%} to {r.high:.1%})" for r in arm.levels)
        lines.append(f"{arm.name}: refused at levels 0 to 3: {rates}; trend p = {arm.trend.p:.2g}")
        if arm.difference:
            lines.append("  beyond the base: " + ", ".join(map(_points, arm.difference)))
    for row in found.representational.rows if found.representational else ():
        if not row.centred:
            lines.append(
                f"{row.position}, {row.k} nearest {row.anchors}s: AUC {row.auc.value:.3f} "
                f"({row.auc.low:.3f} to {row.auc.high:.3f}), p = {row.p:.2g}"
            )
    for swap in (found.causal.insertion, found.causal.removal) if found.causal else ():
        if swap is not None:
            lines.append(
                f"{swap.kind} (n = {swap.n}): {_points(swap.change)}; control {_points(swap.control_change)}; "
                f"p = {swap.p:.2g}"
            )
    return "\n".join(lines)


def _points(change: Difference) -> str:
    return f"{100 * change.value:+.1f} points ({100 * change.low:+.1f} to {100 * change.high:+.1f})"
