"""Tiny random models of several families, and engines on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import transformers

from tunesmith.infer.engine import Engine, Output
from tunesmith.infer.kv_cache import TokenPlaces
from tunesmith.infer.prefix_cache import PrefixCache
from tunesmith.infer.runner import CachedRunner, PlainRunner, Runner
from tunesmith.infer.scheduler import Scheduler
from tunesmith.infer.sequence import SamplingParams, Sequence

N_VOCAB = 300
SIZES: dict[str, Any] = {
    "vocab_size": N_VOCAB,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
ALTERNATING = ["sliding_attention", "full_attention"]
FAMILIES: dict[str, dict[str, Any]] = {
    "Llama": {},
    "Qwen2": {},  # biases on q, k and v
    "Qwen3": {"head_dim": 16},
    "Mistral": {"sliding_window": 12},
    "Gemma": {"head_dim": 16, "num_key_value_heads": 1},
    "Gemma2": {"head_dim": 16, "sliding_window": 12, "layer_types": ALTERNATING},
    "Gemma3Text": {"head_dim": 16, "sliding_window": 12, "layer_types": ALTERNATING},
    "Phi3": {},
    "Qwen3Moe": {"head_dim": 16, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32},
    "GptOss": {"head_dim": 16, "sliding_window": 12, "num_local_experts": 4, "num_experts_per_tok": 2},
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tiny_model(family: str = "Qwen3", **config: Any) -> transformers.PreTrainedModel:
    """Weights wider than a fresh model's, so that its answers are varied."""
    model_class = getattr(transformers, family.removesuffix("Text") + "ForCausalLM")
    settings = {**SIZES, **FAMILIES.get(family, {}), **config}
    torch.manual_seed(0)
    model = model_class(getattr(transformers, family + "Config")(**settings)).eval().requires_grad_(False)
    for parameter in model.parameters():
        if parameter.ndim > 1:
            parameter.normal_(std=1.5 * parameter.shape[-1] ** -0.5)
    return model


def engine_of(
    model: transformers.PreTrainedModel,
    *,
    plain: bool = False,
    n_places: int = 4096,
    prefix_pages: int = 0,
    **limits: int,
) -> Engine:
    with torch.inference_mode():
        runner: Runner
        if plain:
            runner = PlainRunner(model, max_adapters=8)
        else:
            runner = CachedRunner(model, max_adapters=8)
            runner.attention.resize(n_places)
    settings = {"max_running": 16, "max_step_tokens": 48, "max_logprob_rows": 32, **limits}
    prefixes = PrefixCache(runner.attention, prefix_pages) if isinstance(runner, CachedRunner) else None
    return Engine(Scheduler(TokenPlaces(n_places), **settings), runner, prefixes)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return engine_of(tiny_model())


def sequence(prompt: list[int], adapter: Any = None, **params: Any) -> Sequence:
    params = {"max_tokens": 12, "temperature": 0.0, **params}
    return Sequence(prompt, SamplingParams(**params), adapter)


def drain(
    engine: Engine, sequences: list[Sequence], before_step: Callable[[int], None] = lambda step: None
) -> list[Output]:
    """Run to the end; gives all outputs."""
    for one in sequences:
        engine.scheduler.add(one)
    outputs: list[Output] = []
    step = 0
    while engine.scheduler.has_work:
        before_step(step)
        outputs += engine.step()
        step += 1
    return outputs


def generated(one: Sequence) -> list[int]:
    return one.token_ids[one.n_prompt :]


@torch.inference_mode()
def plainly(model: Any, prompt: list[int], n: int) -> list[int]:
    """Greedy decoding by the stock model, one forward pass over everything per token."""
    tokens = list(prompt)
    for _ in range(n):
        tokens.append(int(model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0, -1].argmax()))
    return tokens[len(prompt) :]
