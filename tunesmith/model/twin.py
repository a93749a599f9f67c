"""Small random models of the same class as a given one, for finding out by numbers what its class can do.

A family is judged on a twin with few layers, few tokens and short windows, in fp32: whatever the class does
shows there in milliseconds, and exactly.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

#: Sliding window and attention chunk of a twin that has them; examples longer than this pass both.
WINDOW = 8
#: Token ids of a twin are below this.
VOCABULARY = 256
_MOST_PARAMETERS = 200_000_000

#: Fields that say of each layer what it is.
_LAYER_KINDS = ("layer_types", "mlp_layer_types")
#: How many layers come before the first that is a mixture.
_DENSE_LAYERS_FIRST = ("first_k_dense_replace", "num_dense_layers")
#: Sizes that a shrunk config gets where the family has the field. A family in which they do not fit
#: together is tried again with its own widths and few layers.
_SMALL: dict[str, int] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "head_dim": 32,
    "num_attention_heads": 4,
    "moe_intermediate_size": 32,
    "shared_expert_intermediate_size": 32,
    "num_experts": 4,
    "num_local_experts": 4,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
}


def twins(model: PreTrainedModel) -> Iterator[PreTrainedModel]:
    """Small random models of the same class, the smallest first; none when none can be built."""
    for config in _shrunk_configs(model.config):
        try:
            twin = _random_twin(type(model), config)
        except Exception:  # any class of transformers may refuse a shrunk config, in any way
            continue
        if twin is not None:
            yield twin


def _shrunk_configs(config: PreTrainedConfig) -> list[PreTrainedConfig]:
    """Configs of the same family, the smallest first, with windows shorter than the probe's examples."""
    few_layers = copy.deepcopy(config)
    text = few_layers.get_text_config()
    layers = _layers_that_show_all_types(text)
    _set(text, "num_hidden_layers", layers)
    for field in _LAYER_KINDS:
        if getattr(text, field, None):
            _set(text, field, list(getattr(text, field))[:layers])
    for field in _DENSE_LAYERS_FIRST:
        _set(text, field, min(getattr(text, field, None) or 0, 1))
    for field in ("sliding_window", "attention_chunk_size"):
        if getattr(text, field, None):
            setattr(text, field, WINDOW)
    _set(text, "vocab_size", VOCABULARY)
    _set(text, "max_window_layers", min(getattr(text, "max_window_layers", 0) or 0, layers))
    for field in ("pad_token_id", "bos_token_id", "eos_token_id"):
        _set(text, field, 0)
    small = copy.deepcopy(few_layers)
    text = small.get_text_config()
    heads = getattr(text, "num_attention_heads", None)
    kv_heads = getattr(text, "num_key_value_heads", None)
    if heads and kv_heads:
        text.num_key_value_heads = 4 if kv_heads == heads else 1 if kv_heads == 1 else 2
    for field, value in _SMALL.items():
        if getattr(text, field, None):
            _set(text, field, value)
    return [small, few_layers]


def _layers_that_show_all_types(text: PreTrainedConfig) -> int:
    kinds = [list(getattr(text, field, None) or []) for field in _LAYER_KINDS]
    all_kinds = max((of_layers.index(kind) + 1 for of_layers in kinds for kind in of_layers), default=0)
    return min(max(2, all_kinds), text.num_hidden_layers)


def _set(config: Any, field: str, value: int | list[str]) -> None:
    if getattr(config, field, None) is not None:
        with contextlib.suppress(AttributeError):  # some families compute a field from others
            setattr(config, field, value)


def _random_twin(model_class: type[PreTrainedModel], config: PreTrainedConfig) -> PreTrainedModel | None:
    """A random fp32 model; None when it would be too large to be a cheap probe."""
    with torch.device("meta"):
        size = sum(p.numel() for p in model_class._from_config(config).parameters())
    if size > _MOST_PARAMETERS:
        return None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        twin = model_class._from_config(config, dtype=torch.float32, attn_implementation="eager")
        twin.eval().requires_grad_(False)
        for parameter in twin.parameters():
            if parameter.ndim >= 2:
                # wider than a fresh model's 0.02, so that scores, caps and windows matter in the result
                torch.nn.init.normal_(parameter, std=1.5 * parameter.shape[-1] ** -0.5)
    return twin


def positions_scaled_beyond(config: PreTrainedConfig) -> int | None:
    """The length beyond which the longest example of a row changes the others' positions; None for most.

    Rotary embeddings of these kinds are computed for a whole row at a time.
    """
    text = config.get_text_config()
    rope = getattr(text, "rope_parameters", None) or {}
    kinds = {rope.get("rope_type")} | {r.get("rope_type") for r in rope.values() if isinstance(r, dict)}
    if not kinds & {"dynamic", "longrope"}:
        return None
    original = rope.get("original_max_position_embeddings") or getattr(
        text, "original_max_position_embeddings", None
    )
    return int(original or text.max_position_embeddings)
