"""The trigger lexicon: the button, a searchable table, a bar chart, and a phrase to look into."""

from __future__ import annotations

import zlib
from functools import partial
from typing import Any, cast

import streamlit as st

from pages.parts import errors, model
from pages.parts.triggers import charts, removal_panel, work
from rasslib.boundary.run import Analysis
from rasslib.prompts import SPLITS
from rasslib.rass.export.writing import MIME, file_stem
from rasslib.triggers.lexicon import Entry, Lexicon, LexiconSettings
from rasslib.triggers.lexicon_building import build_lexicon, saved_lexicon
from rasslib.triggers.lexicon_view import KINDS, entries_of, entry_table, lexicon_text
from rasslib.triggers.segments import LONGEST_PHRASE
from rasslib.triggers.training_set import table_bytes

BARS = 25


def show(run: Analysis) -> None:
    """Settings, the button, then the lexicon; a phrase can be typed before there is one."""
    st.caption(
        "Every word and short phrase is taken out of the prompts that hold it: how much does the refusal score fall? "
        "Phrases that move refusal but hardly the intent axis are benign cues: the model refuses for them, but hardly "
        "reads harm in them (our reading; the paper's triggers are whole prompts)."
    )
    settings = _settings()
    if settings is None:
        return
    lexicon = work.result(
        "lexicon",
        (run.run_id, run.state, settings),
        "Build the lexicon",
        lambda told: build_lexicon(model.lens_for(run), run, settings, told),
        lambda: saved_lexicon(run, settings),
    )
    chosen = None if lexicon is None else _lexicon(lexicon)
    st.divider()
    st.markdown("**Look into a phrase**")
    typed = st.text_input(
        "Phrase",
        key="triggers-phrase",
        placeholder=chosen or "kill",
        help="Empty: the row that is chosen in the table, else its first.",
        persist_state="session",
    )
    phrase = " ".join(typed.split()) or chosen
    if typed.strip() and chosen:
        st.caption("This is the phrase as typed; clear the field to look into rows of the table.")
    if phrase:
        removal_panel.show(run, phrase)
    else:
        st.info("Type a phrase, or build the lexicon and choose a row of it.")


def _settings() -> LexiconSettings | None:
    with st.expander("How it is made"):
        grid = st.grid(4, min_column_width=180, vertical_alignment="bottom")
        one, two, three, four = (grid.cell() for _ in range(4))
        splits = one.multiselect(
            "Splits", SPLITS, ["train", "validation"], key="triggers-splits",
            help="Leave test out, so that evidence on it is held out.",
        )  # fmt: skip
        longest = two.slider("Words of a phrase at most", 1, LONGEST_PHRASE, LONGEST_PHRASE, key="triggers-longest")
        least = three.number_input("Prompts that hold it at least", 1, 100, 3, key="triggers-least")
        most = four.number_input(
            "Prompts measured per phrase", 1, 500, 40, key="triggers-most",
            help="Fewer is faster; intervals get wider.",
        )  # fmt: skip
    if not splits:
        st.info("Choose at least one split.")
        return None
    return LexiconSettings(
        longest=int(longest),
        least=int(least),
        most_measured=int(most),
        splits=tuple(split for split in SPLITS if split in splits),
    )


def _lexicon(lexicon: Lexicon) -> str | None:
    """The lexicon; the phrase that is chosen in it."""
    st.write(errors.plain(lexicon_text(lexicon)))
    for note in lexicon.notes:
        st.caption(errors.plain(note))
    grid = st.grid(3, min_column_width=220, vertical_alignment="bottom")
    one, two, three = (grid.cell() for _ in range(3))
    search = one.text_input(
        "Search", key="triggers-search", placeholder="a word, or part of an example", persist_state="session"
    )
    kind = two.selectbox(
        "Which", list(KINDS), format_func=lambda name: KINDS[name], key="triggers-kind", persist_state="session"
    )
    words = three.multiselect(
        "Words", list(range(1, lexicon.settings.longest + 1)), key="triggers-lengths", placeholder="Any length"
    )
    entries = entries_of(lexicon, str(kind), search or "", [int(n) for n in words])
    if not entries:
        st.info("No phrase of the lexicon fits; search for something else.")
        return None
    figure = charts.lexicon_bars(entries[:BARS])
    st.plotly_chart(figure, width="stretch", key="triggers-bars")
    st.caption(
        f"The {min(BARS, len(entries))} strongest of {len(entries):,}: mean score with it minus the score "
        "without it, and its 95 % interval over prompts (Student). Only phrases found often enough are listed. Of "
        f"{len(lexicon.entries):,} phrases without any effect about {0.025 * len(lexicon.entries):,.0f} would have an "
        f"interval above 0; {len(lexicon.triggers):,} have. The strongest of many are flattered by chance: check them "
        "with the causal evidence."
    )
    chosen = _table(entries)
    _downloads(lexicon)
    return chosen.phrase


def _table(entries: list[Entry]) -> Entry:
    """All entries; the one whose row is chosen, else the first."""
    digest = zlib.crc32("\n".join(one.phrase for one in entries).encode("utf-8", "surrogatepass"))
    event = st.dataframe(
        entry_table(entries),
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * len(entries), 360),
        on_select="rerun",
        selection_mode="single-row",
        key=f"triggers-lexicon-{digest:08x}",
        column_config={
            "phrase": st.column_config.TextColumn("Phrase", width="medium"),
            "change": st.column_config.NumberColumn("Change of refusal score", format="%+.2f"),
            "interval": "95 % interval",
            "intent_change": st.column_config.NumberColumn("Change of intent margin", format="%+.2f"),
            "intent_interval": "95 % interval (intent)",
            "benign_cue": st.column_config.CheckboxColumn("Benign cue"),
            "n": st.column_config.NumberColumn("Prompts"),
            "harmful": st.column_config.NumberColumn("Harmful"),
            "benign": st.column_config.NumberColumn("Benign"),
            "refused": "Refused",
            "measured": st.column_config.NumberColumn("Measured"),
        },
    )
    rows = cast(Any, event or {}).get("selection", {}).get("rows", [])
    return entries[rows[0]] if rows and rows[0] < len(entries) else entries[0]


def _downloads(lexicon: Lexicon) -> None:
    row = st.container(horizontal=True)
    for format_, label in (("csv", "CSV"), ("jsonl", "JSONL")):
        row.download_button(
            f"Lexicon as {label}",
            partial(table_bytes, lexicon.table(), format_),
            f"trigger-lexicon-{file_stem(lexicon.model)}.{format_}",
            MIME[format_],
            on_click="ignore",
            icon=":material/download:",
            key=f"triggers-lexicon-{format_}",
        )
