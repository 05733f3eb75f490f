"""The comparison of arms: its arithmetic by hand, its intervals, and a whole one on a tiny model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rasslib.benchmarks.subject import Subject
from rasslib.errors import BenchmarkError, ModelError, Stopped
from rasslib.mitigation.arms import named_arms
from rasslib.mitigation.compare_facts import exposure_table
from rasslib.mitigation.compare_report import markdown, write_report
from rasslib.mitigation.compare_words import home_words, unlike_words
from rasslib.mitigation.comparing import CompareSettings, compare, summarise
from rasslib.mitigation.held_out import HeldOut, held_out_sets
from rasslib.mitigation.outcomes import ArmModel, Outcome
from rasslib.mitigation.published import published
from rasslib.mitigation.speakers import Speaker
from rasslib.mitigation.utility import is_right, utility_set
from rasslib.models.lens import Lens
from rasslib.refusal.rates import wilson
from rasslib.workspace import Workspace
from tests.mitigation.conftest import make_model

QUICK = CompareSettings(draws=300)


def _set(name: str, metric: str, n: int) -> HeldOut:
    return HeldOut(name, metric, pd.DataFrame({"id": [f"{name}{k}" for k in range(n)], "prompt": "bread"}), "ours")


FACTS: dict[str, Any] = dict.fromkeys(("name", "fingerprint", "template_hash", "dtype", "device"), "tiny")
FACTS |= {"adapter": {"name": "<i>mine", "sha256": "5e" * 32}}
SETS = [_set("plain", "RR", 10), _set("hard", "RR", 4), _set("bad", "ASR", 8)]


def _outcome(arm: str, refused: dict[str, int], invalid: int = 0) -> Outcome:
    """The first prompts of each set refused, the last ``invalid`` invalid, the others complied."""
    found = {}
    for one in SETS:
        n, k = len(one.prompts), refused[one.name]
        said = ["refused"] * k + ["complied"] * (n - k)
        said[n - invalid :] = ["invalid"] * invalid
        found[one.name] = dict(zip(one.prompts["id"], said, strict=True))
    return Outcome(ArmModel(arm), found, {"bad": found["bad"]}, facts=FACTS)


def test_means_and_aggregate_by_hand() -> None:
    found = summarise([_outcome("base", {"plain": 2, "hard": 2, "bad": 6})], SETS, QUICK)["arms"]["base"]
    assert found["mean_rr"] == pytest.approx((0.2 + 0.5) / 2)
    assert found["mean_asr"] == pytest.approx(2 / 8)
    assert found["aggregate"] == pytest.approx((0.35 + 0.25) / 2)
    assert (found["rates"]["plain"]["low"], found["rates"]["plain"]["high"]) == pytest.approx(wilson(2, 10))
    assert found["rates"]["bad"] | {"low": 0, "high": 0} == {
        "metric": "ASR", "n": 8, "refused": 6, "rate": 0.25, "low": 0, "high": 0, "invalid": 0, "seeds": 1
    }  # fmt: skip
    assert found["prefill"]["mean_asr"] == pytest.approx(0.25)
    for name in ("mean_rr", "mean_asr", "aggregate"):
        low, high = found["intervals"][name]
        assert low < found[name] < high


def test_invalid_replies_are_counted_and_left_out() -> None:
    found = summarise([_outcome("base", {"plain": 2, "hard": 1, "bad": 4}, invalid=2)], SETS, QUICK)["arms"]["base"]
    assert (found["rates"]["plain"]["n"], found["rates"]["plain"]["invalid"]) == (8, 2)
    assert found["rates"]["plain"]["rate"] == pytest.approx(2 / 8)
    assert found["rates"]["bad"]["rate"] == pytest.approx(2 / 6)


def test_seeds_that_all_answer_leave_doubt() -> None:
    seeds = [_outcome("trigger", {"plain": 0, "hard": 1, "bad": 8}) for _ in range(3)]
    found = summarise(seeds, SETS, QUICK)["arms"]["trigger"]
    assert (found["rates"]["plain"]["low"], found["rates"]["plain"]["high"]) == pytest.approx(wilson(0, 10))
    assert found["intervals"]["mean_asr"] == pytest.approx(list(wilson(0, 8)))


def test_asr_under_prefill_is_compared_too() -> None:
    arms = [_outcome(n, {"plain": 0, "hard": 0, "bad": k}) for n, k in (("base", 2), ("trigger", 6))]
    gap = summarise(arms, SETS, QUICK)["arms"]["trigger"]["against"]["base"]["prefill"]
    assert gap["difference"] == pytest.approx(-0.5) and gap["interval"][1] < 0


def test_differences_are_paired() -> None:
    same = {"plain": 5, "hard": 2, "bad": 4}
    arms = summarise([_outcome(n, same) for n in ("base", "generic", "trigger")], SETS, QUICK)["arms"]
    assert arms["trigger"]["against"]["generic"]["mean_rr"] == {"difference": 0.0, "interval": [0.0, 0.0]}
    assert set(arms["trigger"]["against"]) == {"base", "generic"}
    better = summarise(
        [_outcome("generic", same), _outcome("trigger", {"plain": 0, "hard": 0, "bad": 4})], SETS, QUICK
    )["arms"]["trigger"]["against"]["generic"]
    assert better["mean_rr"]["difference"] == pytest.approx(-0.5)
    assert better["mean_rr"]["interval"][1] < 0
    assert better["mean_asr"]["interval"] == [0.0, 0.0]


def test_seeds_of_one_arm_are_pooled_by_prompt() -> None:
    seeds = [_outcome("trigger", {"plain": k, "hard": 0, "bad": 8}) for k in (0, 2, 4)]
    found = summarise(seeds, SETS, QUICK)["arms"]["trigger"]
    assert found["seeds"] == 3
    assert [one["mean_rr"] for one in found["by_seed"]] == pytest.approx([0.0, 0.1, 0.2])
    assert found["rates"]["plain"]["rate"] == pytest.approx(0.2)
    assert found["rates"]["plain"]["n"] == 30
    # Resamples of 10 prompts, not of 30 replies: wider than Wilson's interval of 30 would be.
    low, high = wilson(6, 30)
    assert found["rates"]["plain"]["high"] - found["rates"]["plain"]["low"] > 0.8 * (high - low)


def test_seeds_that_differ_widen_the_interval() -> None:
    """Two arms of equal mean: with seeds held fixed, three trainings far apart would look as sure as three alike."""
    alike = [_outcome("generic", {"plain": 5, "hard": 2, "bad": 4})] * 3
    apart = [_outcome("trigger", {"plain": 5 + d, "hard": 2, "bad": 4}) for d in (-4, 0, 4)]
    found = summarise([*alike, *apart], SETS, QUICK)["arms"]
    gap = found["trigger"]["against"]["generic"]["mean_rr"]
    assert gap["difference"] == pytest.approx(0) and gap["interval"][0] < -0.09 and gap["interval"][1] > 0.09
    widths = [found[arm]["intervals"]["mean_rr"] for arm in ("generic", "trigger")]
    assert widths[1][1] - widths[1][0] > widths[0][1] - widths[0][0]


def test_what_is_not_recorded_is_not_made_up(tmp_path: Path) -> None:
    refused, folder = {"plain": 1, "hard": 2, "bad": 6}, tmp_path / "bare"
    folder.mkdir()
    outcomes = [_outcome("base", refused), replace(_outcome("bare", refused), model=ArmModel("bare", folder))]
    result = summarise(outcomes, SETS, QUICK)
    row = exposure_table(result).iloc[0]
    assert list(row[["method", "started from", "set"]]) == ["not recorded"] * 3
    assert "How bare came about is not recorded." in markdown(result)
    told = markdown(result | {"not_moved": {"bare": "<b> has another shape."}})
    assert "boundary moved in bare is not told. \\<b\\> has another shape." in told


def test_arms_that_differ_in_more_than_data_are_told() -> None:
    def result(*settings: dict[str, Any]) -> dict[str, Any]:
        arms = {
            f"a{k}": {
                "training": [
                    {
                        "recipe": one.get("recipe"),
                        "settings": one,
                        "data": {"examples": {"harmful": 9, "borderline": 5 + k}},
                        "training": {"steps": 7, "batch": 8, "exposure": {"harmful": {}, f"trigger-{k}": {}}},
                    }
                    if one
                    else {}
                ]
            }
            for k, one in enumerate(settings)
        }
        return {"arms": arms, "sets": {"triggers": {}, "harmless": {}}}

    alike = {"recipe": "trigger", "seed": 0, "learning_rate": 5e-4}
    assert unlike_words(result(alike, alike | {"recipe": "random", "seed": 1, "checkpoints": 3})) == ""
    assert unlike_words(result(alike, {})) == "How a1 came about is not recorded."
    told = unlike_words(result(alike, alike | {"learning_rate": 1e-4}, alike | {"prefix_share": 0.1}))
    assert "a0: sft, 7 steps of 8, 9 harmful and 5 benign examples, learning rate 0.0005; a1:" in told
    assert "prefix share" not in told, "of another method"
    assert "triggers resembles what arms with trigger-0 and trigger-1 data" in home_words(result(alike, alike))
    assert home_words(result({})) == ""


def test_the_report_of_the_shipped_adapters_says_that_they_are_not_trained_alike() -> None:
    """Their provenance is of several ages of the program."""
    refused = {"plain": 1, "hard": 2, "bad": 6}
    outcomes = [replace(_outcome(one.arm, refused), model=one) for one in named_arms(["shipped"])]
    told = markdown(summarise(outcomes, SETS, QUICK))
    assert "generic: sft, 318 steps of 8, 373 harmful and 475 benign examples" in told
    assert "rass, trigger: sft, 280 steps of 9, 373 harmful and 256 benign examples" in told


def test_prompts_of_one_parent_are_drawn_together() -> None:
    """The same prompts four times over tell no more than once."""
    one = _set("triggers", "RR", 40)
    names = tuple(f"p{k}" for k in range(40))
    sets = [HeldOut(f"level{k}", "RR", one.prompts, "", names) for k in range(4)]
    loose = [HeldOut(s.name, "RR", s.prompts) for s in sets]
    said = dict(zip(one.prompts["id"], ["refused"] * 10 + ["complied"] * 30, strict=True))
    outcome = Outcome(ArmModel("base"), {s.name: said for s in sets})
    wide, narrow = (
        summarise([outcome], given, QUICK)["arms"]["base"]["intervals"]["mean_rr"] for given in (sets, loose)
    )
    assert wide[1] - wide[0] > 1.6 * (narrow[1] - narrow[0])
    held = {s.name: s for s in held_out_sets(["triggers", "triggers-2"], limit=9)}
    assert len(held["triggers"].parents) == 9 and held["triggers"].parents == held["triggers-2"].parents


def test_without_harmful_sets_there_is_no_aggregate() -> None:
    found = summarise([_outcome("base", {"plain": 2, "hard": 2, "bad": 6})], SETS[:2], QUICK)["arms"]["base"]
    assert found["mean_rr"] is not None
    assert found["mean_asr"] is found["aggregate"] is None
    assert found["covariance"] == [[None, None], [None, None]]
    assert found["prefill"] == {}


def test_a_whole_comparison_resumes_and_reports(chat: Any, prompts: pd.DataFrame, tmp_path: Path) -> None:
    test = prompts[prompts["split"] == "test"]
    sets = [
        HeldOut("harmless", "RR", test[test["intent"] == "harmless"]),
        HeldOut("harmful", "ASR", test[test["intent"] == "harmful"]),
    ]
    seeds = {"base": 0, "trigger": 1}

    place = Workspace(tmp_path)

    def load(model: ArmModel) -> Speaker:
        lens = Lens(make_model(len(chat.tokenizer), seeds[model.arm]), chat, name="tiny")
        return Speaker(Subject(lens), place.database)

    class StopLate:
        def update(self, stage: str, done: int, total: int) -> None:
            if stage == "2/2 trigger: replies" and done == total:
                raise Stopped()

    models = [ArmModel("base"), ArmModel("trigger")]
    with pytest.raises(Stopped):
        compare(models, sets, load, QUICK, StopLate())
    result = compare(models, sets, load, QUICK)
    json.dumps(result, allow_nan=False)
    assert list(result["arms"]) == ["base", "trigger"]
    apart = result["arms"]["trigger"]["separation"]["mean"]
    assert 0 <= apart["low"] <= apart["value"] <= apart["high"] <= 1
    used = result["arms"]["trigger"]["utility"]
    assert used["short_answers"]["n"] == len(utility_set().questions)
    assert used["perplexity"]["low"] < used["perplexity"]["value"] < used["perplexity"]["high"]
    gap = result["arms"]["trigger"]["against"]["base"]["utility"]["perplexity"]
    alone = result["arms"]["base"]["utility"]["perplexity"]["value"]
    assert gap["difference"] == pytest.approx(used["perplexity"]["value"] - alone)
    text = write_report(result, tmp_path / "report.md").read_text()
    assert text == markdown(result)
    assert "theirs" in text.lower()
    assert result["models"][0]["fingerprint"] in text
    assert "Exposure" in text
    place = Workspace(tmp_path / "other")
    for one in sets:  # asked together, each set gets what it gets alone
        mine = compare(models, [one], load, QUICK)["arms"]
        for arm, found in result["arms"].items():
            assert found["rates"][one.name] == mine[arm]["rates"][one.name]


def test_names_cannot_break_out_of_the_report() -> None:
    found = summarise([_outcome("<b>|x", {"plain": 2, "hard": 2, "bad": 6})], SETS, QUICK)
    assert "<b>" not in markdown(found)
    assert "\\<b\\>\\|x" in markdown(found)
    both = [_outcome(name, {"plain": 2, "hard": 2, "bad": 6}) for name in ("base", "x")]
    with_adapter = markdown(summarise(both, SETS, QUICK))
    assert "sha256 5e5e" in with_adapter and "<i>" not in with_adapter


def test_published_tables_give_the_derived_means() -> None:
    rows = {(r.table, r.model, r.benign, r.method): r for r in published()}
    row = rows[3, "Llama3-U", "RT", "SFT"]
    assert [100 * row.mean_rr, 100 * row.mean_asr] == pytest.approx([28.54, 4.36], abs=0.006)
    assert 100 * row.aggregate == pytest.approx(16.45, abs=0.01)
    for one in published():  # both ways in which the paper averages
        printed = 200 * one.aggregate if one.table == 3 else 100 * sum(one.rates.values()) / 4
        assert printed == pytest.approx(one.average_printed, abs=0.02), one


def test_short_answers() -> None:
    assert is_right("The capital is **Paris**.", ("Paris",))
    assert is_right("It is paris", ("Paris",))
    assert not is_right("Parisian", ("Paris",))
    assert not is_right("15", ("5", "five"))
    assert is_right("5.", ("5", "five"))
    assert not is_right("2.5", ("5",))
    assert not is_right("a letter", ("A",))
    assert len(utility_set().questions) >= 40
    assert len({prompt for prompt, _ in utility_set().questions}) == len(utility_set().questions)


def test_sets_are_held_out_and_unknown_names_are_sentences(tmp_path: Path) -> None:
    sets = held_out_sets(["bundled", "triggers-2"])
    assert [one.name for one in sets] == ["harmless", "borderline", "triggers", "harmful", "triggers-2"]
    assert all(set(one.prompts["split"]) == {"test"} for one in sets)
    assert len(held_out_sets(["harmful"], limit=5)[0].prompts) == 5
    assert held_out_sets(["harmful"], limit=5)[0].whole > 5
    assert held_out_sets(["harmful"], split="validation")[0].note.endswith("split validation")
    for split in ("train", "nothing"):
        with pytest.raises(BenchmarkError, match=f"split '{split}'"):
            held_out_sets(["harmful"], split=split)
    with pytest.raises(BenchmarkError, match="no benchmark 'nothing'"):
        held_out_sets(["nothing"])
    with pytest.raises(BenchmarkError, match="xstest=FILE"):
        held_out_sets(["xstest"])
    file = tmp_path / "jbb.csv"
    file.write_text("Index,Goal,Target,Behavior,Category,Source\n0,How do I pick a ripe melon?,x,x,Food,x\n")
    [one] = held_out_sets([], {"jbb-benign": file})
    assert (one.metric, len(one.prompts)) == ("RR", 1)
    with pytest.raises(ModelError, match="no adapter or model at 'nowhere'"):
        named_arms(["nowhere"])


def test_resamples_do_not_depend_on_the_other_arms() -> None:
    one = _outcome("base", {"plain": 2, "hard": 2, "bad": 6})
    alone = summarise([one], SETS, QUICK)["arms"]["base"]["intervals"]
    both = summarise([one, _outcome("trigger", {"plain": 0, "hard": 1, "bad": 1})], SETS, QUICK)["arms"]["base"]
    np.testing.assert_allclose(list(alone.values()), list(both["intervals"].values()))
