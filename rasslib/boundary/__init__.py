"""The safety decision boundary: directions, margin and band, statistics, choice of layer, maps.

Where to find which equation:

========================================  ============================================
difference of means                       :mod:`rasslib.boundary.directions`
margin z, band abs(z) ≤ τ                 :mod:`rasslib.boundary.margin`
AUC, its interval, random-direction nulls :mod:`rasslib.boundary.statistics`
layer by validation AUC                   :mod:`rasslib.boundary.choice`
UMAP and PCA                              :mod:`rasslib.boundary.projection`
centred cosine                            :mod:`rasslib.boundary.neighbours`
directions on disk                        :mod:`rasslib.boundary.storage`
========================================  ============================================
"""

from rasslib.boundary.choice import LayerChoice, choose_layer, eligible_layers
from rasslib.boundary.directions import CLASSES, Direction, difference_in_means, fit_axis
from rasslib.boundary.margin import DEFAULT_TAU, in_band, margins, projections
from rasslib.boundary.neighbours import Neighbours, nearest
from rasslib.boundary.projection import Projection, project_2d
from rasslib.boundary.statistics import (
    STABLE_COSINE,
    Interval,
    auc,
    bootstrap_auc,
    permuted_label_auc,
    random_direction_auc,
    split_half_cosine,
)
from rasslib.boundary.storage import load_directions, save_directions

__all__ = [
    "CLASSES",
    "DEFAULT_TAU",
    "STABLE_COSINE",
    "Direction",
    "Interval",
    "LayerChoice",
    "Neighbours",
    "Projection",
    "auc",
    "bootstrap_auc",
    "choose_layer",
    "difference_in_means",
    "eligible_layers",
    "fit_axis",
    "in_band",
    "load_directions",
    "margins",
    "nearest",
    "permuted_label_auc",
    "project_2d",
    "projections",
    "random_direction_auc",
    "save_directions",
    "split_half_cosine",
]
