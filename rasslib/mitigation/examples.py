"""Training examples: a prompt, the reply to learn, and the tokens the loss is computed on."""

from __future__ import annotations

from dataclasses import dataclass

from rasslib.models.templates import ChatFormat

IGNORED = -100
"""Label of a token that the loss leaves out (PyTorch's convention)."""


@dataclass(frozen=True)
class Example:
    """One prompt with the reply that the model is to learn.

    Attributes:
        prompt_id: Id of the prompt in the prompt set.
        prompt: Text of the prompt.
        reply: Text of the reply.
        ends: Whether the reply ends there. A reply that was cut at a limit carries no end token: the model
            must not learn to stop in the middle of a sentence.
        intent: Intent of the prompt; only counted.
    """

    prompt_id: str
    prompt: str
    reply: str
    ends: bool
    intent: str


def encode_example(example: Example, chat: ChatFormat) -> dict[str, list[int]]:
    """Token ids and labels of one example.

    The prompt is rendered exactly as the lens renders it. Labels are the reply's token ids (and the end
    token, if the reply ends) and :data:`IGNORED` everywhere else, so the loss is on the reply alone.

    Returns:
        ``input_ids`` and ``labels``, of equal length.
    """
    prompt = list(chat.render(example.prompt).ids)
    reply = chat.encode_text(example.reply)
    if example.ends:
        reply = [*reply, int(chat.tokenizer.eos_token_id)]
    return {"input_ids": prompt + reply, "labels": [IGNORED] * len(prompt) + reply}
