"""What an arm is compared with: the base, controls, what a training started from, and what is steered."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from rasslib.mitigation.outcomes import BASE, ArmModel
from rasslib.mitigation.provenance import provenance_of
from rasslib.mitigation.settings import METHODS
from rasslib.mitigation.untrained import RANDOM
from rasslib.models.fingerprint import adapter_digest

REFERENCES = ("generic", "generic-own", "generic-equal", "random")
"""Controls that every other arm is compared with, where they are among those compared, beside the base."""


def references(
    arm: str, names: Sequence[str], methods: Mapping[str, str] | None = None, kin: Collection[str] = ()
) -> list[str]:
    """What an arm is compared with: the base, the controls of its own method, its recipe trained by SFT, and its kin.

    Another method's control would mix the effect of the method with that of the data.

    Args:
        arm: The arm.
        names: All arms.
        methods: How arms were trained, as far as it is known; for others the end of the name tells.
        kin: Of steering, its random control and what is steered; of a training, what it started from.
    """
    by = {name: (methods or {}).get(name) or _method(name) for name in (arm, *names)}
    stem = {name: name.removesuffix(f"-{method}") for name, method in by.items()}
    return [
        one
        for one in dict.fromkeys(names)
        if one != arm
        and (
            one in (BASE, *kin)
            or (stem[one] in REFERENCES and by[one] == by[arm])
            or (by[arm] != by[one] == "sft" and stem[one] == stem[arm])
        )
    ]


def _start(model: ArmModel) -> str:
    told = provenance_of(model.adapter) if model.adapter is not None else {}
    return str((told.get("start") or {}).get("weights") or "")


def _digest(model: ArmModel) -> str:
    return adapter_digest(model.adapter) if model.adapter is not None else ""


def _method(name: str) -> str:
    return next((method for method in METHODS[1:] if name.endswith(f"-{method}")), "sft")


def kin_of(model: ArmModel, models: Sequence[ArmModel]) -> list[str]:
    """Of a steered model, the names of its random control and of what is steered; else, of what it was trained on."""
    if not model.way:
        start = _start(model)
        return [one.arm for one in models if start and not one.way and _digest(one).startswith(start)]
    ways = ("", f"{model.way}{RANDOM}")
    return [one.arm for one in models if one.adapter == model.adapter and one.way in ways]
