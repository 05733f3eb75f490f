"""The loaded model as a writer: it answers as the lens does, counts tokens and reports what does not fit."""

from __future__ import annotations

import pytest

from rasslib.errors import Stopped
from rasslib.models.decode import Reply, Sampling
from rasslib.models.usage import Usage
from rasslib.models.writer import LensWriter, Problem
from tests.tiny import PROMPTS, tiny_lens


def test_answers_are_those_of_the_lens_and_tokens_are_counted() -> None:
    lens, found = tiny_lens(), {}
    writer = LensWriter(lens)
    writer.write(PROMPTS, max_tokens=6, sampling=Sampling(), on_answer=found.__setitem__)
    expected = lens.generate(PROMPTS, max_new_tokens=6)
    assert [found[i] for i in range(len(PROMPTS))] == expected
    read = sum(len(lens.render(p).ids) for p in PROMPTS)
    assert writer.usage == Usage(len(PROMPTS), 0, read, sum(reply.n_tokens for reply in expected))
    assert (writer.name, writer.key, writer.tokens("Rain")) == (lens.name, lens.key, len(lens.render("Rain").ids))


def test_a_request_without_room_for_an_answer_is_a_problem() -> None:
    found: dict[int, Reply | Problem] = {}
    writer = LensWriter(tiny_lens())
    writer.write(["rain " * 600, "Rain"], max_tokens=4, sampling=Sampling(), on_answer=found.__setitem__)
    assert found[0] == Problem("the request is too long for the model", of_request=True)
    assert isinstance(found[1], Reply)


def test_a_stop_comes_after_the_batch_was_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    lens, found = tiny_lens(), {}
    monkeypatch.setattr(lens, "batch_size", 2)

    def tick() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        LensWriter(lens).write(PROMPTS, max_tokens=4, sampling=Sampling(), on_answer=found.__setitem__, tick=tick)
    assert len(found) == 2
