"""One sequence of tokens, and which of them are to be predicted."""

from __future__ import annotations

from typing import NamedTuple

import torch


class Row(NamedTuple):
    """One rendered example."""

    input_ids: torch.Tensor
    """int64 [n]."""
    weights: torch.Tensor
    """float32 [n]: loss weight of each token as a target; 0 is not trained on. The first is always 0."""
    line: int
    """Physical line in the file, from 1."""

    @property
    def n_tokens(self) -> int:
        """Rendered tokens, those after the last target included."""
        return len(self.input_ids)

    @property
    def longest(self) -> int:
        """Tokens of the longest sequence in it: its own."""
        return self.n_tokens

    @property
    def n_targets(self) -> int:
        """Tokens under the loss."""
        return int(self.weights.count_nonzero())

    @property
    def target_places(self) -> torch.Tensor:
        """Places of the tokens under the loss: int64 [n_targets]."""
        return self.weights.nonzero(as_tuple=True)[0]
