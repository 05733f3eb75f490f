"""Directions on disk: exact round trip, and a sentence for everything that does not fit."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file

from rasslib.boundary import storage
from rasslib.boundary.directions import fit_axis
from rasslib.boundary.margin import margins
from rasslib.boundary.storage import RECORD, TENSORS, load_directions, save_directions
from rasslib.errors import AnalysisError, WorkspaceError

META = {"model": "embedded", "fingerprint": "f00d", "template_hash": "abc", "auc": 0.91}


@pytest.fixture
def saved(tmp_path, planted):
    directions = fit_axis(planted.acts, planted.labels)
    save_directions(tmp_path / "run", directions, META)
    return tmp_path / "run", directions


def edit(folder, change):
    """Change the record as a person with an editor would."""
    record = json.loads((folder / RECORD).read_text())
    change(record)
    (folder / RECORD).write_text(json.dumps(record))


def test_round_trip_is_exact(saved, planted):
    folder, directions = saved
    loaded, meta = load_directions(folder, fingerprint="f00d", n_layers=4, d_model=24)
    assert meta == META
    assert (margins(planted.acts, loaded) == margins(planted.acts, directions)).all()
    for one, other in zip(loaded, directions, strict=True):
        assert torch.equal(one.vector, other.vector)
        assert {k: v for k, v in vars(one).items() if k not in ("vector", "unit")} == {
            k: v for k, v in vars(other).items() if k not in ("vector", "unit")
        }
    assert sorted(path.name for path in folder.iterdir()) == [RECORD, TENSORS]


def test_zero_direction_survives(tmp_path, planted):
    planted.acts[:, 0] = 1.0
    save_directions(tmp_path, fit_axis(planted.acts, planted.labels), META)
    assert not load_directions(tmp_path)[0][0].vector.any()


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"fingerprint": "beef"}, "fitted on embedded, whose weights differ"),
        ({"d_model": 576}, "have width 24 .*but the model has 576"),
        ({"n_layers": 3}, "reach layer 3 .*the last layer of the model is 2"),
    ],
)
def test_another_model_is_refused(saved, wanted, sentence):
    with pytest.raises(AnalysisError, match=sentence):
        load_directions(saved[0], **wanted)


def test_directions_without_fingerprint_fit_no_model(tmp_path, planted):
    save_directions(tmp_path, fit_axis(planted.acts, planted.labels), {})
    assert len(load_directions(tmp_path)[0]) == 4
    with pytest.raises(AnalysisError, match="fitted on another model"):
        load_directions(tmp_path, fingerprint="f00d")


def test_tensors_of_another_save_are_noticed(saved):
    folder, _ = saved
    save_file({"vectors": torch.zeros(4, 24)}, folder / TENSORS)
    with pytest.raises(WorkspaceError, match=r"not the file that directions\.json beside it was written for"):
        load_directions(folder)


@pytest.mark.parametrize(
    ("tensors", "sentence"),
    [
        ({"vectors": torch.zeros(4, 24, dtype=torch.float16)}, r"float16 \[4, 24\] where float32"),
        ({"vectors": torch.zeros(96)}, r"float32 \[96\] where"),
        ({"vectors": torch.full((4, 24), float("nan"))}, "not finite"),
        ({"vectors": torch.zeros(3, 24)}, "4 entries for 3 vectors"),
        ({"weights": torch.zeros(4, 24)}, "holds no directions"),
    ],
)
def test_wrong_tensors_are_refused(saved, tensors, sentence):
    folder, _ = saved
    data = storage.save(tensors)
    (folder / TENSORS).write_bytes(data)
    edit(folder, lambda record: record.update(sha256=storage.hashlib.sha256(data).hexdigest()))
    with pytest.raises(WorkspaceError, match=sentence):
        load_directions(folder)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda record: record.update(format=2), "no direction file of this version"),
        (lambda record: record.pop("meta"), "damaged"),
        (lambda record: record.update(directions={}), "0 entries for 4 vectors"),
        (lambda record: record["directions"][1].pop("layer"), "damaged"),
        (lambda record: record["directions"][1].update(layer=-1), "layer -1"),
        (lambda record: record["directions"][1].update(layer="one"), "layer 'one'"),
        (lambda record: record["directions"][1].update(axis="evil"), "unknown axis 'evil'"),
        (lambda record: record["directions"][1].update(mean_high=None), "damaged"),
        (lambda record: record["directions"][1].update(mean_high=-1e9), "class means"),
        (lambda record: record["directions"].__setitem__(0, 5), "damaged"),
    ],
)
def test_damaged_record_is_refused(saved, change, sentence):
    edit(saved[0], change)
    with pytest.raises(WorkspaceError, match=sentence):
        load_directions(saved[0])


def test_missing_and_broken_files_are_told(saved, tmp_path):
    folder, _ = saved
    with pytest.raises(WorkspaceError):
        load_directions(tmp_path / "nowhere")
    (folder / TENSORS).unlink()
    with pytest.raises(WorkspaceError, match=f"Cannot read .*{TENSORS}"):
        load_directions(folder)
    (folder / RECORD).write_text("[1")
    with pytest.raises(WorkspaceError):
        load_directions(folder)


def test_crash_between_the_two_files_is_noticed(saved, planted, monkeypatch):
    folder, _ = saved

    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(storage, "atomic_json", crash)
    with pytest.raises(KeyboardInterrupt):
        save_directions(folder, fit_axis(planted.acts * 2, planted.labels), META)
    with pytest.raises(WorkspaceError, match="run the analysis again"):
        load_directions(folder)


def test_only_directions_of_one_width_go_together(tmp_path, planted):
    directions = fit_axis(planted.acts, planted.labels)
    narrow = fit_axis(planted.acts[..., :5], planted.labels)
    for wrong in ([], [directions[0], narrow[0]]):
        with pytest.raises(ValueError, match="one width"):
            save_directions(tmp_path, wrong, META)
