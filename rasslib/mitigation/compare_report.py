"""A comparison as a Markdown file: its tables one after the other, the published ones marked as theirs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rasslib.benchmarks.tables import as_markdown, markdown_text
from rasslib.mitigation.compare_tables import (
    differences_table,
    exposure_table,
    means_table,
    published_table,
    rates_table,
    steering_words,
)
from rasslib.workspace.files import atomic_bytes


def write_report(result: Mapping[str, Any], path: Path) -> Path:
    """Write what :func:`rasslib.mitigation.comparing.compare` found.

    Raises:
        WorkspaceError: It cannot be written.
    """
    path = path.expanduser()
    atomic_bytes(path, markdown(result).encode())
    return path


def markdown(result: Mapping[str, Any]) -> str:
    """The report as text."""
    told = f"Aggregate: {result['aggregate']}. Intervals (95 %): {result['intervals']}. Judge: {result['judge']}."
    parts = ["# Comparison of arms", markdown_text(told)]
    for title, table in (
        ("Means", means_table(result)),
        ("Rates by set", rates_table(result)),
        ("Differences, the same prompts and seeds resampled", differences_table(result)),
    ):
        if len(table):
            parts += [f"## {title}", as_markdown(table).rstrip()]
    sets = [markdown_text(f"{name}: {one['n']} prompts, {one['about']}") for name, one in result["sets"].items()]
    parts += ["## Sets", "\n".join(f"- {one}" for one in sets), "## Exposure in training"]
    seen = exposure_table(result)
    parts.append(as_markdown(seen).rstrip() if len(seen) else "Nothing was trained.")
    if steered := steering_words(result):
        parts += ["## Steering without training", "\n".join(f"- {markdown_text(one)}" for one in steered)]
    mark = result["published"]["mark"]
    parts += [
        "## Published numbers",
        markdown_text(f"{mark[:1].upper()}{mark[1:]}. The aggregate is computed here from their rates."),
        as_markdown(published_table(result)).rstrip(),
    ]
    return "\n\n".join(parts) + "\n"
