"""What one training run is told, with every number resolved; `auto` is `data/hyperparameters.py`'s."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from tunesmith.data.hyperparameters import Method
from tunesmith.errors import InvalidRequest


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One run of LoRA fine-tuning. Raises InvalidRequest for a value that no run can have."""

    base: Path
    """Folder of the base model."""
    training_file: Path
    """JSONL file that passed validation."""
    validation_file: Path | None = None
    """JSONL file whose loss is measured and never trained on."""
    method: Method = "supervised"
    """`supervised` minimises the loss of the replies' tokens, `dpo` prefers one reply to another."""
    beta: float = 0.1
    """DPO's beta: how strongly the policy is held to the reference. Used by `dpo` only."""
    out: Path
    """Folder that receives `checkpoints/` and `snapshots/`."""
    n_epochs: int
    """Passes over the training file."""
    batch_size: int
    """Examples per optimizer step; an epoch's last step may have fewer."""
    learning_rate: float
    """Peak learning rate of AdamW, after warm-up."""
    seed: int = 0
    """Seed of the adapter's starting values and of the order of the examples."""
    r: int | None = None
    """Rank of the LoRA matrices; None chooses it by the size of the file (`data/hyperparameters.py`).
    Inherited when `init_adapter` is given."""
    lora_alpha: float = 32
    """Strength of the adapter, divided by the rank, so that one learning rate suits all ranks; inherited
    when `init_adapter` is given."""
    target_modules: str | Sequence[str] = "all-linear"
    """Layers that get LoRA: all linear layers but the head, or names; inherited likewise."""
    max_length: int | None = None
    """Tokens after which an example is cut; None is the base's context length."""
    init_adapter: Path | None = None
    """Adapter folder to continue from with a fresh optimizer: a tune of a tune."""
    resume_from: Path | None = None
    """Snapshot folder of this same run to go on from."""
    snapshot_every_s: float = 20.0
    """Seconds between snapshots; a power cut costs at most this much training."""
    keep_snapshots: int = 2
    """Snapshots left in `out`; older ones are removed."""
    dtype: str = "bfloat16"
    """Precision of the frozen base and of the products: bfloat16, float32, or float64 for numerical
    checks. The adapter and the optimizer are float32 (float64 with a float64 base)."""
    device: str = "auto"
    """Torch device; `auto` is the GPU where torch sees one, else the CPU."""
    threads: int | None = None
    """CPU threads at most (None: torch's choice); a base too small to gain by more uses one."""
    warmup_fraction: float = 0.05
    """Part of all steps in which the learning rate rises linearly; then it falls linearly to zero."""
    adam_beta1: float = 0.9
    """AdamW's memory of the gradient."""
    adam_beta2: float = 0.99
    """AdamW's memory of the squared gradient; short runs need a shorter memory than the usual 0.999."""
    adam_epsilon: float = 1e-8
    """AdamW's smallest divisor."""
    weight_decay: float = 0.0
    """AdamW's decoupled weight decay on the adapter."""
    max_grad_norm: float = 1.0
    """Gradients with a larger L2 norm are scaled down to it."""
    tokens_per_forward: int = 8192
    """Tokens that go through the model at once; larger batches are split, with the same loss."""
    gradient_checkpointing: bool | None = None
    """Whether layers are computed again in the backward pass instead of kept, with the same numbers; None
    is where the device's free memory would be short."""
    share_prefixes: bool = True
    """What examples of a step begin with alike goes through the model once; the losses stay the same."""
    base_name: str | None = None
    """What adapter_config.json calls the base; None is the folder's path."""

    def __post_init__(self) -> None:
        self._require("method", self.method in get_args(Method), " or ".join(get_args(Method)))
        self._require("beta", 0 < self.beta <= 2, "above 0 and at most 2")
        self._require("n_epochs", self.n_epochs >= 1, "at least 1")
        self._require("batch_size", self.batch_size >= 1, "at least 1")
        self._require("learning_rate", 0 < self.learning_rate < float("inf"), "a positive number")
        self._require("r", self.r is None or 1 <= self.r <= 1024, "between 1 and 1024")
        self._require("lora_alpha", 0 < self.lora_alpha < float("inf"), "a positive number")
        self._require("max_length", self.max_length is None or self.max_length >= 2, "at least 2")
        self._require("snapshot_every_s", self.snapshot_every_s >= 0, "0 or more seconds")
        self._require("keep_snapshots", self.keep_snapshots >= 1, "at least 1")
        self._require("dtype", self.dtype in _DTYPES, " or ".join(_DTYPES))
        self._require("threads", self.threads is None or self.threads >= 1, "at least 1")
        self._require("warmup_fraction", 0 <= self.warmup_fraction <= 1, "between 0 and 1")
        self._require("adam_beta1", 0 <= self.adam_beta1 < 1, "at least 0 and below 1")
        self._require("adam_beta2", 0 <= self.adam_beta2 < 1, "at least 0 and below 1")
        self._require("adam_epsilon", self.adam_epsilon > 0, "a positive number")
        self._require("weight_decay", self.weight_decay >= 0, "0 or more")
        self._require("max_grad_norm", self.max_grad_norm > 0, "a positive number")
        self._require("tokens_per_forward", self.tokens_per_forward >= 1, "at least 1")

    def _require(self, field: str, holds: bool, rule: str) -> None:
        if not holds:
            value: Any = getattr(self, field)
            raise InvalidRequest(f"{field} is {value!r}; it must be {rule}", param=field)


_DTYPES = ("bfloat16", "float32", "float64")
