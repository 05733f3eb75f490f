"""A tiny random Llama with a tokenizer made in memory, and a small prompt set of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

_TEXT = """
I'm sorry but can't help with that this request assist not able to it could hurt someone because cause harm
Sorry is something won't do Tell me about how bake steal bread car number one two three four five six seven
eight nine ten eleven twelve the a of well here
"""
WORDS = _TEXT.split()
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + ' ' + m['content'] + '<|im_end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant ' }}{% endif %}"
)


def make_tokenizer(folder: Path) -> Any:
    """A word-level tokenizer with a chat template, saved and loaded like a real one."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    controls = ["<unk>", "<|im_start|>", "<|im_end|>"]
    vocabulary = [*controls, *dict.fromkeys([*WORDS, "user", "assistant", ".", ",", "?"])]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(vocabulary)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\w']+|[^\w\s]"), "removed", invert=True)
    tokenizer.decoder = decoders.Fuse()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        chat_template=TEMPLATE,
    )
    fast.save_pretrained(folder)
    return PreTrainedTokenizerFast.from_pretrained(folder)


def make_model(vocabulary: int, seed: int = 0) -> Any:
    """A Llama of two layers with random weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    return LlamaForCausalLM(config).eval()


@pytest.fixture
def tokenizer(tmp_path: Path) -> Any:
    """The tiny tokenizer."""
    return make_tokenizer(tmp_path / "tokenizer")


@pytest.fixture
def model(tokenizer: Any) -> Any:
    """The tiny model."""
    return make_model(len(tokenizer))


@pytest.fixture
def chat(tokenizer: Any) -> Any:
    """Chat format of the tiny tokenizer."""
    from rasslib.models.templates import ChatFormat

    return ChatFormat(tokenizer)


def rows(intent: str, split: str, verb: str, start: int, n: int) -> list[dict[str, str]]:
    """Prompts that differ in their number words."""
    numbers = WORDS[WORDS.index("one") : WORDS.index("twelve") + 1]
    made = []
    for k in range(start, start + n):
        text = f"Tell me about how to {verb} {numbers[k % 12]} {numbers[(k // 12) % 12]} bread ?"
        made.append(
            {
                "id": f"p{intent[:6]}{split}{k:03d}",
                "prompt": text,
                "intent": intent,
                "category": verb,
                "language": "en",
                "source": "test",
                "split": split,
            }
        )
    return made


@pytest.fixture
def prompts() -> pd.DataFrame:
    """12 harmful, 12 harmless and 4 borderline prompts in train; 4 of each in validation and test."""
    made: list[dict[str, str]] = []
    for intent, verb in (("harmful", "steal"), ("harmless", "bake"), ("borderline", "hurt")):
        made += rows(intent, "train", verb, 0, 12 if intent != "borderline" else 4)
        made += rows(intent, "test", verb, 40, 4)
        made += rows(intent, "validation", verb, 60, 4)
    return pd.DataFrame(made)
