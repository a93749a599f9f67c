"""Finds out by numbers which way through a model is exact, before anything is trained.

Some families run packed without an error and are wrong: convolutions and recurrent states carry from
one example into the next, some masks never reach the attention function. So a shrunk model of the same
class, with random fp32 weights, computes the same few targets packed and one by one through
transformers' own eager attention. The packed way is taken when both agree, else one example at a time,
which is right for all.

Right families differ by less than 1e-6, wrong ones by more than 1e-3.
"""

from __future__ import annotations

import contextlib
import copy
from typing import TYPE_CHECKING, Any

import torch

from tunesmith.model.base import quiet_transformers
from tunesmith.train.forward import Forward, PackedForward, SingleForward
from tunesmith.train.losses import head_of
from tunesmith.train.rows import Row

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

_TOLERANCE = 1e-5
#: Lengths of the probe's examples; the longer ones pass the shrunk window and chunk.
_LENGTHS = (21, 5, 30, 14)
_WINDOW = 8
_VOCABULARY = 256
_MOST_PARAMETERS = 100_000_000

#: Sizes that a shrunk config gets where the family has the field. A family in which they do not fit
#: together is tried again with its own widths and few layers.
_SMALL: dict[str, int] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "head_dim": 16,
    "num_attention_heads": 4,
    "moe_intermediate_size": 32,
    "shared_expert_intermediate_size": 32,
    "num_experts": 4,
    "num_local_experts": 4,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
}


def choose_forward(model: PreTrainedModel, *, tokens_per_forward: int, longest: int) -> tuple[Forward, str]:
    """The fastest exact way through `model` for examples of up to `longest` tokens, and a sentence about it.

    Selects the attention in the model; call it before LoRA layers are put in.
    """
    with quiet_transformers():
        return _choose_forward(model, tokens_per_forward, longest)


def _choose_forward(model: PreTrainedModel, tokens_per_forward: int, longest: int) -> tuple[Forward, str]:
    stock = model.config._attn_implementation
    name = type(model).__name__
    reason = _position_scaling(model.config, longest)
    if reason is None:
        worst, reason = _packed_difference(model)
        if worst is not None and worst <= _TOLERANCE:
            head = head_of(model) if reason is None else None
            forward = PackedForward(model, head, tokens_per_forward=tokens_per_forward)
            return forward, f"{name}: examples are packed without padding (probe: difference {worst:.0e})"
    return SingleForward(model, stock), f"{name}: one example at a time, because {reason}"


def _packed_difference(model: PreTrainedModel) -> tuple[float | None, str | None]:
    """The difference with our own head, or with the model's and the reason; None where neither is right."""
    reason = "no shrunk model of its class can be built to prove packing exact"
    for small in _shrunk_configs(model.config):
        try:
            twin = _random_twin(type(model), small)
        except Exception:  # any class of transformers may refuse a shrunk config, in any way
            continue
        if twin is None:
            continue
        try:
            return _compare(twin)
        except Exception as error:  # it cannot run packed; that is an answer
            said = str(error).splitlines() or [type(error).__name__]
            reason = f"it does not run packed ({said[0]})"
    return None, reason


@torch.no_grad()
def _compare(twin: PreTrainedModel) -> tuple[float | None, str | None]:
    generator = torch.Generator().manual_seed(0)
    rows = []
    for line, length in enumerate(_LENGTHS, start=1):
        input_ids = torch.randint(3, _VOCABULARY, (length,), generator=generator)
        weights = torch.ones(length)
        weights[0] = 0
        rows.append(Row(input_ids, weights, line))
    expected = SingleForward(twin, "eager")(rows, 1.0).nll
    differences = []
    for head in (head_of(twin), None):
        packed = PackedForward(twin, head, tokens_per_forward=sum(_LENGTHS))
        nll = packed(rows, 1.0).nll
        differences.append(float((nll - expected).norm() / expected.norm()))
    own, models = differences
    if own <= _TOLERANCE:
        return own, None
    if models <= _TOLERANCE:
        return models, "its head is not a plain linear layer"
    return None, f"packed it computes something else (probe: difference {models:.0e})"


def _shrunk_configs(config: PreTrainedConfig) -> list[PreTrainedConfig]:
    """Configs of the same family, the smallest first, with windows shorter than the probe's examples."""
    few_layers = copy.deepcopy(config)
    text = few_layers.get_text_config()
    layers = _layers_that_show_all_types(text)
    _set(text, "num_hidden_layers", layers)
    if getattr(text, "layer_types", None):
        text.layer_types = list(text.layer_types)[:layers]
    for field in ("sliding_window", "attention_chunk_size"):
        if getattr(text, field, None):
            setattr(text, field, _WINDOW)
    _set(text, "vocab_size", _VOCABULARY)
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
    types = list(getattr(text, "layer_types", None) or [])
    all_types = max((types.index(kind) for kind in set(types)), default=0) + 1
    return min(max(2, all_types), text.num_hidden_layers)


def _set(config: Any, field: str, value: int) -> None:
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
        twin = model_class._from_config(config, dtype=torch.float32, attn_implementation="eager").eval()
        for parameter in twin.parameters():
            if parameter.ndim >= 2:
                # wider than a fresh model's 0.02, so that scores, caps and windows matter in the result
                torch.nn.init.normal_(parameter, std=1.5 * parameter.shape[-1] ** -0.5)
    return twin


def _position_scaling(config: PreTrainedConfig, longest: int) -> str | None:
    """Rotary embeddings that change with the row's longest position would let one example change another."""
    text = config.get_text_config()
    rope = getattr(text, "rope_parameters", None) or {}
    kinds = {rope.get("rope_type")} | {r.get("rope_type") for r in rope.values() if isinstance(r, dict)}
    original = rope.get("original_max_position_embeddings") or getattr(
        text, "original_max_position_embeddings", None
    )
    original = original or getattr(text, "max_position_embeddings", None) or longest
    if kinds & {"dynamic", "longrope"} and longest > original:
        return f"its positions are scaled by the longest example, and some pass {original:,} tokens"
    return None
