"""Tables of evaluations, each figure with its n and 95 % interval: for reading, for LaTeX, for spreadsheets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from rasslib.benchmarks.evaluations import Evaluation
from rasslib.prompts import to_csv_bytes

COLUMNS = ["benchmark", "title", "metric", "part", "value", "evaluation", "setting", "n", "rate", "low", "high"]
COUNTS = ["prompts", "replies", "invalid", "unjudged"]
NOTHING = "–"


def long_table(evaluations: Sequence[Evaluation]) -> pd.DataFrame:
    """Every figure of several evaluations, one a row.

    Returns:
        Columns :data:`COLUMNS`, :data:`COUNTS` and ``verdict`` (why a language cannot be judged, or empty); ``part`` is
        ``all``, ``category`` or ``language`` and ``value`` which of them; ``setting`` is unique to an evaluation.
    """
    rows: list[dict[str, Any]] = []
    for one, setting in zip(evaluations, labels_of(evaluations), strict=True):
        for name, result in one.results.items():
            base = {"benchmark": name, "title": result["title"], "metric": result["metric"]}
            base |= {"evaluation": one.id, "setting": setting}
            rows.append({**base, "part": "all", "value": "", **_figures(result)})
            for part in ("category", "language"):
                for value, figures in result[f"by_{part}"].items():
                    rows.append({**base, "part": part, "value": value, **_figures(figures)})
    return pd.DataFrame(rows, columns=pd.Index([*COLUMNS, *COUNTS, "verdict"]))


def overview(evaluations: Sequence[Evaluation]) -> pd.DataFrame:
    """Benchmark by setting: a row a benchmark, a column a setting, cells such as ``59.2 % (53.0–65.1), n = 250``."""
    return _wide(long_table(evaluations), "all", ["title", "metric"])


def by_part(evaluations: Sequence[Evaluation], part: str) -> pd.DataFrame:
    """The same by ``category`` or ``language``: a row a benchmark and value."""
    return _wide(long_table(evaluations), part, ["title", "metric", "value"]).rename(columns={"value": part})


def counts(evaluations: Sequence[Evaluation]) -> pd.DataFrame:
    """What stands behind the rates of whole sets: prompts, replies, and how many were invalid or not judged."""
    table = long_table(evaluations)
    names = {"title": "benchmark", "setting": "model", "n": "prompts with a valid reply"}
    return table.loc[table["part"] == "all", ["title", "setting", *COUNTS, "n"]].rename(columns=names)


def labels_of(evaluations: Sequence[Evaluation]) -> list[str]:
    """A name for each evaluation that no other has: as short as that allows."""
    for name in (lambda one: one.label, lambda one: one.title, lambda one: f"{one.title} · {one.id}"):
        found = [str(name(one)) for one in evaluations]
        if len(set(found)) == len(found):
            return found
    return [f"{one.id} ({place})" for place, one in enumerate(evaluations, 1)]


def cell(figures: Mapping[str, Any]) -> str:
    """``59.2 % (53.0–65.1), n = 250``, with what speaks against judging it; a dash without a valid reply."""
    if not figures["n"]:
        return f"{NOTHING} (n = 0)"
    rate, low, high = (100 * float(figures[name]) for name in ("rate", "low", "high"))
    doubt = f" [{figures['verdict']}]" if figures.get("verdict") else ""
    return f"{rate:.1f} % ({low:.1f}–{high:.1f}), n = {int(figures['n']):,}{doubt}"


def as_csv(table: pd.DataFrame) -> bytes:
    """UTF-8 that spreadsheets open; cells that they would run start with an apostrophe."""
    return to_csv_bytes(table)


def as_markdown(table: pd.DataFrame) -> str:
    """A table of GitHub's Markdown; all text stands as it is."""
    head, body = _texts(table, markdown_text)
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *body)]
    return "\n".join(lines) + "\n"


def as_latex(table: pd.DataFrame, caption: str = "") -> str:
    """A ``booktabs`` table; all text stands as it is."""
    head, body = _texts(table, _latex)
    lines = [r"\begin{table}", r"\centering", rf"\begin{{tabular}}{{{'l' * len(head)}}}", r"\toprule"]
    lines += [" & ".join(head) + r" \\", r"\midrule", *(" & ".join(row) + r" \\" for row in body)]
    lines += [r"\bottomrule", r"\end{tabular}"]
    if caption:
        lines.append(rf"\caption{{{_latex(caption)}}}")
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _figures(result: Mapping[str, Any]) -> dict[str, Any]:
    figures = {name: result[name] for name in ("n", "rate", "low", "high", *COUNTS)}
    return figures | {"verdict": result.get("verdict", "")}


def _wide(table: pd.DataFrame, part: str, keys: list[str]) -> pd.DataFrame:
    rows = table[table["part"] == part]
    settings = list(dict.fromkeys(table["setting"]))
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows.to_dict("records"):
        found.setdefault(tuple(str(row[key]) for key in keys), {})[row["setting"]] = cell(
            {str(k): v for k, v in row.items()}
        )
    cells = [[*key, *(values.get(setting, NOTHING) for setting in settings)] for key, values in found.items()]
    return pd.DataFrame(cells, columns=pd.Index([*keys, *settings])).rename(columns={"title": "benchmark"})


def _texts(table: pd.DataFrame, escape: Callable[[str], str]) -> tuple[list[str], list[list[str]]]:
    body = [[escape("" if pd.isna(value) else str(value)) for value in row] for row in table.itertuples(index=False)]
    return [escape(str(name)) for name in table.columns], body


def markdown_text(text: str) -> str:
    """Text as it stands, in one line: nothing in it is markup."""
    return re.sub(r"([\\`*_{}\[\]<>|#~$])", r"\\\1", " ".join(text.split()))


_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "–": "--", "·": r"$\cdot$", "×": r"$\times$",
    "“": "``", "”": "''", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


def _latex(text: str) -> str:
    return "".join(_LATEX.get(c, c) for c in " ".join(text.split()))
