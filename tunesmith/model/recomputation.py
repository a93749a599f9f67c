"""Activation checkpointing (arXiv:1604.06174): of each layer only the input is kept, the rest is computed
again in the backward pass.

It takes a tenth to a third more time and a fraction of the memory, and changes no bit of a result.
transformers' own switch works in training mode only, where dropout would come to life; so the layers that it
means are wrapped here, and the model stays in evaluation mode.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.checkpoint import checkpoint

from tunesmith.model.attention import laid_out, layout_of_now
from tunesmith.model.forest import Forest
from tunesmith.model.fused import fused_pass
from tunesmith.model.lora import LoraStack

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: Values kept for the backward pass per value that a linear layer gives; measured: 1.9 (GPT-NeoX),
#: 2.1 (Llama), 2.4 (Qwen 3), 2.5 (Gemma 2).
_KEPT_PER_OUTPUT = 2.5
#: Part of the free memory that kept values may take.
_PART_OF_FREE = 0.6


def recompute_layers(model: PreTrainedModel) -> int:
    """Lets each layer of `model` keep its input alone; gives the number of layers that can."""
    from transformers.modeling_layers import GradientCheckpointingLayer

    layers = [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
    for layer in layers:
        layer.forward = _recomputed(layer.forward)
    return len(layers)


def _recomputed(forward: Callable[..., Any]) -> Callable[..., Any]:
    def keeping_the_input(*inputs: Any, **options: Any) -> Any:
        if not torch.is_grad_enabled():
            return forward(*inputs, **options)
        return checkpoint(
            partial(forward, **options),
            *inputs,
            use_reentrant=False,
            preserve_rng_state=False,  # nothing is random
            context_fn=lambda: (contextlib.nullcontext(), _as_now()),
        )

    return keeping_the_input


def _as_now() -> contextlib.AbstractContextManager[object]:
    """What is around the forward pass now, for the backward pass, which runs outside of it."""
    forest = layout_of_now()
    return contextlib.nullcontext() if forest is None else _packed(forest)


@contextlib.contextmanager
def _packed(forest: Forest) -> Iterator[None]:
    with laid_out(forest), fused_pass():
        yield


def is_needed(model: PreTrainedModel, stack: LoraStack, n_tokens: int) -> bool:
    """Whether what `n_tokens` tokens leave for the backward pass takes too much of the free memory."""
    free = _free_bytes(model.device)
    routes = getattr(model.config.get_text_config(), "num_experts_per_tok", None) or 1
    width = sum(layer.out_features * (routes if layer.n_experts else 1) for layer in stack.layers.values())
    kept = _KEPT_PER_OUTPUT * width * n_tokens * stack.compute.element_size()
    return free is not None and kept > _PART_OF_FREE * free


def _free_bytes(device: torch.device) -> int | None:
    """Memory that can be had on `device`; None where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        free = _number("/proc/meminfo", "MemAvailable:") * 1024
    except (OSError, ValueError):
        return None
    group = Path("/sys/fs/cgroup")
    with contextlib.suppress(OSError, ValueError):  # no limit is the word "max", which is no number
        limit = int((group / "memory.max").read_text())
        free = min(free, limit - _number(group / "memory.stat", "anon"))
    return free


def _number(path: str | Path, name: str) -> int:
    """The number behind `name` in a file of such lines. Raises ValueError when it is not there."""
    lines = (line.split() for line in Path(path).read_text().splitlines())
    found = next((words[1] for words in lines if words[:1] == [name]), "")
    return int(found)
