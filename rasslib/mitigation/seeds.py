"""Several models of one arm: seeds of one training, in order."""

from __future__ import annotations

from collections.abc import Sequence

from rasslib.errors import AnalysisError
from rasslib.mitigation.outcomes import ArmModel, Outcome
from rasslib.mitigation.provenance import provenance_of
from rasslib.mitigation.settings import HOW_RUN
from rasslib.models.fingerprint import adapter_digest


def check_seeds(arm: str, models: Sequence[ArmModel]) -> None:
    """Check that the models of one arm are seeds of one training.

    Raises:
        AnalysisError: They differ in more than their seed, or are the same model.
    """
    if len({(one.way, one.adapter is None) for one in models}) > 1:
        raise AnalysisError(
            f"The models of the arm {arm} are steered in different ways, or only some are: give each a name of its own "
            f"(NAME=WAY@ADAPTER)."
        )
    folders = [one.adapter for one in models if one.adapter is not None]
    told = [provenance_of(folder) for folder in folders]
    made = [one.get("settings", {}) | {"start": one.get("start", {}).get("weights")} for one in told]
    keys = {key for one in made for key in one} - {"seed", *HOW_RUN}
    unlike = {key for key in keys for one in made if one.get(key) != made[0].get(key)}
    if unlike:
        raise AnalysisError(
            f"The models of the arm {arm} differ in {', '.join(sorted(unlike))}, so they are not seeds of one "
            "training: give each a name of its own (NAME=FOLDER)."
        )
    digests = [adapter_digest(one.adapter) for one in models if one.adapter is not None and not one.way]
    if len(set(filter(None, digests))) < len(list(filter(None, digests))):
        raise AnalysisError(f"Two models of the arm {arm} have the same weights; name each training once.")


def by_seed(found: Sequence[Outcome]) -> list[Outcome]:
    """The models of one arm in the order of their seeds, so that those of arms of the same seeds are paired."""
    folders = [o.model.adapter for o in found]
    seeds = [provenance_of(folder).get("settings", {}).get("seed") for folder in folders if folder is not None]
    if len(seeds) < len(found) or not all(isinstance(one, int) for one in seeds):
        return list(found)
    return [found[k] for k in sorted(range(len(found)), key=lambda k: int(seeds[k]))]
