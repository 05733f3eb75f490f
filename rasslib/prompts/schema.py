"""The prompt set: a DataFrame with one prompt a row, the columns below in this order, then any extra columns.

==========  =======================================================================================
column      what it holds
==========  =======================================================================================
id          :func:`prompt_id` of the text, so the same prompt has the same id in every set
prompt      one user request, exactly as the model gets it (1 to 20,000 characters)
intent      the human label, one of :data:`INTENTS`; never inferred from what a model did
category    kind of borderline prompt or harm, or topic; "" where unknown
language    BCP-47-like code ("en", "pt-BR")
source      where the prompt comes from (a file, a generator); "" where unknown
split       one of :data:`SPLITS`: axes are fitted on train, chosen on validation, reported on test
==========  =======================================================================================
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pandas as pd

from rasslib.errors import PromptError
from rasslib.prompts.cells import is_missing
from rasslib.prompts.languages import is_language_code

if TYPE_CHECKING:
    import pandera.pandas as pa

COLUMNS = ("id", "prompt", "intent", "category", "language", "source", "split")
INTENTS = ("harmful", "harmless", "borderline", "unlabelled")
SPLITS = ("train", "validation", "test")
DEFAULTS = {
    "intent": "unlabelled",
    "category": "",
    "language": "en",
    "source": "",
    "split": "test",
}
MAX_CHARACTERS = 20_000
"""Longest prompt: far beyond what people type, short enough for any machine's memory."""


def clean_text(text: str) -> str:
    """``text`` without NUL characters and lone surrogates, which neither tokenizers nor files can hold."""
    text = text.replace("\0", "")
    if text.isascii():
        return text
    # By way of UTF-16, so that two surrogates that make one character become that character.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def prompt_id(text: str) -> str:
    """The id of a prompt: "p" and the first 12 hex digits of the SHA-256 of its NFC text.

    Whitespace is stripped and every run of it counts as one space, so an id survives a spreadsheet, a
    reflowed line and the plain-lines format. Letter case and punctuation count.
    """
    normal = " ".join(unicodedata.normalize("NFC", clean_text(text)).split())
    return "p" + hashlib.sha256(normal.encode("utf-8")).hexdigest()[:12]


def make_prompt_set(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A valid prompt set from records.

    Args:
        records: Each with ``prompt`` and any of the other columns; what is missing, None or NaN becomes
            unlabelled, "", "en", "" and "test". ``id`` is always computed anew. Other keys become extra
            columns, kept as they are.

    Raises:
        PromptError: A record has no prompt, a value is not allowed, or two records hold the same prompt.
    """
    rows = [dict(record) for record in records]
    for number, row in enumerate(rows):
        if not isinstance(row.get("prompt"), str):
            raise PromptError(f"Prompt {number + 1} has no text: every record needs one under 'prompt'.")
        row["prompt"] = clean_text(row["prompt"])
        row["id"] = prompt_id(row["prompt"])
        for column, default in DEFAULTS.items():
            value = row.get(column)
            row[column] = clean_text(value) if isinstance(value, str) else default if is_missing(value) else value
    extra = dict.fromkeys(key for row in rows for key in row if key not in COLUMNS)
    names = [*COLUMNS, *extra]
    return validate(pd.DataFrame({name: [row.get(name) for row in rows] for name in names}, columns=names))


def validate(df: pd.DataFrame) -> pd.DataFrame:
    """The prompt set if it is valid: columns in order, extra ones last, rows numbered from 0.

    Args:
        df: Any frame; an empty one with the right columns is valid. It is not changed.

    Raises:
        PromptError: A column is missing or named twice, or a value is not allowed; names the first offence.
    """
    import pandera.pandas as pa

    missing = [column for column in COLUMNS if column not in df.columns]
    if missing:
        raise PromptError(
            f"This is not a prompt set: it lacks the {'column' if len(missing) == 1 else 'columns'} "
            f"{', '.join(missing)}; read it as a file, or make it with make_prompt_set."
        )
    if not df.columns.is_unique:
        twice = ", ".join(dict.fromkeys(str(name) for name in df.columns[df.columns.duplicated()]))
        raise PromptError(f"The prompt set has more than one column named {twice}; rename all but one.")
    extra = [column for column in df.columns if column not in COLUMNS]
    ordered = df[[*COLUMNS, *extra]].reset_index(drop=True)
    try:
        _schema().validate(ordered, lazy=True)
    except pa.errors.SchemaErrors as error:
        raise PromptError(_sentence(error.failure_cases, ordered)) from None
    return ordered


def data_hash(df: pd.DataFrame) -> str:
    """SHA-256 (64 hex digits) over id, intent and split of all rows, whatever their order.

    Two sets with the same hash fit the same axes. Category, language, source and extra columns do not count.
    """
    rows = sorted("\t".join(map(str, row)) for row in zip(df["id"], df["intent"], df["split"], strict=True))
    return hashlib.sha256("\n".join(rows).encode("utf-8")).hexdigest()


@lru_cache(maxsize=1)
def _schema() -> pa.DataFrameSchema:
    import pandera.pandas as pa

    def column(rule: str, holds: Callable[[str], bool]) -> pa.Column:
        # Data types are left to the checks: pandas 2 holds text as object, pandas 3 as str.
        def holds_for_all(values: pd.Series) -> pd.Series:
            return values.map(lambda value: isinstance(value, str) and holds(value)).astype(bool)

        return pa.Column(nullable=True, checks=pa.Check(holds_for_all, error=rule, ignore_na=False))

    return pa.DataFrameSchema(
        {
            "prompt": column(
                f"must be 1 to {MAX_CHARACTERS:,} characters of text, without NUL or lone surrogates",
                lambda text: bool(text.strip()) and len(text) <= MAX_CHARACTERS and clean_text(text) == text,
            ),
            "intent": column(f"must be one of {', '.join(INTENTS)}", INTENTS.__contains__),
            "category": column("must be text (empty where unknown)", lambda _: True),
            "language": column("must be a language code such as en or pt-BR", is_language_code),
            "source": column("must be text (empty where unknown)", lambda _: True),
            "split": column(f"must be one of {', '.join(SPLITS)}", SPLITS.__contains__),
        },
        checks=[
            pa.Check(_ids_fit, error="must be prompt_id of the prompt", ignore_na=False),
            pa.Check(_ids_differ, error="must differ: the same prompt is there twice", ignore_na=False),
        ],
    )


def _ids_fit(df: pd.DataFrame) -> pd.Series:
    fits = [
        not isinstance(text, str) or known == prompt_id(text)
        for known, text in zip(df["id"], df["prompt"], strict=True)
    ]
    return pd.Series(fits, index=df.index, dtype=bool)


def _ids_differ(df: pd.DataFrame) -> pd.Series:
    return ~df["id"].duplicated()


def _sentence(failures: pd.DataFrame, df: pd.DataFrame) -> str:
    """The first offence in words: which row, which column, what was found and what is allowed."""
    first = failures.sort_values("index", kind="stable").iloc[0]
    row = int(first["index"])
    column = str(first["column"]) if first["schema_context"] == "Column" else "id"
    shown = ascii(str(df[column].iloc[row])[:60])
    others = failures["index"].nunique() - 1
    more = f" ({others} more {'row is' if others == 1 else 'rows are'} not valid either)" if others else ""
    return f"Row {row + 1} of the prompt set has {column} {shown}: it {first['check']}{more}."
