"""A study of languages in words, for people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rasslib.benchmarks.language_tables import EFFECTS, MARK, causal_table, long_table, rates_table, transfer_table
from rasslib.benchmarks.languages import FEW, FIT, name_of
from rasslib.benchmarks.shares import share
from rasslib.benchmarks.tables import as_csv, as_markdown, markdown_text
from rasslib.benchmarks.transfer import MEASURES
from rasslib.workspace.files import atomic_bytes, atomic_json


def study_in_words(study: Mapping[str, Any]) -> list[str]:
    """Rates, verdicts and what the axes do, in lines."""
    lines = [*rate_lines(study), *warnings(study)]
    transfer = study["transfer"]
    if transfer.get("reason"):
        return [*lines, f"No axes: {transfer['reason']}"]
    lines.append(f"Axes: {transfer['why_layer']}")
    lines += against_lines(study)
    return [*lines, *shift_lines(study)]


def report(study: Mapping[str, Any]) -> str:
    """A study as a Markdown file: rates, verdicts, both matrices with intervals, shifts."""
    model, settings = study["model"], study["settings"]
    parts = [
        f"# {markdown_text(study['title'])}",
        markdown_text(
            f"{study['prompts']['n']} prompts; replies cut at {settings['reply_tokens']} tokens, judged by "
            f"{study['judge']}; model {model['name']} ({model['fingerprint']}); {study.get('created', '')}. "
            "Rates have 95 % Wilson intervals, AUC bootstrap ones."
        ),
        "## Refusal by language",
        as_markdown(rates_table(study)).rstrip(),
        *[markdown_text(one) for one in filter(None, [doubt(study), *warnings(study)])],
    ]
    transfer = study["transfer"]
    if transfer.get("reason"):
        return "\n\n".join([*parts, markdown_text(f"No axes: {transfer['reason']}")]) + "\n"
    parts += ["## Axes in other languages", markdown_text(transfer["why_layer"])]
    for measure, words in MEASURES.items():
        parts += [f"AUC, {words} (test prompts)", as_markdown(transfer_table(study, measure)).rstrip()]
    if transfer.get("causal"):
        for effect, words in EFFECTS.items():
            title = f"Change of the refusal score (log-odds), {words}. {causal_words(study)}"
            parts += [title, as_markdown(causal_table(study, effect)).rstrip()]
    lines = [*against_lines(study), *shift_lines(study)]
    return "\n\n".join([*parts, "\n".join(f"- {markdown_text(one)}" for one in lines)]) + "\n"


def write_study(study: Mapping[str, Any], folder: Path) -> list[str]:
    """Write the report, both matrices (CSV) and the study (JSON) into a folder; returns their paths.

    Raises:
        WorkspaceError: A file cannot be written.
    """
    folder = folder.expanduser()
    atomic_bytes(folder / "report.md", report(study).encode())
    atomic_bytes(folder / "matrices.csv", as_csv(long_table(study)))
    atomic_json(folder / "study.json", study)
    return [str(folder / name) for name in ("report.md", "matrices.csv", "study.json")]


def causal_words(study: Mapping[str, Any]) -> str:
    """On which prompts effects were measured, and what their intervals are; older studies have none."""
    targets = study["transfer"]["causal"]["targets"]
    split = next((target["split"] for target in targets if "split" in target), "")
    if not split:
        return "On validation prompts, without intervals: an earlier version made this study."
    return f"On {split} prompts, with Student's t intervals over prompts, beside the range of random directions."


def rate_lines(study: Mapping[str, Any]) -> list[str]:
    """One line a language: how much is refused of what, with intervals."""
    lines = []
    for one in study["languages"]:
        rates = [
            f"{intent} {share(rate['refused'], rate['n']).words}" for intent, rate in one["rates"].items() if rate["n"]
        ]
        lines.append(f"{one['name']}: refused {'; '.join(rates) or 'nothing that could be judged'}.")
    return lines


def doubt(study: Mapping[str, Any]) -> str:
    """In which languages the model cannot be judged, in a sentence; "" where it can in all."""
    names = [str(one["name"]) for one in study["languages"] if one["verdict"] != FIT]
    if not names:
        return ""
    return (
        f"In {len(names)} of {len(study['languages'])} languages, marked {MARK}, the model cannot be judged: "
        f"{', '.join(names)}. Rates there say nothing of its safety."
    )


def warnings(study: Mapping[str, Any]) -> list[str]:
    """Why languages cannot be judged, and what was left out; empty where all can and nothing was."""
    found = [one["why"] for one in study["languages"] if one["verdict"] != FIT]
    left_out = study["prompts"]["left_out"]
    if left_out:
        told = ", ".join(f"{name_of(code)} {n}" for code, n in left_out.items())
        found.append(f"Left out, because they are not in the script of their language or mix languages: {told}.")
    return found


def against_lines(study: Mapping[str, Any], measure: str = "") -> list[str]:
    """The reference axis against the native one, a line a language."""
    transfer = study["transfer"]
    reference = name_of(transfer["reference"])
    lines = []
    for name in [measure] if measure else list(transfer["against"]):
        for one in transfer["against"][name]:
            ends = f"{one['difference']:+.3f} ({one['low']:+.3f} to {one['high']:+.3f})"
            verdict = (
                "the native axis is better"
                if one["high"] < 0
                else f"the {reference} axis is better"
                if one["low"] > 0
                else "no difference is shown"
            )
            lines.append(
                f"{name_of(one['language'])}, {name}: AUC {one['reference']:.3f} with the {reference} axis, "
                f"{one['native']:.3f} with its own, difference {ends}: {verdict}; cosine {one['cosine']:.2f}."
            )
    return lines


def shift_lines(study: Mapping[str, Any]) -> list[str]:
    """Where refusal begins in each language, a line each."""
    transfer = study["transfer"]
    unjudged = {one["language"]: str(one["name"]) for one in study["languages"] if one["verdict"] not in (FIT, FEW)}
    lines = []
    for one in transfer["shifts"]:
        name = name_of(one["language"])
        if one["language"] in unjudged:
            continue
        if not one["usable"]:
            lines.append(f"{name}: {one['finding']}")
            continue
        text = (
            f"{name}: refusal is a coin toss at margin {one['offset']:+.2f} ({one['low']:+.2f} to {one['high']:+.2f})"
        )
        if one["shift"] is not None:
            side = "earlier" if one["shift_high"] < 0 else "later" if one["shift_low"] > 0 else ""
            told = f"begins to refuse {side}" if side else "no shift is shown"
            text += f", {one['shift']:+.2f} ({one['shift_low']:+.2f} to {one['shift_high']:+.2f}) from "
            text += f"{name_of(transfer['reference'])}: {told}"
        lines.append(f"{text}.")
    if unjudged:
        lines.append(f"Not told where the model cannot be judged: {', '.join(unjudged.values())}.")
    return lines
