"""Causal evidence: what happens to refusals when a trigger is put into harmless prompts or taken out of refused ones.

Beyond the paper (arXiv 2603.11388). The control changes the same prompts at the same place with a random phrase of as
many words whose measured effect spans 0; the comparison is paired. Use a lexicon made of other prompts than those
changed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rasslib.boundary.analysis import settings_of
from rasslib.boundary.pieces import inserted
from rasslib.boundary.reading import read_replies, reply_key
from rasslib.boundary.run import Analysis
from rasslib.boundary.scoring import refusal_scorer
from rasslib.errors import AnalysisError
from rasslib.models.lens import Lens
from rasslib.progress import Progress
from rasslib.prompts.schema import prompt_id
from rasslib.refusal import PhraseJudge
from rasslib.refusal.rates import rate_of
from rasslib.triggers.cutting import tokenizer_cut
from rasslib.triggers.evidence import Causal, Swap
from rasslib.triggers.intervals import mean_difference, rate_difference
from rasslib.triggers.lexicon import Entry, Lexicon
from rasslib.triggers.occurrences import left_without
from rasslib.triggers.segments import Cut, Phrase, phrases_of, words_of


@dataclass(frozen=True)
class CausalSettings:
    """How triggers are tried.

    Attributes:
        top: Triggers put in, the strongest whose interval lies above 0. Taken out is any trigger of the lexicon:
            the strongest few stand in hardly any other prompt.
        benign_only: Use benign cues alone: words that move refusal and hardly the intent axis. Otherwise most are harm
            words ("hack"), and that those cause refusals is no news.
        most: Prompts changed at most, of each kind.
        splits: Splits of these prompts; the lexicon's own would flatter it.
        intents: Intents of the refused prompts that triggers are taken out of.
        seed: Seed of prompts, places and control words.
    """

    top: int = 20
    benign_only: bool = True
    most: int = 100
    splits: tuple[str, ...] = ("test",)
    intents: tuple[str, ...] = ("borderline", "harmless")
    seed: int = 0


@dataclass(frozen=True)
class _Change:
    id: str
    before: str
    after: str
    control: str
    phrase: str
    other: str


def causal_evidence(
    lens: Lens,
    run: Analysis,
    lexicon: Lexicon,
    settings: CausalSettings | None = None,
    progress: Progress | None = None,
) -> Causal:
    """Put triggers into answered harmless prompts and take them out of refused ones, beside phrases without effect.

    Args:
        lens: The run's model.
        run: A finished run.
        lexicon: The triggers, best made of other splits.
        settings: See :class:`CausalSettings`.
        progress: Told after each stored batch; may raise Stopped.

    Raises:
        AnalysisError: The model is not the run's, the lexicon holds no trigger, or no prompt can be changed.
    """
    settings = settings or CausalSettings()
    if lens.key != run.key:
        raise AnalysisError(f"This run was made with another model or template than {lens.name}; load that one.")
    triggers = lexicon.benign_cues if settings.benign_only else lexicon.triggers
    entries = triggers[: settings.top]
    others = [entry for entry in lexicon.entries if entry.low <= 0 <= entry.high]
    if not entries:
        what = "benign cue" if settings.benign_only else "trigger"
        raise AnalysisError(f"The lexicon holds no {what} whose interval lies above 0: make it of more prompts.")
    table = run.prompts[run.prompts["split"].isin(settings.splits)]
    answered = table[(table["intent"] == "harmless") & (table["behaviour"] == "complied")]
    refused = table[table["intent"].isin(settings.intents) & (table["behaviour"] == "refused")]
    cut, rng = tokenizer_cut(lens), np.random.default_rng(settings.seed)
    puts = _insertions(answered["prompt"].tolist(), entries, others, cut, settings, rng)
    takes = _removals(refused["prompt"].tolist(), triggers, lexicon, cut, settings, rng)
    if not puts and not takes:
        raise AnalysisError(
            f"In split {' or '.join(settings.splits)} no harmless prompt was answered and no refused one holds a "
            "trigger beside other words: choose other splits."
        )
    notes = [] if puts else ["No harmless prompt was answered, or no phrase is free of effect to compare with."]
    if not takes:
        notes.append("No refused prompt holds a trigger and another phrase of as many words.")
    return Causal(
        insertion=_swap("insertion", lens, run, puts, progress) if puts else None,
        removal=_swap("removal", lens, run, takes, progress) if takes else None,
        phrases=tuple(entry.phrase for entry in entries),
        notes=tuple(notes),
    )


def _insertions(
    texts: Sequence[str],
    entries: Sequence[Entry],
    others: Sequence[Entry],
    cut: Cut,
    s: CausalSettings,
    rng: np.random.Generator,
) -> list[_Change]:
    """Each prompt gets one trigger, in turn, and its control at the same random place."""
    found: list[_Change] = []
    for row in rng.permutation(len(texts)):
        text = texts[row]
        entry = entries[len(found) % len(entries)]
        same = [one.phrase for one in others if one.words == entry.words] or [one.phrase for one in others]
        words = words_of(text, cut)
        if not words or not same or len(found) == s.most:
            continue
        place, other = words[int(rng.integers(len(words)))], same[int(rng.integers(len(same)))]
        after, control = (inserted(text, place, phrase) for phrase in (entry.phrase, other))
        found.append(_Change(prompt_id(text), text, after, control, entry.phrase, other))
    return found


def _removals(
    texts: Sequence[str],
    entries: Sequence[Entry],
    lexicon: Lexicon,
    cut: Cut,
    s: CausalSettings,
    rng: np.random.Generator,
) -> list[_Change]:
    """Of each prompt its strongest trigger, and as control another phrase of as many words that is no trigger."""
    strong = {entry.phrase for entry in lexicon.triggers}
    rank = {entry.phrase: number for number, entry in enumerate(entries)}
    found: list[_Change] = []
    for row in rng.permutation(len(texts)):
        text = texts[row]
        phrases = phrases_of(text, words_of(text, cut))
        held = sorted((p for p in phrases if p.name in rank), key=lambda p: rank[p.name])
        if not held or len(found) == s.most:
            continue
        out = [p for p in phrases if p.name == held[0].name]
        taken = {piece for p in out for piece in p.pieces}
        free: list[Phrase] = [
            p
            for p in phrases
            if len(p.pieces) == len(held[0].pieces) and p.name not in strong and not taken & set(p.pieces)
        ]
        after = left_without(text, out)
        if free and any(c.isalnum() for c in after):
            other = free[int(rng.integers(len(free)))]
            found.append(_Change(prompt_id(text), text, after, left_without(text, [other]), held[0].name, other.name))
    return found


def _swap(kind: str, lens: Lens, run: Analysis, changes: Sequence[_Change], progress: Progress | None) -> Swap:
    from scipy.stats import binomtest

    of_run = settings_of(run)
    texts = {prompt_id(t): t for c in changes for t in (c.before, c.after, c.control)}
    read_replies(lens, texts, run.workspace, of_run.reply_tokens, progress)
    score = refusal_scorer(lens, of_run.openers, run.workspace, progress)
    rho = dict(zip(texts, score(list(texts.values())).tolist(), strict=True))
    kept, judge = run.workspace.database.get_replies(reply_key(lens.key, of_run.reply_tokens), texts), PhraseJudge()
    told = {i: judge.judge(r.text, finished=r.finished).behaviour for i, r in kept.items()}
    behaviours = [[str(told[prompt_id(t)]) for t in (c.before, c.after, c.control)] for c in changes]
    valid = [row for row, seen in enumerate(behaviours) if "invalid" not in seen]
    refused = np.array([[b == "refused" for b in behaviours[row]] for row in valid]).reshape(-1, 3)
    scores = np.array([[rho[prompt_id(t)] for t in (c.before, c.after, c.control)] for c in changes])
    more, less = (int((refused[:, a] & ~refused[:, b]).sum()) for a, b in ((1, 2), (2, 1)))
    rates = [rate_of(["refused" if flag else "complied" for flag in refused[:, column]]) for column in range(3)]
    rows = [
        {
            "id": c.id, "phrase": c.phrase, "control_phrase": c.other, "before": seen[0], "after": seen[1],
            "control": seen[2], "prompt": c.before, "changed": c.after, "control_prompt": c.control,
        }
        for c, seen in zip(changes, behaviours, strict=True)
    ]  # fmt: skip
    return Swap(
        kind=kind,
        n=len(valid),
        before=rates[0],
        after=rates[1],
        control=rates[2],
        change=rate_difference(refused[:, 1], refused[:, 0]),
        control_change=rate_difference(refused[:, 2], refused[:, 0]),
        beyond_control=rate_difference(refused[:, 1], refused[:, 2]),
        p=float(binomtest(more, more + less, 0.5).pvalue) if more + less else 1.0,
        score_change=(
            mean_difference(scores[:, 1], scores[:, 0]),
            mean_difference(scores[:, 2], scores[:, 0]),
        ),
        rows=tuple(rows),
    )
