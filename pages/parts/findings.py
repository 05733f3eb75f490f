"""The findings of a run, in numbers and sentences."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.parts import errors
from rasslib.boundary.run import Analysis
from rasslib.boundary.words import boundary_in_words

KINDS = {"harmful": "Harmful", "borderline": "Borderline", "harmless": "Harmless", "unlabelled": "Unlabelled"}


def show_findings(run: Analysis) -> None:
    """Rates as numbers, then where refusal becomes readable, in sentences."""
    st.header("Findings")
    st.caption(errors.plain(f"{run.title}. All numbers are of held-out test prompts, unless a line says otherwise."))
    st.write("**Share refused, by kind of prompt** (95 % Wilson intervals)")
    rates = [(KINDS[k], run.summary["behaviour"][k]) for k in KINDS if k in run.summary["behaviour"]]
    for column, (name, rate) in zip(st.columns(max(1, len(rates))), rates, strict=False):
        column.metric(name, _percent(rate), border=True)
        column.caption(_interval(rate))
    for sentence in boundary_in_words(run.summary):
        st.write(f"- {errors.plain(sentence)}")
    with st.expander("How the layer was chosen, and what the numbers rest on"):
        _basis(run)
    st.subheader("Where to go next")
    links = [
        ("boundary_map", "Boundary map", ":material/scatter_plot:"),
        ("inspector", "Inspect a prompt", ":material/search:"),
        ("steering_lab", "Steer a reply", ":material/tune:"),
        ("candidates", "Pick candidates", ":material/checklist:"),
    ]
    with st.container(horizontal=True):
        for page, label, icon in links:
            st.page_link(f"pages/{page}.py", label=label, icon=icon)


def _percent(rate: dict[str, Any]) -> str:
    return f"{rate['rate']:.0%}" if rate["n"] else "none judged"


def _interval(rate: dict[str, Any]) -> str:
    if not rate["n"]:
        return "no reply could be judged"
    return f"{rate['refused']} of {rate['n']}; 95 % interval {rate['low']:.0%}–{rate['high']:.0%}"


def _basis(run: Analysis) -> None:
    d = run.summary["direction"]
    st.write(errors.plain(str(d["reason"])))
    layers = {"layer": list(range(run.n_layers)), "validation AUC": d["auc_by_layer"]}
    st.line_chart(layers, x="layer", y="validation AUC", height=220)
    lines = [
        f"Axis: {d['axis']}, {d['method']}, read at {d['position']}; tested on {d['tested_on']}.",
        f"Split-half cosine of the direction: {d['split_half_cosine']:.2f} (train prompts).",
        f"Difference of class means: {d['gap']:.2f}, which is {d['gap_share']:.0%} of the mean norm of the residual "
        f"stream at this layer ({d['residual_norm']:.2f}).",
        *[_axis(axis) for name, axis in run.summary["axes"].items() if name != d["axis"]],
        run.summary["reading"],
    ]
    for line in lines:
        st.caption(errors.plain(line))
    spent = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in run.summary["seconds"].items())
    st.caption(errors.plain(f"Time spent: {spent}."))


def _axis(axis: dict[str, Any]) -> str:
    if axis["auc_test"] is None:
        return f"The {axis['axis']} axis was fitted at layer {axis['layer']}; held-out replies show one behaviour only."
    return (
        f"The {axis['axis']} axis, layer {axis['layer']}: AUC {axis['auc_test']:.3f} (95 % interval "
        f"{axis['auc_low']:.3f}–{axis['auc_high']:.3f}; {axis['n_refused']} refused, {axis['n_complied']} complied, "
        "held out)."
    )
