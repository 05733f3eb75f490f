"""The boundary map: empty, drawn, selected from, and what the figure holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.parts import charts, theme
from rasslib.workspace import Workspace
from tests.pages.conftest import APP, Finished
from tests.pages.navigated import navigated  # noqa: F401


def page(**session: Any) -> AppTest:
    """The page, with PCA: the import of UMAP takes long."""
    at = AppTest.from_file(APP, default_timeout=60).run()
    at.switch_page("pages/boundary_map.py")
    for key, value in {"view": "PCA", **session}.items():
        at.session_state[key.replace("__", "-")] = value
    return at.run()


def test_without_a_run_the_page_leads_to_the_start(empty_workspace: Workspace) -> None:
    at = page()
    assert not at.exception
    assert "start page" in at.info[0].value
    assert not at.get("plotly_chart")


@pytest.mark.parametrize("colour", list(charts.COLOURS))
def test_the_map_is_drawn_in_every_colour(finished_run: Finished, colour: str) -> None:
    at = page(colour=colour)
    assert not at.exception
    assert len(at.get("plotly_chart")) == 2
    assert any("not a safety verdict" in caption.value for caption in at.caption)


def test_a_lasso_lists_its_prompts_and_clears(finished_run: Finished) -> None:
    at = page()
    ids = finished_run.analysis.prompts["id"].tolist()[:3]
    points = [{"customdata": [prompt_id]} for prompt_id in ids]
    key = f"map-{finished_run.run_id}-{finished_run.analysis.layer}-PCA-0"
    at.session_state[key] = {"selection": {"points": points, "point_indices": [], "box": [], "lasso": []}}
    at.run()
    assert not at.exception
    assert set(at.dataframe[0].value["id"]) == set(ids)
    assert any("3** of 60" in markdown.value for markdown in at.markdown)
    assert at.session_state["map-selected"] == {finished_run.run_id: ids}
    (clear,) = [button for button in at.button if button.label == "Clear selection"]
    clear.click().run()
    assert not at.exception and not at.dataframe


def test_harmful_text_is_hidden_on_request(finished_run: Finished) -> None:
    at = page()
    at.sidebar.toggle[0].set_value(True).run()
    table = finished_run.analysis.prompts
    harmful = table.loc[table["intent"] == "harmful", "id"].iloc[0]
    key = f"map-{finished_run.run_id}-{finished_run.analysis.layer}-PCA-0"
    points = [{"customdata": [harmful]}]
    at.session_state[key] = {"selection": {"points": points, "point_indices": [], "box": [], "lasso": []}}
    at.run()
    assert not at.exception
    assert "hidden" in at.dataframe[0].value["prompt"].iloc[0]


def test_the_layer_moves_the_margins(finished_run: Finished) -> None:
    at = page()
    at.slider(key=f"layer-{finished_run.run_id}").set_value(3).run()
    assert not at.exception
    assert any("at layer 3" in caption.value for caption in at.caption)


def figure_of(run: Any, colour: str) -> Any:
    """The scatter of a run, by PCA."""
    projection = run.projection(run.layer, "pca")
    table = charts.labelled(run.prompts).assign(x=projection.xy[:, 0], y=projection.xy[:, 1])
    return charts.map_figure(table, projection, colour, projection.xy[:4], run.layer)


def test_points_carry_text_ids_and_escaped_text(finished_run: Finished) -> None:
    figure = figure_of(finished_run.analysis, "intent")
    points = [trace for trace in figure.data if trace.customdata is not None]
    ids = [entry[0] for trace in points for entry in trace.customdata]
    assert sorted(ids) == sorted(finished_run.analysis.prompts["id"])
    assert all(isinstance(prompt_id, str) for prompt_id in ids)
    assert all("<b>" not in text and "&lt;b&gt;" in text for trace in points for text in trace.text)
    assert {trace.marker.color for trace in points} <= set(theme.INTENT_COLOURS.values())


def test_fit_only_points_lie_behind_and_cannot_be_selected(finished_run: Finished) -> None:
    first = figure_of(finished_run.analysis, "intent").data[0]
    assert first.customdata is None and len(first.x) == 4


def test_the_margin_scale_is_centred_on_the_boundary(finished_run: Finished) -> None:
    for trace in figure_of(finished_run.analysis, "margin").data[1:]:
        assert trace.marker.cmin == -trace.marker.cmax
        assert set(trace.marker.symbol) <= set(theme.BEHAVIOUR_SYMBOLS.values())


def test_the_strip_shades_the_band_and_marks_zero(finished_run: Finished) -> None:
    run = finished_run.analysis
    table = charts.labelled(run.prompts)
    figure = charts.strip_figure(table, run.tau)
    band, line = figure.layout.shapes
    assert (band.x0, band.x1) == (-run.tau, run.tau) and line.x0 == line.x1 == 0
    assert sum(len(trace.x) for trace in figure.data) == len(table)
    assert np.isfinite(figure.data[0].x).all()
