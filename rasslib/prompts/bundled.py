"""The bundled prompt set, written for this project: harmful, harmless and borderline prompts in English."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pandas as pd

from rasslib.errors import PromptError
from rasslib.prompts.readers import read_prompts
from rasslib.settings import assets_dir


def bundled_path() -> Path:
    """The file of the bundled set: CSV as :func:`rasslib.prompts.writers.write_prompts` writes it."""
    return assets_dir() / "prompts" / "bundled.csv"


def load_bundled() -> pd.DataFrame:
    """The bundled prompt set with its fixed splits; a copy that may be changed.

    ``category`` is the harm category of a harmful prompt, the kind of a borderline one (what makes it look
    harmful) and the topic of a harmless one. Splits are stratified by intent and category.

    Raises:
        PromptError: The installation lacks the file.
    """
    return _read(bundled_path()).copy()


@lru_cache(maxsize=2)
def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise PromptError(f"The bundled prompts are missing ({path}); install the program again.")
    return read_prompts(path).prompts
