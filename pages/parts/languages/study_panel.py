"""Compare languages: choose and start a study, then its rates, matrices and boundaries."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.parts import errors, model, runs, state
from pages.parts.languages import job
from rasslib.benchmarks import language_charts as charts
from rasslib.benchmarks.language_replies import json_bytes, replies_of
from rasslib.benchmarks.language_study import LanguageSettings, saved_studies, study_languages
from rasslib.benchmarks.language_tables import EFFECTS, causal_table, long_table, rates_table, transfer_table
from rasslib.benchmarks.language_words import against_lines, causal_words, doubt, report, shift_lines, warnings
from rasslib.benchmarks.languages import name_of, only_languages
from rasslib.benchmarks.shares import share
from rasslib.benchmarks.tables import as_csv
from rasslib.benchmarks.transfer import MEASURES
from rasslib.models import catalogue
from rasslib.prompts.parallel import PARALLEL_LANGUAGES, fewer_triples, load_parallel


def show() -> None:
    """A study that is there, or the way to one."""
    asked = job.asked(job.STUDY)
    if asked is not None:
        choice, languages, triples, settings = asked
        prompts = fewer_triples(only_languages(load_parallel(), languages), triples)
        title = f"{choice.model} on the parallel set"
        job.do(
            job.STUDY,
            lambda told: study_languages(
                model.lens_of(choice, told), prompts, runs.workspace(), settings, told, title=title
            ),
        )
    studies = saved_studies(runs.workspace())
    if not studies:
        _ask()
        return
    names = {study["id"]: f"{study['title']}, {len(study['languages'])} languages ({study['id']})" for study in studies}
    chosen = st.selectbox("Study", list(names), format_func=lambda key: names[key], key="languages-study")
    _show(next(study for study in studies if study["id"] == chosen))
    with st.expander("Start another study"):
        _ask()


def _ask() -> None:
    st.write(
        "The model reads and answers the parallel set: the same harmful, borderline and harmless prompts in every "
        "language. An axis is fitted in each and tried out in all others."
    )
    grid = st.grid(3, min_column_width=220)
    with grid.cell():
        name = st.selectbox(
            "Model",
            [entry.name for entry in catalogue()],
            accept_new_options=True,
            key="languages-model",
            help="Or type a folder, a .gguf file or a hub id.",
        )
    with grid.cell():
        adapter = st.text_input("Adapter (optional)", key="languages-adapter")
    with grid.cell():
        triples = st.number_input(
            "Triples per language (0: all)", 0, None, 0, 10, key="languages-triples",
            help="A triple is a harmful, a borderline and a harmless prompt. With few, intervals are wide and axes may "
            "be missing.",
        )  # fmt: skip
    causal = st.toggle(
        "Try the axes out on the model", True, key="languages-causal", help="Some thousand short passes more."
    )
    languages = st.pills(
        "Languages",
        PARALLEL_LANGUAGES,
        selection_mode="multi",
        default=PARALLEL_LANGUAGES,
        format_func=name_of,
        key="languages-chosen",
    )
    wanted = len(fewer_triples(only_languages(load_parallel(), languages), int(triples))) if languages else 0
    st.caption(
        f"{wanted:,} replies. All of them take about half an hour for the embedded model on two cores that are free."
    )
    if st.button("Compare languages", type="primary", disabled=not name or len(languages) < 2, key="languages-go"):
        reference = "en" if "en" in languages else languages[0]
        choice = model.ModelChoice(str(name).strip(), adapter.strip())
        job.begin(
            job.STUDY, (choice, list(languages), int(triples), LanguageSettings(reference=reference, causal=causal))
        )
        st.rerun()


def _show(study: dict[str, Any]) -> None:
    if told := doubt(study):
        st.warning(errors.plain(told), icon=":material/warning:")
    if lines := warnings(study):
        with st.expander("Why, and what was left out"):
            st.markdown("\n".join(f"- {errors.plain(line)}" for line in lines))
    st.subheader("Refusal by language")
    st.plotly_chart(charts.rates_chart(study), key="languages-rates")
    st.caption(
        "Bars: 95 % Wilson intervals; pale: languages in which the model cannot be judged. Of harmful prompts, what is "
        "not refused is the attack success rate."
    )
    st.dataframe(rates_table(study), hide_index=True, key="languages-table")
    row = st.container(horizontal=True)
    row.download_button(
        "Study (JSON)", json_bytes(study), f"languages-{study['id']}.json", "application/json",
        on_click="ignore", icon=":material/download:", key="languages-json",
    )  # fmt: skip
    row.download_button(
        "Matrices (CSV)", as_csv(long_table(study)), f"languages-{study['id']}.csv", "text/csv",
        on_click="ignore", icon=":material/download:", key="languages-csv",
    )  # fmt: skip
    row.download_button(
        "Report (Markdown)", report(study).encode(), f"languages-{study['id']}.md", "text/markdown",
        on_click="ignore", icon=":material/download:", key="languages-md",
    )  # fmt: skip
    _replies(study)
    transfer = study["transfer"]
    if transfer.get("reason"):
        st.info(errors.plain(f"There are no axes to compare: {transfer['reason']}"))
        return
    _matrices(study)
    st.subheader("Where refusal begins")
    for line in shift_lines(study):
        st.write(f"- {errors.plain(line)}")
    st.caption(
        f"Margins on the {name_of(transfer['reference'])} axis, from prompts no axis was fitted on. A negative shift: "
        "the model begins to refuse earlier than in that language."
    )


def _replies(study: dict[str, Any]) -> None:
    """Prompts and replies of one language, in their own direction."""
    with st.expander("Prompts and replies"):
        codes = [one["language"] for one in study["languages"]]
        code = st.selectbox("Language shown", codes, format_func=name_of, key="languages-shown")
        # Studies of other prompts have none here: their files are not kept.
        table = replies_of(study, load_parallel(), runs.workspace(), str(code))
        st.dataframe(
            state.shown_table(table),
            hide_index=True,
            column_order=["prompt", "reply", "behaviour", "intent", "reason"],
            column_config={
                "prompt": st.column_config.TextColumn("prompt", width="large"),
                "reply": st.column_config.TextColumn("reply", width="large"),
            },
            key="languages-replies",
        )


def _matrices(study: dict[str, Any]) -> None:
    transfer = study["transfer"]
    st.subheader("Does an axis carry over?")
    st.caption(errors.plain(transfer["why_layer"]))
    measure = st.segmented_control(
        "What is told apart",
        list(MEASURES),
        format_func=lambda name: MEASURES[name],
        default=max(MEASURES, key=lambda name: sum(cell["auc"] is not None for cell in transfer["cells"][name])),
        required=True,
        key="languages-measure",
    )
    st.plotly_chart(charts.transfer_chart(study, str(measure)), key="languages-transfer")
    st.caption("Test prompts; hover for the interval and the counts. Empty: too few prompts of a class.")
    with st.expander("With intervals"):
        st.dataframe(transfer_table(study, str(measure)), hide_index=True, key="languages-transfer-table")
    for line in against_lines(study, str(measure)):
        st.write(f"- {errors.plain(line)}")
    if not transfer.get("causal"):
        return
    effect = st.segmented_control(
        "What the axes do to the model",
        list(EFFECTS),
        format_func=lambda name: EFFECTS[name].capitalize(),
        default="bypass",
        required=True,
        key="languages-effect",
    )
    st.plotly_chart(charts.causal_chart(study, str(effect)), key="languages-causal-chart")
    told = ", ".join(
        f"{name_of(code)} {share(found['k'], found['n']).words}"
        for code, found in transfer["openers"].items()
        if found["n"]
    )
    with st.expander("With intervals"):
        st.dataframe(causal_table(study, str(effect)), hide_index=True, key="languages-causal-table")
    st.caption(
        f"Change of the refusal score (log-odds). {causal_words(study)} The score counts "
        "English openers only; the model's own refusals open with them in: " + errors.plain(told) + "."
    )
