"""Exact attention over a packed row: each token sees its own example up to itself, and nothing else.

Registered with transformers' AttentionInterface, so that the architectures stay unmodified. No mask
function is registered beside it, so transformers builds no mask; the layout (`forest.py`) arrives as the
keyword `forest` of the model's forward, or, where a model does not hand keywords down, by `laid_out`.
Three ways compute the same: the native kernel where it can be built, torch's own attention where examples
share nothing, and `shared_attention.py`. Whether a family really routes everything through here is for
the probe to find out. The engine's cached attention is `cached_attention.py`'s.

Shapes: T = tokens in the packed row, H = query heads, K = key/value heads, D and Dv = head widths.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from tunesmith.model.flat_attention import flat_attention
from tunesmith.model.forest import Forest
from tunesmith.model.native_attention import native_attention, native_is_used
from tunesmith.model.shared_attention import Terms, shared_attention

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: The name under which transformers knows this attention.
FOREST = "tunesmith_forest"

_laid_out: list[Forest] = []


def use_forest_attention(model: PreTrainedModel) -> None:
    """Selects this attention in a transformers model; every forward then needs `forest=`."""
    from transformers import AttentionInterface

    AttentionInterface.register(FOREST, forest_attention)
    model.set_attn_implementation(FOREST)


@contextlib.contextmanager
def laid_out(forest: Forest) -> Iterator[None]:
    """Within it a model that drops the keyword `forest` on its way down attends over this one."""
    _laid_out.append(forest)
    try:
        yield
    finally:
        _laid_out.pop()


def layout_of_now() -> Forest | None:
    """What is `laid_out` now, for layers that are computed again in the backward pass."""
    return _laid_out[-1] if _laid_out else None


def forest_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: torch.Tensor | None = None,
    forest: Forest | None = None,
    **other: Any,
) -> tuple[torch.Tensor, None]:
    """transformers' signature: query [1, H, T, D], key and value [1, K, T, D] -> ([1, T, H, Dv], None).

    `softcap` is Gemma 2's tanh on the scores, `s_aux` GPT-OSS's sink per head. What a model asks for
    beyond these raises NotImplementedError, never a silently wrong result.
    """
    forest = forest or (_laid_out[-1] if _laid_out else None)
    if forest is None:
        raise NotImplementedError("this model does not hand the packed layout down to its attention")
    if attention_mask is not None or other.get("position_bias") is not None:
        raise NotImplementedError("this model adds a mask or bias of its own to the scores")
    if query.shape[0] != 1 or query.shape[2] != forest.n_tokens or key.shape[2] != forest.n_tokens:
        raise NotImplementedError("this model's attention does not see the packed row as it is")
    if dropout:
        raise NotImplementedError("attention dropout is not supported")
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    q, k, v = (heads[0].transpose(0, 1) for heads in (query, key, value))  # [T, heads, D], views
    terms = Terms(scale, sliding_window or None, softcap)
    plain = flat_attention if forest.is_flat else shared_attention
    attend = native_attention if native_is_used(q.device, q.dtype) else plain
    return attend(q, k, v, forest, terms, s_aux)[None], None
