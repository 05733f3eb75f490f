"""Do attributed words agree with people? Hits among the top words, against random and rarest-word baselines.

XSTest names in its column ``focus`` the word that makes a safe prompt look unsafe. Where it stands literally in a
prompt that the model refused, it should be among the words that push most. The method is chosen on bundled prompts of
the validation split, where hand-written triggers say which phrases make a harmful prompt harmful; never on the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rasslib.boundary.reading import read_replies, reply_key
from rasslib.errors import AnalysisError
from rasslib.models.lens import Lens
from rasslib.progress import Progress
from rasslib.refusal import DEFAULT_OPENERS, PhraseJudge
from rasslib.triggers.attributing import METHODS, PromptAttribution, attribute_prompts
from rasslib.triggers.bundled import load_triggers
from rasslib.triggers.hits import (
    FocusScore,
    Ranked,
    difference,
    in_focus,
    random_score,
    ranked,
    score,
    strongest,
)
from rasslib.triggers.phrases import occurrences
from rasslib.triggers.rarity import ORDERS, SOURCE, Rarity
from rasslib.workspace import Workspace

REPLY_TOKENS = 32
"""Length at which replies are cut before they are judged: refusals show in the first words."""


@dataclass(frozen=True)
class FocusCheck:
    """What :func:`check_focus` found.

    Attributes:
        n: Refused benign prompts that hold their focus literally.
        n_rows: Prompts of the file.
        n_benign: Prompts that are not harmful and have a focus.
        n_literal: How many of them hold it literally.
        method: The method chosen on the validation split.
        chosen: Its hits.
        random: Of words in random order.
        rarest: Of the rarest words: the strongest order of :data:`rasslib.triggers.rarity.ORDERS` on these prompts.
        rarities: Every order.
        over_rarest: Hits of ``chosen`` minus those of ``rarest``, on the same prompts.
        methods: Every method, for comparison; only ``chosen`` is the result.
        validation: Every method on the validation split.
        rarity_source: What rarity was taken from.
        rows: Per prompt: id, prompt, focus, top three words of the chosen method and of the rarest, hits.
    """

    n: int
    n_rows: int
    n_benign: int
    n_literal: int
    method: str
    chosen: FocusScore
    random: FocusScore
    rarest: FocusScore
    rarities: tuple[FocusScore, ...]
    over_rarest: FocusScore
    methods: tuple[FocusScore, ...]
    validation: tuple[FocusScore, ...]
    rarity_source: str
    rows: tuple[dict[str, Any], ...]


def check_focus(
    lens: Lens,
    prompts: pd.DataFrame,
    workspace: Workspace,
    column: str = "focus",
    progress: Progress | None = None,
    *,
    method: str = "",
    methods: Sequence[str] = tuple(METHODS),
    openers: Sequence[str] = DEFAULT_OPENERS,
) -> FocusCheck:
    """How often the named word of a refused benign prompt is among the most pushing words.

    Args:
        lens: The model.
        prompts: A prompt set with a further column that names words.
        workspace: Where replies and scores are kept.
        column: That column.
        progress: Told after each stored part; may raise Stopped.
        method: Take this method; empty: choose one on the bundled validation split.
        methods: Methods to compare and choose among.
        openers: Refusal openers of the score.

    Raises:
        AnalysisError: The column is missing or empty, the model refused none of these prompts, or a method is unknown.
    """
    if column not in prompts:
        raise AnalysisError(
            f"There is no column {column!r} that names the word to look for: the columns are "
            f"{', '.join(map(str, prompts.columns))}."
        )
    named = prompts[
        (prompts["intent"] != "harmful") & prompts[column].map(lambda v: isinstance(v, str) and bool(v.strip()))
    ]
    literal = named[[bool(places(t, f)) for t, f in zip(named["prompt"], named[column], strict=True)]]
    if literal.empty:
        raise AnalysisError(f"None of the {len(named)} benign prompts with a {column} holds it word for word.")
    texts = dict(zip(literal["id"], literal["prompt"], strict=True))
    refused = literal[literal["id"].isin(refused_of(lens, texts, workspace, progress))]
    if refused.empty:
        raise AnalysisError(
            f"The model refused none of the {len(literal)} prompts that hold their {column}, so there is no refusal to "
            "explain: use prompts that it refuses."
        )
    tried = tuple(dict.fromkeys([method, *methods])) if method else tuple(methods)
    validation: tuple[FocusScore, ...] = ()
    if not method:
        validation = validation_scores(lens, workspace, tried, openers, progress)
        method = strongest(validation).name  # of equals the first, which is the simplest
    focus = dict(zip(refused["prompt"], refused[column], strict=True))
    found = attribute_prompts(lens, list(focus), workspace, tried, openers=openers, progress=progress)
    marks = [places(one.prompt, str(focus[one.prompt])) for one in found]
    named_words = [in_focus(one.words, mark) for one, mark in zip(found, marks, strict=True)]
    ours = {name: _ranks(name, found, named_words) for name in tried}
    scored = {name: score(name, ranks) for name, ranks in ours.items()}
    rarity = Rarity(lens, prompts["prompt"].tolist())
    theirs = {
        label: [
            ranked(rarity.keys(one.words, order), words, ours=False)
            for one, words in zip(found, named_words, strict=True)
        ]
        for order, label in ORDERS.items()
    }
    rarities = tuple(score(label, ranks) for label, ranks in theirs.items())
    rarest = strongest(rarities)
    return FocusCheck(
        n=len(found),
        n_rows=len(prompts),
        n_benign=len(named),
        n_literal=len(literal),
        method=method,
        chosen=scored[method],
        random=random_score(ours[method]),
        rarest=rarest,
        rarities=rarities,
        over_rarest=difference(f"{method} over {rarest.name}", ours[method], theirs[rarest.name]),
        methods=tuple(scored.values()),
        validation=validation,
        rarity_source=SOURCE,
        rows=tuple(
            _row(one, str(focus[one.prompt]), mine, rare)
            for one, mine, rare in zip(found, ours[method], theirs[rarest.name], strict=True)
        ),
    )


def validation_scores(
    lens: Lens,
    workspace: Workspace,
    methods: Sequence[str],
    openers: Sequence[str] = DEFAULT_OPENERS,
    progress: Progress | None = None,
) -> tuple[FocusScore, ...]:
    """Hits of each method on refused harmful prompts of the bundled validation split.

    The words to find are those that the hand-written trigger of the prompt removed.

    Raises:
        AnalysisError: The model refused none of them.
    """
    known = {one.harmful: one for one in load_triggers("validation")}
    texts = {one.id: one.harmful for one in known.values()}
    refused = [texts[key] for key in refused_of(lens, texts, workspace, progress)]
    if not refused:
        raise AnalysisError(
            f"The model refused none of the {len(texts)} bundled validation prompts, so no method can be chosen: name "
            "one with --method."
        )
    found = attribute_prompts(lens, refused, workspace, methods, openers=openers, progress=progress)
    marks = [[span for phrase in known[one.prompt].removed for span in places(one.prompt, phrase)] for one in found]
    words = [in_focus(one.words, mark) for one, mark in zip(found, marks, strict=True)]
    return tuple(score(name, _ranks(name, found, words)) for name in methods)


def refused_of(
    lens: Lens, texts: Mapping[str, str], workspace: Workspace, progress: Progress | None = None
) -> list[str]:
    """Ids of the prompts (text by id) that the model refuses, in their order; replies are kept."""
    read_replies(lens, texts, workspace, REPLY_TOKENS, progress)
    replies, judge = workspace.database.get_replies(reply_key(lens.key, REPLY_TOKENS), texts), PhraseJudge()
    return [i for i in texts if judge.judge(replies[i].text, finished=replies[i].finished).behaviour == "refused"]


def places(text: str, phrase: str) -> list[tuple[int, int]]:
    """Where a phrase stands in a text, in characters; as whole words, where words are written apart."""
    return [(one.start, one.end) for one in occurrences(text, phrase)]


def _ranks(name: str, found: Sequence[PromptAttribution], focus: Sequence[Sequence[bool]]) -> list[Ranked]:
    """Words by a method, the strongest push first; of equal pushes the focus comes last."""
    return [ranked((-one.of(name)).tolist(), words, ours=True) for one, words in zip(found, focus, strict=True)]


def _row(one: PromptAttribution, focus: str, mine: Ranked, rare: Ranked) -> dict[str, Any]:
    return {
        "id": one.id,
        "prompt": one.prompt,
        "focus": focus,
        "top": [one.words[row].text for row in mine.order[:3]],
        "rarest": [one.words[row].text for row in rare.order[:3]],
        "hit_at_1": mine.hit(1),
        "hit_at_3": mine.hit(3),
        "rarest_hit_at_1": rare.hit(1),
        "rarest_hit_at_3": rare.hit(3),
    }
