"""What a built benchmark says of itself: title, first sentence of its card, limits and notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rasslib.benchmarks.ballots import Ballot
from rasslib.benchmarks.languages import FEW, name_of
from rasslib.benchmarks.shares import share

ABOUT = (
    "Prompts that are benign by evidence and were refused by some of {n} voting models: a benchmark of overrefusal in "
    "several languages, built with RASS. Prompts may look harmful; none asks for help with harm."
)
LIMITS = (
    "The prompts were chosen because some of the named models refused them. The rates of these models on this set are "
    "therefore too high by construction and say nothing; compare other models on it.",
    "A prompt that these models all answer is not in it, so the set holds only kinds of overrefusal that they have.",
    "Votes were judged from one greedy reply by phrases near its start; lectures and refusals without a known phrase "
    "count as complied, and outside English only plain refusals are known.",
    "Votes of a model count only in languages in which it is not too weak by a declared rule on its invalid "
    "replies, the script of its answers and how many of them are new; none shows that they make sense.",
    "Prompts of a grammar are variations of few sentences: they are less diverse than their number.",
    "Languages hold different prompts where the candidates are no parallel set: compare models in a language rather "
    "than languages.",
    "Evidence of being benign is a template's design, a judge's vote or a person's decision; none of them is proof.",
)


def title_of(languages: Sequence[str]) -> str:
    """``Refused though benign: en, zh``."""
    return f"Refused though benign: {', '.join(languages)}"


def vote_notes(ballots: Sequence[Ballot]) -> list[str]:
    """A sentence for each model and language: what it refused of the candidates, and whether its votes counted."""
    found = []
    for ballot in ballots:
        for language, finding in ballot.languages.items():
            rates = finding.rates.values()
            words = share(sum(rate.refused for rate in rates), sum(rate.n for rate in rates)).words
            if not ballot.counts_in(language):
                told = f"Its votes there do not count. {finding.why}"
            elif finding.verdict == FEW:
                told = f"Its votes count, though {finding.invalid.n} replies are too few to judge it."
            else:
                told = "Its votes count."
            found.append(
                f"{ballot.name} refused {words} candidates in {name_of(language)} to which its reply is valid. {told}"
            )
    return found


def short_of(places: Mapping[str, int], held: Mapping[str, int]) -> list[str]:
    """Which languages could not fill their places."""
    return [
        f"{name_of(language)} fills {held.get(language, 0)} of its {most} places: no more candidates qualify."
        for language, most in places.items()
        if held.get(language, 0) < most
    ]


def built_in_words(result: Mapping[str, Any]) -> list[str]:
    """What came of a build (:meth:`rasslib.benchmarks.building.Built.as_dict`), in lines."""
    languages = ", ".join(f"{name_of(code)} {n}" for code, n in result["by_language"].items())
    lines = [f"{result['n']} of {result['candidates']} candidates entered ({languages})."]
    for code, found in result["yield"].items():
        words = share(found["k"], found["n"]).words
        lines.append(f"{name_of(code)}: {words} candidates with a vote were refused by enough models.")
    if result["left_out"]:
        lines.append("Left out: " + ", ".join(f"{reason} {n}" for reason, n in result["left_out"].items()) + ".")
    return [*lines, *result["notes"]]
