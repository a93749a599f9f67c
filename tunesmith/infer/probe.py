"""Finds out by numbers whether a family runs exactly over the cached attention, before it answers anybody.

Some families run without an error and are wrong: they never call the attention function, or carry state past
it. So a small model of the same class with random float32 weights answers twice: through `CachedRunner`,
prompts in chunks and neighbours in the batch, and plainly, each sequence alone through transformers' eager
attention. Right families differ by rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tunesmith.infer.kv_cache import Block
from tunesmith.infer.runner import CachedRunner, keeps_logits
from tunesmith.infer.scheduler import Chunk
from tunesmith.infer.sequence import SamplingParams, Sequence
from tunesmith.model.twin import VOCABULARY, positions_scaled_beyond, twins

if TYPE_CHECKING:
    from transformers import PreTrainedModel

TOLERANCE = 1e-4
"""Largest relative difference of the logits; right families stay below 1e-5, wrong ones above 1e-3."""
_LENGTHS = (21, 5, 30)


def reaches_attention(model: PreTrainedModel, context: int = 0) -> str | None:
    """None when the cached way is exact for the model's class, else why it is not taken, as a sentence."""
    if (original := positions_scaled_beyond(model.config)) is not None and context > original:
        return f"its positions are scaled by the longest sequence of a batch beyond {original:,} tokens"
    if not keeps_logits(model):
        return "it cannot give the logits of chosen rows"
    reason = "no small model of its class can be built for the probe"
    for twin in twins(model):
        try:
            difference = _difference(twin)
        except Exception as error:  # it does not run this way; that is an answer
            reason = f"it does not run over the cached attention ({_first_line(error)})"
            continue
        wrong = f"it would compute something else (difference {difference:.0e})"
        return None if difference <= TOLERANCE else wrong
    return reason


def _difference(twin: PreTrainedModel) -> float:
    """Relative difference of all next-token logits, prompts and two decoding steps included."""
    generator = torch.Generator().manual_seed(0)
    prompts = [torch.randint(3, VOCABULARY, (n + 2,), generator=generator).tolist() for n in _LENGTHS]
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


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
