"""One prompt at a time, with its keys. A fragment: a decision runs this file's part of the page and no more."""

from __future__ import annotations

import math
from functools import partial

import pandas as pd
import streamlit as st

from pages.parts import curate_list, curate_state, errors, reading, state
from rasslib.errors import RassError
from rasslib.prompts import INTENTS
from rasslib.rass.desk import Desk
from rasslib.workspace import Held

NEIGHBOURS = 5
_PROBLEM, _EPOCH, _NEAR = "curate-problem", "curate-epoch", "curate-near"
_MARKS = {"keep": ":green-badge[keep]", "reject": ":red-badge[reject]", "unsure": ":orange-badge[unsure]", "": ""}


@st.fragment
def work(desk: Desk) -> None:
    """Progress, the prompt in hand, its keys, and the list beside it."""
    with errors.told(ends=False):
        desk.refresh()
        counts = desk.counts()
        st.progress(counts.share, text=str(counts))
        if problem := st.session_state.pop(_PROBLEM, None):
            st.error(errors.plain(problem), icon=":material/error:")
        prompt = desk.current
        if prompt is None:
            st.info("No prompt passes these filters.")
            return
        if counts.decided == counts.total:
            st.success("All prompts of this list are decided.", icon=":material/done_all:")
        grid = st.grid(3, min_column_width=280, gap="large")  # the list comes below in a narrow window
        with grid.cell(column_span=2):
            _keys(desk)
            _prompt(desk, prompt)
            _says(desk, prompt)
            _neighbours(desk, prompt)
        with grid.cell():
            curate_list.window(desk)


def _keys(desk: Desk) -> None:
    row = st.container(horizontal=True, vertical_alignment="center")
    last = len(desk.ids) - 1
    row.button("Back", shortcut="Left", on_click=desk.move, args=(-1,), disabled=desk.at == 0, key="curate-back")
    for label, decision, key, kind in (
        ("Keep", "keep", "K", "primary"),
        ("Reject", "reject", "X", "secondary"),
        ("Unsure", "unsure", "U", "secondary"),
    ):
        row.button(
            label,
            shortcut=key,
            type="primary" if kind == "primary" else "secondary",
            on_click=_told,
            args=(partial(desk.decide, decision),),
            key=f"curate-{decision}",
        )
    row.button("Next", shortcut="Right", on_click=desk.move, args=(1,), disabled=desk.at == last, key="curate-next")
    row.button("Undo", shortcut="Z", on_click=_undo, args=(desk,), icon=":material/undo:", key="curate-undo")
    if desk.undone is not None:
        row.caption(f"Taken back: {desk.undone.decision or 'a note or correction'}.")


def _prompt(desk: Desk, prompt: pd.Series) -> None:
    held = desk.said(prompt["id"])
    intent = held.intent or prompt["intent"]
    st.markdown(
        f"**{desk.at + 1:,}** of {len(desk.ids):,} {_MARKS[held.decision]} · {errors.plain(_line(prompt, held))}"
    )
    reading.large(state.shown(prompt["prompt"], intent) or "(the text of this prompt is not in this workspace)")
    facts = st.grid(4, min_column_width=120)
    facts.metric("Behaviour", prompt["behaviour"] or "no reply yet", help="What the model did, by its reply.")
    facts.metric("Margin", _number(prompt["margin"], "+.2f"), help="0 is the boundary; above it lies refusal.")
    facts.metric(
        "Predicted", _number(prompt["predicted"], ".0%"), help="Predicted probability of a refusal, from one pass."
    )
    facts.metric("Evidence", prompt["evidence"] or "none", help="What shows that the prompt is benign.")
    why = " · ".join(filter(None, (prompt["policy"], prompt["why"], prompt["note"])))
    st.caption(f"Why it is here: {errors.plain(why)}" if why else "Nothing is stored on why it was selected.")
    if prompt["reply"]:
        st.markdown("**Reply of the model**")
        reading.small(state.shown(prompt["reply"], intent))


def _says(desk: Desk, prompt: pd.Series) -> None:
    """Note and corrections; each is stored when it changes."""
    prompt_id, held = prompt["id"], desk.said(prompt["id"])
    suffix = f"{st.session_state.get(_EPOCH, 0)}-{desk.curator}-{prompt_id}"
    keys = {part: f"curate-{part}-{suffix}" for part in ("note", "intent", "category")}
    st.text_input(
        "Note", held.note, key=keys["note"], max_chars=2000, on_change=_said, args=(desk, prompt, "note", keys["note"])
    )
    grid = st.grid(2, min_column_width=160)
    intents = list(dict.fromkeys([held.intent or prompt["intent"] or "unlabelled", *INTENTS]))
    grid.selectbox(
        "Intent", intents, key=keys["intent"], on_change=_said, args=(desk, prompt, "intent", keys["intent"])
    )
    now = held.category or prompt["category"]
    known = desk.members["category"].unique().tolist()
    grid.selectbox(
        "Category",
        list(dict.fromkeys([now, prompt["category"], *filter(None, known)])),
        key=keys["category"],
        accept_new_options=True,
        on_change=_said,
        args=(desk, prompt, "category", keys["category"]),
    )


def _neighbours(desk: Desk, prompt: pd.Series) -> None:
    if not prompt["run_id"] or not st.toggle("Nearest neighbours", True, key=_NEAR, persist_state="session"):
        return
    with errors.told(ends=False):
        near = curate_state.near(desk, prompt["run_id"])
        found = near.nearest(prompt["id"], NEIGHBOURS)
        if found is None:
            st.caption("The activation of this prompt is not stored in the workspace.")
            return
        st.dataframe(
            state.shown_table(found),
            hide_index=True,
            column_order=["cosine", "prompt", "intent", "behaviour", "margin"],
            column_config={
                "cosine": st.column_config.NumberColumn("Cosine", format="%.2f"),
                "prompt": st.column_config.TextColumn("Prompt", width="large"),
                "margin": st.column_config.NumberColumn("Margin", format="%+.2f"),
            },
        )
        st.caption(f"By cosine at layer {near.layer}, with the mean taken off; among prompts of the run and the set.")


def _line(prompt: pd.Series, held: Held) -> str:
    parts = (held.intent or prompt["intent"], held.category or prompt["category"], prompt["language"])
    return " · ".join(filter(None, parts))


def _number(value: float, form: str) -> str:
    return "–" if math.isnan(value) else format(value, form)


def _told(what: partial[None]) -> None:
    """Run a callback; what went wrong is told on the pass that follows."""
    try:
        what()
    except RassError as error:
        st.session_state[_PROBLEM] = str(error)


def _undo(desk: Desk) -> None:
    st.session_state[_EPOCH] = st.session_state.get(_EPOCH, 0) + 1  # fields show what holds now
    _told(partial(_take_back, desk))


def _take_back(desk: Desk) -> None:
    if desk.undo() is None:
        st.session_state[_PROBLEM] = "You have nothing left to undo in this set."


def _said(desk: Desk, prompt: pd.Series, part: str, key: str) -> None:
    """Store a field; what is as it was labelled is no correction."""
    value = str(st.session_state.get(key) or "").strip()
    if part != "note" and value == prompt[part]:
        value = ""
    _told(partial(desk.say, str(prompt["id"]), **{part: value}))
