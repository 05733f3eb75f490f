"""A finished comparison: tables, trade-off, differences, the published numbers, what moved, files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from pages.parts import errors
from pages.parts.mitigation import moved_panel, trade_off_chart
from rasslib.mitigation.compare_facts import exposure_table, not_moved_words, published_table, steering_words
from rasslib.mitigation.compare_report import markdown
from rasslib.mitigation.compare_tables import differences_table, long_table, means_table, rates_table
from rasslib.mitigation.compare_words import (
    DIFFERENCES,
    RATES,
    made_words,
    means_words,
    published_words,
    sets_words,
)
from rasslib.mitigation.comparing import FORMAT
from rasslib.mitigation.jobs.doing import RESULT
from rasslib.mitigation.jobs.job import Job
from rasslib.mitigation.moving import moves
from rasslib.mitigation.moving_files import read_moved
from rasslib.prompts import to_csv_bytes
from rasslib.workspace.files import read_json

SHAPES = ("ellipses", "crosses")


def of_job(job: Job) -> None:
    """Everything about a comparison of this workspace.

    Raises:
        WorkspaceError: Its files cannot be read.
    """
    show(read_json(job.folder / RESULT), job.name, job.folder / "moved")


def show(result: Mapping[str, Any], name: str, moved: Path | None = None) -> None:
    """Everything about a comparison.

    Args:
        result: What was found.
        name: Of the files to download.
        moved: Where it is kept how the boundary moved.

    Raises:
        WorkspaceError: Its files cannot be read.
    """
    if result.get("format") != FORMAT:
        st.info("An earlier version made this comparison. Compare the same arms again: replies once given are kept.")
        return
    _tables(result)
    _chart(result)
    _theirs(result)
    places = read_moved(moved) if moved is not None else {}
    if places:
        moved_panel.show(places)
    if result.get("not_moved"):
        st.caption(errors.plain(not_moved_words(result)))
    exposure = exposure_table(result)
    if len(exposure):
        with st.expander("What each arm saw in training"):
            st.dataframe(exposure, hide_index=True, key="mitigation-exposure")
    if steered := steering_words(result):
        with st.expander("What is done without training"):
            for one in steered:
                st.write(errors.plain(one))
    with st.expander("Sets, models, settings"):
        for one in (*sets_words(result), *made_words(result)):
            st.write(errors.plain(one))
    _downloads(name, lambda: {**moves(places, {}), **result} if places else result)


def _tables(result: Mapping[str, Any]) -> None:
    overview, sets, differences = st.tabs(["Means", "By set", "Differences"])
    width = min(240, 40 + 8 * max(map(len, result["arms"])))  # of a name, in pixels
    pinned = {name: st.column_config.Column(pinned=True, width=width) for name in ("arm", "minus")}
    overview.dataframe(means_table(result), hide_index=True, key="mitigation-means", column_config=pinned)
    for sentence in means_words(result):
        overview.caption(errors.plain(sentence))
    sets.dataframe(rates_table(result), hide_index=True, key="mitigation-rates", column_config=pinned)
    sets.caption(RATES)
    table = differences_table(result)
    if table.empty:
        differences.caption("Only the base was compared: add an arm.")
        return
    differences.dataframe(table, hide_index=True, key="mitigation-differences", column_config=pinned)
    differences.caption(DIFFERENCES)


def _chart(result: Mapping[str, Any]) -> None:
    st.markdown("**Trade-off**")
    row = st.container(horizontal=True, vertical_alignment="bottom")
    shape = row.segmented_control(
        "Intervals as", SHAPES, default=SHAPES[0], required=True, key="mitigation-shape", persist_state="session",
        help="Ellipses: joint 95 % region of both means over resamples, taken as normal. Crosses: each mean's own "
        "95 % interval, Wilson's where it is one rate of one model.",
    )  # fmt: skip
    theirs = row.toggle("Show the paper's own figures", key="mitigation-theirs", persist_state="session")
    figure = trade_off_chart.figure(result, str(shape), theirs)
    if figure is None:
        st.caption("The trade-off needs a set of benign prompts and one of harmful prompts.")
        return
    st.plotly_chart(figure, key="mitigation-chart")
    st.caption(
        "Lower left is best: benign prompts answered, harmful ones refused."
        + (
            " Hollow: the paper's, from other models, other sets and another judge, without intervals; with a dot: "
            "their ASR is under prefill."
            if theirs
            else ""
        )
    )


def _theirs(result: Mapping[str, Any]) -> None:
    with st.expander("The paper's own figures (theirs)"):
        st.dataframe(published_table(result), hide_index=True, key="mitigation-published")
        st.caption(errors.plain(published_words(result)))


def _downloads(name: str, whole: Callable[[], Mapping[str, Any]]) -> None:
    """Files, made when they are asked for."""
    row = st.container(horizontal=True)
    files = (
        ("Numbers (CSV)", lambda: to_csv_bytes(long_table(whole())), "csv", "text/csv"),
        ("Everything (JSON)", lambda: json.dumps(whole(), indent=1).encode(), "json", "application/json"),
        ("Report (Markdown)", lambda: markdown(whole()).encode(), "md", "text/markdown"),
    )
    for label, data, end, mime in files:
        row.download_button(
            label, data, f"{name}.{end}", mime, on_click="ignore", icon=":material/download:",
            key=f"mitigation-{end}",
        )  # fmt: skip
