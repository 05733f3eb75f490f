"""The kinds of evidence, each with its button; what they found is drawn by :mod:`evidence_results`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import streamlit as st

from pages.parts import errors, model, runs
from pages.parts.triggers import evidence_results, work
from rasslib.boundary.analysis import settings_of
from rasslib.boundary.run import Analysis
from rasslib.mitigation.choices import arm_choices, entries
from rasslib.progress import Progress
from rasslib.prompts import SPLITS
from rasslib.triggers.behavioural import compare_arms, measure_arm
from rasslib.triggers.bundled import Trigger, load_triggers
from rasslib.triggers.causal import CausalSettings, causal_evidence
from rasslib.triggers.collecting import Arms
from rasslib.triggers.evidence import Behavioural, Causal, Representational
from rasslib.triggers.keeping import about_causal, about_models, about_nearness, all_kept, keep_evidence, kept_evidence
from rasslib.triggers.lexicon import LexiconSettings
from rasslib.triggers.lexicon_building import build_lexicon, saved_lexicon
from rasslib.triggers.representational import NearnessSettings, anchors_of, representational_evidence
from rasslib.triggers.training_set import base_choice

E = TypeVar("E", Behavioural, Representational, Causal)


def show(run: Analysis) -> None:
    """One box for each kind of evidence."""
    with st.container(border=True):
        st.subheader("Behaviour: are triggers and their levels refused?")
        with errors.told(ends=False):
            _behavioural(run)
    with st.container(border=True):
        st.subheader("Representation: do refused prompts lie nearer to the triggers?")
        _representational(run)
    with st.container(border=True):
        st.subheader("Cause: what happens when a trigger is put in or taken out?")
        _causal(run)


def _behavioural(run: Analysis) -> None:
    st.caption(
        "The untuned model beside this run's model, on the same triggers (Table 2 of the paper, with intervals)."
    )
    splits = st.multiselect(
        "Splits", SPLITS, ["validation", "test"], key="triggers-behaviour-splits",
        help="Held-out triggers by default: a model may have been trained on those of the split train.",
    )  # fmt: skip
    triggers = [one for one in load_triggers() if one.split in splits]
    models = _models(run)
    if not triggers:
        st.info("Choose at least one split that holds triggers.")
        return
    st.caption(
        f"{len(triggers):,} harmful prompts with a trigger and three levels each, asked of {len(models)} models: "
        f"{5 * len(triggers) * len(models):,} replies."
    )
    about = about_models(splits, models, settings_of(run).reply_tokens)
    found = work.result(
        "behavioural",
        (run.run_id, about),
        "Measure the refusal rates",
        lambda told: _kept(run, about, _measured(run, triggers, models, told)),
        lambda: kept_evidence(run, "behavioural", about),
    )
    if found is not None:
        evidence_results.behavioural(found)
    _earlier(run, about)


def _models(run: Analysis) -> dict[str, tuple[str, str | None]]:
    """Name → (model, adapter): the untuned one, the run's own, and what was chosen beside them.

    Raises:
        AnalysisError: Two have one name.
    """
    chosen = model.choice_of(run)
    base, _ = base_choice(chosen.model, chosen.adapter)
    known = {
        label: one
        for label, one in arm_choices(runs.workspace(), base).items()
        if one.place != (chosen.adapter or ("generic" if chosen.model == "embedded" else ""))
    }
    beside = st.multiselect(
        "Adapters beside it", list(known), key="triggers-behaviour-arms", accept_new_options=True,
        persist_state="session", placeholder="Choose adapters, or type NAME=FOLDER",
        help=f"Shipped adapters for {base} and those trained on the page Mitigation; or type a folder, or NAME=FOLDER. "
        "The paper compares a model taught by refusals alone (α = 1) with one taught by a mix (α = 0.2).",
    )  # fmt: skip
    also = []
    for entry in entries(beside, known, together=False):
        name, mark, place = entry.partition("=")
        also.append(f"{name}={base}+{place}" if mark else f"{Path(entry).name}={base}+{entry}")
    return Arms.parse(base, chosen.model, chosen.adapter or None, also).models


def _measured(
    run: Analysis, triggers: list[Trigger], models: Mapping[str, tuple[str, str | None]], told: Progress
) -> Behavioural:
    """One model after the other; the first is the untuned one."""
    template, tokens = model.choice_of(run).template, settings_of(run).reply_tokens
    arms = []
    for name, (base, adapter) in models.items():
        same = (base, adapter or "") == (model.choice_of(run).model, model.choice_of(run).adapter)
        lens = model.lens_for(run) if same else model.lens_of(model.ModelChoice(base, adapter or "", template), told)
        arms.append(measure_arm(lens, triggers, runs.workspace(), name, reply_tokens=tokens, progress=told))
    return compare_arms(arms, triggers, tokens)


def _earlier(run: Analysis, about: tuple[str, ...]) -> None:
    """What was measured of this run with other models or splits, by the page or by the command."""
    others = [one for one in all_kept(run, "behavioural") if one.about != about]
    if not others:
        return
    with st.expander(f"Measured before: {len(others)}"):
        names = [
            f"{' · '.join(arm.name for arm in one.found.arms)} — {one.about[0]}"
            for one in others if isinstance(one.found, Behavioural)
        ]  # fmt: skip
        at = st.selectbox(
            "Measurement", range(len(names)), format_func=names.__getitem__, key="triggers-behaviour-kept"
        )
        shown = others[at or 0].found
        if isinstance(shown, Behavioural):
            evidence_results.behavioural(shown, "triggers-kept")


def _kept(run: Analysis, about: Sequence[str], found: E) -> E:
    keep_evidence(run, about, found)
    return found


def _representational(run: Analysis) -> None:
    st.caption(
        "How near do this run's held-out benign prompts lie to the triggers of the train split, refused against "
        "answered (Figure 3 of the paper)? Added: AUC, permutation test, both read positions, and as many control "
        "anchors that are no triggers."
    )
    texts = [one.trigger for one in load_triggers("train")]
    about = about_nearness(run, texts, NearnessSettings())
    found = work.result(
        "representational",
        (run.run_id, about),
        "Measure the nearness",
        lambda told: _kept(
            run,
            about,
            representational_evidence(model.lens_for(run), run, texts, anchors_of(run, texts), progress=told),
        ),
        lambda: kept_evidence(run, "representational", about),
    )
    if found is not None:
        evidence_results.representational(found)


def _causal(run: Analysis) -> None:
    st.caption(
        "The strongest triggers are put into harmless test prompts that were answered; of benign test prompts that "
        "were refused the strongest trigger of each is taken out; beside both, phrases of as many words without a "
        "measured effect (beyond the paper). The lexicon is that of the train and validation splits; it is built first "
        "where there is none."
    )
    settings = CausalSettings(
        benign_only=st.toggle(
            "Benign cues only", True, key="triggers-benign-only", persist_state="session",
            help="Phrases that move refusal and hardly the intent axis. Otherwise most are harm words, and that those "
            "cause refusals is no news.",
        )
    )  # fmt: skip
    about = about_causal(run, settings, LexiconSettings())
    found = work.result(
        "causal",
        (run.run_id, about),
        "Put triggers in and take them out",
        lambda told: _kept(run, about, _swapped(run, settings, told)),
        lambda: kept_evidence(run, "causal", about),
    )
    if found is not None:
        evidence_results.causal(found)


def _swapped(run: Analysis, settings: CausalSettings, told: Progress) -> Causal:
    lens = model.lens_for(run)
    lexicon = saved_lexicon(run) or build_lexicon(lens, run, progress=told)
    return causal_evidence(lens, run, lexicon, settings, told)
