"""Benchmarks: refusal rates and attack success on public evaluation sets, several models side by side."""

from __future__ import annotations

import streamlit as st

from pages.parts import entry, errors, model_source
from pages.parts.benchmarks import job, results, sets
from rasslib.benchmarks.choosing import JudgeChoice
from rasslib.benchmarks.judges import JUDGES
from rasslib.benchmarks.settings import ATTACKS, PREFILL, EvaluationSettings
from rasslib.benchmarks.subject import recipe_of
from rasslib.benchmarks.words import named_pairs
from rasslib.settings import settings
from rasslib.steering.recipe import Recipe


def main() -> None:
    """The page."""
    entry.through_app()
    st.title("Benchmarks")
    st.caption(
        "How much does a model refuse that it should answer, and answer that it should refuse? On public sets, with "
        "intervals; every reply is kept and never generated again."
    )
    job.message()
    pending = job.current()
    if pending is not None:
        job.work(pending)
        return
    names, given, language = sets.choose()
    choice = model_source.choose_model()
    with errors.told(ends=False):
        chosen, judge, columns, recipe = _settings()
        if st.button("Evaluate", type="primary", disabled=not names or choice is None, key="benchmarks-run"):
            if choice is not None:
                job.begin(job.Job(choice, names, given, chosen, judge, language, columns, recipe))
            st.rerun()
    results.show()


def _settings() -> tuple[EvaluationSettings, JudgeChoice, dict[str, str], Recipe | None]:
    """Attack, decoding and judge; columns that differ; a steering recipe.

    Raises:
        RassError: They mean nothing.
    """
    grid = st.grid(3, min_column_width=230)
    with grid.cell():
        attack = st.segmented_control(
            "Attack", list(ATTACKS), default="direct", required=True, key="benchmarks-attack",
            help=" ".join(f"{name}: {text}" for name, text in ATTACKS.items()),
        )  # fmt: skip
        begun = st.text_input("Begin replies with", PREFILL, key="benchmarks-prefill", disabled=attack == "direct")
    with grid.cell():
        limit = st.number_input("Prompts per set (0: all)", 0, None, 0, 50, key="benchmarks-limit")
        tokens = st.number_input("Token limit", 4, 2048, settings().reply_tokens, 8, key="benchmarks-tokens")
        samples = st.number_input("Replies per prompt", 1, 64, 1, 1, key="benchmarks-samples",
                                  help="More than one are drawn at temperature 1.")  # fmt: skip
    with grid.cell():
        kind = st.segmented_control(
            "Judge", JUDGES, default="phrases", required=True, key="benchmarks-judge",
            help="phrases: known refusals near the start. endpoint: a language model (RASS_JUDGE_MODEL). hub: a "
            "classifier.",
        )  # fmt: skip
        named = st.text_input("Classifier: folder or hub id", key="benchmarks-judge-model", disabled=kind != "hub")
    with st.expander("More settings"):
        temperature, top_p, seed, labels, pairs, columns, recipe = _more(kind == "hub", samples > 1)
    chosen = EvaluationSettings(
        str(attack), begun, int(tokens), int(samples), temperature, float(top_p), int(seed), int(limit)
    )
    return chosen, JudgeChoice(str(kind), named, named_pairs(labels), pairs), named_pairs(columns), recipe_of(recipe)


def _more(classifier: bool, several: bool) -> tuple[float | None, float, int, str, bool, str, str]:
    grid = st.grid(3, min_column_width=230)
    with grid.cell():
        warm = st.number_input(
            "Temperature", 0.0, 5.0, 1.0 if several else 0.0, 0.1, key=f"benchmarks-temperature-{several}",
            help="0: the most likely reply. Several replies need more than 0.",
        )  # fmt: skip
        top_p = st.number_input("Top-p", 0.01, 1.0, 1.0, 0.05, key="benchmarks-top-p", disabled=warm == 0)
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, 1, key="benchmarks-seed", disabled=warm == 0)
    with grid.cell():
        labels = st.text_input(
            "What the classifier's labels mean", key="benchmarks-labels", disabled=not classifier,
            placeholder="LABEL_1=refused, LABEL_0=complied", help="Empty where the names of its labels say it.",
        )  # fmt: skip
        pairs = st.toggle("It reads prompt and reply", key="benchmarks-pairs", disabled=not classifier)
        columns = st.text_area(
            "Columns of files that differ", key="benchmarks-columns", placeholder="koala.prompt=question", height=80,
            help="SET.role=COLUMN, one a line; roles are prompt, category and language, or a column as published.",
        )  # fmt: skip
    with grid.cell():
        recipe = st.text_area(
            "Steer the model: a recipe", key="benchmarks-recipe", placeholder='{"parts": [...]}', height=170,
            help="The JSON of a recipe from the page Steering lab, or the path of a file of it. It uses the "
            "directions of the model's newest run. Empty: the model as it is.",
        )  # fmt: skip
    return float(warm), float(top_p), int(seed), labels, bool(pairs), columns, recipe


main()
