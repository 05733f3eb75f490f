"""Colours and symbols that mean the same on every page, told apart by colour-blind people (after Okabe and Ito).

They are mid-tones that stand out on the light and the dark background alike.
"""

from __future__ import annotations

INTENT_COLOURS = {
    "harmful": "#D55E00",
    "borderline": "#E69F00",
    "harmless": "#2A86C8",
    "unlabelled": "#8A8F98",
}
INTENT_SYMBOLS = {"harmful": "square", "borderline": "triangle-up", "harmless": "hexagon", "unlabelled": "cross"}
INTENT_DASHES = {"harmful": "solid", "borderline": "dash", "harmless": "dot", "unlabelled": "longdash"}
"""Where colour would else be all that tells intents apart."""
NO_REPLY = "no reply yet"
BEHAVIOUR_COLOURS = {
    "refused": "#CC5A9B",
    "complied": "#009E73",
    "invalid": "#8A8F98",
    NO_REPLY: "#B9BEC6",
}
BEHAVIOUR_SYMBOLS = {"refused": "diamond", "complied": "circle", "invalid": "x", NO_REPLY: "circle-open"}
YES_NO_COLOURS = {"yes": "#D55E00", "no": "#8A8F98"}
OTHERS = ("#2A86C8", "#E69F00", "#009E73", "#CC5A9B", "#D55E00", "#56B4E9", "#B8A90F", "#7A68C8", "#8A6D4B", "#8A8F98")
"""Colours of values that have none of their own (categories, languages, sources), in turn."""

MARGIN_SCALE = ((0.0, "#1F6FB2"), (0.25, "#79B0DA"), (0.5, "#C8C8C8"), (0.75, "#EE9A5B"), (1.0, "#C24E00"))
"""Diverging: blue where prompts lie on the harmless side, grey at the boundary, red-orange on the other side."""

BACKGROUND_POINT = "#A9AEB6"
BOUNDARY_LINE = "#8A8F98"
POINT_EDGE = "rgba(90, 96, 105, 0.8)"
RING = "#0091FF"
PIN = "#B04CC4"
LABEL_FILL = "rgba(250, 250, 250, 0.92)"
LABEL_TEXT = "#20242A"
BAND_FILL = "rgba(138, 143, 152, 0.18)"


def colours_of(values: list[str], known: dict[str, str]) -> dict[str, str]:
    """A colour for each value, the same whatever the order they come in."""
    found = {value: known[value] for value in known if value in values}
    others = sorted(set(values) - set(known))
    return found | {value: OTHERS[i % len(OTHERS)] for i, value in enumerate(others)}
