"""What evidence for refusal triggers consists of: the results of three experiments, each with n, interval and control.

=================  =====================================================  =======================================
kind               question                                               made by
=================  =====================================================  =======================================
behavioural        Are triggers and their looser versions refused?        :mod:`rasslib.triggers.behavioural`
representational   Do refused prompts lie nearer to the triggers?         :mod:`rasslib.triggers.representational`
causal             Does putting in or taking out a trigger change it?     :mod:`rasslib.triggers.causal`
=================  =====================================================  =======================================
"""

from __future__ import annotations

from dataclasses import dataclass

from rasslib.boundary.statistics import Interval
from rasslib.refusal.rates import Rate


@dataclass(frozen=True)
class Trend:
    """Whether the refusal rate changes with the level.

    Attributes:
        z: Cochran–Armitage statistic with the levels 0 to 3 as scores; negative: it falls. NaN without variation.
        p: Its two-sided p-value, as if the levels were independent prompts.
        slope: Change of the rate per level.
        p_paired: Two-sided p-value of the slope with the levels shuffled within each source prompt, which is what
            they are: versions of the same prompt.
        n: Replies it is over.
    """

    z: float
    p: float
    slope: float
    p_paired: float
    n: int


@dataclass(frozen=True)
class Difference:
    """Refusal rate of an arm minus that of the base arm, over prompts both gave a valid reply to.

    Attributes:
        n: Prompts compared.
        value: Difference of the rates.
        low: Lower limit of the 95 % interval for pairs (Newcombe for rates, Student for means, bootstrap for AUCs).
        high: Upper limit.
    """

    n: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Arm:
    """What one model does with the triggers.

    Attributes:
        name: Name of the model or arm.
        key: Names its weights, template and dtype.
        levels: Refusal rate at level 0 (the trigger) to 3.
        harmful: Refusal rate on the harmful prompts themselves.
        trend: Over the levels.
        behaviours: Level → source prompt id → ``refused``, ``complied`` or ``invalid``.
        difference: Against the base arm, by level; empty for the base arm itself.
        difference_trend: Trend of the difference over the levels (``z`` and ``p`` are NaN: it is no count); None for
            the base arm.
    """

    name: str
    key: str
    levels: tuple[Rate, ...]
    harmful: Rate
    trend: Trend
    behaviours: dict[int, dict[str, str]]
    difference: tuple[Difference, ...] = ()
    difference_trend: Trend | None = None


@dataclass(frozen=True)
class Behavioural:
    """Refusal rates on triggers and levels (Table 2 of the paper).

    Attributes:
        arms: One a model; the first is the base.
        splits: Splits of the harmful prompts that the triggers belong to.
        n_triggers: Triggers asked about.
        reply_tokens: Length at which replies are cut.
    """

    arms: tuple[Arm, ...]
    splits: tuple[str, ...]
    n_triggers: int
    reply_tokens: int


@dataclass(frozen=True)
class Box:
    """Quartiles of a group, for a box plot.

    Attributes:
        n: Size of the group.
        low: 5th percentile.
        q1: First quartile.
        median: Median.
        q3: Third quartile.
        high: 95th percentile.
    """

    n: int
    low: float
    q1: float
    median: float
    q3: float
    high: float


@dataclass(frozen=True)
class Nearness:
    """How near prompts lie to a set of anchors: refused against answered.

    Attributes:
        position: Read position.
        anchors: ``trigger``, or ``control`` for prompts that are no triggers.
        k: Nearest anchors averaged over.
        centred: Whether the mean state was subtracted before the cosine (a large common part inflates raw cosines).
        refused: Scores of the refused prompts.
        answered: Scores of the answered ones.
        auc: How well the score tells refused from answered.
        auc_within: The same over pairs of prompts of one intent: what is left once intent is known.
        p: One-sided permutation p-value, labels shuffled within intents.
        auc_beyond_length: The same after the part that log length explains is taken off.
    """

    position: str
    anchors: str
    k: int
    centred: bool
    refused: Box
    answered: Box
    auc: Interval
    auc_within: Interval
    p: float
    auc_beyond_length: Interval


@dataclass(frozen=True)
class Representational:
    """Nearness to triggers in the residual stream (Figure 3 of the paper).

    Attributes:
        rows: Every read position, kind of anchors, k, raw and centred.
        beyond_control: (position, k, centred) → AUC with triggers minus AUC with control anchors, and its interval.
        n_anchors: Anchors of each kind.
        layers: Layers averaged over.
        length_auc: AUC of log length alone.
        scores: One row a prompt, for plots: columns ``id``, ``behaviour`` and one for every row, named
            ``position|anchors|k|raw`` or ``…|centred``.
    """

    rows: tuple[Nearness, ...]
    beyond_control: tuple[tuple[str, int, bool, Difference], ...]
    n_anchors: int
    layers: tuple[int, ...]
    length_auc: Interval
    scores: dict[str, list[float | str]]


@dataclass(frozen=True)
class Swap:
    """A change of prompts beside its control, on the same prompts.

    Attributes:
        kind: ``insertion`` (into harmless prompts that were answered) or ``removal`` (from refused prompts).
        n: Prompts with valid replies before, after and in the control.
        before: Refusal rate of the prompts as they were.
        after: With the trigger put in or taken out.
        control: With a random phrase of as many words put in, or another phrase of the same prompt taken out.
        change: ``after`` minus ``before``.
        control_change: ``control`` minus ``before``.
        beyond_control: ``after`` minus ``control``.
        p: Exact McNemar p-value of ``after`` against ``control``.
        score_change: Mean change of the refusal score ρ, and that of the control.
        rows: Per prompt: id, phrase, control phrase, behaviours before, after and in the control, the three texts.
    """

    kind: str
    n: int
    before: Rate
    after: Rate
    control: Rate
    change: Difference
    control_change: Difference
    beyond_control: Difference
    p: float
    score_change: tuple[Difference, Difference]
    rows: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Causal:
    """What putting triggers in and taking them out does.

    Attributes:
        insertion: None where no harmless prompt was answered.
        removal: None where no refused prompt holds a trigger.
        phrases: The triggers put in, the strongest first.
        notes: What was left out and why.
    """

    insertion: Swap | None
    removal: Swap | None
    phrases: tuple[str, ...]
    notes: tuple[str, ...] = ()
