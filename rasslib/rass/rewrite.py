"""The rewrite generator: a language model turns harmful seeds into prompts that only look harmful.

What comes back has the evidence ``none``: a writer's word that a prompt is harmless is no evidence. A judge
(:mod:`rasslib.rass.judging`) or a person has to say so.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from rasslib.errors import AnalysisError
from rasslib.models.decode import Reply, Sampling
from rasslib.models.usage import Estimate, Prices
from rasslib.models.writer import Problem, Writer
from rasslib.progress import Progress, Silent
from rasslib.prompts.duplicates import normalise
from rasslib.rass.answers import Parsed, read_answer
from rasslib.rass.candidates import Candidate
from rasslib.rass.recipe import EXAMPLES, Recipe
from rasslib.rass.seeds import Seed, seed_order
from rasslib.rass.tally import Tally
from rasslib.workspace.database import Database
from rasslib.workspace.records import ReplyLike

STAGE = "Rewriting prompts"
FAILED = "the request failed"

_FAILURE = Reply("", 0, False)  # kept in place of an answer, so that the sequence stays as it is
_TOKENS_EACH = 30  # a rewrite with its number, about


class RewriteGenerator:
    """Rewrites seeds; a :class:`~rasslib.rass.candidates.Generator`.

    The sequence is: the seeds in their seeded order (:func:`~rasslib.rass.seeds.seed_order`), of each its usable
    rewrites, without repetitions. It ends when the seeds are used up. Every answer is stored in the workspace before
    anything else happens, and no seed is asked again for the same recipe, writer and random seed; so the sequence is
    the same in every run on that workspace, however often it was stopped. Another random seed asks anew.

    Args:
        writer: A server or the loaded model.
        seeds: What to rewrite.
        database: Where answers are kept.
        recipe: How rewrites are asked for.
        patience: Answers in a row without a usable rewrite after which the writer counts as unfit: going on would
            only cost money.

    Attributes:
        tally: What the last sequence was made of, up to where it was read.

    Raises:
        AnalysisError: There are no seeds, or the recipe asks for nothing.
    """

    name = "rewrite"

    def __init__(
        self,
        writer: Writer,
        seeds: Sequence[Seed],
        database: Database,
        recipe: Recipe | None = None,
        patience: int = 20,
    ) -> None:
        self.writer = writer
        self.seeds = list(seeds)
        self.database = database
        self.recipe = recipe or Recipe()
        self.patience = patience
        self.tally = Tally()
        if not self.seeds:
            raise AnalysisError("There are no seeds to rewrite: give harmful prompts, or prompts with trigger words.")
        if self.recipe.per_seed < 1 or self.recipe.max_tokens < 1:
            raise AnalysisError("A recipe needs at least one rewrite per seed and one token: raise what is below 1.")

    def generate(
        self, n: int, *, seed: int = 0, start: int = 0, progress: Progress | None = None
    ) -> Iterator[Candidate]:
        """Candidates number ``start`` to ``start + n - 1``; fewer where the seeds do not yield more.

        Args:
            n: How many.
            seed: Random seed of the order and of the writer's draws.
            start: How many to leave out at the start of the sequence.
            progress: Told after each answer, once it is stored; may raise ``Stopped``.

        Raises:
            AnalysisError: ``n`` or ``start`` makes no sense, or the writer is unfit (see ``patience``).
            ModelError: The writer cannot go on; what it answered is kept.
            WorkspaceError: The workspace cannot be read or written.
        """
        if n < 1 or start < 0:
            raise AnalysisError(f"Ask for at least one candidate from number 0 on, not for {n} from {start} on.")
        return self._sequence(start, start + n, seed, progress or Silent())

    def estimate(self, n: int, *, seed: int = 0, start: int = 0, prices: Prices | None = None) -> Estimate:
        """What :meth:`generate` will ask for, before it starts; answers that are kept cost nothing.

        The middle figures take every seed to yield ``per_seed`` rewrites of ordinary length; at most, all seeds have
        to be asked and every answer is cut at ``max_tokens``.
        """
        order = seed_order(self.seeds, seed)
        kept = self.database.get_replies(self._key(seed), [one.id for one in order])
        found, used, asked = 0, 0, 0
        read: list[int] = []
        for one in order:
            if one.id in kept:
                used += found < start + n
                found += len(self._parse(one, kept[one.id]).prompts)
            else:
                read.append(self.writer.tokens(self.recipe.request(one)))
                if found < start + n:
                    asked += 1
                    found += self.recipe.per_seed
        each = min(self.recipe.max_tokens, _TOKENS_EACH * self.recipe.per_seed)
        return Estimate(
            requests=asked,
            kept=used,
            prompt_tokens=sum(read[:asked]),
            completion_tokens=asked * each,
            most_requests=len(read) if asked else 0,
            most_prompt_tokens=sum(read) if asked else 0,
            most_completion_tokens=len(read) * self.recipe.max_tokens if asked else 0,
            prices=prices,
        )

    def _key(self, seed: int) -> str:
        return f"rewrite {self.recipe.version} {seed} {self.writer.key}"

    def _sequence(self, start: int, stop: int, seed: int, progress: Progress) -> Iterator[Candidate]:
        self.tally = tally = Tally()
        order = seed_order(self.seeds, seed)
        seen = {normalise(one.prompt) for one in order}
        position = barren = 0
        progress.update(STAGE, 0, stop - start)
        while tally.candidates < stop and position < len(order):
            need = math.ceil((stop - tally.candidates) / self.recipe.per_seed)
            wave = order[position : position + min(need, self.writer.at_once)]
            position += len(wave)
            answers = self._answers(wave, seed, start, stop, progress)
            for one in wave:
                before = tally.candidates
                for candidate in self._candidates(one, answers[one.id], seed, seen):
                    if tally.candidates == stop:
                        return
                    tally.candidates += 1
                    if tally.candidates > start:
                        yield candidate
                barren = barren + 1 if tally.candidates == before else 0
                if barren >= self.patience:
                    raise AnalysisError(
                        f"The last {barren} answers of {self.writer.name} held no usable rewrite (most often: "
                        f"{tally.skipped.most_common(1)[0][0]}): use another model; what was answered is kept."
                    )
            progress.update(STAGE, max(0, tally.candidates - start), stop - start)

    def _answers(
        self, wave: Sequence[Seed], seed: int, start: int, stop: int, progress: Progress
    ) -> dict[str, ReplyLike]:
        """The answers for some seeds: those in the workspace, and those that the writer gives now."""
        key = self._key(seed)
        answers: dict[str, ReplyLike] = dict(self.database.get_replies(key, [one.id for one in wave]))
        new = [one for one in wave if one.id not in answers]
        self.tally.kept += len(answers)
        self.tally.asked += len(new)
        failed: dict[str, Reply] = {}
        hoped = self.tally.candidates - start  # of the answers that have come, all of which may yield `per_seed`

        def store(index: int, answer: Reply | Problem) -> None:
            one = new[index]
            if isinstance(answer, Problem):
                self.tally.problems[answer.reason] += 1
                failed[one.id] = _FAILURE
            else:
                self.database.put_replies(key, {one.id: answer})
                answers[one.id] = answer

        def tick() -> None:
            done = hoped + self.recipe.per_seed * len(answers)
            progress.update(STAGE, min(max(0, done), stop - start), stop - start)

        if new:
            sampling = Sampling(temperature=self.recipe.temperature, seed=seed)
            requests = [self.recipe.request(one) for one in new]
            self.writer.write(
                requests, max_tokens=self.recipe.max_tokens, sampling=sampling, on_answer=store, tick=tick
            )
            # Only now: when the writer is gone, those that failed on the way there are asked again.
            self.database.put_replies(key, failed)
        return {**failed, **answers}

    def _parse(self, seed: Seed, answer: ReplyLike) -> Parsed:
        if not answer.text and not answer.n_tokens:
            return Parsed((), Counter([FAILED]))
        examples = [text for pair in EXAMPLES for text in pair]
        return read_answer(answer.text, answer.finished, self.recipe.per_seed, seed.prompt, examples)

    def _candidates(self, one: Seed, answer: ReplyLike, seed: int, seen: set[str]) -> Iterator[Candidate]:
        """The candidates in one answer; ``seen`` holds all prompts so far, normalised, and is added to."""
        parsed = self._parse(one, answer)
        self.tally.skipped += parsed.skipped
        for number, prompt in enumerate(parsed.prompts):
            if normalise(prompt) in seen:
                self.tally.skipped["copy of another prompt"] += 1
                continue
            seen.add(normalise(prompt))
            step: dict[str, object] = {
                "step": "rewrite",
                "writer": self.writer.name,
                "recipe": self.recipe.version,
                "temperature": self.recipe.temperature,
                "number": number,
            }
            yield Candidate(
                prompt=prompt,
                category=one.category,
                language=one.language,
                generator=self.name,
                seed_id=one.id,
                note=f"Rewritten from a seed by {self.writer.name}; nobody has judged it yet.",
                steps=(step,),
                random_seed=seed,
            )
