"""From a base's folder and the machine's memory to an engine that can answer."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from tunesmith.infer.engine import Engine
from tunesmith.infer.kv_cache import SMALLEST_BLOCK, TokenPlaces
from tunesmith.infer.pooling import Pooling, pooling_of
from tunesmith.infer.prefix_cache import PAGE_TOKENS, PrefixCache
from tunesmith.infer.probe import reaches_attention
from tunesmith.infer.runner import CachedRunner, PlainRunner, Runner
from tunesmith.infer.scheduler import Scheduler
from tunesmith.infer.sequence import SamplingParams, Sequence
from tunesmith.model.base import load_model, pick_device, use_threads

if TYPE_CHECKING:
    from transformers import PreTrainedModel

log = logging.getLogger(__name__)

FP32_BELOW = 300_000_000
"""Parameters below which a CPU computes in float32: it is exact, and no slower where kernels' overhead counts
(nano, 16 rows over 8 adapters, one AMX core: 12.5 ms a step, 13.8 ms in bfloat16)."""


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """What an engine needs to know."""

    base: Path
    dtype: str = "auto"
    """auto, float32 or bfloat16; auto is float32 for small models on a CPU, else as stored."""
    device: str = "auto"
    threads: int | None = None
    """CPU threads at most; a model too small to gain by them uses one."""
    max_running: int = 64
    """Sequences that compute together."""
    max_waiting: int = 1024
    """Requests that may wait for their turn; beyond it they are refused."""
    max_step_tokens: int = 512
    """Tokens of one step, prompts' chunks included: bounds how long an answer pauses for new prompts."""
    max_adapters: int = 1024
    """Adapters in memory; beyond it the one not used for longest is dropped."""
    kv_cache_bytes: int | None = None
    """Memory of the key/value cache at most; by default a quarter of the memory, on a GPU half of what is
    free."""
    prefix_cache_bytes: int | None = None
    """Memory for beginnings of prompts that may come again; by default a quarter of the key/value cache's, 0
    for none."""
    max_context: int | None = None
    """Longest prompt with its answer, in tokens; by default the base's context."""


@dataclass
class Assembled:
    """An engine, and what its server must know about the base."""

    engine: Engine
    n_vocab: int
    context_length: int
    eos_token_ids: Collection[int] = field(default_factory=frozenset)
    pooling: Pooling | None = None
    """How texts become vectors; None where the family does not give its hidden states."""


def assemble(config: EngineConfig) -> Assembled:
    """Load the base, decide how to run it, size the cache, and answer once so that the first chat is quick.

    Raises BaseUnavailable when the base cannot be loaded.
    """
    device = pick_device(config.device)
    model = load_model(config.base, dtype=_stored_dtype(config), device=device)
    n_parameters = sum(p.numel() for p in model.parameters())
    if config.dtype == "auto" and device.type == "cpu" and n_parameters < FP32_BELOW:
        model = model.float()
    use_threads(model, config.threads)
    text = model.config.get_text_config()
    context = min(config.max_context or 2**31, getattr(text, "max_position_embeddings", None) or 8192)
    with torch.inference_mode():
        runner, n_places, bytes_per_place = _runner(model, config, context)
    places = TokenPlaces(n_places)
    scheduler = Scheduler(
        places,
        max_running=config.max_running,
        max_step_tokens=max(config.max_step_tokens, config.max_running),
        max_logprob_rows=max(16, 16_000_000 // text.vocab_size),
    )
    prefixes = None
    if isinstance(runner, CachedRunner):
        n_bytes = config.prefix_cache_bytes
        if n_bytes is None:
            n_bytes = places.capacity * bytes_per_place // 4
        prefixes = PrefixCache(runner.attention, n_bytes // (PAGE_TOKENS * bytes_per_place))
    engine = Engine(scheduler, runner, prefixes)
    pooling = _warm_up(engine, pooling_of(config.base))
    if context > places.largest:
        log.warning("the key/value cache holds %d tokens; longer requests are refused", places.largest)
    log.info("%s: %d token places, %s, %s", type(runner).__name__, places.capacity, model.dtype, device)
    return Assembled(engine, text.vocab_size, min(context, places.largest), _eos_token_ids(model), pooling)


def _runner(model: PreTrainedModel, config: EngineConfig, context: int) -> tuple[Runner, int, int]:
    """The cached way when the probe finds it exact, else the plain one; the token places, and the bytes of
    one."""
    largest = 1 << (context - 1).bit_length()
    wanted = config.max_running * largest
    reason = reaches_attention(model, context)
    if reason is not None:
        log.warning("%s is served the slow way, one sequence at a time: %s", type(model).__name__, reason)
        return PlainRunner(model, max_adapters=config.max_adapters), wanted, 0
    runner = CachedRunner(model, max_adapters=config.max_adapters)
    budget = config.kv_cache_bytes or _default_cache_bytes(runner.device)
    bytes_per_place = runner.attention.bytes_per_place()
    n_places = max(SMALLEST_BLOCK, min(wanted, budget // bytes_per_place))
    runner.attention.resize(n_places)
    return runner, n_places, bytes_per_place


def _default_cache_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] // 2
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4


def _stored_dtype(config: EngineConfig) -> Any:
    return config.dtype if config.dtype != "auto" else "auto"


def _eos_token_ids(model: PreTrainedModel) -> frozenset[int]:
    """The tokens that end an answer, as the model's own files say."""
    for config in (getattr(model, "generation_config", None), model.config.get_text_config()):
        ids = getattr(config, "eos_token_id", None)
        if ids is not None:
            return frozenset([ids] if isinstance(ids, int) else ids)
    return frozenset()


def _warm_up(engine: Engine, pooling: Pooling) -> Pooling | None:
    """A few steps of dummy answers: the first run of each kernel is many times slower than the second. Gives
    the pooling if it works."""
    for temperature in (0.0, 1.0):
        for _ in range(2):
            params = SamplingParams(max_tokens=3, temperature=temperature, top_p=0.9, logprobs=1)
            engine.scheduler.add(Sequence([0] * 8, params))
        while engine.scheduler.has_work:
            engine.step()
    embedding = Sequence([0] * 8, SamplingParams(max_tokens=0, pooling=pooling))
    engine.scheduler.add(embedding)
    while engine.scheduler.has_work:
        engine.step()
    engine.counters = type(engine.counters)()
    return pooling if embedding.finish_reason == "stop" else None
