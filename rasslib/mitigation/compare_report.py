"""A comparison as a Markdown file: its tables one after the other, the published ones marked as theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rasslib.benchmarks.tables import as_markdown, markdown_text
from rasslib.mitigation.compare_facts import (
    exposure_table,
    moved_table,
    not_moved_words,
    published_table,
    steering_words,
)
from rasslib.mitigation.compare_tables import differences_table, means_table, rates_table
from rasslib.mitigation.compare_words import (
    DIFFERENCES,
    MARGIN,
    RATES,
    made_words,
    means_words,
    published_words,
    sets_words,
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
    parts = ["# Comparison of arms"]
    for title, table, told in (
        ("Means", means_table(result), means_words(result)),
        ("Rates by set", rates_table(result), [RATES]),
        ("Differences", differences_table(result), [DIFFERENCES]),
    ):
        if len(table):
            parts += [f"## {title}", as_markdown(table).rstrip(), *map(markdown_text, told)]
    for arm, one in (result.get("moved") or {}).items():
        where = f"{arm}: layer {one['layer']}, {one['position']}, {one['split']} prompts, {one['axis']}."
        parts += ["## How the boundary moved"] * ("## How the boundary moved" not in parts)
        parts += [markdown_text(where), as_markdown(moved_table(one["by_intent"])).rstrip()]
    parts += [MARGIN] if result.get("moved") else []
    parts += [markdown_text(not_moved_words(result))] if result.get("not_moved") else []
    parts += ["## Sets", _listed(sets_words(result)), "## Exposure in training"]
    seen = exposure_table(result)
    parts.append(as_markdown(seen).rstrip() if len(seen) else "Nothing was trained.")
    if steered := steering_words(result):
        parts += ["## Steering without training", _listed(steered)]
    parts += ["## How it was made", _listed(made_words(result))]
    parts += [
        "## Published numbers",
        markdown_text(published_words(result)),
        as_markdown(published_table(result)).rstrip(),
    ]
    return "\n\n".join(parts) + "\n"


def _listed(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {markdown_text(one)}" for one in sentences)
