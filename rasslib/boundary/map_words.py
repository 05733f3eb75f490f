"""Axis titles and the sentences below the map."""

from __future__ import annotations

import numpy as np

from rasslib.boundary.checks import Floats
from rasslib.boundary.plane import EXACT, BoundaryLine


def view_note(
    view: str,
    method: str,
    explained: tuple[float, float] | None,
    line: BoundaryLine | None,
    xy: Floats,
    margin: Floats,
    n: int,
    fewest: int,
) -> tuple[tuple[str, str], str]:
    """Titles of the axes, and what a reader of a view has to know.

    Args:
        view: The view asked for.
        method: What was drawn.
        explained: Shares of variance on the axes.
        line: The boundary on the plane, if it cuts it.
        xy: [n, 2] places.
        margin: [n] margins at the layer.
        n: Number of prompts.
        fewest: Fewest prompts for UMAP.
    """
    shares = explained or (0.0, 0.0)
    if view == "axis":
        if method == "none":
            return ("margin", ""), "This layer has no direction: both classes have the same mean. Choose another layer."
        rest = f"{shares[1]:.0%} of that variance" if shares[1] > 0 else "nothing is left, so all prompts lie level"
        return ("margin", "largest remaining component"), (
            "x is the margin, so the boundary is exact: dashed, with the band shaded. y is the largest principal "
            f"component of what is left when the direction is projected out ({rest})."
        )
    if method == "umap":
        return ("UMAP 1", "UMAP 2"), (
            "UMAP keeps neighbourhoods; its axes, distances and sizes of groups mean little, and no boundary can be "
            "drawn on it: see the PCA or the axis view."
        )
    why = ""
    if view == "umap":
        why = (
            f"PCA instead of UMAP, which needs {fewest} prompts or more (here {n}). "
            if n < fewest
            else "PCA instead of UMAP, which found no layout for these prompts. "
        )
    titles = (f"PCA axis 1 ({shares[0]:.0%} of variance)", f"PCA axis 2 ({shares[1]:.0%} of variance)")
    note = f"{why}The plane of the two largest principal components holds {sum(shares):.0%} of the variance. "
    return titles, note + _line_words(line, xy, margin)


def _line_words(line: BoundaryLine | None, xy: Floats, margin: Floats) -> str:
    if line is None:
        return "The boundary does not cut this plane, so no line is drawn."
    if line.share >= EXACT:
        return f"The dashed line is the boundary: {line.share:.0%} of the direction lies in this plane."
    agreement = line.agreement(xy, margin)
    told = "" if np.isnan(agreement) else f" {agreement:.0%} of prompts lie on the same side of both."
    return (
        f"Only {line.share:.0%} of the direction lies in this plane: the dashed line is the cut of the boundary with "
        f"the plane through the mean, and a prompt may lie on one side of it and on the other of the boundary.{told}"
    )
