"""The plain way: transformers with PEFT, one example after another, all logits, eager attention."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from peft import PeftModel

from tunesmith.model.base import load_model
from tunesmith.model.packed.row import Row
from tunesmith.train.rows import Pair


def peft_model(base: Path, adapter: Path, dtype: str) -> PeftModel:
    """The base with an adapter folder, trainable, as PEFT puts them together."""
    model = load_model(base, dtype=dtype, device="cpu")
    model.set_attn_implementation("eager")
    model.set_experts_implementation("eager")  # grouped products know no fp64
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # PEFT asks for an old name
        tuned = PeftModel.from_pretrained(model, str(adapter), is_trainable=True)
    return tuned.to(getattr(torch, dtype)).eval()


def plain_loss(model: torch.nn.Module, rows: Sequence[Row]) -> torch.Tensor:
    """Mean over the target tokens of all rows of weight · nll."""
    total = torch.zeros((), dtype=torch.float64)
    n_targets = 0
    for row in rows:
        logits = model(input_ids=row.input_ids[None], use_cache=False).logits[0, :-1]
        nll = F.cross_entropy(logits.double(), row.input_ids[1:], reduction="none")
        total = total + (nll * row.weights[1:]).sum()
        n_targets += int(row.weights[1:].count_nonzero())
    return total / n_targets


def plain_dpo_loss(
    policy: torch.nn.Module, reference: torch.nn.Module, pairs: Sequence[Pair], beta: float
) -> torch.Tensor:
    """Equation 7 of arXiv:2305.18290, over pairs."""

    def log_prob(model: torch.nn.Module, row: Row) -> torch.Tensor:
        return -plain_loss(model, [row]) * row.n_targets

    losses = []
    for pair in pairs:
        chosen, rejected = (
            log_prob(policy, row) - log_prob(reference, row).detach() for row in (pair.chosen, pair.rejected)
        )
        losses.append(-F.logsigmoid(beta * (chosen - rejected)))
    return torch.stack(losses).mean()


def lora_gradients(model: PeftModel) -> dict[str, torch.Tensor]:
    """Gradients by PEFT's names, without its prefix and the adapter's name."""
    return {
        name.removeprefix("base_model.model.").replace(".default.weight", ""): parameter.grad.double()
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
