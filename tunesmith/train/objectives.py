"""What is minimised: the mean loss of target tokens, or DPO's loss of preference pairs (arXiv:2305.18290).

An objective takes a batch and yields it part by part, each part's share of the batch's mean loss and
metrics; so a batch that is split has the loss and the gradient of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F

from tunesmith.model.packed.forward import Forward
from tunesmith.model.packed.row import Row
from tunesmith.train.batches import split
from tunesmith.train.rows import Pair


class Part(NamedTuple):
    """Some examples of a batch, through the model."""

    loss: torch.Tensor
    """Scalar, differentiable: their share of the batch's loss."""
    shares: dict[str, torch.Tensor]
    """Their share of each of the batch's metrics; detached scalars."""


Objective = Callable[[Forward, Sequence[Any]], Iterator[Part]]


def supervised(forward: Forward, batch: Sequence[Row]) -> Iterator[Part]:
    """The mean over the batch's target tokens of weight · nll, in nats."""
    n_targets = sum(row.n_targets for row in batch)
    for rows in split(batch, forward.tokens_at_once):
        nll, correct = forward(rows)
        weights = torch.cat([row.weights[row.target_places] for row in rows]).to(nll.device)
        loss = (nll * weights).sum() / n_targets
        yield Part(loss, {"loss": loss.detach(), "mean_token_accuracy": correct.sum() / n_targets})


def preferences(beta: float) -> Objective:
    """DPO's loss: the mean over pairs of `-log sigmoid(reward(chosen) - reward(rejected))`.

    A reply's reward is beta times the log of its probability over the reference's. The objective's pairs
    bear their reference (`with_reference`); accuracy is that of the chosen replies' tokens.
    """

    def objective(forward: Forward, batch: Sequence[Pair]) -> Iterator[Part]:
        n_chosen = sum(pair.chosen.n_targets for pair in batch)
        for pairs in split(batch, forward.tokens_at_once):
            log_probs, n_correct = _log_probs(*forward(_sides(pairs)), pairs)
            reference = torch.tensor([pair.reference for pair in pairs], dtype=torch.float64)
            rewards = beta * (log_probs - reference.to(log_probs.device))
            margins = rewards[:, 0] - rewards[:, 1]
            loss = -F.logsigmoid(margins).sum() / len(batch)
            margins = margins.detach()
            yield Part(
                loss,
                {
                    "loss": loss.detach(),
                    "mean_token_accuracy": n_correct / n_chosen,
                    "reward_margin": margins.sum() / len(batch),
                    "reward_accuracy": (margins > 0).sum() / len(batch),
                },
            )

    return objective


@torch.no_grad()
def with_reference(
    forward: Forward, batches: Iterable[Sequence[Pair]], alive: Callable[[], None] = lambda: None
) -> dict[int, Pair]:
    """By line, the pairs with the log-probabilities of their replies under the model as it is.

    Called before the first step, when the policy still is the reference: the base, or the adapter that is
    tuned on. `batches` are those of the first epoch, so that the first losses compare values that were
    computed alike, to the last bit, and not two roundings. `alive` is called after each part.
    """
    measured = {}
    for batch in batches:
        for pairs in split(batch, forward.tokens_at_once):
            table = _log_probs(*forward(_sides(pairs)), pairs)[0].tolist()
            for pair, (chosen, rejected) in zip(pairs, table, strict=True):
                measured[pair.line] = pair._replace(reference=(chosen, rejected))
            alive()
    return measured


def _sides(pairs: Sequence[Pair]) -> list[Row]:
    return [row for pair in pairs for row in (pair.chosen, pair.rejected)]


def _log_probs(
    nll: torch.Tensor, correct: torch.Tensor, pairs: Sequence[Pair]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities of the replies, fp64 [P, 2], and how many tokens of the chosen ones were right.

    They are sums of many terms, whose small differences count: hence fp64.
    """
    sizes = [row.n_targets for row in _sides(pairs)]
    sums = torch.stack([tokens.sum() for tokens in nll.double().split(sizes)])
    n_correct = torch.stack([tokens.sum() for tokens in correct.split(sizes)[::2]]).sum()
    return -sums.view(-1, 2), n_correct


def scores(shares: Iterable[dict[str, torch.Tensor]]) -> dict[str, float]:
    """A batch's metrics from its parts' shares, added up in fp64."""
    total: dict[str, float] = {}
    for part in shares:
        for name, share in part.items():
            total[name] = total.get(name, 0.0) + float(share)
    return total


@torch.no_grad()
def evaluate(
    objective: Objective,
    forward: Forward,
    examples: Sequence[Any],
    alive: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """Metrics of examples that are never trained on, part by part, so memory does not grow with their
    number; `alive` is called after each part."""
    shares = []
    for part in objective(forward, examples):
        shares.append(part.shares)
        alive()
    return scores(shares)


def slice_for_step(examples: Sequence[Any], step: int, size: int) -> list[Any]:
    """At most `size` validation examples for step `step` (from 1), in turns through the whole file."""
    size = min(size, len(examples))
    first = (step - 1) * size
    return [examples[(first + i) % len(examples)] for i in range(size)]
