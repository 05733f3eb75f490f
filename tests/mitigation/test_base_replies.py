"""Greedy replies of a plain model, and the file they are kept in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from rasslib.errors import Stopped, WorkspaceError
from rasslib.mitigation.replies import ReplyFile, greedy_replies
from rasslib.models.decode import Reply

PROMPTS = {"p1": "Tell me about bread ?", "p2": "how to bake one two three four bread ?", "p3": "car ?"}


def test_a_batch_equals_single_prompts_and_plain_argmax(model: Any, chat: Any) -> None:
    together = greedy_replies(model, chat, PROMPTS, 6)
    assert list(together) == list(PROMPTS)
    for key, text in PROMPTS.items():
        assert greedy_replies(model, chat, {key: text}, 6)[key] == together[key]
        ids = list(chat.render(text).ids)
        made: list[int] = []
        while len(made) < 6 and 2 not in made:
            with torch.no_grad():
                made.append(int(model(input_ids=torch.tensor([ids + made])).logits[0, -1].argmax()))
        assert together[key].n_tokens == len(made)
        assert together[key].finished == (2 in made)
        assert together[key].text == chat.tokenizer.decode(made, skip_special_tokens=True).strip()


def test_an_end_token_finishes_the_reply(model: Any, chat: Any) -> None:
    model.lm_head = torch.nn.Linear(16, len(chat.tokenizer))
    with torch.no_grad():
        model.lm_head.bias[2] = 1e4
    assert greedy_replies(model, chat, PROMPTS, 6)["p1"] == Reply("", 1, True)


def test_kept_replies_are_not_made_again(model: Any, chat: Any, tmp_path: Path) -> None:
    file = ReplyFile(tmp_path / "deep" / "replies.jsonl")
    kept = Reply("kept “as it is”\nline", 4, True)
    file.append({"p1": kept, "other": Reply("x", 1, True)})
    replies = greedy_replies(model, chat, PROMPTS, 6, cache=file)
    assert replies["p1"] == kept
    assert set(replies) == set(PROMPTS)
    assert file.read() == {**replies, "other": Reply("x", 1, True)}


class StopAfter:
    """Asks to stop once so many replies are there."""

    def __init__(self, n: int) -> None:
        self.n = n

    def update(self, stage: str, done: int, total: int) -> None:
        if done >= self.n:
            raise Stopped()


def test_a_stop_keeps_what_is_finished(model: Any, chat: Any, tmp_path: Path) -> None:
    file = ReplyFile(tmp_path / "replies.jsonl")
    with pytest.raises(Stopped):
        greedy_replies(model, chat, PROMPTS, 6, batch_size=1, cache=file, progress=StopAfter(2))
    assert len(file.read()) == 2


def test_half_a_line_is_left_out_and_written_behind(tmp_path: Path) -> None:
    file = ReplyFile(tmp_path / "replies.jsonl")
    file.append({"p1": Reply("one", 1, True)})
    file.path.write_bytes(file.path.read_bytes() + b'{"id": "p2", "text": "cut')
    assert list(file.read()) == ["p1"]
    file.append({"p3": Reply("three", 1, False)})
    assert file.read() == {"p1": Reply("one", 1, True), "p3": Reply("three", 1, False)}


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder is needed")
    with pytest.raises(WorkspaceError, match="something else is in its place"):
        ReplyFile(blocked / "replies.jsonl").append({"p1": Reply("one", 1, True)})
