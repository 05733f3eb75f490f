"""What the scatter of the map holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from pages.parts import charts, theme
from pages.parts.map_chart import DIM, Marks, map_figure
from rasslib.boundary.maps import MapView, draw
from tests.pages.conftest import Finished


def table_of(finished: Finished, view: MapView) -> pd.DataFrame:
    return charts.labelled(finished.analysis.prompts).assign(x=view.xy[:, 0], y=view.xy[:, 1])


def figure_of(finished: Finished, colour: str = "intent", name: str = "pca", **options: Any) -> Any:
    run = finished.analysis
    view = draw(run, run.layer, name)
    return map_figure(table_of(finished, view), view, colour, view.xy[:4], tau=run.tau, **options)


def points(figure: Any) -> list[Any]:
    return [trace for trace in figure.data if trace.customdata is not None]


def test_points_carry_text_ids_and_escaped_text(finished_run: Finished) -> None:
    traces = points(figure_of(finished_run))
    ids = [entry[0] for trace in traces for entry in trace.customdata]
    assert sorted(ids) == sorted(finished_run.analysis.prompts["id"])
    assert all(isinstance(prompt_id, str) for prompt_id in ids)
    assert all("<b>" not in text and "&lt;b&gt;" in text for trace in traces for text in trace.text)
    assert {trace.marker.color for trace in traces} <= set(theme.INTENT_COLOURS.values())


def test_fit_only_points_lie_behind_and_cannot_be_selected(finished_run: Finished) -> None:
    first = figure_of(finished_run).data[0]
    assert first.customdata is None and len(first.x) == 4


@pytest.mark.parametrize("colour", ["margin", "refusal_score"])
def test_number_scales_are_centred_on_zero(finished_run: Finished, colour: str) -> None:
    for trace in points(figure_of(finished_run, colour)):
        assert trace.marker.cmin == -trace.marker.cmax
        assert set(trace.marker.symbol) <= set(theme.BEHAVIOUR_SYMBOLS.values())


def test_others_are_greyed_and_marks_drawn(finished_run: Finished) -> None:
    ids = finished_run.analysis.prompts["id"].tolist()
    figure = figure_of(finished_run, marks=Marks(ids[:2], ids[2:5], {ids[7]: "<b>1</b> words"}))
    bright = [o for trace in points(figure) for o in trace.marker.opacity if o > DIM]
    assert len(bright) == 2
    rings = [trace for trace in figure.data if trace.marker.symbol == "circle-open"]
    assert [len(trace.x) for trace in rings] == [3, 1]
    assert figure.layout.annotations[0].text == "<b>1</b> words"


def test_the_axis_view_shades_the_band_and_pca_draws_a_line(finished_run: Finished) -> None:
    band, line = figure_of(finished_run, name="axis").layout.shapes
    assert (band.x0, band.x1) == (-finished_run.analysis.tau, finished_run.analysis.tau)
    assert line.x0 == line.x1 == 0
    (cut,) = figure_of(finished_run).layout.shapes
    assert cut.type == "line" and cut.name == "boundary"


def test_ten_thousand_points_are_drawn_by_webgl(finished_run: Finished) -> None:
    view = draw(finished_run.analysis, finished_run.analysis.layer, "pca")
    many = pd.concat([table_of(finished_run, view)] * 167, ignore_index=True)
    figure = map_figure(many, view, "intent", np.empty((0, 2)), tau=0.5)
    assert {trace.type for trace in points(figure)} == {"scattergl"}
    assert {trace.type for trace in points(figure_of(finished_run))} == {"scatter"}


def test_the_strip_shades_the_band_and_marks_zero(finished_run: Finished) -> None:
    run = finished_run.analysis
    table = charts.labelled(run.prompts)
    figure = charts.strip_figure(table, run.tau)
    band, line = figure.layout.shapes
    assert (band.x0, band.x1) == (-run.tau, run.tau) and line.x0 == line.x1 == 0
    assert sum(len(trace.x) for trace in figure.data) == len(table)
