"""Do two judges of replies agree? Cohen's kappa on a sample of an evaluation's replies, as a whole and by language."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rasslib.benchmarks.evaluations import Evaluation
from rasslib.benchmarks.judges import Exchange, ReplyJudge
from rasslib.models.decode import Reply
from rasslib.progress import Progress
from rasslib.refusal.kappa import Kappa, kappa_of
from rasslib.steering.judged import as_made
from rasslib.workspace.files import plain

LABELS = ("refused", "complied")


@dataclass(frozen=True, eq=False)
class JudgeAgreement:
    """How the judge of an evaluation agrees with another one.

    Attributes:
        first: The evaluation's own judge.
        second: The other.
        sample: Replies that were drawn.
        whole: Agreement on all of them that both judged as refused or complied.
        by_language: The same by language.
        table: Counts: what the first says → what the second says → replies.
        disputed: The replies on which they differ, with ``behaviour`` of the first and ``other`` of the second.
    """

    first: str
    second: str
    sample: int
    whole: Kappa
    by_language: dict[str, Kappa]
    table: dict[str, dict[str, int]]
    disputed: pd.DataFrame

    def as_dict(self) -> dict[str, Any]:
        """For JSON; the disputed replies are only counted."""
        found: dict[str, Any] = plain(
            {
                "first": self.first,
                "second": self.second,
                "sample": self.sample,
                "kappa": self.whole,
                "by_language": self.by_language,
                "table": self.table,
                "disputed": len(self.disputed),
                "text": self.text(),
            }
        )
        return found

    def text(self) -> str:
        """One sentence for people."""
        one = self.whole
        if not one.n:
            return f"{self.first} and {self.second} have no reply that both judged."
        share = (
            f"{self.first} and {self.second} agree on {one.same} of {one.n} replies "
            f"({100 * one.same / one.n:.1f} %, 95 % interval {100 * one.same_low:.0f}–{100 * one.same_high:.0f} %)"
        )
        if math.isnan(one.value):
            return f"{share}. {one.why}"
        return f"{share}; Cohen's kappa is {one.value:.2f} ({one.low:.2f} to {one.high:.2f})."


def compare_judges(
    evaluation: Evaluation, judge: ReplyJudge, n: int = 200, seed: int = 0, progress: Progress | None = None
) -> JudgeAgreement:
    """Let another judge look at a random sample of the replies.

    Args:
        evaluation: A finished evaluation; what its own judge said is read from it.
        judge: The other judge.
        n: Replies to draw; all where there are fewer.
        seed: Of the draw and of the interval.
        progress: Told as the judge goes on; may raise ``Stopped``.

    Raises:
        ModelError: The other judge cannot go on; what it said so far is kept.
        WorkspaceError: The replies cannot be read.
    """
    rows = evaluation.replies()
    drawn = rows.sample(n=min(n, len(rows)), random_state=seed).sort_index()
    settings = evaluation.manifest["settings"]
    begun = str(settings.get("prefill", "")).strip()
    steered, limit = evaluation.manifest.get("model", {}).get("steering"), int(settings.get("tokens", 0))
    exchanges = []
    for row in drawn.to_dict("records"):
        reply = Reply(row["reply"], int(row["tokens"]), bool(row["finished"]))
        exchanges.append(Exchange(row["prompt"], as_made(reply, limit) if steered else reply, begun))
    drawn = drawn.assign(other=[one.behaviour for one in judge.judge(exchanges, progress)])
    both = drawn[drawn["behaviour"].isin(LABELS) & drawn["other"].isin(LABELS)]
    counts = pd.crosstab(drawn["behaviour"].replace("", "unjudged"), drawn["other"].replace("", "unjudged"))
    return JudgeAgreement(
        first=str(evaluation.manifest["judge"]["name"]),
        second=judge.name,
        sample=len(drawn),
        whole=_kappa(both, seed),
        by_language={str(code): _kappa(part, seed) for code, part in both.groupby("language", sort=True)},
        table={str(one): {str(other): int(k) for other, k in row.items()} for one, row in counts.iterrows()},
        disputed=both[both["behaviour"] != both["other"]].reset_index(drop=True),
    )


def _kappa(rows: pd.DataFrame, seed: int) -> Kappa:
    return kappa_of(rows["behaviour"].tolist(), rows["other"].tolist(), LABELS, seed)
