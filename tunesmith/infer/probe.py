"""Finds out by numbers whether a family runs exactly over the cached attention, before it answers anybody.

Some families run without an error and are wrong: they never call the attention function, or carry state past
it. So a small model of the same class with random float32 weights answers twice: through `CachedRunner`,
prompts in chunks and neighbours in the batch, and plainly, each sequence alone through transformers' eager
attention. Right families differ by rounding.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

from tunesmith.infer.kv_cache import Block
from tunesmith.infer.runner import CachedRunner, keeps_logits
from tunesmith.infer.scheduler import Chunk
from tunesmith.infer.sequence import SamplingParams, Sequence

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

TOLERANCE = 1e-4
"""Largest relative difference of the logits; right families stay below 1e-5, wrong ones above 1e-3."""
_LENGTHS = (21, 5, 30)
_WINDOW = 8
_VOCABULARY = 256
_MOST_PARAMETERS = 200_000_000


def reaches_attention(model: PreTrainedModel, context: int = 0) -> str | None:
    """None when the cached way is exact for the model's class, else why it is not taken, as a sentence."""
    if (original := _rescales_beyond(model.config)) is not None and context > original:
        return f"its positions are scaled by the longest sequence of a batch beyond {original:,} tokens"
    if not keeps_logits(model):
        return "it cannot give the logits of chosen rows"
    try:
        twin = _small_twin(model)
    except Exception as error:  # any class of transformers may refuse a shrunk config, in any way
        return f"no small model of its class can be built for the probe ({_first_line(error)})"
    if twin is None:
        return "even a small model of its class is too large for the probe"
    try:
        difference = _difference(twin)
    except Exception as error:  # it does not run this way; that is an answer
        return f"it does not run over the cached attention ({_first_line(error)})"
    return (
        None if difference <= TOLERANCE else f"it would compute something else (difference {difference:.0e})"
    )


def _difference(twin: PreTrainedModel) -> float:
    """Relative difference of all next-token logits, prompts and two decoding steps included."""
    generator = torch.Generator().manual_seed(0)
    prompts = [torch.randint(3, _VOCABULARY, (n + 2,), generator=generator).tolist() for n in _LENGTHS]
    expected = [twin(input_ids=torch.tensor([tokens]), use_cache=False).logits[0] for tokens in prompts]
    runner = CachedRunner(twin, max_adapters=1)
    runner.attention.resize(64 * len(prompts))
    sequences = []
    for i, tokens in enumerate(prompts):
        sequence = Sequence(tokens, SamplingParams(max_tokens=1, prompt_logprobs=0))
        sequence.block = Block(64 * i, 64)
        sequences.append(sequence)
    parts: list[list[torch.Tensor]] = [[] for _ in prompts]
    half = [n // 2 for n in _LENGTHS]
    for spans in (
        [(0, half[0]), (0, half[1]), None],  # prompts in chunks, the third comes later
        [(half[0], _LENGTHS[0]), (half[1], _LENGTHS[1]), None],
        [(n, n + 1) for n in _LENGTHS[:2]]
        + [(0, _LENGTHS[2])],  # two decode while the third reads its prompt
        [None, (_LENGTHS[1] + 1, _LENGTHS[1] + 2), (_LENGTHS[2], _LENGTHS[2] + 1)],
        [(_LENGTHS[0] + 1, _LENGTHS[0] + 2), None, (_LENGTHS[2] + 1, _LENGTHS[2] + 2)],
    ):
        taken = [(i, *span) for i, span in enumerate(spans) if span is not None]
        chunks = [Chunk(sequences[i], start, end - start) for i, start, end in taken]
        for (i, _, _), rows in zip(taken, runner.forward(chunks), strict=True):
            parts[i].append(rows)
        if runner.attention.n_calls != twin.config.get_text_config().num_hidden_layers:
            raise NotImplementedError("not every layer's attention passes here")
    got = [torch.cat(rows) for rows in parts]
    return max(float((g - e).norm() / e.norm()) for g, e in zip(got, expected, strict=True))


def _rescales_beyond(config: PreTrainedConfig) -> int | None:
    """The length from which one sequence's positions would change its neighbours'; None for most families."""
    text = config.get_text_config()
    rope = getattr(text, "rope_parameters", None) or {}
    kinds = {rope.get("rope_type")} | {r.get("rope_type") for r in rope.values() if isinstance(r, dict)}
    if not kinds & {"dynamic", "longrope"}:
        return None
    return int(rope.get("original_max_position_embeddings") or text.max_position_embeddings)


def _small_twin(model: PreTrainedModel) -> PreTrainedModel | None:
    """A random float32 model of the same class: few layers, few tokens, short windows; None when it is not
    small."""
    config: PreTrainedConfig = copy.deepcopy(model.config)
    text = config.get_text_config()
    types = list(getattr(text, "layer_types", None) or [])
    n_layers = min(max(2, *(types.index(kind) + 1 for kind in types)), text.num_hidden_layers) if types else 2
    text.num_hidden_layers = n_layers
    if types:
        text.layer_types = types[:n_layers]
    small = {"vocab_size": _VOCABULARY, "sliding_window": _WINDOW, "attention_chunk_size": _WINDOW}
    for field, value in small.items():
        if getattr(text, field, None):
            setattr(text, field, value)
    for field in ("pad_token_id", "bos_token_id", "eos_token_id"):
        if getattr(text, field, None) is not None:
            setattr(text, field, 0)
    with torch.device("meta"):
        if sum(p.numel() for p in type(model)._from_config(config).parameters()) > _MOST_PARAMETERS:
            return None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        twin = type(model)._from_config(config, dtype=torch.float32, attn_implementation="eager").eval()
        for parameter in twin.parameters():
            if (
                parameter.ndim >= 2
            ):  # wider than a fresh model's, so that windows and caps matter in the result
                torch.nn.init.normal_(parameter, std=1.5 * parameter.shape[-1] ** -0.5)
    return twin


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
