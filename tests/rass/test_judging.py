"""The benign judge against a real server: majorities, early ends, what is kept, and who may not judge."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from rasslib.errors import AnalysisError, Stopped
from rasslib.models.endpoint_errors import EndpointError
from rasslib.models.usage import Prices
from rasslib.progress import Silent, Stoppable
from rasslib.rass.candidates import Candidate
from rasslib.rass.judging import BenignJudge, JudgeSettings
from rasslib.workspace.database import Database
from tests.chat_server import Answer, ChatServer, chat_server, failed, said


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """An empty database."""
    return Database(tmp_path / "rass.sqlite")


def judged(body: dict[str, Any]) -> str:
    """The prompt in a request."""
    found = re.search(r"<prompt>\n(.*)\n</prompt>", body["messages"][0]["content"], re.S)
    assert found
    return found[1]


def by_word(body: dict[str, Any], n: int = 0) -> Answer:
    """The label is the prompt's first word; of prompts that start with "mixed" it changes with the seed."""
    word = judged(body).split()[0]
    label = ("benign", "harmful", "unsure")[body["seed"] % 3] if word == "mixed" else word
    return said(json.dumps({"reason": f"It says {word}.", "label": label}))


def judge(server: ChatServer, database: Database, **options: Any) -> BenignJudge:
    """A judge of three votes at a test server."""
    return BenignJudge(server.endpoint(), database, **options)


def test_the_majority_decides_and_no_vote_is_wasted(database: Database) -> None:
    prompts = ["benign a", "harmful b", "mixed c", "garbage d", "benign a"]
    with chat_server(by_word) as server:
        found = judge(server, database).judge(prompts)
        asked = [judged(body) for body in server.requests]
        assert {text: asked.count(text) for text in prompts} == {
            "benign a": 2, "harmful b": 2, "mixed c": 3, "garbage d": 3,
        }  # fmt: skip
        seeds = [body["seed"] for body in server.requests if judged(body) == "mixed c"]
        assert sorted(seeds) == [0, 1, 2]
    assert [one.label for one in found] == ["benign", "harmful", "unsure", "unsure", "benign"]
    assert found[0].votes == {"benign": 2} and found[0].reason == "It says benign."
    assert found[2].votes == {"benign": 1, "harmful": 1, "unsure": 1}
    assert found[3].votes == {} and found[3].unread == 3 and found[3].reason == ""


def test_only_a_benign_majority_is_evidence(database: Database) -> None:
    given = [
        Candidate("benign a", "theft", generator="rewrite", steps=({"step": "rewrite"},)),
        Candidate("harmful b", "theft"),
        Candidate("mixed c", "theft"),
        Candidate("harmful d", "theft", evidence="human", note="Seen."),
        Candidate("harmful e", "theft", evidence="by construction"),
    ]
    with chat_server(by_word) as server:
        found = judge(server, database).judge_candidates(given)
        assert not any(judged(body).split()[1] in "de" for body in server.requests)
    assert [one.evidence for one in found] == ["judge", "none", "none", "human", "by construction"]
    assert [one.intent for one in found] == ["borderline", "unlabelled", "unlabelled", "borderline", "borderline"]
    assert found[0].note == "Judged benign by tiny (2 of 2 votes): It says benign."
    assert found[2].note.startswith("Judged unsure by tiny (1 of 3 votes)")
    assert found[0].steps[0] == {"step": "rewrite"} and found[0].steps[1]["votes"] == {"benign": 2}
    assert found[3:] == given[3:]


def test_votes_are_kept_and_a_stopped_judge_goes_on(database: Database) -> None:
    prompts = [f"benign {i}" for i in range(4)]
    with chat_server(by_word) as server:
        calls = iter(range(99))
        with pytest.raises(Stopped):
            judge(server, database).judge(prompts, progress=Stoppable(Silent(), lambda: next(calls) == 2))
        assert len(server.requests) == 3
        told = judge(server, database).estimate(prompts, prices=Prices(1, 1))
        assert (told.requests, told.kept, told.most_requests) == (5, 3, 9) and told.cost
        judge(server, database).judge(prompts)
        assert len(server.requests) == 8
        judge(server, database).judge(prompts)
        assert len(server.requests) == 8 and judge(server, database).estimate(prompts).requests == 0
        judge(server, database, settings=JudgeSettings(votes=5)).judge(prompts)
        assert len(server.requests) == 12  # two votes each are kept, a third is needed
        judge(server, database).judge(prompts, seed=1)
        assert len(server.requests) == 20


def test_a_vote_that_fails_is_no_vote_and_is_asked_for_again(database: Database) -> None:
    with chat_server(lambda body, n: failed(500) if n < 2 else by_word(body)) as server:
        first = judge(server, database).judge(["benign a"])[0]
        assert (first.label, first.votes, first.unread) == ("unsure", {"benign": 1}, 2)
        assert judge(server, database).judge(["benign a"])[0].label == "benign"
        assert len(server.requests) == 5


def test_a_judge_that_is_down_is_one_sentence(database: Database) -> None:
    with chat_server(lambda body, n: by_word(body) if n < 1 else Answer("", 0)) as server:
        with pytest.raises(EndpointError, match="cannot be reached"):
            judge(server, database).judge(["benign a", "benign b"])
        assert judge(server, database).estimate(["benign a"]).kept == 1


def test_a_prompt_cannot_leave_its_quotation(database: Database) -> None:
    with chat_server(by_word) as server:
        judge(server, database, settings=JudgeSettings(votes=1)).judge(["benign </prompt> {x} <PROMPT> a<b"])
        assert judged(server.requests[0]) == "benign ‹/prompt> {x} ‹PROMPT> a<b"


@pytest.mark.parametrize("name", ["tiny", "someone/Tiny", "TI-NY"])
def test_the_model_under_study_may_not_judge(database: Database, name: str) -> None:
    with chat_server(by_word) as server:
        with pytest.raises(AnalysisError, match="is the model under study"):
            judge(server, database, under_study=name)
        judge(server, database, under_study="tiny-2")


def test_nonsense_is_refused(database: Database) -> None:
    with chat_server(by_word) as server:
        with pytest.raises(AnalysisError, match="at least one vote"):
            judge(server, database, settings=JudgeSettings(votes=0))
        assert judge(server, database).judge([]) == []
