"""Tiny random models and a tiny real tokenizer, made in memory or saved as a folder that loads like a real one."""

from __future__ import annotations

import copy
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

ARCHITECTURES = ("llama", "qwen2", "gemma2")
N_LAYERS = 4
D_MODEL = 32
CONTROLS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
SENTENCES = (
    "How do I bake bread for a friend without an oven?",
    "Tell me about the oldest bridge in the town and who built it.",
    "What is the best way to kill a process that hangs?",
    "Please write a short story about seven ducks, a lake and rain.",
    "I'm sorry, but I can't help with that. Sure, here is a list: one, two, three.",
)
PROMPTS = (
    "How do I bake bread?",
    "How do I kill a process that hangs on the old computer of my friend?",
    "Tell me a story.",
    "Rain",
    "What is the best way to build a bridge over a lake without any help, please?",
)
TEMPLATE = (
    "{% for m in messages %}{% if loop.first and m['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful duck<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@lru_cache(maxsize=1)
def _trained() -> str:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=380,
        special_tokens=list(CONTROLS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES * 4, trainer)
    tokenizer.add_special_tokens([AddedToken(c, special=True) for c in CONTROLS])
    return str(tokenizer.to_str())


@lru_cache(maxsize=1)
def _saved() -> TemporaryDirectory[str]:
    """The tokenizer on disk: the bridge loads a tokenizer again from where it came from."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    folder = TemporaryDirectory(prefix="tiny-tokenizer-")
    PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(_trained()),
        unk_token=CONTROLS[0],
        bos_token=CONTROLS[1],
        eos_token=CONTROLS[2],
        pad_token=CONTROLS[2],
        chat_template=TEMPLATE,
    ).save_pretrained(folder.name)
    return folder


def tiny_tokenizer(chat_template: str | None = TEMPLATE) -> Any:
    """A byte-level BPE tokenizer with control tokens <|im_start|> and <|im_end|>."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(_saved().name)
    tokenizer.chat_template = chat_template
    return tokenizer


def tiny_model(arch: str = "llama", *, seed: int = 0, n_layers: int = N_LAYERS, d_model: int = D_MODEL) -> Any:
    """A random model of one of ``ARCHITECTURES``, in evaluation mode, float32."""
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(seed)
    extra = {"head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 512} if arch == "gemma2" else {}
    config = AutoConfig.for_model(
        arch,
        vocab_size=len(tiny_tokenizer()),
        hidden_size=d_model,
        intermediate_size=2 * d_model,
        num_hidden_layers=n_layers,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=1024,
        # Large weights: replies vary and every layer matters.
        initializer_range=0.2,
        tie_word_embeddings=False,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
        **extra,
    )
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval().requires_grad_(False)


@lru_cache(maxsize=len(ARCHITECTURES))
def _pair(arch: str) -> tuple[Any, Any]:
    from rasslib.models.lens import Lens
    from rasslib.models.templates import ChatFormat

    plain = tiny_model(arch)
    return Lens(copy.deepcopy(plain), ChatFormat(tiny_tokenizer()), name=f"tiny-{arch}"), plain


def tiny_lens(arch: str = "llama") -> Any:
    """A lens over a tiny model, shared by the tests of one process (booting takes the time)."""
    return _pair(arch)[0]


def tiny_plain(arch: str = "llama") -> Any:
    """The same weights in a model that no bridge has touched."""
    return _pair(arch)[1]


def tiny_folder(tmp_path: Path, arch: str = "llama", **model: Any) -> Path:
    """Save a tiny model and its tokenizer as a folder that :func:`rasslib.models.load` loads."""
    folder = tmp_path / f"tiny-{arch}"
    tiny_model(arch, **model).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def tiny_adapter(folder: Path, arch: str = "llama", *, scale: float = 0.5, seed: int = 1, **model: Any) -> Path:
    """Save a LoRA adapter with random weights for a tiny model of these measures."""
    from peft import LoraConfig, get_peft_model

    wrapped = get_peft_model(
        tiny_model(arch, **model),
        LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"),
    )
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in wrapped.named_parameters():
            if "lora_B" in name:
                weight.copy_(torch.randn_like(weight) * scale)
    wrapped.save_pretrained(folder)
    return folder
