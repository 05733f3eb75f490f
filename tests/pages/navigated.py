"""AppTest as the app really runs: through ``app.py``.

AppTest forgets after every run that ``st.navigation`` was called and, because there is a folder ``pages/``, then runs
a page file alone. Import :func:`navigated` where pages are tested; it is used by itself.
"""

from __future__ import annotations

import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import app_test


class _Remembers(PagesManager):
    """What AppTest resets is this class; what Streamlit reads is the one above."""


@pytest.fixture(autouse=True)
def navigated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run of an AppTest goes through ``app.py``."""
    monkeypatch.setattr(PagesManager, "uses_pages_directory", False)
    monkeypatch.setattr(app_test, "PagesManager", _Remembers)
