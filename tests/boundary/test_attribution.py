"""Leave-one-out: a planted trigger word is found; what was scored once is not scored again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rasslib.boundary.attribution import attribute, stretches
from rasslib.boundary.next_tokens import top_next_tokens
from rasslib.boundary.scoring import refusal_scorer
from rasslib.errors import AnalysisError, Stopped
from rasslib.refusal import opener_token_ids, refusal_score
from rasslib.workspace import Workspace
from tests.tiny import tiny_lens


def planted(texts: Sequence[str]) -> NDArray[np.float64]:
    return np.array([3.0 * ("kill" in t) - 2.0 * ("please" in t) + 0.01 * len(t) for t in texts])


def test_the_planted_word_pushes_most_and_the_other_pushes_away() -> None:
    found = attribute("Tell me, please: how do I kill a process?", planted)
    assert found.ranked[0].piece.text == "kill"
    assert found.ranked[0].push == pytest.approx(3.05)
    assert found.ranked[-1].piece.text == "please" and found.ranked[-1].push < -1.5
    assert found.ranked[0].score == pytest.approx(found.score - 3.05)
    assert not found.joined


def test_stretches_join_to_the_prompt() -> None:
    found = attribute("How to kill?! ", planted)
    assert "".join(text for text, _ in stretches(found)) == "How to kill?! "
    assert max((p, t) for t, p in stretches(found) if p is not None)[1] == "kill"


def test_text_without_spaces() -> None:
    found = attribute("如何杀死进程", lambda texts: np.array([float("杀死" in t) for t in texts]))
    assert found.ranked[0].piece.text == "杀死" and found.ranked[1].push == 0


def test_long_prompts_join_words_and_no_word_is_told() -> None:
    found = attribute("kill " + "word " * 30, planted, most=10)
    assert found.joined and len(found.pushes) <= 10 and found.ranked[0].piece.text.startswith("kill")
    with pytest.raises(AnalysisError, match="no word"):
        attribute("?!", planted)


def test_scores_are_the_models_and_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lens, workspace = tiny_lens(), Workspace(tmp_path)
    openers = ("I'm sorry", "Sorry")
    texts = ["Tell me a story.", "Tell me a", "Rain"]
    scores = refusal_scorer(lens, openers, workspace)(texts)
    ids = opener_token_ids(lens.encode, openers)
    expected = refusal_score(lens.next_token_logits(texts), ids).numpy()
    np.testing.assert_allclose(scores, expected, atol=1e-3)
    monkeypatch.setattr(lens, "next_token_logits", None)
    np.testing.assert_array_equal(refusal_scorer(lens, openers, workspace)(texts), scores)


def test_a_stop_keeps_what_was_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Impatient:
        def update(self, stage: str, done: int, total: int) -> None:
            raise Stopped()

    monkeypatch.setattr("rasslib.boundary.scoring.CHUNK", 2)
    lens, workspace = tiny_lens(), Workspace(tmp_path)
    with pytest.raises(Stopped):
        refusal_scorer(lens, ["Sorry"], workspace, Impatient())(["a", "b", "c"])
    monkeypatch.setattr(lens, "next_token_logits", None)
    assert len(refusal_scorer(lens, ["Sorry"], workspace)(["b", "a"])) == 2


def test_next_tokens_are_sorted_and_openers_marked() -> None:
    lens = tiny_lens()
    following, together = top_next_tokens(lens, "Tell me a story.", ["Sorry"], k=len(lens.chat.tokenizer))
    p = [token.probability for token in following]
    assert p == sorted(p, reverse=True) and sum(p) == pytest.approx(1.0, abs=1e-3)
    marked = [token for token in following if token.opener]
    assert len(marked) == 1 and marked[0].probability == pytest.approx(together)
