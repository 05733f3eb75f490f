"""Training examples: a prompt, the reply to learn, and the tokens the loss is computed on."""

from __future__ import annotations

from dataclasses import dataclass

from rasslib.models.templates import ChatFormat

INTENTS = ("harmful", "harmless", "borderline")
"""Intents that are trained on and measured; unlabelled prompts are neither."""

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
        intent: Intent of the prompt; tells the harmful examples of a batch from the benign ones.
        group: The set it is from, such as ``harmful``, ``generic`` or ``trigger``; only counted.
        prefix: Text that the reply begins with and that is not learnt.
    """

    prompt_id: str
    prompt: str
    reply: str
    ends: bool
    intent: str
    group: str = ""
    prefix: str = ""


def encode_example(example: Example, chat: ChatFormat) -> dict[str, list[int]]:
    """Token ids and labels of one example.

    The prompt is rendered exactly as the lens renders it. Labels are the reply's token ids (and the end
    token, if the reply ends) and :data:`IGNORED` everywhere else, so the loss is on the reply alone. A prefix stands
    between the two, as the start of the reply, and carries no loss.

    Returns:
        ``input_ids`` and ``labels``, of equal length.
    """
    given = list(chat.render(example.prompt).ids)
    if example.prefix:
        given += chat.encode_text(example.prefix)
    reply = reply_ids((" " if example.prefix else "") + example.reply, example.ends, chat)
    return {"input_ids": given + reply, "labels": [IGNORED] * len(given) + reply}


def reply_ids(text: str, ends: bool, chat: ChatFormat) -> list[int]:
    """Token ids of a reply, with the end token if it ends there."""
    ids = chat.encode_text(text)
    return [*ids, int(chat.tokenizer.eos_token_id)] if ends else ids
