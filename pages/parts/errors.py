"""The one place where pages tell people what went wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from rasslib.errors import RassError, Stopped

_MARKS = re.compile(r"([\\`*_{}\[\]<>()#+!|~$:-])")


def plain(text: str) -> str:
    """``text`` so that Markdown shows it as it is: names of files and models are not ours to format."""
    return _MARKS.sub(r"\\\1", text)


@contextmanager
def told(ends: bool = True) -> Iterator[None]:
    """Show an error that people can mend as its sentence, and end the page there; others keep their traceback.

    Args:
        ends: Whether the page ends with it.
    """
    try:
        yield
    except Stopped as stopped:
        st.info(plain(str(stopped)), icon=":material/pause_circle:")
        if ends:
            st.stop()
    except RassError as error:
        st.error(plain(str(error)), icon=":material/error:")
        if ends:
            st.stop()
