"""What a job does: a training as ``rass align`` does it, a comparison as ``rass compare`` does it."""

from __future__ import annotations

from pathlib import Path

from rasslib.mitigation.adapters import start_at
from rasslib.mitigation.aligning import align
from rasslib.mitigation.arms import loader, named_arms
from rasslib.mitigation.comparing import CompareSettings, compare
from rasslib.mitigation.extras import extra_of
from rasslib.mitigation.held_out import held_out_sets
from rasslib.mitigation.jobs.asks import CompareAsk, TrainAsk
from rasslib.mitigation.jobs.job import Job
from rasslib.mitigation.live import Live
from rasslib.mitigation.moving import moves
from rasslib.mitigation.moving_arms import moved_arms
from rasslib.mitigation.moving_files import save_moved
from rasslib.mitigation.training_prompts import training_prompts
from rasslib.models import load_pretrained
from rasslib.progress import Progress
from rasslib.rass.export.pairs_file import read_pairs
from rasslib.settings import cache_dir
from rasslib.workspace import Workspace
from rasslib.workspace.files import atomic_json

RESULT = "result.json"


def train_for(job: Job, ask: TrainAsk, progress: Progress) -> None:
    """Train, and leave the adapter in the job's folder.

    Raises:
        RassError: As :func:`rasslib.mitigation.aligning.align`.
    """
    prompts = training_prompts(ask.prompts)
    extra = extra_of(
        ask.settings,
        prompts,
        candidates=_path(ask.candidates),
        triggers=_path(ask.triggers),
        tau=None,
        placed_by=ask.placed_by,
        pool=ask.pool,
        workspace=None,
        device=None,
        progress=progress,
    )
    pairs = _path(ask.pairs)
    base = load_pretrained(ask.base, dtype="float32", progress=progress)
    align(
        base.model,
        base.tokenizer,
        prompts,
        job.adapter,
        ask.settings,
        base_name=ask.base,
        template=ask.template,
        replies_folder=cache_dir() / "replies",
        progress=progress,
        extra=extra,
        pairs=read_pairs(pairs)[0] if pairs else None,
        live=Live(ask.watch),
        start=start_at(ask.start) if ask.start.strip() else None,
    )


def compare_for(job: Job, ask: CompareAsk, progress: Progress) -> None:
    """Compare, and leave ``result.json`` (and how the boundary moved) in the job's folder.

    Raises:
        RassError: As :func:`rasslib.mitigation.comparing.compare`.
    """
    models = named_arms(ask.arms, ask.base)
    files = {name: Path(file) for name, file in ask.files.items()}
    sets = held_out_sets(ask.sets, files, ask.split, ask.limit or None)
    result = compare(
        models,
        sets,
        loader(ask.base, ask.template, None, progress, arms=models),
        CompareSettings(ask.prefill, ask.utility, ask.draws, ask.seed),
        progress,
    )
    atomic_json(job.folder / RESULT, result)  # shown even where what follows breaks
    if ask.moved:
        found, missing = moved_arms(models, ask.base, ask.template, None, Workspace(), progress, most=ask.moved)
        save_moved(job.folder / "moved", found)
        atomic_json(job.folder / RESULT, result | moves(found, missing))


def _path(text: str) -> Path | None:
    return Path(text).expanduser() if text.strip() else None
