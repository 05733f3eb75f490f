"""A tiny random model as a GGUF file, float32, with its tokenizer and chat template inside."""

from __future__ import annotations

import json
from pathlib import Path

from tests.tiny import CONTROLS, TEMPLATE, tiny_model, tiny_tokenizer


def tiny_gguf(path: Path) -> Path:
    """Write the tiny Qwen2 of :func:`tests.tiny.tiny_model` to ``path``."""
    import gguf

    config, weights, tokenizer = (model := tiny_model("qwen2")).config, model.state_dict(), tiny_tokenizer()
    vocabulary = tokenizer.get_vocab()
    names = sorted(vocabulary, key=vocabulary.get)
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    writer = gguf.GGUFWriter(str(path), "qwen2")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(names)
    writer.add_token_types([3 if name in CONTROLS else 1 for name in names])
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_chat_template(TEMPLATE)
    tensors = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2, config.num_hidden_layers)
    for name, weight in weights.items():
        stem, _, kind = name.rpartition(".")
        writer.add_tensor(f"{tensors.get_name(stem)}.{kind}", weight.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
