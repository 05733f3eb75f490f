"""Evidence kept with the run it is about: one file for each kind and question, so that it is found again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from rasslib.boundary.run import Analysis
from rasslib.errors import WorkspaceError
from rasslib.models.catalogue import shipped_adapters
from rasslib.models.fingerprint import adapter_digest
from rasslib.triggers.causal import CausalSettings
from rasslib.triggers.evidence import Behavioural, Causal, Representational
from rasslib.triggers.lexicon import LexiconSettings
from rasslib.triggers.representational import NearnessSettings
from rasslib.workspace.files import atomic_bytes, read_json

Found = Behavioural | Representational | Causal
_KINDS: dict[str, type[Found]] = {"behavioural": Behavioural, "representational": Representational, "causal": Causal}
_FORMAT = 1


@dataclass(frozen=True)
class Kept:
    """Evidence of before.

    Attributes:
        about: What was asked, in words.
        found: The answer.
    """

    about: tuple[str, ...]
    found: Found


def about_models(
    splits: Sequence[str], models: Mapping[str, tuple[str, str | None]], reply_tokens: int
) -> tuple[str, ...]:
    """What behavioural evidence depends on: splits of the triggers, name → (model, adapter), length of replies.

    An adapter is named with a digest of its weights: one trained anew in the same folder is another one.
    """
    told = [f"{name}={model}+{adapter or ''}{_weights(adapter)}" for name, (model, adapter) in models.items()]
    return (", ".join(splits), *told, f"{reply_tokens} tokens")


def about_nearness(run: Analysis, triggers: Sequence[str], settings: NearnessSettings) -> tuple[str, ...]:
    """What representational evidence depends on: the run's replies, the anchors, how nearness is measured."""
    anchors = hashlib.sha256("\n".join(sorted(triggers)).encode()).hexdigest()[:16]
    return (run.state, anchors, json.dumps(asdict(settings), sort_keys=True))


def about_causal(run: Analysis, settings: CausalSettings, lexicon: LexiconSettings) -> tuple[str, ...]:
    """What causal evidence depends on: the run's replies, how triggers are tried, how their lexicon was made."""
    return (run.state, *(json.dumps(asdict(part), sort_keys=True) for part in (settings, lexicon)))


def keep_evidence(run: Analysis, about: Sequence[str], found: Found) -> Path:
    """Write ``found`` beside the run; the same question again replaces it.

    Raises:
        WorkspaceError: The file cannot be written.
    """
    kind = next(name for name, made in _KINDS.items() if isinstance(found, made))
    content = TypeAdapter(_KINDS[kind]).dump_python(found, mode="json")
    # json.dumps writes NaN as it is: a statistic that has no value must not come back as "missing".
    text = json.dumps({"format": _FORMAT, "kind": kind, "about": list(about), "found": content}) + "\n"
    path = run.folder / _name(kind, about)
    atomic_bytes(path, text.encode("ascii"))
    return path


def kept_evidence(run: Analysis, kind: str, about: Sequence[str]) -> Any:
    """What was found on this question before; None where it was not asked.

    Raises:
        WorkspaceError: The file is damaged.
    """
    path = run.folder / _name(kind, about)
    return _read(path, kind).found if path.is_file() else None


def all_kept(run: Analysis, kind: str) -> list[Kept]:
    """Every kept answer of a kind, newest first; damaged files are passed over."""
    found: list[tuple[float, Kept]] = []
    for path in run.folder.glob(f"trigger-evidence-{kind}-*.json"):
        try:
            found.append((path.stat().st_mtime, _read(path, kind)))
        except (OSError, WorkspaceError):
            continue
    return [one for _, one in sorted(found, key=lambda pair: -pair[0])]


def _weights(adapter: str | None) -> str:
    """Digest of an adapter's weights; empty where there is no such file (loading it tells what is wrong)."""
    if not adapter:
        return ""
    return f"@{adapter_digest(shipped_adapters().get(adapter, Path(adapter).expanduser()))[:10]}"


def _read(path: Path, kind: str) -> Kept:
    held = read_json(path)
    try:
        if held["format"] != _FORMAT:
            raise WorkspaceError(f"{path} was written by another version; move it away and measure again.")
        return Kept(tuple(held["about"]), TypeAdapter(_KINDS[kind]).validate_python(held["found"]))
    except (KeyError, TypeError, ValidationError) as error:
        raise WorkspaceError(f"Cannot read {path}: it is damaged; move it away and measure again.") from error


def _name(kind: str, about: Sequence[str]) -> str:
    digest = hashlib.sha256(json.dumps([kind, *about]).encode()).hexdigest()[:10]
    return f"trigger-evidence-{kind}-{digest}.json"
