"""Pages always run inside ``app.py``.

Until ``st.navigation`` was called once in a server's life, Streamlit takes the folder ``pages/`` for its older kind of
app: the first visit by a link or reload then runs a page file alone, without the navigation, the run chooser and the
page settings of ``app.py``. (AppTest forgets the call after every run.)
"""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager


def through_app() -> None:
    """Start over from ``app.py`` where the page was started alone; first line of every page."""
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
