"""Who is asked in a comparison: a model as it was trained, or one that is steered instead of trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rasslib.benchmarks.answering import answers
from rasslib.benchmarks.settings import EvaluationSettings
from rasslib.benchmarks.subject import Subject
from rasslib.mitigation.measure import REFUSAL_TOKENS, perplexity
from rasslib.mitigation.replies import ReplyFile, greedy_replies
from rasslib.models.decode import Reply
from rasslib.models.fingerprint import fingerprint
from rasslib.models.reply_likelihood import reply_log_likelihood
from rasslib.models.templates import ChatFormat
from rasslib.progress import Progress
from rasslib.steering.building import interventions
from rasslib.workspace.database import Database

ANSWER_TOKENS = REFUSAL_TOKENS
"""Length at which replies of a comparison are cut."""


class Speaker(Protocol):
    """A model with all that is done to it; what it said once is kept."""

    def replies(
        self,
        prompts: Mapping[str, str],
        kind: str,
        stage: str,
        progress: Progress | None = None,
        openings: Mapping[str, str] | None = None,
    ) -> dict[str, Reply]:
        """The greedy reply to every prompt.

        Args:
            prompts: Text by prompt id.
            kind: ``direct``, ``prefill`` or ``answers``: which replies are kept together.
            stage: What the progress is called.
            progress: Told after each stored batch; may raise ``Stopped``.
            openings: By prompt id, text put into the model's mouth; the replies are what follows it.
        """
        ...

    def perplexity(self, pairs: Sequence[tuple[str, str]]) -> float:
        """exp of the mean negative log-likelihood per token of given replies (end token included) to prompts."""
        ...

    def facts(self) -> dict[str, Any]:
        """What is done to it besides its weights; empty where nothing is."""
        ...


@dataclass(frozen=True, eq=False)
class Trained:
    """A transformers model, asked as it is.

    Attributes:
        model: The model, or a PEFT model around one.
        chat: Chat template and tokenizer.
        cache: Folder of replies; None keeps none.
    """

    model: Any
    chat: ChatFormat
    cache: Path | None = None

    def replies(
        self,
        prompts: Mapping[str, str],
        kind: str,
        stage: str,
        progress: Progress | None = None,
        openings: Mapping[str, str] | None = None,
    ) -> dict[str, Reply]:
        """As :class:`Speaker`."""
        stem = f"{fingerprint(self.model)}-{self.chat.hash}-{ANSWER_TOKENS}"
        return greedy_replies(
            self.model,
            self.chat,
            prompts,
            ANSWER_TOKENS,
            batch_size=32,
            cache=ReplyFile(self.cache / f"{stem}-{kind}.jsonl") if self.cache else None,
            progress=progress,
            stage=stage,
            prefills=dict(openings or {}),
        )

    def perplexity(self, pairs: Sequence[tuple[str, str]]) -> float:
        """As :class:`Speaker`."""
        return perplexity(self.model, self.chat, [(prompt, Reply(text, 0, True)) for prompt, text in pairs])

    def facts(self) -> dict[str, Any]:
        """As :class:`Speaker`."""
        return {}


@dataclass(frozen=True, eq=False)
class Steered:
    """A model under the lens that is steered by a recipe.

    Attributes:
        subject: Model and recipe.
        database: Where replies are kept.
        told: Why this recipe, for people.
    """

    subject: Subject
    database: Database
    told: str = ""

    def replies(
        self,
        prompts: Mapping[str, str],
        kind: str,  # noqa: ARG002
        stage: str,
        progress: Progress | None = None,
        openings: Mapping[str, str] | None = None,
    ) -> dict[str, Reply]:
        """As :class:`Speaker`; the database tells kinds apart by itself."""
        found: dict[str, Reply] = {}
        for opening in dict.fromkeys((openings or {}).values()) if openings else [""]:
            how = EvaluationSettings("prefill" if opening else "direct", opening, tokens=ANSWER_TOKENS)
            asked = {i: text for i, text in prompts.items() if not opening or (openings or {})[i] == opening}
            found |= answers(self.subject, asked, how, self.database, progress, stage)[0]
        return {i: found[i] for i in prompts}

    def perplexity(self, pairs: Sequence[tuple[str, str]]) -> float:
        """As :class:`Speaker`."""
        prompts = {str(number): prompt for number, (prompt, _) in enumerate(pairs)}
        total = count = 0.0
        for recipe, ids in self.subject.decided(prompts).items():
            changes = interventions(recipe, self.subject.steering.book) if self.subject.steering else ()
            texts = [pairs[int(i)][1] for i in ids]
            rows = reply_log_likelihood(
                self.subject.lens, [prompts[i] for i in ids], texts, changes=changes, ended=True
            ).sum(0)
            total, count = total + float(rows[0]), count + float(rows[1])
        return math.exp(-total / count) if count else math.nan

    def facts(self) -> dict[str, Any]:
        """As :class:`Speaker`."""
        return {**(self.subject.facts()["steering"] or {}), "reason": self.told}
