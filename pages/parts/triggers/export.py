"""The trigger-matched benign training set: which levels, whose replies, the work, the files."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pages.parts import errors, model, runs
from pages.parts.triggers import work
from rasslib.boundary.run import Analysis
from rasslib.prompts import SPLITS
from rasslib.rass.export.writing import MIME
from rasslib.triggers.bundled import LEVELS, load_triggers
from rasslib.triggers.training_set import TOKENS, TrainingSet, base_choice, training_bytes, training_set
from rasslib.triggers.versions import NAMES

LABELS = {"csv": "CSV", "jsonl": "JSONL"}


def show(run: Analysis) -> None:
    """Choices, the button, then counts and downloads."""
    st.caption(
        "Benign pairs to train on beside refusals, so that a model learns to refuse the harm and not the words around "
        "it: each trigger with the untuned model's own reply, judged complied (greedy, at most "
        f"{TOKENS} tokens). Whose replies the paper takes is not printed; this is our reading."
    )
    left, right = st.columns(2)
    levels = left.multiselect(
        "Versions of each trigger", LEVELS, [0], format_func=lambda level: NAMES[level], key="triggers-levels"
    )
    split = right.selectbox(
        "Split",
        SPLITS,
        key="triggers-export-split",
        help="Train on train only: trained triggers would flatter a model that is measured on them.",
    )
    found = load_triggers(split)
    if not levels:
        st.info("Choose at least one version.")
        return
    chosen = model.choice_of(run)
    base, other = base_choice(chosen.model, chosen.adapter)
    whose = f"{base}, without the adapter of this run" if other else f"{base}, the model of this run"
    st.caption(
        errors.plain(
            f"{len(found) * len(levels):,} prompts, answered by {whose}."
            + ("" if other else " If it is tuned to refuse already, make a run with its base model instead.")
        )
    )
    pairs = work.result(
        "training-set",
        (base, chosen.template, split, tuple(levels)),
        "Make the training set",
        lambda told: training_set(
            model.lens_of(model.ModelChoice(base, "", chosen.template), told),
            runs.workspace(),
            found,
            levels,
            progress=told,
        ),
    )
    if pairs is not None:
        _downloads(pairs, split)


def _downloads(pairs: TrainingSet, split: str) -> None:
    st.write(errors.plain(pairs.in_words()))
    if not pairs.pairs:
        st.info("No reply was usable: choose other versions, or a run with another model.")
        return
    row = st.container(horizontal=True)
    for format_, label in LABELS.items():
        row.download_button(
            f"Training set as {label}",
            partial(training_bytes, pairs, format_),
            f"trigger-matched-{split}.{format_}",
            MIME[format_],
            on_click="ignore",
            icon=":material/download:",
            key=f"triggers-download-{format_}",
        )
    st.dataframe(
        pairs.table(),
        hide_index=True,
        width="stretch",
        height=320,
        column_order=["prompt", "reply", "level", "category", "finished"],
        column_config={
            "prompt": st.column_config.TextColumn("Prompt", width="large"),
            "reply": st.column_config.TextColumn("Reply", width="large"),
            "level": st.column_config.NumberColumn("Level"),
            "category": "Category",
            "finished": st.column_config.CheckboxColumn("Ended by itself"),
        },
        key="triggers-pairs-table",
    )
    st.caption("The files also hold the harmful source prompt, its id and its split; cells that a spreadsheet would "
               "run start with an apostrophe (CSV).")  # fmt: skip
