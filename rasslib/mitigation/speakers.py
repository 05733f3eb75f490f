"""Who is asked in a comparison: a model as it was trained, or one that is steered instead of trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rasslib.benchmarks.answering import answers, too_long
from rasslib.benchmarks.settings import EvaluationSettings
from rasslib.benchmarks.subject import Subject
from rasslib.boundary.reading import score_key, score_openers
from rasslib.boundary.scoring import kept_score
from rasslib.mitigation.measure import REFUSAL_TOKENS
from rasslib.models.decode import Reply
from rasslib.models.interventions import Intervention
from rasslib.models.reply_likelihood import reply_log_likelihood
from rasslib.progress import Progress, Silent
from rasslib.prompts import prompt_id
from rasslib.refusal import DEFAULT_OPENERS, refusal_score
from rasslib.steering.building import interventions
from rasslib.workspace.database import Database


@dataclass(frozen=True, eq=False)
class Speaker:
    """A model with all that is done to it; what it said once is kept.

    Attributes:
        subject: Model and recipe.
        database: Where replies are kept.
        why: Why this recipe, for people; empty where nothing is done.
    """

    subject: Subject
    database: Database
    why: str = ""

    def replies(
        self,
        prompts: Mapping[str, str],
        stage: str,
        progress: Progress | None = None,
        openings: Mapping[str, str] | None = None,
    ) -> dict[str, Reply]:
        """The greedy reply to every prompt, cut at :data:`~rasslib.mitigation.measure.REFUSAL_TOKENS` tokens.

        A prompt that leaves no room for one in the context gets an empty one.

        Args:
            prompts: Text by prompt id.
            stage: What the progress is called.
            progress: Told after each stored batch; may raise ``Stopped``.
            openings: By prompt id, text put into the model's mouth; the replies are what follows it.
        """
        found: dict[tuple[str, str], Reply] = {}
        begun = {i: (openings or {}).get(i, "") for i in prompts}
        for opening in dict.fromkeys(begun.values()):
            how = EvaluationSettings("prefill" if opening else "direct", opening, tokens=REFUSAL_TOKENS)
            # What is kept is kept under ids that are made of the text.
            asked = {prompt_id(text): text for i, text in prompts.items() if begun[i] == opening}
            for long in too_long(self.subject, asked, how):  # judged invalid, so counted, and in no rate
                found[opening, long] = Reply("", 0, False)
                del asked[long]
            replies = answers(self.subject, asked, how, self.database, progress, stage)[0]
            found |= {(opening, i): reply for i, reply in replies.items()}
        return {i: found[begun[i], prompt_id(text)] for i, text in prompts.items()}

    def scores(self, prompts: Mapping[str, str], stage: str, progress: Progress | None = None) -> dict[str, float]:
        """The first-token refusal score of every prompt (:func:`rasslib.refusal.score.refusal_score`).

        Args:
            prompts: Text by prompt id; those that leave no room for a reply in the context are left out.
            stage: What the progress is called.
            progress: Told after each stored batch; may raise ``Stopped``.
        """
        lens, steering = self.subject.lens, self.subject.steering
        asked = {prompt_id(text): text for text in prompts.values()}
        for long in too_long(self.subject, asked, EvaluationSettings(tokens=REFUSAL_TOKENS)):
            del asked[long]
        openers, found = score_openers(lens, DEFAULT_OPENERS), dict[str, float]()
        for recipe, ids in self.subject.decided(asked).items():
            changes = interventions(recipe, steering.book) if steering else ()

            def read(texts: Sequence[str], changes: Sequence[Intervention] = changes) -> list[float]:
                return [float(x) for x in refusal_score(lens.next_token_logits(texts, changes), openers)]

            key = score_key(self.subject.named(recipe), openers)
            values = kept_score(self.database, key, read, progress, stage)([asked[i] for i in ids])
            found |= dict(zip(ids, values.tolist(), strict=True))
        return {i: found[prompt_id(text)] for i, text in prompts.items() if prompt_id(text) in found}

    def surprise(
        self, pairs: Sequence[tuple[str, str]], stage: str, progress: Progress | None = None
    ) -> list[tuple[float, float]]:
        """Negative log-likelihood of each reply to its prompt, and its tokens, end token included.

        Args:
            pairs: Prompt and reply.
            stage: What the progress is called.
            progress: Told after each group that is steered alike; may raise ``Stopped``.
        """
        prompts = {prompt_id(prompt): prompt for prompt, _ in pairs}
        progress, found = progress or Silent(), dict[int, tuple[float, float]]()
        progress.update(stage, 0, len(pairs))
        for recipe, ids in self.subject.decided(prompts).items():
            changes = interventions(recipe, self.subject.steering.book) if self.subject.steering else ()
            here = [k for k, pair in enumerate(pairs) if prompt_id(pair[0]) in set(ids)]
            asked, texts = [pairs[k][0] for k in here], [pairs[k][1] for k in here]
            rows = reply_log_likelihood(self.subject.lens, asked, texts, changes=changes, ended=True)
            found |= {k: (-float(row[0]), float(row[1])) for k, row in zip(here, rows, strict=True)}
            progress.update(stage, len(found), len(pairs))
        return [found[k] for k in range(len(pairs))]

    def facts(self, compared: Iterable[str] = ()) -> dict[str, Any]:
        """What is done to it besides its weights; empty where nothing is.

        Args:
            compared: Ids of the prompts it is asked, of which ``chosen_on`` counts those that its directions or
                thresholds were chosen by.
        """
        steering = self.subject.steering
        if steering is None:
            return {}
        fitted = steering.run.prompts
        used = set(fitted.loc[fitted["fit"] & (fitted["split"] != "test"), "id"])
        told = {"why": self.why, "run_title": steering.run.title, "chosen_on": len(used & set(compared))}
        return {**self.subject.facts()["steering"], **told}
