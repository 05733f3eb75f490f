"""Settings of a training."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.parts import errors
from rasslib.mitigation.jobs.asks import BASE_MODEL, TrainAsk
from rasslib.mitigation.recipes import NEED_CANDIDATES, RECIPES
from rasslib.mitigation.settings import METHODS, AlignSettings
from rasslib.mitigation.words import ARMS, arm_words, method_words
from rasslib.models import catalogue

_KEY = "mitigation-train"


def choose() -> TrainAsk:
    """What is asked for.

    Raises:
        TrainingError: The settings make no sense together.
    """
    left, right = st.columns(2)
    recipe = left.selectbox(
        "Arm: what benign data it sees", ARMS, ARMS.index("trigger"), format_func=arm_words, **_named("recipe")
    )
    method = right.selectbox("Method", METHODS, format_func=method_words, **_named("method"))
    composed = RECIPES[recipe].composed
    grid = st.grid(4, min_column_width=170)
    with grid.cell():
        share = st.slider(
            "α: harmful share of a batch", 0.05, 0.95, 0.2, 0.05, disabled=not composed, **_named("alpha"),
            help="16 harmful of 80 examples are α = 0.2. The arm sft takes its examples as they are. The arm refusals "
            "is α = 1: no benign examples.",
        )  # fmt: skip
    with grid.cell():
        batch = st.number_input("Examples per step", 2, 1024, 10, 1, **_named("batch"))
    with grid.cell():
        steps = st.number_input(
            "Steps (0: by passes)", 0, 100_000, 0, 10, disabled=not composed, **_named("steps"),
            help="Give every arm the same number for a fair comparison.",
        )  # fmt: skip
        epochs = st.number_input(
            "Passes over the harmful set" if composed else "Passes", 1, 100, 3, 1, disabled=composed and steps > 0,
            **_named("epochs"),
        )  # fmt: skip
    with grid.cell():
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, 1, **_named("seed"))
    with st.expander("More settings"):
        more = _more(recipe, method)
    size = int(batch)
    settings = AlignSettings(
        recipe=recipe,
        method=method,
        seed=int(seed),
        epochs=int(epochs),
        steps=int(steps) or None if composed else None,
        harmful_share=float(share) if composed else AlignSettings.harmful_share,
        batch_size=size,
        micro_batch=max(k for k in range(1, 5) if size % k == 0),
        **more.pop("settings"),
    )
    return TrainAsk(settings, **more)


def _more(recipe: str, method: str) -> dict[str, Any]:
    grid = st.grid(3, min_column_width=200)
    with grid.cell():
        rate = st.number_input("Learning rate", 1e-7, 1.0, 5e-4, 1e-4, format="%.6f", **_named("rate"))
        rank = st.number_input("LoRA rank", 1, 1024, 8, 1, **_named("rank"))
        full = st.toggle(
            "Train all weights", **_named("full"), help="Instead of LoRA; the result is a whole model folder."
        )
        strengthen = st.number_input(
            "Strengthen the update", 0.05, 5.0, 1.0, 0.05, disabled=full, **_named("strengthen"),
            help="The trained update is multiplied by this. Above 1 the model refuses more of everything: give arms "
            "the same.",
        )  # fmt: skip
    with grid.cell():
        saves = st.number_input(
            "Save the state so many times",
            1,
            100_000,
            20,
            1,
            **_named("saves"),
            help="At least; more often where steps take seconds. A kill loses what came after.",
        )
        watch = st.number_input(
            "Validation prompts per intent", 0, 1000, 8, 4, **_named("watch"),
            help="Asked four times along the way, for the live refusal rates. 0: none.",
        )  # fmt: skip
        most = st.number_input(
            "Most harmful prompts (0: all)", 0, 100_000, 0, 10, **_named("harmful"), help="A seeded draw."
        )
        equal = st.number_input(
            "Benign examples of arms of equal size (0: as many as harmful)", 0, 100_000, 0, 10, **_named("benign")
        )
    with grid.cell():
        prefix = st.slider(
            "Refusals behind a compliant opening", 0.0, 1.0, 0.5, 0.05, disabled=method != "p-sft", **_named("prefix"),
            help="P-SFT: the opening (such as “Sure, here is”) carries no loss.",
        )  # fmt: skip
        beta = st.number_input(
            "β: weight of staying near the start", 0.0, 10.0, 0.1, 0.05, disabled=method not in ("dpo", "grpo"),
            **_named("beta"),
        )  # fmt: skip
        drawn = st.number_input(
            "Replies drawn to each prompt", 2, 64, 4, 1, disabled=method != "grpo", **_named("generations")
        )
        pairs = st.text_input(
            "Preference pairs of the studio (file)", disabled=method != "dpo", **_named("pairs"),
            help="Trained on in place of the arm's data.",
        )  # fmt: skip
        start = st.text_input(
            "Adapter to train on", disabled=full, **_named("from"),
            help="Folder or shipped name, instead of fresh weights. Reinforcement learns nothing from a model that "
            "never refuses: start it from an adapter, every arm from the same.",
        )  # fmt: skip
    with grid.cell():
        template = st.text_input(
            "Chat template", "auto", **_named("template"),
            help="auto: the model's own. plain, or a Jinja file, where it has none.",
        )  # fmt: skip
    return {
        "settings": {
            "learning_rate": float(rate),
            "rank": int(rank),
            "full": bool(full),
            "strengthen": 1.0 if full else float(strengthen),
            "checkpoints": int(saves),
            "max_harmful": int(most) or None,
            "benign_size": int(equal) or None if RECIPES[recipe].composed else None,
            "prefix_share": float(prefix),
            "beta": float(beta),
            "generations": int(drawn),
        },
        "watch": int(watch),
        "template": template.strip() or "auto",
        "pairs": pairs.strip() if method == "dpo" else "",
        "start": "" if full else start.strip(),
        **_sources(recipe),
    }


def _sources(recipe: str) -> dict[str, Any]:
    """Base, prompts, candidates and triggers."""
    places = recipe in NEED_CANDIDATES
    grid = st.grid(3, min_column_width=200)
    with grid.cell():
        base = st.selectbox(
            "Base model", [BASE_MODEL, *(e.name for e in catalogue() if e.name not in (BASE_MODEL, "embedded"))],
            accept_new_options=True, **_named("base"), help="Or type a folder, a .gguf file or a hub id.",
        )  # fmt: skip
        prompts = st.text_input("Prompts: bundled, or a file", "bundled", **_named("prompts"))
    with grid.cell():
        candidates = st.text_input(
            "Candidates with margins (file)", disabled=not places, **_named("candidates"),
            help="From the page RASS candidates or rass select; empty: the grammar makes some.",
        )  # fmt: skip
        triggers = st.text_input(
            "Triggers (file)", disabled="trigger" not in recipe, **_named("triggers"),
            help="Empty: those that come along.",
        )  # fmt: skip
    with grid.cell():
        by = st.text_input(
            "Model that places the grammar's candidates", "embedded", disabled=not places, **_named("by")
        )
        pool = st.number_input(
            "Candidates of the grammar", 50, 100_000, 1500, 50, disabled=not places, **_named("pool")
        )
    if places:
        st.caption(
            errors.plain(
                f"{by} reads the bundled prompts and {int(pool):,} candidates first, unless that was done before: "
                "minutes to half an hour on a processor."
            )
        )
    return {
        "base": str(base).strip(),
        "prompts": prompts.strip(),
        "candidates": candidates.strip() if places else "",
        "triggers": triggers.strip() if "trigger" in recipe else "",
        "placed_by": by.strip() or "embedded",
        "pool": int(pool),
    }


def _named(name: str) -> dict[str, Any]:
    return {"key": f"{_KEY}-{name}", "persist_state": "session"}
