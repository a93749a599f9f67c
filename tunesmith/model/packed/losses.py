"""Cross entropy at target tokens only: the head sees no other row, and logits live one chunk at a time.

Each target's gradient with respect to its hidden row is made together with its loss, and scaled in the
backward pass by whatever the objective makes of that loss; so logits are never kept for the backward
pass nor computed twice. The head itself is frozen. What the losses add up to is `train/objectives.py`'s.

Shapes: N = targets, D = model width, V = vocabulary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F

from tunesmith.model import native
from tunesmith.model.native_attention import native_is_used

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: Logits made at once; 16 million are 64 MB in fp32.
_CHUNK_LOGITS = 16_000_000


class TargetLoss(NamedTuple):
    """The loss of some targets, one by one."""

    nll: torch.Tensor
    """fp32 [N] (fp64 from an fp64 model), differentiable: negative log-likelihoods in nats."""
    correct: torch.Tensor
    """bool [N]: whether the target was the model's first choice."""


class Head(NamedTuple):
    """From a hidden row to logits: `softcap · tanh(multiplier · (h Wᵀ + b) / softcap)`."""

    weight: torch.Tensor
    """[V, D]."""
    bias: torch.Tensor | None
    """[V]."""
    multiplier: float
    """1 but for Granite and Cohere, which scale their logits."""
    softcap: float | None
    """Gemma 2's bound on its logits; None is none."""


def head_of(model: PreTrainedModel) -> Head | None:
    """The head of a causal LM as its config describes it; None when it has no plain linear head."""
    linear = model.get_output_embeddings()
    if not isinstance(linear, torch.nn.Linear):
        return None
    config = model.config.get_text_config()
    scaling = getattr(config, "logits_scaling", None)  # Granite divides
    scale = getattr(config, "logit_scale", None)  # Cohere multiplies
    multiplier = 1 / scaling if scaling else scale or 1.0
    return Head(linear.weight, linear.bias, multiplier, getattr(config, "final_logit_softcapping", None))


def loss_from_hidden(hidden: torch.Tensor, head: Head, targets: torch.Tensor) -> TargetLoss:
    """Hidden rows [N, D] (after the last norm) and target ids [N] -> TargetLoss."""
    return TargetLoss(*_CrossEntropyAtTargets.apply(hidden, head, targets))


def loss_from_logits(logits: torch.Tensor, targets: torch.Tensor) -> TargetLoss:
    """The same from logits [N, V] that the model made itself; they are kept for the backward pass."""
    logits = _widened(logits)
    nll = F.cross_entropy(logits, targets, reduction="none")
    return TargetLoss(nll, logits.max(-1).indices == targets)


def _widened(logits: torch.Tensor) -> torch.Tensor:
    return logits if logits.dtype == torch.float64 else logits.float()


def _cross_entropy(
    logits: torch.Tensor, targets: torch.Tensor, wants_gradient: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Losses, hits, and with `wants_gradient` d nll / d logits = softmax - onehot; the logits are used up."""
    if native_is_used(logits.device, logits.dtype):
        kernel = native.load()
        assert kernel is not None
        return *kernel.cross_entropy(logits.contiguous(), targets, gradient=wants_gradient), logits
    # widened first: 0.16 ms against 0.73 ms for 61 x 4,096 logits on one core; max beats argmax likewise
    log_p = F.log_softmax(_widened(logits), -1)
    nll = -log_p.gather(1, targets[:, None])[:, 0]
    correct = log_p.max(-1).indices == targets
    if wants_gradient:
        log_p.exp_().scatter_add_(1, targets[:, None], log_p.new_full((len(targets), 1), -1))
    return nll, correct, log_p


class _CrossEntropyAtTargets(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, head: Head, targets: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        wants_gradient = ctx.needs_input_grad[0]
        chunk = max(1, _CHUNK_LOGITS // head.weight.shape[0])
        nlls, hits, grads = [], [], []
        for h, target in zip(hidden.split(chunk), targets.split(chunk), strict=True):
            logits = F.linear(h, head.weight, head.bias)
            if head.multiplier != 1:
                logits = logits * head.multiplier
            if head.softcap is not None:
                logits = torch.tanh(logits / head.softcap) * head.softcap
            capped = logits / head.softcap if head.softcap is not None and wants_gradient else None
            nll, correct, grad = _cross_entropy(logits, target, wants_gradient)
            nlls.append(nll)
            hits.append(correct)
            if wants_gradient:
                if capped is not None:
                    grad = grad * (1 - capped.to(grad.dtype) ** 2)
                if head.multiplier != 1:
                    grad = grad * head.multiplier
                grads.append(grad.to(h.dtype) @ head.weight)
        nll, correct = torch.cat(nlls), torch.cat(hits)
        if wants_gradient:
            ctx.save_for_backward(torch.cat(grads))
        ctx.mark_non_differentiable(correct)
        return nll, correct

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (grad_hidden,) = ctx.saved_tensors
        return grad_hidden * grads[0].to(grad_hidden.dtype)[:, None], None, None
