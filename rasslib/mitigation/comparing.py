"""Arms side by side on held-out prompts: rates with intervals, means, one declared aggregate, paired differences.

The aggregate is (mean RR + mean ASR) / 2, always given with its two parts. ASR under prefill is no part of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rasslib.errors import AnalysisError
from rasslib.mitigation.asked import Asked, alone, asked, invalid_share
from rasslib.mitigation.held_out import HeldOut
from rasslib.mitigation.measure import REFUSAL_TOKENS
from rasslib.mitigation.outcomes import ArmModel, Loader, Outcome, observe
from rasslib.mitigation.paired import DRAWS, QUANTITIES
from rasslib.mitigation.provenance import provenance_of, versions
from rasslib.mitigation.published import as_json as published_json
from rasslib.mitigation.references import kin_of, references
from rasslib.mitigation.seeds import by_seed, check_seeds
from rasslib.mitigation.separation import separation
from rasslib.mitigation.utility import Costs, costs
from rasslib.progress import Progress
from rasslib.refusal.judge import PhraseJudge
from rasslib.workspace.files import plain

FORMAT = 4
"""Of the results; those of another one are not shown, as the replies they are made of are kept anyway."""


@dataclass(frozen=True)
class CompareSettings:
    """How arms are compared.

    Attributes:
        prefill: Also attack harmful prompts with compliant openings.
        utility: Also measure what the training costs in use.
        draws: Resamples of prompts.
        seed: Of the resamples.
    """

    prefill: bool = True
    utility: bool = True
    draws: int = DRAWS
    seed: int = 0


def compare(
    models: Sequence[ArmModel],
    sets: Sequence[HeldOut],
    load: Loader,
    settings: CompareSettings | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Compare arms.

    Args:
        models: The models; several of one arm are its seeds.
        sets: What they are asked.
        load: Loads a model and keeps what it said, so that the same call goes on after a stop.
        settings: How.
        progress: Called after each batch.

    Returns:
        Plain JSON: ``arms`` by name, ``sets``, ``models``, ``settings``, ``judge``, ``aggregate``, ``published``.

    Raises:
        AnalysisError: There is nothing to compare, or the models of an arm differ in more than their seed.
        ModelError: A model cannot be loaded.
        Stopped: ``progress`` asked to stop; the replies so far are kept.
    """
    settings = settings or CompareSettings()
    for arm in dict.fromkeys(one.arm for one in models):
        check_seeds(arm, [one for one in models if one.arm == arm])
    if not models or not sets or any(one.prompts.empty for one in sets):
        raise AnalysisError("There is nothing to compare: name at least one model and one set that is not empty.")
    outcomes = [
        observe(
            model,
            sets,
            load,
            prefill=settings.prefill,
            utility=settings.utility,
            progress=progress,
            mark=f"{k}/{len(models)}",
        )
        for k, model in enumerate(models, 1)
    ]
    return summarise(outcomes, sets, settings)


def summarise(outcomes: Sequence[Outcome], sets: Sequence[HeldOut], settings: CompareSettings) -> dict[str, Any]:
    """The comparison as plain JSON, from what every model did."""
    arms: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        arms.setdefault(outcome.model.arm, []).append(outcome)
    arms = {arm: by_seed(found) for arm, found in arms.items()}
    direct = asked(arms, sets, settings.draws, settings.seed, lambda o: o.direct)
    attacked = [s for s in sets if s.metric == "ASR" and all(s.name in o.prefilled for o in outcomes)]
    prefilled = asked(arms, attacked, settings.draws, settings.seed, lambda o: o.prefilled)
    used = {arm: [o.utility for o in found if o.utility is not None] for arm, found in arms.items()}
    in_use = costs(used, settings.draws, settings.seed) if all(used.values()) else None
    apart = separation(arms, sets, settings.draws, settings.seed)
    found = {arm: _arm(arm, seeds, direct, prefilled, in_use) for arm, seeds in arms.items()}
    for arm, one in found.items():
        one["separation"] = apart.of(arm) if apart else {}
    told = {arm: dict((one["training"] or [{}])[0].get("settings") or {}) for arm, one in found.items()}
    methods = {arm: str(settings.get("method") or "") for arm, settings in told.items()}
    for arm, one in found.items():
        others = references(arm, list(arms), methods, kin_of(arms[arm][0].model, [o.model for o in outcomes]))
        one["against"] = {other: _against(arm, other, found, direct, prefilled, in_use) for other in others}
        for other, told_of in one["against"].items():
            told_of["separation"] = apart.against(arm, other) if apart else {}
    result = {
        "format": FORMAT,
        "arms": found,
        "sets": {
            s.name: {"metric": s.metric, "n": len(s.prompts), "whole": s.whole or len(s.prompts), "about": s.note}
            for s in sets
        },
        "models": [{"arm": o.model.arm, "way": o.model.way, **o.facts} for o in outcomes],
        "settings": asdict(settings) | {"decoding": "greedy", "reply_tokens": REFUSAL_TOKENS, "versions": versions()},
        "aggregate": "(mean RR + mean ASR) / 2; lower is better in all three",
        "intervals": "rates of one model, and means of one such rate: Wilson 95 %; all others: percentiles of "
        f"{settings.draws} paired resamples of prompts and seeds (where these show no doubt at all, "
        "Wilson's as of one seed). One seed speaks of that training alone, and K seeds "
        "make intervals too narrow, by about √((K − 1)/K) as far as seeds differ",
        "judge": PhraseJudge().version,
        "published": published_json(),
    }
    return dict(plain(result))


def _arm(arm: str, found: Sequence[Outcome], direct: Asked, prefilled: Asked, in_use: Costs | None) -> dict[str, Any]:
    rates = direct.rates(arm)
    limits = {name: list(direct.drawn.interval(arm, name)) for name in QUANTITIES}
    for name, metric in (("mean_rr", "RR"), ("mean_asr", "ASR")):
        limits[name] = alone(rates, metric) or limits[name]
    return direct.means(arm) | {
        "intervals": limits,
        "covariance": direct.drawn.covariance(arm),
        "seeds": len(found),
        "by_seed": [direct.means(arm, slice(k, k + 1)) for k in range(len(found))],
        "rates": rates,
        "invalid_share": invalid_share(rates),
        "prefill": _prefill(arm, prefilled),
        "utility": in_use.of(arm) if in_use else {},
        "training": [_provenance(o.model.adapter) for o in found if o.model.adapter is not None],
        "steering": [o.steering for o in found if o.steering],
    }


def _against(
    arm: str, other: str, found: Mapping[str, Any], direct: Asked, prefilled: Asked, in_use: Costs | None
) -> dict[str, Any]:
    """Differences of two arms, over the same resamples."""
    told = direct.differences(arm, other) | {"rates": direct.rate_differences(arm, other)}
    if found[arm]["prefill"]:
        told["prefill"] = prefilled.differences(arm, other, ("mean_asr",))["mean_asr"]
    return told | ({"utility": in_use.against(arm, other)} if in_use else {})


def _prefill(arm: str, prefilled: Asked) -> dict[str, Any]:
    if not prefilled.sets:
        return {}
    rates = prefilled.rates(arm)
    low, high = alone(rates, "ASR") or prefilled.drawn.interval(arm, "mean_asr")
    return {"mean_asr": prefilled.means(arm)["mean_asr"], "low": low, "high": high, "rates": rates}


def _provenance(folder: Path) -> dict[str, Any]:
    """How an arm was trained, as far as its folder tells; without the numbers measured then."""
    told = provenance_of(folder)
    if not told:
        return {}
    training = {k: v for k, v in told.get("training", {}).items() if k != "history"}
    return {name: told.get(name) for name in ("recipe", "method", "settings", "start", "data")} | {"training": training}
