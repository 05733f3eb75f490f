"""A comparison for the page: tables with n and intervals, long CSV, points and ellipses, what can be chosen."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rasslib.errors import BenchmarkError, WorkspaceError
from rasslib.mitigation.adapters import PROVENANCE
from rasslib.mitigation.choices import arm_choices, asked, entries, public_files, typed_files
from rasslib.mitigation.compare_facts import exposure_table, moved_table, published_table
from rasslib.mitigation.compare_tables import differences_table, long_table, means_table, rates_table
from rasslib.mitigation.comparing import summarise
from rasslib.mitigation.jobs.asks import TrainAsk
from rasslib.mitigation.jobs.job import make_job
from rasslib.mitigation.moving import Moved
from rasslib.mitigation.moving_files import read_moved, save_moved
from rasslib.mitigation.settings import AlignSettings
from rasslib.mitigation.trade_off import CHI2_95, points
from rasslib.refusal.rates import wilson
from rasslib.workspace import Workspace
from tests.mitigation.test_comparing import QUICK, SETS, _outcome


def _result() -> dict[str, object]:
    low, high = {"plain": 2, "hard": 1, "bad": 6}, {"plain": 8, "hard": 4, "bad": 7}
    return summarise([_outcome("base", low, 1), _outcome("generic", high), _outcome("<b>x", low)], SETS, QUICK)


def test_tables_carry_n_and_intervals() -> None:
    found = _result()
    means, rates = means_table(found), rates_table(found)
    assert list(means["arm"]) == ["base", "generic", "<b>x"]
    assert means["n (RR + ASR)"][0] == "12 + 7"
    assert "(" in means["mean RR"][0]
    assert rates["plain (RR)"][0].endswith("n = 9, 1 invalid")
    assert "bad under prefill (ASR)" in rates
    differences = differences_table(found)
    assert set(differences["minus"]) == {"base", "generic"}
    assert "to" in differences["mean RR"][0]
    assert set(published_table(found)["whose"]) == {"theirs"}
    assert exposure_table(found).empty


def test_the_long_table_holds_every_number() -> None:
    table = long_table(_result())
    row = table[(table["arm"] == "base") & (table["set"] == "plain") & (table["what"] == "RR")].iloc[0]
    assert (row["n"], row["invalid"], row["refused"]) == (9, 1, 2)
    assert row["value"] == pytest.approx(2 / 9)
    assert {"mean_rr", "mean_asr", "aggregate", "RR", "ASR", "ASR under prefill"} <= set(table["what"])


def test_points_and_ellipses() -> None:
    found = _result()
    base = points(found)[0]
    assert base.n == (12, 7)
    xs, ys = base.ellipse(360)
    cov = np.array(base.covariance)
    assert max(xs) - base.rr == pytest.approx(math.sqrt(CHI2_95 * cov[0, 0]), rel=1e-3)
    assert min(ys) == 0, "no share is below 0"
    sure = summarise([_outcome("base", {"plain": 2, "hard": 1, "bad": 8})], SETS, QUICK)
    assert points(sure)[0].ellipse() == ([], []), "0 of 8 is no certainty"
    assert points(sure)[0].asr_limits == pytest.approx(wilson(0, 8))
    alone = summarise([_outcome("base", {"plain": 2, "hard": 2, "bad": 6})], SETS[:2], QUICK)
    assert points(alone) == []
    assert means_table(alone)["mean ASR"][0] == "–"


def test_what_moved_is_kept(tmp_path: Path) -> None:
    assert read_moved(tmp_path) == {}
    table = pd.DataFrame(
        {"id": ["a", "b"], "prompt": ["<b>x</b>", "y"], "intent": ["harmful", "harmless"], "before": [1.0, -1.0],
         "after": [0.5, -1.5], "refitted": [1.0, -1.0], "x": [0.0, 1.0], "y": [0.0, 1.0], "x_after": [0.5, 1.0],
         "y_after": [0.0, 0.5]}
    )  # fmt: skip
    one = Moved(
        table,
        3,
        "last_template",
        (0.5, 0.2),
        ((0.0, 0.0), (1.0, 1.0)),
        math.nan,
        {"harmful": (0.1,), "harmless": (-0.1,)},
    )
    save_moved(tmp_path, {"../../<arm>": one})
    ((arm, found),) = read_moved(tmp_path).items()
    assert arm == "../../<arm>"
    assert (found.line, found.random) == (one.line, one.random)
    assert math.isnan(found.cosine)
    assert moved_table(found.by_intent())["change (95 %)"][0].startswith("-0.50")
    (tmp_path / "0.parquet").write_bytes(b"no table")
    with pytest.raises(WorkspaceError, match="damaged"):
        read_moved(tmp_path)


def test_arms_that_can_be_chosen(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    for seed in (0, 1):
        job = make_job(place, TrainAsk(AlignSettings(recipe="trigger", seed=seed)))
        job.adapter.mkdir()
        (job.adapter / PROVENANCE).write_text("{}")
    make_job(place, TrainAsk(AlignSettings(recipe="random")))  # not finished
    known = arm_choices(place)
    labels = list(known)
    assert labels[0] == "generic (shipped)"
    trained = [label for label in labels if label.startswith("trigger, seed")]
    assert len(trained) == 2
    assert not any(label.startswith("random") for label in labels)
    both = entries([*trained, "generic (shipped)", " ", "x=/y"], known, together=True)
    assert [one.partition("=")[0] for one in both] == ["trigger-own", "trigger-own", "generic", "x"]
    longer = make_job(place, TrainAsk(AlignSettings(recipe="trigger", seed=2, steps=9)))
    longer.adapter.mkdir()
    (longer.adapter / PROVENANCE).write_text("{}")
    known = arm_choices(place)
    every = [label for label in known if label.startswith("trigger, seed")]
    names = sorted(one.partition("=")[0] for one in entries(every, known, together=True))
    assert len(set(names)) == 2 and len(names) == 3  # another training is no seed of the first
    alone = entries(trained, known, together=False)
    assert [one.partition("=")[0] for one in alone] == ["trigger-own", "trigger-own-2"]
    assert arm_choices(place, "another") == {}


def test_files_of_public_sets(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    assert public_files(place) == {}
    uploads = tmp_path / "benchmarks" / "uploads"
    uploads.mkdir(parents=True)
    (uploads / "xstest.csv").write_text("x")
    assert set(public_files(place)) == {"xstest", "xstest-unsafe"}
    assert typed_files(f"xstest={uploads / 'xstest.csv'}\n\n") == {"xstest": str(uploads / "xstest.csv")}
    for text, said in (("xstest", "NAME=FILE"), ("nothing=/x", "no benchmark"), ("xstest=/nowhere", "no file")):
        with pytest.raises(BenchmarkError, match=said):
            typed_files(text)
    assert asked([10, 5], [5], 3, True, 4) == 72
