"""Finished evaluations, kept in the workspace: what was measured, and everything needed to measure it again.

``evaluations/<id>/`` of a workspace holds

====================  ===========================================================================================
``replies.parquet``   one row a reply: set, prompt id, prompt, category, language, sample, reply, behaviour, why
``evaluation.json``   ``manifest`` (model, settings, judge, files, versions) and ``results``; written last
====================  ===========================================================================================
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from rasslib.errors import WorkspaceError
from rasslib.workspace import Workspace
from rasslib.workspace.files import atomic_json, atomic_write, check_name, clean_text, explain, plain, read_json

FOLDER = "evaluations"
FACTS, REPLIES = "evaluation.json", "replies.parquet"
AGREEMENT = "agreement"
"""Where a manifest keeps how other judges agree, by their version."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One finished evaluation.

    Attributes:
        id: Made of all that its figures depend on: the same evaluation has the same id.
        manifest: What is needed to repeat it.
        results: By benchmark (:func:`rasslib.benchmarks.metrics.measured`, with ``metric``, ``title``, ``notes``).
        folder: Where it is kept.
    """

    id: str
    manifest: Mapping[str, Any]
    results: Mapping[str, dict[str, Any]]
    folder: Path

    @property
    def label(self) -> str:
        """Model, adapter and steering, for tables."""
        return str(self.manifest["label"])

    @property
    def title(self) -> str:
        """Label, attack and decoding, judge: what tells evaluations apart."""
        return f"{self.label} · {self.manifest['how']} · judge {self.manifest['judge']['name']}"

    def replies(self) -> pd.DataFrame:
        """One row a reply.

        Raises:
            WorkspaceError: The table cannot be read.
        """
        path = self.folder / REPLIES
        try:
            return pd.read_parquet(path)
        except OSError as error:
            raise explain(error, path, "read") from error
        except ValueError as error:
            raise WorkspaceError(f"{path} is damaged: run the evaluation again.") from error


class Evaluations:
    """The evaluations of a workspace.

    All methods raise :class:`~rasslib.errors.WorkspaceError` where the folder cannot be read or written.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.root = workspace.root / FOLDER

    def all(self) -> list[Evaluation]:
        """All of them, newest first; one that is damaged is left out."""
        found = []
        for path in self.root.glob(f"*/{FACTS}"):
            try:
                found.append(self.open(path.parent.name))
            except WorkspaceError:
                continue
        return sorted(found, key=lambda one: str(one.manifest["created"]), reverse=True)

    def open(self, name: str) -> Evaluation:
        """An evaluation by its id, or by the first letters of it that no other has.

        Raises:
            WorkspaceError: There is none, several begin so, or it is damaged.
        """
        folder = self.root / check_name(name, "evaluation")
        if not (folder / FACTS).is_file():
            begun = [path.parent for path in self.root.glob(f"{name}*/{FACTS}")]
            if len(begun) != 1:
                what = "no evaluation" if not begun else "more than one evaluation"
                raise WorkspaceError(f"There is {what} {name[:40]!a}: choose one of the list.")
            folder = begun[0]
        saved = read_json(folder / FACTS)
        try:
            manifest, results = dict(saved["manifest"]), dict(saved["results"])
            _ = manifest["label"], manifest["how"], manifest["judge"]["name"], manifest["created"]
        except (KeyError, TypeError, ValueError) as error:
            raise WorkspaceError(f"The evaluation in {folder} is damaged: delete it and run it again.") from error
        return Evaluation(folder.name, manifest, results, folder)

    def named(self, names: Sequence[str]) -> list[Evaluation]:
        """Several, each once."""
        return [self.open(name) for name in dict.fromkeys(names)]

    def save(
        self, name: str, manifest: Mapping[str, Any], results: Mapping[str, Any], replies: pd.DataFrame
    ) -> Evaluation:
        """Write an evaluation; one of the same id is replaced, but what second judges said of it is kept."""
        folder = self.root / check_name(name, "evaluation")
        with contextlib.suppress(WorkspaceError):
            manifest = {AGREEMENT: self.open(name).manifest.get(AGREEMENT, {}), **manifest}
        texts = replies.select_dtypes(include=["object", "string"]).columns
        with atomic_write(folder / REPLIES) as path:
            replies.assign(**{column: replies[column].map(clean_text) for column in texts}).to_parquet(
                path, index=False
            )
        atomic_json(folder / FACTS, {"manifest": manifest, "results": results})
        return Evaluation(name, dict(plain(manifest)), dict(plain(results)), folder)

    def agreed(self, evaluation: Evaluation, second: str, found: Mapping[str, Any]) -> Evaluation:
        """Keep how another judge agrees with an evaluation's own.

        Args:
            evaluation: The evaluation.
            second: Version of the other judge; what it said before is replaced.
            found: :meth:`rasslib.benchmarks.agreement.JudgeAgreement.as_dict`.
        """
        known = dict(evaluation.manifest.get(AGREEMENT) or {})
        manifest = {**evaluation.manifest, AGREEMENT: {**known, second: dict(found)}}
        atomic_json(evaluation.folder / FACTS, {"manifest": manifest, "results": evaluation.results})
        return replace(evaluation, manifest=manifest)
