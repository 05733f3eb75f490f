"""Choose evaluation sets: the catalogue, and for each chosen set its file."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.parts import errors, progress, runs
from rasslib.benchmarks.catalogue import Benchmark, benchmarks
from rasslib.benchmarks.fetching import fetch, terms
from rasslib.benchmarks.languages import name_of
from rasslib.benchmarks.sources import PARALLEL, folder_of, own_name, own_sets
from rasslib.benchmarks.words import (
    SUFFIXES,
    catalogue_table,
    expected_words,
    is_here,
    keep_upload,
    languages_to_ask,
    missing,
    typed_path,
)
from rasslib.errors import RassError

FILE, PATH, FETCH = "Upload", "Path on this machine", "Fetch"


def choose() -> tuple[tuple[str, ...], dict[str, Path], str]:
    """The chosen sets that have a file, the files given here, and the language of prompts that tell none."""
    folder = folder_of(runs.workspace())
    with st.expander("Catalogue: what each set measures, its licence, and whether one must ask for it"):
        st.dataframe(
            catalogue_table(folder),
            hide_index=True,
            key="benchmarks-catalogue",
            column_config={
                "measures": st.column_config.TextColumn("measures", width="large"),
                "here": st.column_config.CheckboxColumn("file here"),
                "address": st.column_config.LinkColumn("address"),
            },
        )
        st.caption(
            "Nothing of these sets comes with the app. RR: share of benign prompts refused. ASR: share of harmful "
            "prompts not refused. Lower is better in both. Not confirmed: facts that only others tell, seen neither at "
            "the publisher nor in a copy of the files."
        )
    names = st.multiselect(
        "Sets", [PARALLEL, *benchmarks()], format_func=_title, key="benchmarks-sets",
        placeholder="Choose one or more sets",
    )  # fmt: skip
    given: dict[str, Path] = {}
    for name in names:
        if name == PARALLEL:
            continue
        one = benchmarks()[name]
        here = is_here(one, given, folder)
        if here and not st.toggle(f"Another file of {one.title}", key=f"benchmarks-other-{name}"):
            continue
        with st.container(border=True):
            path = _file_of(one, folder)
        if path is not None:
            given[name] = path
    with st.expander("A set of your own"):
        own = _own(folder)
    given |= own
    left = missing(names, given, folder)
    if left:
        titles = ", ".join(one.title for one in left)
        st.caption(errors.plain(f"Still without a file, and left out: {titles}."))
    ready = [name for name in names if name not in {one.id for one in left}]
    return (*ready, *own), given, _language(names)


def _own(folder: Path) -> dict[str, Path]:
    """A prompt file of the user's, by the name it is given."""
    st.caption(
        "A prompt file with a column intent (harmful, borderline, harmless), or a set exported here, such as a built "
        "benchmark. Harmful prompts count for ASR, all others for RR, each intent on its own."
    )
    left, right = st.columns(2)
    name = left.text_input("Its name", key="benchmarks-own-name", placeholder="my-set")
    typed = left.text_input("Path on this machine", key="benchmarks-own-path")
    file = right.file_uploader("Or upload it", type=[s[1:] for s in SUFFIXES], key="benchmarks-own-upload")
    if not typed.strip() and file is None:
        return {}
    try:
        called = own_name(name)
        path = keep_upload(called, file.name, file.getvalue(), folder) if file is not None else typed_path(typed)
        told = [f"{one.benchmark.title}: {len(one.file.prompts):,}" for one in own_sets(called, path)]
    except RassError as error:
        st.error(errors.plain(str(error)), icon=":material/error:")
        return {}
    st.caption(errors.plain(f"Prompts: {'; '.join(told)}."))
    return {called: path} if path is not None else {}


def _language(names: list[str]) -> str:
    """The language of prompts that tell none, where a chosen set may hold such."""
    codes = languages_to_ask(names)
    if not codes:
        return "en"
    chosen = st.selectbox(
        "Language of prompts that tell none",
        codes,
        index=codes.index("en") if "en" in codes else 0,
        format_func=name_of,
        key="benchmarks-language",
        help="Folders named by a language, and columns of languages, tell it themselves.",
    )
    return str(chosen)


def _title(name: str) -> str:
    return "Our parallel set, eight languages" if name == PARALLEL else benchmarks()[name].title


def _file_of(one: Benchmark, folder: Path) -> Path | None:
    """The file of a set, by upload, path or fetching."""
    st.markdown(f"**{errors.plain(one.title)}**")
    st.caption(errors.plain(" ".join(filter(None, [expected_words(one), one.note]))))
    how = st.segmented_control(
        "Where is its file?", [FILE, PATH, FETCH], default=FILE, required=True, key=f"benchmarks-how-{one.id}"
    )
    try:
        if how == PATH:
            return typed_path(st.text_input("File (or folder)", key=f"benchmarks-path-{one.id}"))
        if how == FETCH:
            _fetch(one, folder)
            return None
        file = st.file_uploader(
            "File with the columns as published", type=[s[1:] for s in SUFFIXES], key=f"benchmarks-upload-{one.id}"
        )
        return None if file is None else keep_upload(one.id, file.name, file.getvalue(), folder)
    except RassError as error:
        st.error(errors.plain(str(error)), icon=":material/error:")
        return None


def _fetch(one: Benchmark, folder: Path) -> None:
    st.caption(errors.plain(terms(one)))
    accepted = st.checkbox("I have read the licence and accept it", key=f"benchmarks-accept-{one.id}")
    if st.button("Fetch to this machine", disabled=not accepted, key=f"benchmarks-fetch-{one.id}"):
        fetch(one, folder, accepted=accepted, progress=progress.page_progress())
        st.rerun()
