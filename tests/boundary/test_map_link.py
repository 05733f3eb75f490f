"""A link restores a view; a wrong one restores what it can."""

from __future__ import annotations

import pytest

from rasslib.boundary.map_link import MOST_IDS, MapLink, from_query, to_query

IDS = [f"p{i}" for i in range(100)]
DEFAULT = MapLink("umap", 5)


def as_lists(query: dict[str, str | list[str]]) -> dict[str, list[str]]:
    return {name: [value] if isinstance(value, str) else value for name, value in query.items()}


@pytest.mark.parametrize(
    "link",
    [
        DEFAULT,
        MapLink("axis", 0, "margin", "a & b=c", True, ("refused", "no reply yet"), True, ("p3", "p1")),
        MapLink("pca", 9, "category", slice="near the edge"),
    ],
)
def test_a_view_comes_back(link: MapLink) -> None:
    assert from_query(as_lists(to_query(link)), 10, IDS, DEFAULT) == link


def test_large_selections_stay_out_of_links() -> None:
    assert "sel" in to_query(MapLink("pca", 1, selected=tuple(IDS[:MOST_IDS])))
    assert "sel" not in to_query(MapLink("pca", 1, selected=tuple(IDS[: MOST_IDS + 1])))


@pytest.mark.parametrize(
    "query",
    [
        {"layer": ["10"]},
        {"layer": ["-1"]},
        {"layer": ["²"]},
        {"layer": ["9" * 5000]},
        {"view": ["tsne"], "colour": ["reply"]},
        {"sel": ["x.y.z"], "regex": ["yes"], "contours": [""]},
        {"view": [], "layer": [""]},
    ],
)
def test_nonsense_falls_back(query: dict[str, list[str]]) -> None:
    assert from_query(query, 10, IDS, DEFAULT) == DEFAULT


def test_lengths_are_bounded() -> None:
    link = from_query({"search": ["x" * 9999], "show": ["y" * 999] * 999, "slice": ["z" * 999]}, 10, IDS, DEFAULT)
    assert (len(link.search), len(link.show), len(link.show[0]), len(link.slice)) == (200, 100, 200, 60)
