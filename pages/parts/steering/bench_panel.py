"""The bench: one prompt as the model is, steered, and steered at random, side by side."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import streamlit as st

from pages.parts import errors, prompt_picker
from pages.parts.steering import columns, intervention, keys, link, pins, ready, writing
from rasslib.boundary.inspecting import intent_of
from rasslib.boundary.run import Analysis
from rasslib.steering.bench import Bench
from rasslib.steering.controlling import known_layer
from rasslib.steering.deciding import signals_of
from rasslib.steering.fan import columns as variants
from rasslib.steering.recipe import Recipe
from rasslib.steering.streaming import stream_outcomes
from rasslib.steering.transcript import NOTE, Transcript
from rasslib.steering.wish import Wish

KEPT = 12


def show(run: Analysis) -> None:
    """The panel."""
    picked = prompt_picker.pick_prompt(run, "lab")
    with st.container(border=True):
        wish = intervention.choose(run)
    how = writing.choose(run)
    row = st.container(horizontal=True, vertical_alignment="center")
    pressed = row.button("Run", type="primary", disabled=picked is None, width=120)
    stop_place = row.empty()
    pins.pin_button(row, run)
    if picked is not None:
        bench = _bench(run, picked, how, Recipe())
        with row:
            _link(run, bench, wish)
        if pressed:
            live = st.empty()
            with errors.told(ends=False):
                with stop_place:
                    st.button("Stop", key="lab-stop", help="Stops after the current token and keeps the text so far.")
                with live.container():
                    _run(run, picked.prompt, bench, wish, how)
                st.rerun()  # the layer and the thresholds are known now, and what is shown about them
            # An error: what was written so far is shown below.
            stop_place.empty()
            live.empty()
    _last(run)
    pins.show(run)


def _bench(run: Analysis, picked: prompt_picker.Picked, how: writing.Writing, recipe: Recipe) -> Bench:
    prompt_id = "" if picked.row is None else str(run.prompts["id"].iloc[picked.row])
    text = picked.prompt if picked.row is None else ""
    return Bench(
        recipe, prompt_id, text, how.system, how.control, how.tokens, how.temperature, how.top_p, how.seed, how.thinking
    )


def _link(run: Analysis, bench: Bench, wish: Wish) -> None:
    """The link of what is set up now; it waits for what the first run finds."""
    known, conditioned = known_layer(run), ready.kept(run)
    found = (known or not wish.needs_layer) and (not wish.conditional or wish.bounds or conditioned)
    if not found:
        st.caption("A link can be copied after the first run.")
        return
    with errors.told(ends=False):
        recipe = wish.recipe(known.layer if known else run.layer, conditioned.condition if conditioned else None)
        link.show(run, replace(bench, recipe=recipe))


def _run(run: Analysis, prompt: str, bench: Bench, wish: Wish, how: writing.Writing) -> None:
    """Stream all columns and keep them in the session; a stop keeps the text so far.

    Raises:
        RassError: The model cannot be loaded, is not the run's, or gives scores that are not numbers.
    """
    made = ready.make(run, wish)
    recipe = applied = made.recipe
    margin = refusal = None
    if recipe.gate is not None:
        predictor = made.conditioned.predictor if made.conditioned else None
        margin, p = signals_of(made.lens, made.run, made.book, predictor, prompt, recipe.gate)
        applied, refusal = recipe.decided(margin, p), None if predictor is None else p
    facts = run.summary["model"]
    now = Transcript(
        run.run_id,
        str(facts["name"]),
        str(facts["fingerprint"]),
        prompt,
        intent_of(run, prompt),
        replace(bench, recipe=recipe),
        applied,
        margin,
        refusal,
        (),
        made.why_layer,
    )
    recipes = {"baseline": Recipe(), "steered": applied}
    if bench.control is not None:
        recipes["control"] = applied.control(bench.control)
    lens = how.lens(made.lens)
    openers = run.summary["settings"]["openers"]
    st.session_state[keys.LAST] = now
    places = columns.frame(now, list(recipes))
    # A stop or a closed tab raises out of this block at the next Streamlit call; closing then ends the generation.
    with closing(
        stream_outcomes(
            lens,
            prompt,
            variants(recipes, made.book),
            openers,
            max_new_tokens=bench.tokens,
            sampling=bench.sampling,
            thinking=bench.thinking,
        )
    ) as steps:
        for outcomes in steps:
            now = replace(now, outcomes=tuple(outcomes))
            st.session_state[keys.LAST] = now
            columns.fill(places, now, writing=True)
    st.session_state[keys.HISTORY] = [now, *st.session_state.get(keys.HISTORY, [])][:KEPT]


def _last(run: Analysis) -> None:
    """The last run of the bench in this session, if it belongs to this run."""
    last = st.session_state.get(keys.LAST)
    if not isinstance(last, Transcript) or last.run != run.run_id or not last.outcomes:
        st.info("Press Run: the prompt is answered as the model is, steered, and steered at random, side by side.")
        return
    head = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    head.subheader("Replies")
    marked = head.toggle("Mark words that differ from the baseline", key="lab-marked", persist_state="session")
    places = columns.frame(last, [outcome.name for outcome in last.outcomes])
    columns.fill(places, last, writing=False, marked=bool(marked))
    row = st.container(horizontal=True, vertical_alignment="center")
    name = f"steering-{last.run}"
    row.download_button("Transcript (JSON)", last.as_json(), f"{name}.json", "application/json", on_click="ignore")
    row.download_button("Transcript (text)", last.as_text(), f"{name}.txt", "text/plain", on_click="ignore")
    row.download_button(
        "Recipe (JSON)", last.setting.recipe.as_text(), f"{name}-recipe.json", "application/json", on_click="ignore",
        help="For the page Benchmarks and rass evaluate --recipe. It names directions; the model's newest "
        "run, or --run, holds them.",
    )  # fmt: skip
    row.caption(NOTE)
