"""Hover text: raw text in, harmless HTML out."""

from __future__ import annotations

import html
import textwrap

LENGTH, WIDTH = 240, 60


def hover_text(text: str, length: int = LENGTH, width: int = WIDTH) -> str:
    """A prompt for a hover box: cut, wrapped, then escaped line by line, so that no tag and no entity is left whole.

    Args:
        text: Any text.
        length: Characters shown at most.
        width: Characters per line.

    Returns:
        Lines joined by ``<br>``, the only tag in it. Percent signs and braces stay: Plotly reads templates from the
        figure, not from the data.
    """
    flat = " ".join(text.split())
    if len(flat) > length:
        flat = flat[: length - 1] + "…"
    return "<br>".join(html.escape(line) for line in textwrap.wrap(flat, width)) or "(empty)"
