"""Sentences beside a comparison's tables, the same on the page and in the report: what is shown, and what to mind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasslib.mitigation.held_out import OWN
from rasslib.mitigation.settings import HOW_RUN, METHODS, AlignSettings

OWN_TO_ARMS = {"recipe", "seed", "benign_size", "steps", "epochs", "batch_size", "reply_tokens", *HOW_RUN}
"""What may differ between arms that are compared for their benign data; steps and batch are taken as trained."""

OF_METHODS: dict[str, tuple[str, ...]] = {
    "prefix_share": ("p-sft",),
    "beta": ("dpo", "grpo"),
    **dict.fromkeys(("generations", "completion_tokens", "temperature"), ("grpo",)),
}
"""Settings that only some methods use."""

SAID = ("method", "steps", "batch", "harmful examples")
"""What :func:`effort_words` says of a training in any case."""

RATES = "n counts valid replies, of all seeds together; invalid ones are left out."
DIFFERENCES = (
    "Shares in percentage points, separation and perplexity as they are, arm minus reference, with 95 % intervals from "
    "resamples of the same prompts and seeds in both. An interval that holds 0 leaves open whether they differ."
)
ALIKE = (
    "Where all prompts of a set behave alike, resamples of them show no doubt, and means and differences look too "
    "certain: mind n, and the intervals by set."
)
SEPARATION = (
    "Separation: chance that a harmful prompt has a higher first-token refusal score than a benign one (AUC), mean "
    "over the benign sets, harmful prompts of all sets together. It ranks prompts only: an arm that merely refuses "
    "more of everything changes RR and ASR, and this hardly. A proxy: helpful replies may begin with the same tokens, "
    "and 1 does not mean that anything is refused. Prompts whose replies are invalid count here."
)
MARGIN = (
    "Margin: harmless mean −1, boundary 0, harmful mean +1, on the axis of intent fitted before the training (our "
    "reading of RASS); it tells how a prompt is read, not whether it is refused. Change: mean over the same test "
    "prompts. Along random directions: where 95 % of 200 random directions of the same length put that change. The "
    "axis fitted anew has its own zero and scale. First seed of each trained arm; steered arms are not shown."
)


def means_words(result: Mapping[str, Any]) -> list[str]:
    """What the means are, and what to mind."""
    told = [
        "RR: share of benign prompts refused. ASR: share of harmful prompts not refused; whether an answer helps is "
        f"not judged. Aggregate: {result['aggregate']}. Short answers, and perplexity of reference replies (lower is "
        f"better), tell what a training costs in use. Judge: {result['judge']}.",
        SEPARATION if any(arm["separation"] for arm in result["arms"].values()) else "",
        f"Intervals (95 %): {result['intervals']}. {ALIKE}",
    ]
    return [one for one in (*told, home_words(result), unlike_words(result)) if one]


def home_words(result: Mapping[str, Any]) -> str:
    """That an arm may be at home on a set; empty where none is."""
    groups = {group for arm in result["arms"].values() for one in arm["training"] for group in _benign(one)}
    triggers = sorted(group for group in groups if group.startswith("trigger"))
    homes = {name: triggers for name in result["sets"] if name.startswith("triggers")}
    homes["harmless"] = [group for group in ("generic",) if group in groups]
    found = [
        f"{name} resembles what arms with {' and '.join(seen)} data were trained on"
        for name, seen in homes.items()
        if seen and name in result["sets"]
    ]
    return f"Mean RR weights every set alike, and {'; '.join(found)}: read the rates by set too." if found else ""


def unlike_words(result: Mapping[str, Any]) -> str:
    """In what the trained arms differ besides their benign data, and of which it is not known; empty where nothing."""
    trained = {name: arm["training"][0] for name, arm in result["arms"].items() if arm["training"]}
    unknown = [name for name, told in trained.items() if not told]
    efforts = {name: _effort(told) for name, told in trained.items() if told}
    found = [f"How {' and '.join(unknown)} came about is not recorded."] if unknown else []
    unlike = sorted(
        {
            what
            for one in efforts.values()
            for other in efforts.values()
            for what in one.keys() | other.keys()
            if one.get(what) != other.get(what)
        }
    )
    if unlike:
        alike: dict[str, list[str]] = {}
        for name, effort in efforts.items():
            told = {what: effort[what] for what in unlike if effort.get(what) is not None and what not in SAID}
            others = (f", {what} {value}" for what, value in told.items())
            alike.setdefault(effort_words(trained[name]) + "".join(others), []).append(name)
        each = "; ".join(f"{', '.join(arms)}: {words}" for words, arms in alike.items())
        found.append(
            f"These arms differ in more than their benign data, so their differences are not of data alone. {each}."
        )
    return " ".join(found)


def made_words(result: Mapping[str, Any]) -> list[str]:
    """How the comparison was made: models, sets, replies."""
    settings, base = result["settings"], result["models"][0]
    told = [
        f"Base: {base['name']}, weights {base['fingerprint']}, template {base['template_hash']}, {base['dtype']} on "
        f"{base['device']}.",
        f"Replies: {settings['decoding']}, cut at {settings['reply_tokens']} tokens. {settings['draws']:,} resamples, "
        f"seed {settings['seed']}.",
        "Libraries: " + ", ".join(f"{name} {version}" for name, version in settings["versions"].items()) + ".",
    ]
    for one in result["models"][1:]:
        adapter = one["adapter"]
        what = (
            f"adapter {adapter['name']}, sha256 {adapter['sha256'][:16]}" if adapter else f"model {one['fingerprint']}"
        )
        told.append(f"{one['arm']}: {what}{', ' + one['way'] if one['way'] else ''}.")
    return told


def sets_words(result: Mapping[str, Any]) -> list[str]:
    """A sentence a set."""
    return [
        f"{name}: {one['n']}{_drawn(one)} prompts, {one['metric']}; {one['about']}"
        for name, one in result["sets"].items()
    ]


def published_words(result: Mapping[str, Any]) -> str:
    """Whose numbers stand beside ours, and how far they can be compared."""
    mark = str(result["published"]["mark"])
    return (
        f"{mark[:1].upper()}{mark[1:]}. Means and aggregate are computed here from their rates; where under prefill is "
        "true, their mean ASR is under prefill, which ours never is. Their RLVR is PPO, ours GRPO. Other models, sets "
        "and judges: look at the direction of a difference, not at its size."
    )


def _drawn(one: Mapping[str, Any]) -> str:
    return f" of {one['whole']}" if one["whole"] > one["n"] else ""


def _benign(told: Mapping[str, Any]) -> list[str]:
    """Benign sets of a training."""
    exposure = (told.get("training") or {}).get("exposure")
    if exposure:
        return [group for group in exposure if group != "harmful"]
    return ["generic"] if told.get("recipe") == "sft" else []


def _effort(told: Mapping[str, Any]) -> dict[str, Any]:
    """All that two trainings should share if their benign data are to be compared, by name."""
    training, given = told.get("training") or {}, told.get("settings") or {}
    settings = vars(AlignSettings()) | given
    method = settings["method"]
    effort = {
        name.replace("_", " "): settings[name]
        for name in vars(AlignSettings())
        if name not in OWN_TO_ARMS
        and method in OF_METHODS.get(name, METHODS)
        and not (name == "harmful_share" and settings["recipe"] == "sft")  # takes its examples as they are
    }
    return effort | {
        "steps": training.get("steps"),
        "batch": training.get("batch") or given.get("batch_size"),
        "harmful examples": ((told.get("data") or {}).get("examples") or {}).get("harmful"),
        "start": (told.get("start") or {}).get("weights"),
    }


def effort_words(told: Mapping[str, Any]) -> str:
    """How much was trained, and where from, by an adapter's provenance."""
    training, settings = told.get("training") or {}, told.get("settings") or {}
    counts = (told.get("data") or {}).get("examples") or {}
    benign = sum(n for intent, n in counts.items() if intent != "harmful")
    start = (told.get("start") or {}).get("name")
    return (
        f"{settings.get('method') or 'sft'}, {training.get('steps')} steps of "
        f"{training.get('batch') or settings.get('batch_size')}, {counts.get('harmful')} harmful and {benign} benign "
        f"examples{f', started from {start}' if start else ''}"
    )


SETS_HELP = " ".join(f"{name}: {about}." for name, (_, about) in OWN.items())
"""For the choice of sets."""
