"""Single cells and columns of a file: as text, and back to numbers where the text is surely one."""

from __future__ import annotations

import json
import re
from typing import Any

import pandas as pd

# As Python writes numbers: no leading zeros or plus sign, an exponent only with its own sign. "007", "1,5"
# and "12E4" are names of something and stay text.
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]+)?(e[+-][0-9]{1,3})?|-?inf")


def is_missing(value: Any) -> bool:
    """Whether a cell holds nothing: None, NaN, NaT or pandas' NA (an empty text is something)."""
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def counted(count: int, noun: str) -> str:
    """ "1 row", "2 rows"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def as_text(value: Any) -> str:
    """A cell as text; "" where it holds nothing, JSON where it holds a list or an object."""
    if isinstance(value, str):
        return value
    if is_missing(value):
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return as_text(value.tolist())
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def typed(texts: pd.Series) -> pd.Series:
    """A column of texts as numbers or truth values where every filled cell is one, else as it is.

    Empty cells of a column of numbers become NaN. Truth values allow no empty cells.
    """
    filled = {text for text in texts if text}
    if filled <= {"True", "False"} and all(texts):
        return texts == "True"
    if all(_INTEGER.fullmatch(text) for text in texts):
        return pd.Series([int(text) for text in texts], index=texts.index, dtype="int64")
    if filled and all(_NUMBER.fullmatch(text) for text in filled):
        return pd.Series([float(text or "nan") for text in texts], index=texts.index, dtype="float64")
    return pd.Series(texts.tolist(), index=texts.index, dtype="str")
