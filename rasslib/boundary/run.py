"""A run on disk: what an analysis found, opened again without the model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from rasslib.boundary.directions import Direction
from rasslib.boundary.margin import margins
from rasslib.boundary.projection import Projection, project_2d
from rasslib.boundary.storage import load_directions, save_directions
from rasslib.errors import AnalysisError, WorkspaceError
from rasslib.workspace import Workspace
from rasslib.workspace.files import atomic_bytes, atomic_json, atomic_write, read_json

TABLE = "prompts.parquet"
MARGINS = "margins.safetensors"
RESULT = "result.json"


@dataclass(frozen=True)
class Analysis:
    """What an analysis found.

    Attributes:
        run_id: Names the run: the same model, prompts and settings give the same id.
        folder: Where it is saved.
        summary: The findings as plain JSON values.
        prompts: One row a prompt; see :mod:`rasslib.boundary.analysis` for the columns.
        directions: Directions of every layer, by axis.
        all_margins: Margins [n, L] by axis, rows as ``prompts``.
        workspace: Where activations are stored.
    """

    run_id: str
    folder: Path
    summary: dict[str, Any]
    prompts: pd.DataFrame
    directions: dict[str, tuple[Direction, ...]]
    all_margins: dict[str, NDArray[np.float32]]
    workspace: Workspace

    @property
    def axis(self) -> str:
        """The axis whose margin the pages show."""
        return str(self.summary["direction"]["axis"])

    @property
    def state(self) -> str:
        """Digest of what may change when a run is completed: behaviours, chosen layer and axis."""
        told = self.prompts["id"].str.cat(self.prompts["behaviour"].fillna("").astype(str), sep=":")
        return hashlib.sha256("\n".join([self.axis, str(self.layer), *told]).encode()).hexdigest()[:16]

    @property
    def layer(self) -> int:
        """The chosen layer."""
        return int(self.summary["direction"]["layer"])

    @property
    def position(self) -> str:
        """The read position."""
        return str(self.summary["direction"]["position"])

    @property
    def n_layers(self) -> int:
        """Number of blocks of the model."""
        return int(self.summary["model"]["n_layers"])

    @property
    def key(self) -> str:
        """Key of the model's activations in the workspace."""
        return str(self.summary["model"]["key"])

    @property
    def title(self) -> str:
        """Model and prompts, in a few words."""
        return str(self.summary["title"])

    @property
    def tau(self) -> float:
        """Half-width of the band."""
        return float(self.summary["band"]["tau"])

    @property
    def direction(self) -> Direction:
        """The chosen direction."""
        return self.directions[self.axis][self.layer]

    @property
    def margins(self) -> NDArray[np.float32]:
        """Margins [n, L] on the chosen axis."""
        return self.all_margins[self.axis]

    def axis_margins(self, axis: str) -> NDArray[np.float32]:
        """Margins [n, L] on an axis."""
        if axis not in self.all_margins:
            raise AnalysisError(f"This run has no {axis} axis; it has: {', '.join(self.all_margins)}.")
        return self.all_margins[axis]

    def activations(self, layer: int, position: str | None = None) -> torch.Tensor:
        """Activations [n, d_model] float32 of one layer, rows as ``prompts``."""
        ids = self.prompts["id"].tolist()
        return self.workspace.activations.get(self.key, ids, position or self.position, [layer])[:, 0].float()

    def projection(self, layer: int, method: str = "umap", seed: int = 0) -> Projection:
        """The map of one layer, computed once and kept in the run's folder."""
        name = f"map-{method}-{layer}-{seed}"
        path = self.folder / f"{name}.json"
        if path.is_file():
            saved = read_json(path)
            if saved.get("ids") == self.prompts["id"].tolist():
                explained = saved["explained"]
                return Projection(
                    np.asarray(saved["xy"], dtype=np.float64).reshape(-1, 2),
                    saved["method"],
                    saved["note"],
                    None if explained is None else (explained[0], explained[1]),
                    saved["settings"],
                )
        ids = self.prompts["id"].tolist()
        made = project_2d(self.activations(layer), method, ids, seed=seed)
        atomic_json(
            path,
            {
                "ids": ids,
                "xy": made.xy.tolist(),
                "method": made.method,
                "note": made.note,
                "explained": made.explained,
                "settings": made.settings,
            },
        )
        return made


def margins_of(acts: torch.Tensor, directions: Sequence[Direction]) -> NDArray[np.float32]:
    """Margins [n, L] float32 of activations [n, L, d_model]."""
    return margins(acts, directions).astype(np.float32)


def save_analysis(analysis: Analysis, settings: Mapping[str, Any], status: str = "finished") -> Analysis:
    """Write a run: tables and tensors first, then the result, then its line in the list of runs."""
    folder = analysis.folder
    with atomic_write(folder / TABLE) as path:
        analysis.prompts.to_parquet(path, index=False)
    atomic_bytes(folder / MARGINS, save({a: np.ascontiguousarray(m) for a, m in analysis.all_margins.items()}))
    model = analysis.summary["model"]
    for axis, directions in analysis.directions.items():
        meta = {
            "fingerprint": model["fingerprint"],
            "model": model["name"],
            "template_hash": model["template_hash"],
        }
        save_directions(folder / f"directions-{axis}", directions, meta)
    atomic_json(folder / RESULT, analysis.summary)
    analysis.workspace.database.save_run(
        analysis.run_id, title=analysis.title, settings=settings, status=status, summary=analysis.summary
    )
    return analysis


def open_run(workspace: Workspace, run_id: str) -> Analysis:
    """Open a finished run.

    Raises:
        WorkspaceError: There is no such run, or its folder is damaged.
    """
    workspace.database.get_run(run_id)
    folder = workspace.run_dir(run_id)
    try:
        summary = read_json(folder / RESULT)
        table = pd.read_parquet(folder / TABLE)
        all_margins = load_file(folder / MARGINS)
        directions = {axis: tuple(load_directions(folder / f"directions-{axis}")[0]) for axis in all_margins}
    except (OSError, KeyError, ValueError, WorkspaceError) as error:
        raise WorkspaceError(
            f"The run {run_id} cannot be opened ({str(error)[:120]}); start it again: what was computed is not lost."
        ) from error
    return Analysis(run_id, folder, summary, table, directions, dict(all_margins), workspace)
