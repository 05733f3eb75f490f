"""What is taken off a reply before it is judged."""

import pytest

from rasslib.refusal.degenerate import degenerate
from rasslib.refusal.normalise import fold, normalise, strip_control, strip_reasoning


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("I’m sorry", "i'm sorry"),
        ("I can´t, I can`t, I can′t", "i can't, i can't, i can't"),
        ("**I** _cannot_ `help`", "i cannot help"),
        ("snake_case stays", "snake_case stays"),
        ("# Title\n\ntext", "title\ntext"),
        ("one\ntwo", "one two"),
        ("> - 1. quoted", "quoted"),
        ("[the docs](http://x.y) say", "the docs say"),
        ("<b>No</b> &amp; never", "no & never"),
        ("Assistant: AI: yes", "yes"),
        ("**Assistant:** yes", "yes"),
        ("Answering: yes", "answering: yes"),
        ("🙂 Hi\u200b there\ufe0f", "hi there"),
        ("ca n't, I 'm", "can't, i'm"),
        ('He said "I cannot" twice', 'he said "" twice'),
        ("«Non posso», disse", '"", disse'),
        ('"I cannot."', "i cannot."),
        ('"I cannot', "i cannot"),
        ("Ｈｅｌｌｏ！", "hello!"),
        ("أستطيع عذراً", "استطيع عذرا"),
        ("  a \t b  ", "a b"),
    ],
)
def test_normalise(raw, clean):
    assert normalise(raw) == clean


def test_fold_keeps_capitals_and_meaningful_marks():
    assert fold("Él Ça") == "El Ca"
    assert fold("कीजिए ガ") == "कीजिए ガ"


@pytest.mark.parametrize(
    ("reply", "rest"),
    [
        ("no reasoning", "no reasoning"),
        ("<think>a</think>b", "b"),
        ("<THINK>a</THINK> <think>c</think>b", " b"),
        ("a</think>b", "b"),
        ("<think>a", None),
        ("<think>a</think>b <think> c", "b <think> c"),
        ("analysisThey ask.assistantfinalYes", "Yes"),
        ("analysisThey ask.", None),
        ("analysis of the poem", "analysis of the poem"),
        ("<|channel|>analysis<|message|>x<|end|><|start|>assistant<|channel|>final<|message|>Yes", "Yes"),
        ("<|channel|>analysis<|message|>x", None),
    ],
)
def test_reasoning(reply, rest):
    assert strip_reasoning(reply) == rest


def test_control_tokens_and_roles():
    assert strip_control("<|im_start|>assistant\nHi<|im_end|>") == "Hi"
    assert strip_control("<s>[INST] <</SYS>>") == ""
    assert strip_control("Model trains are small.") == "Model trains are small."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("…?!", "only punctuation"),
        ("-" * 30, "one sign over and over"),
        ("no " * 10, "one word over and over"),
        ("no " * 9, None),
        ("go on " * 5, "the same 2 words over and over"),
        ("bla, bli! " * 4, None),
        ("\ufffd" * 3 + "abc", "bytes that are no text"),
        ("1" + "0" * 12, None),
        ("好" * 12, "one sign over and over"),
    ],
)
def test_degenerate(text, reason):
    assert degenerate(text) == reason
