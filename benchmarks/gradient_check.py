"""Claim: our way through a model changes the work and never the mathematics.

For tiny random models of many families: the fp32 gradients of all LoRA matrices by the trainer's own path
(whichever the probe chose, sharing prefixes where it may) against unpacked transformers + PEFT in fp64, one
example after another. Relative L2 over all matrices, for supervised training and for DPO. A few minutes.

    python -m benchmarks.gradient_check [--only llama gemma2 ...] [--no-write]
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import cpu_name
from benchmarks.results_page import write_section
from tests.model.tiny_models import tiny_model
from tests.train.reference import lora_gradients, peft_model, plain_dpo_loss, plain_loss
from tests.train.test_exactness import ALIKE, difference, gradients, pairs
from tunesmith.model.adapter import write_adapter
from tunesmith.model.base import load_model
from tunesmith.model.lora import add_lora
from tunesmith.train.objectives import preferences, supervised, with_reference
from tunesmith.train.probe import choose_forward

SUPERVISED_TOLERANCE = 2.5e-6
DPO_TOLERANCE = 1e-5
BETA = 0.1
#: Shorter than the longest examples, so that it matters.
WINDOW = 12


@dataclass(frozen=True)
class Family:
    """A family in one of its shapes; `config` is what differs from the tests' common sizes."""

    model_type: str
    config: dict[str, Any] = field(default_factory=dict)
    shape: str = ""
    packs: bool = True
    """Whether a packed row is right for it; the others must be found out and go one example at a time."""
    target_modules: str | tuple[str, ...] = "all-linear"
    """Fewer than all where PEFT, the reference, takes names for other layers than we do: those of fused
    experts, a router, a list's numbers."""

    @property
    def name(self) -> str:
        """As the table says it."""
        return f"{self.model_type} ({self.shape})" if self.shape else self.model_type


def _windowed(model_type: str, **config: Any) -> Family:
    return Family(model_type, {"sliding_window": WINDOW, **config}, f"window {WINDOW}")


_USUAL_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_MOE = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
FAMILIES = (
    Family("llama"),
    Family("qwen2"),
    Family("qwen3"),
    Family("smollm3", {"no_rope_layers": [1, 0]}),
    Family("olmo2"),
    Family("gemma"),
    Family("glm4"),
    Family("starcoder2"),
    Family("phi"),
    Family("gpt_neox"),
    Family("gpt2"),
    Family("opt", {"ffn_dim": 48, "word_embed_proj_dim": 32}),
    Family("granite"),
    Family("cohere"),
    Family("stablelm"),
    Family("mistral", {"sliding_window": None}, "no window"),
    _windowed("mistral"),
    _windowed("phi3"),
    _windowed("qwen3", use_sliding_window=True, max_window_layers=0),
    _windowed("olmo3", layer_types=["sliding_attention", "full_attention"]),
    _windowed("cohere2", layer_types=["sliding_attention", "full_attention"]),
    Family("gemma2", {}, f"window {WINDOW}, softcaps"),
    Family("gemma3_text", {}, f"window {WINDOW}"),
    Family(
        "gemma3n_text",
        {
            "num_hidden_layers": 2,
            "intermediate_size": [48, 48],
            "layer_types": ["sliding_attention", "full_attention"],
            "sliding_window": WINDOW,
            "num_kv_shared_layers": 0,
            "activation_sparsity_pattern": [0.5, 0.0],
            "hidden_size_per_layer_input": 8,
            "vocab_size_per_layer_input": 384,
            "laurel_rank": 4,
        },
        f"window {WINDOW}",
        target_modules=_USUAL_LAYERS,
    ),
    Family("qwen3_moe"),
    Family("mixtral", {"num_local_experts": 4, "num_experts_per_tok": 2}),
    Family("olmoe", {"num_experts": 4, "num_experts_per_tok": 2}),
    Family("gpt_oss", {}, f"window {WINDOW}, sinks"),
    Family(
        "deepseek_v3",
        {
            "num_key_value_heads": 4,
            "kv_lora_rank": 16,
            "q_lora_rank": 16,
            "qk_rope_head_dim": 8,
            "qk_nope_head_dim": 8,
            "v_head_dim": 12,
            "head_dim": None,
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "n_group": 1,
            "topk_group": 1,
            "moe_intermediate_size": 16,
            "first_k_dense_replace": 1,
        },
        "values narrower than keys",
        target_modules=("q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj", "o_proj"),
    ),
    Family("falcon", packs=False),
    Family("bloom", packs=False),
    Family("mpt", {"d_model": 32, "n_heads": 4, "n_layers": 2, "expansion_ratio": 2}, packs=False),
    Family("lfm2", {}, "convolutions", packs=False),
    Family(
        "llama4_text",
        {
            "attention_chunk_size": 16,
            "layer_types": ["chunked_attention", "full_attention"],
            "num_local_experts": 2,
            "intermediate_size_mlp": 48,
        },
        "chunk 16",
        packs=False,
        target_modules=_USUAL_LAYERS,
    ),
    Family(
        "qwen3_next",
        {
            **_MOE,
            "layer_types": ["linear_attention", "full_attention"],
            "linear_num_value_heads": 4,
            "linear_num_key_heads": 2,
            "linear_key_head_dim": 8,
            "linear_value_head_dim": 8,
            "shared_expert_intermediate_size": 16,
        },
        "linear attention",
        packs=False,
        target_modules=("q_proj", "k_proj", "v_proj", "o_proj", "in_proj_qkvz", "in_proj_ba", "out_proj"),
    ),
    Family(
        "mamba2",
        {"num_heads": 8, "head_dim": 8, "state_size": 16, "n_groups": 1, "chunk_size": 16},
        "state space",
        packs=False,
        target_modules=("in_proj",),
    ),
)


@dataclass(frozen=True)
class Check:
    """What came out for a family."""

    family: Family
    note: str
    """The trainer's own sentence about the way that it chose."""
    packed: bool
    supervised: float
    """Relative L2 difference of the gradients."""
    dpo: float
    stock: float
    """Of supervised gradients by transformers + PEFT itself in fp32, unpacked: rounding and nothing else."""

    @property
    def faults(self) -> list[str]:
        """What is not as claimed."""
        found = []
        if self.packed != self.family.packs:
            found.append(f"{self.family.name}: {self.note}")
        # one at a time it is the stock model's own arithmetic, which some families do in fp32 always
        least = 0.0 if self.packed else 2 * self.stock
        bounds = (("supervised", SUPERVISED_TOLERANCE), ("dpo", DPO_TOLERANCE))
        for method, tolerance in bounds:
            error = getattr(self, method)
            if not error <= max(tolerance, least):
                found.append(f"{self.family.name}: {method} gradients differ by {error:.1e}")
        return found


def check(family: Family, folder: Path) -> Check:
    """Compares both methods' gradients; writes model and adapters into `folder`."""
    base = tiny_model(folder / "base", family.model_type, **family.config)
    model = load_model(base, dtype="float32", device="cpu")
    longest = max(row.n_tokens for row in ALIKE)
    forward, note = choose_forward(model, tokens_per_forward=8192, longest=longest)
    stack = add_lora(model, r=4, lora_alpha=8, target_modules=family.target_modules)
    stack.initialize(seed=3)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():  # B is zero at the start, and A's gradient with it
        for layer in stack.layers.values():
            layer.lora_B.normal_(std=0.1, generator=generator)
    stack.refresh()

    def plain(name: str, dtype: str = "float64") -> Any:
        write_adapter(folder / name, stack.state(), fan_in_fan_out=stack.stored_in_out)
        tuned = peft_model(base, folder / name, dtype)
        tuned.get_base_model().set_experts_implementation("eager")  # grouped products know no fp64
        return tuned

    _, mine = gradients(forward, stack, ALIKE, supervised)
    reference = plain("reference")
    plain_loss(reference, ALIKE).backward()
    exact = lora_gradients(reference)
    stock = plain("stock", "float32")
    plain_loss(stock, ALIKE).backward()
    supervised_error, stock_error = (difference(found, exact) for found in (mine, lora_gradients(stock)))

    batch = list(with_reference(forward, [pairs()]).values())
    with torch.no_grad():
        stack.weights.add_(torch.randn(stack.weights.shape, generator=generator) / 20)
    stack.refresh()
    _, mine = gradients(forward, stack, batch, preferences(BETA))
    policy = plain("policy")
    plain_dpo_loss(policy, reference, pairs(), BETA).backward()
    dpo_error = difference(mine, lora_gradients(policy))
    packed = "packed without padding" in note
    return Check(family, note, packed, supervised_error, dpo_error, stock_error)


def table(checks: Sequence[Check]) -> str:
    """The results in Markdown."""
    lines = ["| family | way | supervised | DPO | stock fp32, supervised |", "|---|---|---|---|---|"]
    for found in checks:
        way = "one at a time"
        if found.packed:
            way = "shared prefixes" if "computed once" in found.note else "packed"
        lines.append(
            f"| {found.family.name} | {way} | {found.supervised:.1e} | {found.dpo:.1e} | {found.stock:.1e} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", metavar="FAMILY", help="model types")
    parser.add_argument("--no-write", action="store_true", help="print only, leave RESULTS.md alone")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    chosen = [f for f in FAMILIES if options.only is None or f.model_type in options.only]
    started = time.perf_counter()
    checks = []
    with tempfile.TemporaryDirectory(prefix="tunesmith-benchmark-") as folder:
        for i, family in enumerate(chosen):
            checks.append(check(family, Path(folder) / str(i)))
            print(f"{family.name}: {checks[-1].supervised:.1e}, {checks[-1].dpo:.1e}", flush=True)
    n_packed = sum(found.packed for found in checks)
    text = (
        f"{datetime.now(UTC):%Y-%m-%d} · {cpu_name()} · torch {version('torch')}, transformers "
        f"{version('transformers')}, peft {version('peft')}\n\n"
        f"`python -m benchmarks.gradient_check` · fp32 LoRA gradients of tiny random models against unpacked "
        f"transformers + PEFT in fp64, relative L2 over all matrices; at most {SUPERVISED_TOLERANCE:g} "
        f"(supervised) and {DPO_TOLERANCE:g} (DPO). {n_packed} of {len(checks)} run packed; "
        f"{time.perf_counter() - started:.0f} s.\n\n{table(checks)}"
    )
    print(text)
    faults = [fault for found in checks for fault in found.faults]
    if faults:
        raise SystemExit("Not as claimed:\n" + "\n".join(faults))
    if options.only is None and not options.no_write:
        write_section("gradient_check", "Exactness: `gradient_check.py`", text)


if __name__ == "__main__":
    main()
