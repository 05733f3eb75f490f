"""What to compare: arms, sets, and what else to measure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from pages.parts import errors, progress, runs
from pages.parts.mitigation.trained import ARMS_KEY, BASE_KEY
from rasslib.mitigation.arms import named_arms
from rasslib.mitigation.choices import (
    ArmChoice,
    arm_choices,
    asked,
    entries,
    is_label,
    public_files,
    typed_files,
    way_choices,
)
from rasslib.mitigation.compare_words import SETS_HELP, effort_words
from rasslib.mitigation.held_out import DEFAULT, OWN, held_out_sets
from rasslib.mitigation.jobs.asks import BASE_MODEL, CompareAsk
from rasslib.mitigation.provenance import provenance_of
from rasslib.mitigation.untrained import WAYS
from rasslib.mitigation.utility import utility_set
from rasslib.models import catalogue
from rasslib.models.catalogue import shipped_adapters

_KEY = "mitigation-compare"


def choose() -> CompareAsk:
    """What is asked for.

    Raises:
        RassError: A file or name that was typed means nothing.
    """
    place = runs.workspace()
    base = str(st.session_state.get(BASE_KEY) or BASE_MODEL)
    known = arm_choices(place, base) | way_choices()
    if ARMS_KEY not in st.session_state:
        st.session_state[ARMS_KEY] = [label for label, one in known.items() if one.place in shipped_adapters()]
    # Of another base: they would pass for folders.
    st.session_state[ARMS_KEY] = [one for one in st.session_state[ARMS_KEY] if one in known or not is_label(one)]
    options = list(dict.fromkeys([*known, *st.session_state[ARMS_KEY]]))
    chosen = st.multiselect(
        "Arms, beside the untrained base", options, key=ARMS_KEY, accept_new_options=True, persist_state="session",
        help="Shipped adapters and those trained here; or type a folder, or NAME=FOLDER. Arms marked “not trained” "
        "ablate the refusal direction of generic (with another base: of that base), always (ablation) or only where a "
        "refusal looks false (conditional); “-random” is the control with a random direction. For another adapter type "
        "ablation@NAME or ablation@FOLDER.",
        placeholder="Choose adapters, or type a folder",
    )  # fmt: skip
    _chosen(chosen, known)
    public = public_files(place)
    sets = st.multiselect(
        "Held-out sets", [*OWN, *public], list(DEFAULT), key=f"{_KEY}-sets", persist_state="session",
        format_func=lambda name: f"{name} ({OWN[name][0]})" if name in OWN else name,
        help=f"{SETS_HELP} Public sets appear here once their file is fetched or uploaded on the page Benchmarks.",
    )  # fmt: skip
    grid = st.grid(4, min_column_width=230)
    with grid.cell():
        limit = st.number_input(
            "Prompts per set (0: all)", 0, None, 30, 10, key=f"{_KEY}-limit", persist_state="session",
            help="A seeded draw, for a first look in minutes; fewer give wider intervals. What is asked once is "
            "kept, so more can be added.",
        )  # fmt: skip
    with grid.cell():
        split = st.segmented_control(
            "Split of our own sets", ["test", "validation"], default="test", required=True, key=f"{_KEY}-split",
            persist_state="session", help="Choose settings on validation, report on test.",
        )  # fmt: skip
    with grid.cell():
        prefill = st.toggle("Attack with prefill", True, key=f"{_KEY}-prefill", persist_state="session",
                            help="Harmful prompts once more, replies begun with a compliant opening.")  # fmt: skip
        utility = st.toggle("Measure utility", True, key=f"{_KEY}-utility", persist_state="session",
                            help="Perplexity of reference replies, and short answers.")  # fmt: skip
    with grid.cell():
        moved = st.toggle("How the boundary moved", False, key=f"{_KEY}-moved", persist_state="session",
                          help="Reads the bundled prompts in every model; the base is analysed first.")  # fmt: skip
        most = st.number_input("Prompts for that", 60, 100_000, 500, 100, disabled=not moved, key=f"{_KEY}-most",
                               persist_state="session")  # fmt: skip
    with st.expander("More settings"):
        files, together, draws, template = _more()
    ask = CompareAsk(
        arms=entries(chosen, known, together),
        sets=tuple(dict.fromkeys([*sets, *files])),
        files={name: str(path) for name, path in public.items() if name in sets} | files,
        base=base,
        template=template,
        split=str(split),
        limit=int(limit),
        prefill=bool(prefill),
        utility=bool(utility),
        moved=int(most) if moved else 0,
        draws=draws,
    )
    _work(ask)
    return ask


def _chosen(chosen: list[str], known: Mapping[str, ArmChoice]) -> None:
    """What the chosen arms are."""
    shipped, told = shipped_adapters(), ["base: not trained"]
    for one in (known[label] for label in chosen if label in known and known[label].place not in WAYS):
        made = provenance_of(Path(shipped.get(one.place, one.place)))
        if made:
            told.append(f"{one.arm}: recipe {made.get('recipe')}, {effort_words(made)}")
    st.caption(errors.plain("; ".join(told) + "."))


def _more() -> tuple[dict[str, str], bool, int, str]:
    left, right = st.columns(2)
    left.selectbox(
        "Base of the adapters", [BASE_MODEL, *(e.name for e in catalogue() if e.name not in (BASE_MODEL, "embedded"))],
        accept_new_options=True, key=BASE_KEY, persist_state="session",
        help="Or type a folder, a .gguf file or a hub id.",
    )  # fmt: skip
    together = left.toggle(
        "Adapters of one arm are its seeds", True, key=f"{_KEY}-together", persist_state="session",
        help="Trained here alike but for the seed: counted together as one arm. Switch off to see each alone.",
    )  # fmt: skip
    draws = right.number_input("Resamples for intervals", 100, 100_000, 2000, 500, key=f"{_KEY}-draws",
                               persist_state="session")  # fmt: skip
    template = left.text_input(
        "Chat template", "auto", key=f"{_KEY}-template", persist_state="session",
        help="auto: the base's own. plain, or a Jinja file, where it has none; as in training.",
    )  # fmt: skip
    typed = right.text_area(
        "Files of other public sets", key=f"{_KEY}-files", placeholder="xstest=/data/xstest_prompts.csv", height=80,
        persist_state="session", help="NAME=FILE, one a line.",
    )  # fmt: skip
    return typed_files(typed or ""), together, int(draws), template.strip() or "auto"


def _work(ask: CompareAsk) -> None:
    """How much is to be done."""
    if not ask.sets:
        return
    sets = held_out_sets(ask.sets, {name: Path(file) for name, file in ask.files.items()}, ask.split, ask.limit or None)
    harmful = [len(one.prompts) for one in sets if one.metric == "ASR"]
    questions = len(utility_set().questions) if ask.utility else 0
    models = len(named_arms(ask.arms, ask.base))
    replies = asked([len(one.prompts) for one in sets], harmful, models, ask.prefill, questions)
    lacks = [m for m in ("RR", "ASR") if not any(one.metric == m for one in sets)]
    steered = any(one.partition("@")[0].rpartition("=")[2] in WAYS for one in ask.arms)
    missing = " Steered arms need a run of their model: without one it reads the bundled prompts first." * steered
    missing += f" Without a set of {lacks[0]} there is no aggregate and no trade-off." if lacks else ""
    st.caption(
        errors.plain(
            f"{models} models, at most {replies:,} replies of 32 tokens. {progress.KEPT} It has its own process: "
            f"a reload does not end it.{missing}"
        )
    )
