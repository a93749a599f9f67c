"""AdamW on an adapter's flat buffer, with gradient clipping and a linear schedule.

The whole adapter is one tensor, so a step is a handful of operations however many layers there are.
"""

from __future__ import annotations

import math

import torch

from tunesmith.model.lora import LoraStack
from tunesmith.train.config import TrainConfig


def learning_rate_at(step: int, *, peak: float, total_steps: int, warmup_fraction: float) -> float:
    """Rate of optimizer step `step` (from 1): linear warm-up to `peak`, then linear decay.

    The first step is above zero, and zero would be reached by the step after the last.
    """
    warmup_steps = math.ceil(warmup_fraction * total_steps)
    if step <= warmup_steps:
        return peak * step / warmup_steps
    return peak * (total_steps - step + 1) / (total_steps - warmup_steps)


class Optimizer:
    """Moves a LoraStack's masters and renews its copies in compute precision."""

    def __init__(self, stack: LoraStack, config: TrainConfig, *, total_steps: int) -> None:
        self._stack = stack
        self._config = config
        self._total_steps = total_steps
        self._adamw = torch.optim.AdamW(
            [stack.weights],
            lr=config.learning_rate,
            betas=(config.adam_beta1, config.adam_beta2),
            eps=config.adam_epsilon,
            weight_decay=config.weight_decay,
            fused=stack.weights.device.type in ("cpu", "cuda"),
        )

    def learning_rate(self, step: int) -> float:
        """Rate that step `step` (from 1) is made with."""
        return learning_rate_at(
            step,
            peak=self._config.learning_rate,
            total_steps=self._total_steps,
            warmup_fraction=self._config.warmup_fraction,
        )

    def clip(self) -> float:
        """Scales the gradient down to `max_grad_norm`; gives its L2 norm before that."""
        gradient = self._stack.weights.grad
        assert gradient is not None
        norm = float(torch.linalg.vector_norm(gradient))
        if norm > self._config.max_grad_norm:
            gradient.mul_(self._config.max_grad_norm / norm)
        return norm

    def step(self, step: int) -> None:
        """Makes step `step` (from 1) with the gradient that is there, and clears the gradient."""
        self._adamw.param_groups[0]["lr"] = self.learning_rate(step)
        self._adamw.step()
        self._stack.refresh()
        self._stack.zero_grad()

    def state(self) -> dict[str, torch.Tensor]:
        """AdamW's moments and its step count; empty before the first step."""
        return dict(self._adamw.state.get(self._stack.weights, {}))

    def load(self, state: dict[str, torch.Tensor]) -> None:
        """Takes over what `state` gave."""
        device = self._stack.weights.device
        self._adamw.state[self._stack.weights] = {
            name: value.clone() if name == "step" and device.type == "cpu" else value.to(device, copy=True)
            for name, value in state.items()
        }
