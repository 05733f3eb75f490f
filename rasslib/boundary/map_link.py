"""A whole view of the map as a query string, and back: what a link holds is checked, never trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rasslib.boundary.maps import VIEWS

COLUMNS = ("intent", "behaviour", "margin", "refusal_score", "category", "language", "source", "overrefusal")
"""What may colour the map."""
NUMBERS = ("margin", "refusal_score")
MOST_IDS = 50
"""A larger selection does not go into a link: make it a slice."""
LONGEST_SEARCH = 200
NAMES = ("view", "layer", "colour", "search", "regex", "show", "contours", "sel", "slice")


@dataclass(frozen=True)
class MapLink:
    """What a link restores.

    Attributes:
        view: One of :data:`~rasslib.boundary.maps.VIEWS`.
        layer: Layer.
        colour: Column that colours.
        search: What is searched for.
        regex: Whether as a regular expression.
        show: Values of the colouring column (behaviours where it holds numbers) that are shown; empty: all.
        contours: Whether density is drawn.
        selected: Ids of selected prompts, at most 50.
        slice: Name of the recalled slice.
    """

    view: str
    layer: int
    colour: str = "intent"
    search: str = ""
    regex: bool = False
    show: tuple[str, ...] = ()
    contours: bool = False
    selected: tuple[str, ...] = ()
    slice: str = ""


def to_query(link: MapLink) -> dict[str, str | list[str]]:
    """The parameters of a view; what is empty or off is left out."""
    query: dict[str, str | list[str]] = {"view": link.view, "layer": str(link.layer), "colour": link.colour}
    if link.search:
        query["search"] = link.search[:LONGEST_SEARCH]
        query |= {"regex": "1"} if link.regex else {}
    if link.show:
        query["show"] = list(link.show)
    if link.contours:
        query["contours"] = "1"
    if link.slice:
        query["slice"] = link.slice
    elif 0 < len(link.selected) <= MOST_IDS:
        query["sel"] = ".".join(link.selected)
    return query


def from_query(query: Mapping[str, Sequence[str]], n_layers: int, ids: Sequence[str], default: MapLink) -> MapLink:
    """The view that parameters ask for; whatever does not exist falls back to the default.

    Args:
        query: Values by name, as repeated parameters give them.
        n_layers: Layers of the model.
        ids: Ids of the run's prompts; others are left out.
        default: Used where a parameter is missing or makes no sense.
    """

    def first(name: str) -> str:
        values = query.get(name, ())
        return str(values[0]) if values else ""

    layer = default.layer
    given = first("layer")
    if given.isascii() and given.isdigit() and len(given) < 6 and int(given) < n_layers:
        layer = int(given)
    known = set(ids)
    selected = [i for i in first("sel")[: MOST_IDS * 80].split(".") if i in known]
    return MapLink(
        view=first("view") if first("view") in VIEWS else default.view,
        layer=layer,
        colour=first("colour") if first("colour") in COLUMNS else default.colour,
        search=first("search")[:LONGEST_SEARCH],
        regex=first("regex") == "1",
        show=tuple(str(value)[:200] for value in list(query.get("show", ()))[:100]),
        contours=first("contours") == "1",
        selected=tuple(dict.fromkeys(selected))[:MOST_IDS],
        slice=first("slice")[:60],
    )
