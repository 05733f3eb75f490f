"""The margin at every token of one prompt: where in the text, and from which layer on, the model tends to refuse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rasslib.boundary.margin import margins
from rasslib.boundary.run import Analysis
from rasslib.models.lens import Lens
from rasslib.models.tokens import PromptTokens


@dataclass(frozen=True, eq=False)
class TokenMargins:
    """Margins of all tokens of one rendered prompt.

    Attributes:
        tokens: Their visible texts, and which are the user's.
        z: [L, T] margins; NaN where a layer has no direction. Only the column :attr:`read` is what the axis was fitted
            at: elsewhere it is the same projection on the same scale, not a calibrated margin.
        read: Index of the token of the run's read position.
    """

    tokens: PromptTokens
    z: NDArray[np.float64]
    read: int

    def own(self) -> TokenMargins:
        """The user's tokens only, and the read position where it is one of them (else −1)."""
        start, end = self.tokens.start, self.tokens.end
        texts = self.tokens.texts[start:end]
        read = self.read - start if start <= self.read < end else -1
        return TokenMargins(PromptTokens(texts, 0, len(texts)), self.z[:, start:end], read)


def token_margins(lens: Lens, run: Analysis, prompt: str) -> TokenMargins:
    """Read every token of a prompt and project it on the run's axis, layer by layer.

    Raises:
        ModelError: Activations that are not finite, or a prompt longer than the context.
    """
    tokens = lens.tokens(prompt)
    directions = run.directions[run.axis]
    z = np.full((run.n_layers, len(tokens.texts)), np.nan)

    def take(layer: int, states: Tensor) -> None:
        z[layer] = margins(states[:, None].float(), [directions[layer]])[:, 0]

    lens.each_layer(prompt, take)
    return TokenMargins(tokens, z, len(tokens.texts) - lens.positions[run.position])
