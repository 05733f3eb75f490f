"""RASS candidates in a test browser: no run, the band, its controls, curation that lasts, nothing in the band."""

from __future__ import annotations

import pandas as pd
from streamlit.testing.v1 import AppTest

from rasslib.rass.candidate_words import verdict_text
from rasslib.rass.control import benign_pool, selection_yield
from rasslib.rass.curating import last_curator, new_edits, save_edits, with_decisions
from rasslib.rass.exports import file_name, kept_table
from rasslib.workspace import Workspace
from tests.pages.conftest import APP, Finished
from tests.pages.navigated import navigated  # noqa: F401

PAGE = "pages/candidates.py"
TITLE = "embedded on fake prompts"


def open_page() -> AppTest:
    """The page as it is first seen."""
    return AppTest.from_file(APP, default_timeout=60).run().switch_page(PAGE).run()


def table(at: AppTest) -> pd.DataFrame:
    """What the curation table shows below its edits."""
    return at.session_state["rass-base"][1]


def edit(at: AppTest, rows: dict[int, dict[str, object]]) -> AppTest:
    """Edit cells, as the browser reports them."""
    key = at.session_state["rass-base"][0]
    at.session_state[key] = {"edited_rows": rows, "added_rows": [], "deleted_rows": []}
    return at.run()


def test_without_a_run_it_says_where_to_start(empty_workspace: Workspace) -> None:
    at = open_page()
    assert not at.exception
    assert "no finished run" in at.info[0].value


def test_the_band_holds_benign_prompts_nearest_first(finished_run: Finished) -> None:
    at = open_page()
    assert not at.exception
    shown = table(at)
    assert len(shown) > 0
    assert not set(shown["intent"]) - {"harmless", "borderline"}
    assert shown["margin"].abs().is_monotonic_increasing
    assert shown["margin"].abs().max() <= finished_run.analysis.tau
    assert any("this project's reading of RASS (arXiv 2505.18325)" in caption.value for caption in at.caption)


def test_shares_stand_beside_a_random_draw_with_n_and_interval(finished_run: Finished) -> None:
    at = open_page()
    labels = [metric.label for metric in at.metric]
    assert labels == ["Selected", "Random draw, same size", "Whole pool"]
    sizes = [caption.value for caption in at.caption if "95 % interval" in caption.value]
    n = len(table(at))
    assert f"of {n} (" in sizes[0]
    assert f"of {n} (" in sizes[1]
    assert "of 40 (" in sizes[2]


def test_a_wider_band_holds_more(finished_run: Finished) -> None:
    at = open_page()
    before = len(table(at))
    at.slider[0].set_value(2.0).run()
    assert not at.exception
    assert len(table(at)) > before


def test_an_edit_is_saved_at_once_and_found_by_the_next_visitor(finished_run: Finished) -> None:
    at = edit(open_page(), {0: {"keep": True}, 1: {"note": "=unclear"}})
    assert not at.exception
    first, second = finished_run.analysis.prompts.set_index("prompt").loc[table(at)["prompt"].head(2), "id"]
    saved = finished_run.workspace.database.curation(TITLE).set_index("prompt_id")
    assert saved.loc[first, "decision"] == "keep"
    assert (saved.loc[second, "decision"], saved.loc[second, "note"]) == ("", "=unclear")
    assert len(saved) == 2
    assert any("1 prompts of this run, 1 of them" in caption.value for caption in at.caption)
    again = table(open_page())
    assert again["keep"].tolist()[:2] == [True, False]
    assert again["note"].tolist()[:2] == ["", "=unclear"]


def test_old_edits_do_not_undo_what_another_session_did(finished_run: Finished) -> None:
    at = edit(open_page(), {0: {"keep": True}})
    database = finished_run.workspace.database
    prompt_id = database.curation(TITLE)["prompt_id"].iloc[0]
    database.curate(TITLE, prompt_id, decision="reject")
    at.run()
    assert database.curation(TITLE)["decision"].tolist() == ["reject"]


def test_each_curator_has_decisions_of_their_own(finished_run: Finished) -> None:
    at = open_page()
    at.text_input[0].set_value("Ada").run()
    edit(at, {0: {"keep": True}})
    assert finished_run.workspace.database.curation(TITLE)["curator"].tolist() == ["Ada"]
    again = open_page()
    assert again.text_input[0].value == "Ada"
    assert table(again)["keep"].sum() == 1
    again.text_input[0].set_value("Grace").run()
    assert table(again)["keep"].sum() == 0


def test_nothing_in_the_band_is_one_sentence(finished_run: Finished) -> None:
    file = finished_run.analysis.folder / "prompts.parquet"
    pd.read_parquet(file).assign(margin=1.5).to_parquet(file, index=False)
    at = open_page()
    assert not at.exception
    assert "widen the band" in at.error[0].value
    assert not at.metric


def test_the_random_control_is_not_compared_with_itself(finished_run: Finished) -> None:
    found = selection_yield(benign_pool(finished_run.analysis.prompts), "random", 10, 0.5)
    again = selection_yield(benign_pool(finished_run.analysis.prompts), "random", 10, 0.5)
    assert found.picked["id"].tolist() == again.picked["id"].tolist()
    assert "control itself" in verdict_text(found, "random")


def test_the_pool_is_benign_given_and_answered(finished_run: Finished) -> None:
    prompts = finished_run.analysis.prompts.copy()
    prompts.loc[prompts.index[prompts["intent"] == "harmless"][:3], "behaviour"] = ""
    prompts.loc[prompts.index[prompts["intent"] == "borderline"][:2], "given"] = False
    pool = benign_pool(prompts)
    assert pool["intent"].value_counts().to_dict() == {"borderline": 18, "harmless": 17}


def test_unticking_undoes_and_other_cells_stay(finished_run: Finished) -> None:
    database, ids = finished_run.workspace.database, ["p1", "p2"]
    base = pd.DataFrame({"keep": [False, True], "note": ["", "old"]})
    first = {0: {"keep": True, "note": "good"}}
    save_edits(database, "s", "", ids, new_edits(first, {}, base))
    second = {"0": {"note": "good"}, 1: {"keep": False}}
    assert new_edits({0: second["0"]}, first, base) == {0: {"keep": False}}
    save_edits(database, "s", "", ids, {0: {"keep": False}})
    saved = database.curation("s").set_index("prompt_id")
    assert saved.loc["p1", ["decision", "note"]].tolist() == ["", "good"]
    assert new_edits(first, first, base) == {}
    assert last_curator(database.curation("none")) == ""


def test_the_kept_set_goes_beyond_the_selection(finished_run: Finished) -> None:
    run, database = finished_run.analysis, finished_run.workspace.database
    ids = run.prompts.loc[run.prompts["intent"] == "harmless", "id"].head(2).tolist()
    database.curate_many("mine", {ids[0]: ("keep", "a"), ids[1]: ("reject", "b"), "p-of-another-run": ("keep", "")})
    kept = kept_table(run, "mine", database.curation("mine"))
    assert kept["id"].tolist() == [ids[0]]
    row = kept.iloc[0]
    assert (row["curated_set"], row["note"], row["run"], row["layer"]) == ("mine", "a", run.run_id, run.layer)
    assert not {"given", "fit"} & set(kept.columns)
    assert with_decisions(run.prompts, database.curation("mine"))["keep"].sum() == 1


def test_file_names_are_plain() -> None:
    assert file_name("../My set: one/ü", "kept") == "my-set-one-kept.csv"
    assert file_name("", "kept") == "rass-kept.csv"
