"""Extraction by a language model: whose prompts, who rewrites, who must answer, the cost, the work, the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from pages.parts import errors, model, runs, state
from pages.parts.triggers import work
from rasslib.boundary.run import Analysis
from rasslib.models.endpoint import Endpoint
from rasslib.models.endpoint_config import endpoint_config
from rasslib.models.usage import configured_prices
from rasslib.models.writer import LensWriter, Writer
from rasslib.progress import Progress
from rasslib.prompts import SPLITS, load_bundled
from rasslib.rass.export.writing import MIME
from rasslib.rass.plans import Unloaded
from rasslib.rass.seeds import Seed, seed_order, seeds_of
from rasslib.triggers.extraction import Extracted, ExtractionSettings, extract_triggers
from rasslib.triggers.extraction_plan import estimate_extraction, known_extraction
from rasslib.triggers.extraction_results import extraction_table, extraction_text
from rasslib.triggers.training_set import base_choice, table_bytes

SERVER, LOCAL = "Endpoint", "A model loaded here"
OF_RUN, BUNDLED = "This run's", "Bundled"
_KEYS = "triggers-local-keys"


def show(run: Analysis) -> None:
    """Choices and cost, the button, the result."""
    st.caption(
        "As published: a language model lists the harmless events of a harmful prompt and rewrites it with the least "
        "change that takes the harm out. The rewrite is kept as a trigger if a reference model answers it, else asked "
        "for again with another seed. The wording of the requests is our reading; the paper does not print its own. "
        "For the bundled prompts there are hand-written triggers too: see Minimal pairs."
    )
    with errors.told():
        seeds, seed = _seeds(run)
        left, right = st.columns(2)
        who = left.segmented_control(
            "Who rewrites", [SERVER, LOCAL], default=SERVER, required=True, key="triggers-writer",
            persist_state="session",
        )  # fmt: skip
        judge = right.segmented_control(
            "Who must answer the rewrite", [SERVER, LOCAL], default=SERVER, required=True, key="triggers-reference",
            persist_state="session", help="A rewrite that this model refuses is not kept.",
        )  # fmt: skip
        settings = _settings(seed)
        if LOCAL in (who, judge):
            st.caption(
                f"Loaded here: {errors.plain(_local(run).model)}, the model of this run without its adapter. A small "
                "model keeps to the form of the answer only now and then: expect few triggers."
            )
        writer, reference = _sizes(run, str(who)), _sizes(run, str(judge))
        if SERVER in (who, judge):
            config = endpoint_config()
            st.caption(errors.plain(f"{config.model} at {config.shown}. The harmful prompts are sent there."))
        _work(run, seeds, settings, {"writer": str(who), "reference": str(judge)}, writer, reference)


def _seeds(run: Analysis) -> tuple[list[Seed], int]:
    """The harmful prompts, in their seeded order; the seed."""
    grid = st.grid(4, min_column_width=170, vertical_alignment="bottom")
    one, two, three, four = (grid.cell() for _ in range(4))
    source = one.selectbox("Harmful prompts", [OF_RUN, BUNDLED], key="triggers-seeds", persist_state="session")
    splits = two.multiselect("Splits", SPLITS, ["train"], key="triggers-seed-splits")
    drawn = four.number_input(
        "Seed", 0, 2**31 - 1, 0, key="triggers-extract-seed", help="Of the order of the prompts and of the draws."
    )
    found = seed_order(seeds_of(run.prompts if source == OF_RUN else load_bundled(), splits=splits), int(drawn))
    n = three.number_input(
        f"How many (of {len(found):,})", 1, len(found), min(20, len(found)), key=f"triggers-n-{source}-{len(found)}"
    )
    return found[: int(n)], int(drawn)


def _settings(seed: int) -> ExtractionSettings:
    default = ExtractionSettings()
    with st.expander("How they are asked"):
        grid = st.grid(4, min_column_width=170, vertical_alignment="bottom")
        one, two, three, four = (grid.cell() for _ in range(4))
        tries = one.number_input(
            "Rewrites per prompt at most", 1, 20, default.tries, key="triggers-tries", persist_state="session"
        )
        heat = two.slider(
            "Temperature", 0.1, 1.5, default.temperature, 0.1, key="triggers-temperature", persist_state="session",
            help="At 0 every try would give the same rewrite.",
        )  # fmt: skip
        tokens = three.number_input(
            "Tokens of an answer at most", 32, 8192, default.max_tokens, key="triggers-tokens", persist_state="session"
        )
        levels = four.toggle("Also levels 1 to 3", True, key="triggers-with-levels", persist_state="session")
    return ExtractionSettings(
        tries=int(tries), temperature=float(heat), max_tokens=int(tokens), levels=levels, seed=seed
    )


def _work(
    run: Analysis,
    seeds: Sequence[Seed],
    settings: ExtractionSettings,
    who: dict[str, str],
    writer: Writer,
    reference: Writer,
) -> None:
    database, prices = runs.workspace().database, configured_prices()

    def extract(told: Progress) -> list[Extracted]:
        made = {name: _writer(run, name, told) for name in sorted(set(who.values()))}
        return extract_triggers(seeds, made[who["writer"]], made[who["reference"]], database, settings, told)

    def known() -> list[Extracted] | None:
        # Asked for anew: the key of a model loaded here is known only once it is loaded.
        one, other = (_sizes(run, who[name]) for name in ("writer", "reference"))
        return known_extraction(seeds, Unloaded(one.name, one.key), Unloaded(other.name, other.key), database, settings)

    place = st.container()
    # The key of a server is known at once; that of a model loaded here changes when it is loaded.
    servers = [one.key for one, name in ((writer, who["writer"]), (reference, who["reference"])) if name == SERVER]
    found = work.result(
        "extraction",
        (tuple(one.id for one in seeds), settings, _local(run), *who.values(), *servers),
        "Extract triggers",
        extract,
        known,
        again=lambda _: "Ask again where a request failed" if known() is None else "",
    )
    if found is None:
        cost = estimate_extraction(
            seeds, writer, reference, database, settings,
            prices if who["writer"] == SERVER else None, prices if who["reference"] == SERVER else None,
        )  # fmt: skip
        for line in cost.in_words(writer.name, reference.name):
            place.caption(errors.plain(line))
        return
    _result(found, writer.name, reference.name)


def _result(found: Sequence[Extracted], writer: str, reference: str) -> None:
    st.write(errors.plain(extraction_text(found, writer, reference)))
    table = extraction_table(found)
    row = st.container(horizontal=True)
    for format_, label in (("csv", "CSV"), ("jsonl", "JSONL")):
        row.download_button(
            f"Triggers as {label}",
            table_bytes(table, format_),
            f"extracted-triggers.{format_}",
            MIME[format_],
            on_click="ignore",
            icon=":material/download:",
            key=f"triggers-extracted-{format_}",
        )
    wide = {
        name: st.column_config.TextColumn(label, width="large")
        for name, label in (("harmful", "Harmful prompt"), ("trigger", "Trigger"), ("reply", "Reply of the reference"))
    }
    st.dataframe(
        _shown(table),
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * len(table), 400),
        column_order=[
            "harmful", "trigger", "problem", "tries", "level_1", "level_2", "level_3", "reply", "events", "category",
        ],
        column_config={
            **wide,
            "problem": "Why there is none",
            "tries": st.column_config.NumberColumn("Tries"),
            "level_1": "Level 1",
            "level_2": "Level 2",
            "level_3": "Level 3",
            "events": "Harmless events",
            "category": "Category",
        },
        key="triggers-extracted-table",
    )  # fmt: skip
    st.caption(
        "That the reference answers a rewrite does not prove it harmless: read the triggers before you train on them."
    )


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """A rewrite that nobody has judged may still be harmful: it is hidden with its prompt."""
    if not state.hides_harmful():
        return table
    texts = [str(name) for name in table if name not in ("id", "category", "tries", "problem")]
    return table.assign(**{name: table[name].mask(table[name] != "", state.HIDDEN) for name in texts})


def _local(run: Analysis) -> model.ModelChoice:
    chosen = model.choice_of(run)
    base, _ = base_choice(chosen.model, chosen.adapter)
    return model.ModelChoice(base, "", chosen.template)


def _sizes(run: Analysis, who: str) -> Writer:
    """A writer for names, token counts and kept answers; it is asked nothing."""
    if who == SERVER:
        return Endpoint(endpoint_config())
    name = _local(run).model
    return Unloaded(name, st.session_state.get(_KEYS, {}).get(_local(run), name))


def _writer(run: Analysis, who: str, told: Progress) -> Writer:
    makers: dict[str, Callable[[], Writer]] = {
        SERVER: lambda: Endpoint(endpoint_config()),
        LOCAL: lambda: LensWriter(model.lens_of(_local(run), told)),
    }
    made = makers[who]()
    if who == LOCAL:
        st.session_state.setdefault(_KEYS, {})[_local(run)] = made.key
    return made
