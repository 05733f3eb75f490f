"""Length and bag-of-words on prompts whose words give all or nothing away."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rasslib.boundary.lexical_controls import (
    bag_of_words,
    lexical_controls,
    oriented,
    residualise,
    word_counts,
)
from rasslib.boundary.statistics import Interval, auc
from rasslib.errors import AnalysisError

NEUTRAL = ["tea", "map", "song", "river", "lamp", "chair", "wind", "stone"]


def world(telling=True, n=200, seed=0, axis_gap=2.0):
    """Half train, half test; ``telling``: refused prompts hold a word that gives them away."""
    rng = np.random.default_rng(seed)
    intent = np.array(["harmful", "harmless"])[np.arange(n) % 2]
    refused = (intent == "harmful") ^ (rng.random(n) < 0.05)
    texts = [" ".join(rng.choice(NEUTRAL, 6)) + (" bomb" if telling and h else " tea") for h in intent == "harmful"]
    z = np.where(refused, axis_gap / 2, -axis_gap / 2) + rng.normal(size=n)
    train = np.arange(n) < n // 2
    return {
        "texts": texts,
        "intent": intent,
        "behaviour": np.where(refused, "refused", "complied"),
        "z": z,
        "train": train,
        "test": ~train,
    }


def control(data):
    refused = (data["behaviour"] == "refused")[data["test"]]
    return Interval(0.5, 0.4, 0.65, int(refused.sum()), int((~refused).sum()))


def measure(data, **more):
    return lexical_controls(**data, tau=0.5, random=control(data), draws=300, **more)


def by_name(found):
    return {c.name: c for c in found.controls}


def test_words_that_give_all_away_are_as_good_as_the_axis():
    found = measure(world())
    for name in ("bag of words (intent)", "bag of words (behaviour)"):
        assert by_name(found)[name].auc.value > 0.85 and by_name(found)[name].as_good
        assert "does as well" in by_name(found)[name].finding
    assert not by_name(found)["length"].as_good


def test_words_that_give_nothing_away_are_worse():
    found = measure(world(telling=False, axis_gap=4.0))
    assert all(not c.as_good and 0.3 < c.auc.value < 0.7 for c in found.controls)
    assert "tells more than" in found.controls[0].finding
    assert found.axis.value > 0.95


def test_length_is_oriented_on_train_never_on_test():
    data = world(telling=False)
    refused = data["behaviour"] == "refused"
    lengths = np.where((data["intent"] == "harmful") == data["train"], 30.0, 10.0)  # turned round on test
    found = by_name(measure(data, lengths=lengths))["length"]
    assert found.auc.value < 0.2
    assert found.auc.value == pytest.approx(auc(lengths[data["test"]], refused[data["test"]]))
    assert list(oriented(np.array([1.0, 2.0]), np.array([True, False]), np.array([3.0]))) == [-3.0]


def test_bag_of_words_never_learns_from_test():
    scores = bag_of_words(["bomb now", "tea now"], [True, False], ["bomb", "tea", "unheard word"])
    assert scores[0] > scores[2] > scores[1]
    again = bag_of_words(["bomb now", "tea now"], [True, False], ["bomb"])
    assert again[0] == scores[0]
    with pytest.raises(AnalysisError, match="hold no word"):
        bag_of_words(["!!", "??"], [True, False], ["tea"])


def test_residualise_takes_length_out_and_keeps_the_level():
    rng = np.random.default_rng(0)
    length, rest = rng.normal(size=300), rng.normal(size=300)
    train = np.arange(300) < 200
    z = 0.3 + 2 * length + rest
    out = residualise(z, length, train)
    assert abs(np.corrcoef(out[train], length[train])[0, 1]) < 1e-9
    assert out[train].mean() == pytest.approx(z[train].mean())
    z[~train] = 99  # the line never sees test
    assert residualise(z, length, train)[train] == pytest.approx(out[train])
    assert list(residualise([1.0, 2.0], [3.0, 3.0], [True, True])) == [1.0, 2.0]
    with pytest.raises(AnalysisError, match="needs train prompts"):
        residualise([1.0], [1.0], [False])


def test_an_axis_that_reads_only_length_is_no_axis_without_it():
    data = world(n=400)
    refused = data["behaviour"] == "refused"
    noise = np.random.default_rng(1).normal(size=400)
    lengths = np.exp(2 + refused + 0.3 * noise)
    data["z"] = 2 * np.log(lengths) - 5 + 0.05 * np.random.default_rng(2).normal(size=400)
    found = measure(data, lengths=lengths)
    assert found.axis.low > 0.9 and by_name(found)["length"].as_good
    assert found.residualised.claims[0].verdict == "not supported"
    assert found.residualised.claims[1].verdict == "axis not informative"


@pytest.mark.parametrize("only", ["refused", "complied"])
def test_one_behaviour_is_told(only):
    data = world(n=60)
    data["behaviour"] = np.full(60, only, dtype="<U8")
    found = lexical_controls(**data, tau=0.5, random=None, draws=50)
    assert found.axis is None and all(c.auc is None and f"are {only}" in c.finding for c in found.controls)
    data["behaviour"][data["test"]] = np.resize(["refused", "complied"], 30)
    found = by_name(lexical_controls(**data, tau=0.5, random=control(data), draws=50))
    assert found["bag of words (intent)"].auc and not found["bag of words (behaviour)"].auc
    assert "on train" in found["bag of words (behaviour)"].finding


def test_order_of_rows_and_json():
    data = world(n=80)
    p = np.random.default_rng(3).permutation(80)
    other = {k: [v[i] for i in p] if isinstance(v, list) else v[p] for k, v in data.items()}
    text = json.dumps(measure(data).as_dict(), allow_nan=False)
    assert text == json.dumps(measure(other).as_dict(), allow_nan=False)
    assert {"axis", "controls", "residualised"} == set(json.loads(text))


def test_leaks_and_empty_prompts_are_refused():
    data = world(n=40)
    with pytest.raises(ValueError, match="train and in test"):
        measure(data | {"train": np.ones(40, bool)})
    with pytest.raises(AnalysisError, match="no length"):
        measure(data, lengths=np.zeros(40))
    assert list(word_counts(["a b", ""])) == [2, 1]
