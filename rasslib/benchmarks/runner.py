"""Running an evaluation: replies, verdicts, rates, and the manifest that says how it was done."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from rasslib.benchmarks.answering import answers, too_long
from rasslib.benchmarks.evaluations import Evaluation, Evaluations
from rasslib.benchmarks.judges import Exchange, PhraseReplyJudge, ReplyJudge
from rasslib.benchmarks.languages import doubtful
from rasslib.benchmarks.metrics import measured
from rasslib.benchmarks.settings import EvaluationSettings
from rasslib.benchmarks.sources import Source
from rasslib.benchmarks.subject import Subject
from rasslib.errors import BenchmarkError
from rasslib.progress import Progress, Silent
from rasslib.prompts import thinned
from rasslib.prompts.cells import counted
from rasslib.rass.export.provenance import versions
from rasslib.workspace import Workspace
from rasslib.workspace.files import plain


def evaluate(
    subject: Subject,
    sources: Sequence[Source],
    judge: ReplyJudge,
    workspace: Workspace,
    settings: EvaluationSettings | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure a model on evaluation sets.

    Replies are kept batch by batch and verdicts as they come: after a stop the same call goes on from there, and an
    evaluation that asks for more computes only what is new.

    Args:
        subject: The model, as it is or steered.
        sources: The sets.
        judge: Says of replies whether they refuse.
        workspace: Where everything is kept.
        settings: Attack, decoding, limit, seed.
        progress: Told after each batch; may raise ``Stopped``.

    Raises:
        BenchmarkError: No set is given, or one has no prompt that the model can read.
        ModelError: Model or judge cannot go on.
        WorkspaceError: The workspace cannot be read or written.
    """
    if not sources:
        raise BenchmarkError("No benchmark is given: name at least one.")
    chosen, told, began = settings or EvaluationSettings(), progress or Silent(), time.monotonic()
    tables, results = [], {}
    for source in sources:
        rows, notes = _one(subject, source, judge, workspace, chosen, told)
        metric = source.benchmark.metric
        facts = {"title": source.benchmark.title, "metric": metric, "intent": source.benchmark.intent}
        figures = measured(rows, metric)
        for language, one in doubtful(rows, phrases=isinstance(judge, PhraseReplyJudge)).items():
            figures["by_language"][language] |= {"verdict": one.verdict, "why": one.why}
            notes.append(one.why)
        results[source.benchmark.id] = facts | figures | {"notes": notes}
        tables.append(rows)
    manifest = manifest_of(subject, sources, judge, chosen)
    manifest |= {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - began, 1),
    }
    name = evaluation_id(manifest)
    return Evaluations(workspace).save(name, manifest, results, pd.concat(tables, ignore_index=True))


def manifest_of(
    subject: Subject, sources: Sequence[Source], judge: ReplyJudge, settings: EvaluationSettings
) -> dict[str, Any]:
    """Everything that figures depend on: model, template, adapter, steering, settings, judge, files, versions."""
    found: dict[str, Any] = plain(
        {
            "label": subject.label,
            "how": settings.text(),
            "model": subject.facts(),
            "settings": settings.as_dict(),
            "judge": {"name": judge.name, "version": judge.version, "meaning": getattr(judge, "meaning", None)},
            "benchmarks": {
                one.benchmark.id: {
                    "file": one.name,
                    "sha256": one.file.sha256,
                    "rows": one.file.rows,
                    "prompts": len(one.file.prompts),
                    "prompts_sha256": _digest(one.file.prompts),
                    "licence": one.benchmark.licence,
                    "address": one.benchmark.address,
                    "columns": dict(one.columns),
                    "languages": sorted(set(one.file.prompts["language"])),
                    "revision": one.benchmark.revision,
                }
                for one in sources
            },
            "versions": versions(),
        }
    )
    return found


def evaluation_id(manifest: Mapping[str, Any]) -> str:
    """12 hex digits of all that figures depend on; not of when, on which device and how fast they were made."""
    model = {name: value for name, value in manifest["model"].items() if name not in ("device", "batch_size")}
    files = {name: one["prompts_sha256"] for name, one in sorted(manifest["benchmarks"].items())}
    facts = [model, manifest["settings"], manifest["judge"]["version"], files]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _digest(prompts: pd.DataFrame) -> str:
    """SHA-256 of what was read: one file read with other columns is another set."""
    rows = prompts[["id", "category", "language"]].itertuples(index=False, name=None)
    return hashlib.sha256("\n".join(map(repr, rows)).encode("utf-8", "replace")).hexdigest()


def _one(
    subject: Subject,
    source: Source,
    judge: ReplyJudge,
    workspace: Workspace,
    settings: EvaluationSettings,
    progress: Progress,
) -> tuple[pd.DataFrame, list[str]]:
    """The replies to one set with their verdicts, one row each, and what has to be told."""
    title, prompts, notes = source.benchmark.title, source.file.prompts, list(source.file.notes)
    if settings.limit and len(prompts) > settings.limit:
        notes.append(f"{settings.limit:,} of {len(prompts):,} prompts were taken; the draw is always the same.")
        prompts = _fewer(prompts, settings.limit)
    texts = dict(zip(prompts["id"], prompts["prompt"], strict=True))
    if long := too_long(subject, texts, settings):
        notes.append(f"{counted(len(long), 'prompt')} longer than the model's context left out.")
        prompts = prompts[~prompts["id"].isin(long)]
        texts = {i: text for i, text in texts.items() if i not in set(long)}
    if not texts:
        raise BenchmarkError(f"{title} has no prompt that fits into the model's context: use fewer tokens.")
    samples = answers(subject, texts, settings, workspace.database, progress, f"{title}: replies")
    judged = judge.judge(
        [Exchange(texts[i], reply, settings.begun) for replies in samples for i, reply in replies.items()],
        _Named(progress, f"{title}: judging"),
    )
    base = prompts[["id", "prompt", "intent", "category", "language"]]
    rows = pd.concat([base.assign(sample=number) for number in range(settings.samples)], ignore_index=True)
    replies = [reply for one in samples for reply in one.values()]
    return rows.assign(
        benchmark=source.benchmark.id,
        reply=[reply.text for reply in replies],
        finished=[reply.finished for reply in replies],
        tokens=[reply.n_tokens for reply in replies],
        behaviour=[one.behaviour for one in judged],
        reason=[one.reason for one in judged],
        label=[one.label for one in judged],
    ), notes


def _fewer(prompts: pd.DataFrame, n: int) -> pd.DataFrame:
    """At most ``n`` prompts; categories and languages keep their shares."""
    cells = prompts.assign(category=prompts["category"] + "\0" + prompts["language"])
    kept = set(thinned(cells, n)["id"])
    return prompts[prompts["id"].isin(kept)].reset_index(drop=True)


class _Named:
    """Progress under another name, so that each set has a line of its own."""

    def __init__(self, inner: Progress, stage: str) -> None:
        self._inner, self._stage = inner, stage

    def update(self, stage: str, done: int, total: int) -> None:  # noqa: ARG002
        self._inner.update(self._stage, done, total)
