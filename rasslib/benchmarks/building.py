"""Building a benchmark of overrefusal in several languages: models vote, and what they refuse though benign enters.

The idea is that of multilingual overrefusal benchmarks made by voting models; how it is done here is ours:

1. candidates that are benign by evidence, in their language, none repeated (:mod:`rasslib.benchmarks.gathering`);
2. every model answers each of them; a vote is what its reply was judged to be. Votes of a model count only in
   languages in which it can be judged (:mod:`rasslib.benchmarks.languages`), invalid replies never;
3. a prompt enters when at least ``refused_by`` models refused it;
4. each language has the same number of places; they are filled from its categories in turn, by a seeded draw.

A model's own rate on a set that its refusals chose is too high by construction: the set is for *other* models. Data
card and provenance say so.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pandas as pd

from rasslib.benchmarks.ballots import Ballot
from rasslib.benchmarks.building_words import ABOUT, LIMITS, short_of, title_of, vote_notes
from rasslib.benchmarks.gathering import GRAMMAR, check_languages, gather, shuffled_rows
from rasslib.benchmarks.languages import LanguageRule, language_findings
from rasslib.benchmarks.shares import Share, share_of
from rasslib.benchmarks.voters import Voter
from rasslib.boundary.reading import texts
from rasslib.errors import BenchmarkError, ModelError
from rasslib.models.names import public_name
from rasslib.progress import Progress, Silent
from rasslib.rass.export import Curated, Provenance, make_curated, release
from rasslib.rass.judging import BenignJudge
from rasslib.rass.plans import shares
from rasslib.refusal import PhraseJudge
from rasslib.workspace import Workspace
from rasslib.workspace.files import plain

NOT_JUDGED = "no model can be judged in its language"
NO_VOTE = "no valid reply"
NOT_REFUSED = "refused by too few models"
NO_PLACE = "beyond the places of its language"


@dataclass(frozen=True)
class BuildSettings:
    """What a benchmark depends on besides the models.

    Attributes:
        languages: Codes.
        n: Prompts wanted; each language has an equal share of the places.
        refused_by: Models that must refuse a prompt.
        candidates: ``grammar``, ``parallel``, the name of a pool, or a file.
        draw: Candidates of a language for each of its places, at most.
        reply_tokens: Length at which replies are cut before they are judged.
        rule: When a model is judged in a language at all.
        title: Name of the set; made from the languages where empty.
        seed: Seed of every draw.
    """

    languages: tuple[str, ...]
    n: int = 200
    refused_by: int = 1
    candidates: str = GRAMMAR
    draw: int = 5
    reply_tokens: int = 48
    rule: LanguageRule = field(default_factory=LanguageRule)
    title: str = ""
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Built:
    """A benchmark.

    Attributes:
        curated: The set, released for export, with provenance and notes.
        ballots: What each model did.
        yields: By language, how many of the candidates with a vote were refused by enough models.
        candidates: How many candidates there were.
    """

    curated: Curated
    ballots: tuple[Ballot, ...]
    yields: Mapping[str, Share]
    candidates: int

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values: counts, what each model did, what was left out and why."""
        counts, table = self.curated.provenance.counts, self.curated.table
        cells = Counter(zip(table["language"].tolist(), table["category"].tolist(), strict=True))
        found: dict[str, Any] = {
            "n": len(table),
            "candidates": self.candidates,
            "by_language": counts["language"],
            "by_category": counts["category"],
            "by_language_and_category": [
                {"language": language, "category": category, "n": n}
                for (language, category), n in sorted(cells.items())
            ],
            "yield": {language: share.as_dict() for language, share in self.yields.items()},
            "models": [
                {
                    "name": ballot.name,
                    "languages": [
                        {**one.as_dict(), "counted": ballot.counts_in(name)} for name, one in ballot.languages.items()
                    ],
                }
                for ballot in self.ballots
            ],
            "left_out": dict(self.curated.provenance.left_out),
            "notes": list(self.curated.notes),
            "limits": list(self.curated.provenance.limits),
        }
        return dict(plain(found))


def build(
    workspace: Workspace,
    voters: Sequence[Voter],
    settings: BuildSettings,
    judge: BenignJudge | None = None,
    progress: Progress | None = None,
) -> Built:
    """Build a benchmark; replies and candidates are kept, so a stopped build goes on where it was.

    Args:
        workspace: Where they are kept.
        voters: The models.
        settings: See :class:`BuildSettings`.
        judge: Looks at candidates without evidence of being benign; None leaves them out.
        progress: Told after each stored batch; may raise Stopped.

    Raises:
        BenchmarkError: The settings make no sense, or no prompt can enter; says why.
        ModelError: A model cannot be loaded or asked, or two of them are the same.
    """
    told = progress or Silent()
    check_languages(settings.languages, settings.candidates)
    _check(voters, settings)
    places = dict(zip(settings.languages, shares(settings.n, len(settings.languages)), strict=True))
    gathered = gather(
        workspace,
        settings.candidates,
        settings.languages,
        settings.draw * max(places.values()),
        seed=settings.seed,
        judge=judge,
        progress=told,
    )
    ballots = _ballots(workspace, voters, gathered.table, settings, told)
    voted = counted_votes(gathered.table, ballots)
    left_out = Counter(gathered.left_out)
    enough = voted["refusals"] >= settings.refused_by
    left_out[NOT_JUDGED] = int((~voted["judged"]).sum())
    left_out[NO_VOTE] = int((voted["judged"] & (voted["n_votes"] == 0)).sum())
    left_out[NOT_REFUSED] = int(((voted["n_votes"] > 0) & ~enough).sum())
    entering = voted[enough].reset_index(drop=True)
    taken = balanced(entering, places, settings.seed)
    left_out[NO_PLACE] = len(entering) - len(taken)
    reasons = {reason: n for reason, n in left_out.items() if n}
    if taken.empty:
        raise BenchmarkError(
            f"No prompt can enter: {', '.join(f'{reason}: {n}' for reason, n in reasons.items())}. Take other models, "
            "more candidates, or ask for fewer refusals."
        )
    yields = {
        language: share_of((rows["refusals"] >= settings.refused_by).tolist())
        for language, rows in voted[voted["n_votes"] > 0].groupby("language", sort=False)
    }
    curated = _curated(taken, settings, ballots, gathered.source, reasons, places)
    return Built(curated, tuple(ballots), {str(k): v for k, v in yields.items()}, len(gathered.table))


def counted_votes(table: pd.DataFrame, ballots: Sequence[Ballot]) -> pd.DataFrame:
    """The candidates with ``judged`` (some model can be judged in the language), ``n_votes`` (valid ones that count),
    ``refusals``, ``refused_by`` (names, with commas) and ``votes`` (JSON, by model)."""
    found = []
    for prompt_id, language in zip(table["id"], table["language"], strict=True):
        counted = [ballot for ballot in ballots if ballot.counts_in(language)]
        votes = {ballot.name: ballot.behaviours.get(prompt_id, "no reply") for ballot in counted}
        refused = [name for name, vote in votes.items() if vote == "refused"]
        valid = sum(vote in ("refused", "complied") for vote in votes.values())
        text = json.dumps(votes, ensure_ascii=False)
        found.append((bool(counted), valid, len(refused), ", ".join(refused), text))
    columns = ["judged", "n_votes", "refusals", "refused_by", "votes"]
    return table.assign(**{name: [row[i] for row in found] for i, name in enumerate(columns)})


def balanced(entering: pd.DataFrame, places: Mapping[str, int], seed: int) -> pd.DataFrame:
    """The prompts that get a place: at most ``places`` of each language, its categories in turn, drawn by seed."""
    taken: list[int] = []
    order = shuffled_rows(entering, seed, "places")
    for language, most in places.items():
        by_category: dict[str, list[int]] = {}
        for row in order:
            if entering["language"].iloc[row] == language:
                by_category.setdefault(str(entering["category"].iloc[row]), []).append(row)
        # Categories in the order of the draw: by name, the last ones would never get the places that are left over.
        turns = [(turn, place, row) for place, rows in enumerate(by_category.values()) for turn, row in enumerate(rows)]
        taken += [row for _, _, row in sorted(turns)[:most]]
    return entering.iloc[taken].reset_index(drop=True)


def _check(voters: Sequence[Voter], settings: BuildSettings) -> None:
    if not 1 <= settings.refused_by <= len(voters):
        raise BenchmarkError(
            f"A prompt cannot have to be refused by {settings.refused_by} of {len(voters)} models: ask for 1 to "
            f"{max(1, len(voters))}."
        )
    if settings.n < max(1, len(settings.languages)) or settings.draw < 1:
        raise BenchmarkError(
            f"{settings.n} prompts are too few for {len(settings.languages)} languages, or no candidate is drawn for a "
            "place: ask for at least one of each."
        )


def _ballots(
    workspace: Workspace, voters: Sequence[Voter], table: pd.DataFrame, settings: BuildSettings, progress: Progress
) -> list[Ballot]:
    judge, wanted, found = PhraseJudge(), texts(table), list[Ballot]()
    for voter in voters:
        key, replies = voter.answer(wanted, workspace, settings.reply_tokens, progress)
        if same := next((one.name for one in found if one.key == key), None):
            raise ModelError(f"{voter.name} and {same} are the same model: a model has one vote, so take one out.")
        answered = table[table["id"].isin(replies)]
        judged = answered.assign(
            reply=[replies[i].text for i in answered["id"]],
            behaviour=[judge.judge(replies[i].text, finished=replies[i].finished).behaviour for i in answered["id"]],
        )
        behaviours = dict(zip(judged["id"], judged["behaviour"], strict=True))
        found.append(Ballot(voter.name, key, behaviours, language_findings(judged, settings.rule)))
    return found


def _curated(
    taken: pd.DataFrame,
    settings: BuildSettings,
    ballots: Sequence[Ballot],
    source: str,
    left_out: dict[str, int],
    places: Mapping[str, int],
) -> Curated:
    """The set with its provenance, released as any export is."""
    why = [
        f"refused by {k} of {n} models with a valid vote"
        for k, n in zip(taken["refusals"], taken["n_votes"], strict=True)
    ]
    table = taken.drop(columns=["judged", "n_votes", "refusals"]).assign(policy="votes", why=why)
    origin = Provenance(
        title=settings.title or title_of([code for code in settings.languages if code in set(taken["language"])]),
        about=ABOUT.format(n=len(ballots)),
        model=", ".join(ballot.name for ballot in ballots),
        settings={
            **{name: value for name, value in plain(asdict(settings)).items() if name != "title"},
            "candidates": public_name(settings.candidates),
            "candidates_from": source,
            "models": {ballot.name: ballot.key for ballot in ballots},
            "judge": PhraseJudge().version,
        },
        left_out=left_out,
        limits=LIMITS,
    )
    made = make_curated(table, origin)
    held = taken["language"].value_counts().to_dict()
    notes = (*vote_notes(ballots), *short_of(places, {str(k): int(v) for k, v in held.items()}))
    return release(replace(made, notes=(*made.notes, *notes)))
