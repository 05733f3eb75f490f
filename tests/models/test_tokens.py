"""Every token of one prompt: states equal transformers, texts are whole and visible."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rasslib.errors import ModelError
from rasslib.models.tokens import PART, token_texts, visible
from tests.models.test_lens import CLOSE, hook_count, plain_states
from tests.tiny import ARCHITECTURES, N_LAYERS, PROMPTS, tiny_lens


def states_of(lens: object, prompt: str) -> Tensor:
    """[L, T, d]."""
    found: dict[int, Tensor] = {}
    lens.each_layer(prompt, lambda layer, x: found.update({layer: x}))  # type: ignore[attr-defined]
    return torch.stack([found[layer] for layer in range(N_LAYERS)])


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_token_equals_transformers(arch: str) -> None:
    lens = tiny_lens(arch)
    before = hook_count(lens)
    for prompt in PROMPTS[:2]:
        states, _ = plain_states(arch, lens.render(prompt).ids)
        torch.testing.assert_close(states_of(lens, prompt), states, **CLOSE)
    assert hook_count(lens) == before


def test_the_read_positions_are_among_them() -> None:
    lens = tiny_lens()
    states = states_of(lens, PROMPTS[1])
    seen = lens.capture([PROMPTS[1]]).activations
    for position in ("last_template", "last_instruction"):
        torch.testing.assert_close(states[:, -lens.positions[position]], seen[position][0], **CLOSE)


def test_texts_say_what_the_prompt_is_and_where_it_stands() -> None:
    lens = tiny_lens()
    tokens = lens.tokens("Tell me a story.\nNow")
    assert len(tokens.texts) == len(lens.render("Tell me a story.\nNow").ids)
    assert "".join(tokens.texts[tokens.start : tokens.end]) == "Tell·me·a·story.↵Now"
    assert tokens.texts[0] == "<|im_start|>"


def test_a_character_of_several_tokens_is_shown_once() -> None:
    lens = tiny_lens()
    tokens = lens.tokens("Rain 雨 in")
    own = tokens.texts[tokens.start : tokens.end]
    assert "".join(own).replace(PART, "") == "Rain·雨·in"
    assert own.count(PART) == 2  # three bytes, three tokens


def test_bytes_that_are_no_character_end() -> None:
    texts = token_texts([1, 2, 3, 4, 5], lambda ids: "\ufffd" * len(ids))
    assert len(texts) == 5 and texts[3] == "\ufffd" * 4 and texts[4] == "\ufffd"


def test_invisible_characters_are_named() -> None:
    assert visible("a\u202eb c") == "a⟨U+202E⟩b·c"
    assert visible("\x00") == "⟨U+0000⟩"


def test_not_finite_and_too_long_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    lens = tiny_lens()
    with pytest.raises(ModelError, match="reads at most"):
        lens.each_layer("word " * 5000, lambda *_: None)
    before = hook_count(lens)
    with pytest.raises(ZeroDivisionError):
        lens.each_layer("Rain", lambda *_: 1 / 0)  # type: ignore[arg-type, return-value]
    assert hook_count(lens) == before
