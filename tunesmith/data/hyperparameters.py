"""What "auto" means: epochs, batch size, learning rate and rank from the size of the file and of the base.

Pure arithmetic; each value comes with the sentence that tells why. On the wire the learning rate is a
multiplier of a base rate that depends on base and method; "auto" is 1.0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tunesmith.data.base import Base

Method = Literal["supervised", "dpo"]

#: Below this size a base takes ten times the usual rates and needs many steps (measured on the nano base).
SMALL_BASE_PARAMETERS = 50_000_000
_SMALL_BASE_ROWS = 560
_AS_ASKED = "as asked"
#: Exponent of (2000 / hidden size) in the LoRA learning rate, by family; fitted by tinker-cookbook.
_WIDTH_EXPONENTS = {"llama": 0.781, "qwen": 0.0775}
_OTHER_EXPONENT = 0.43  # halfway between the two
_SHORT_RUN_STEPS = 100
_DPO_BETA = 0.1
_SMALL_BASE_RANK = 16
_RANKS = (8, 16, 32, 64, 128)


@dataclass(frozen=True)
class Resolved:
    """Numbers to train with, and why they are what they are."""

    n_epochs: int
    batch_size: int
    learning_rate_multiplier: float
    """What the wire shows."""
    learning_rate: float
    """Absolute peak rate: multiplier times the base rate."""
    reasons: dict[str, str]
    """A sentence for each value, by its name."""
    beta: float | None = None
    """DPO's beta; None for supervised training."""


def resolve(
    requested: Mapping[str, Any], *, n_examples: int, base: Base, method: Method = "supervised"
) -> Resolved:
    """Replace "auto" (or what is absent) in `requested`; numbers stay as they are.

    `requested` has OpenAI's names: `n_epochs`, `batch_size`, `learning_rate_multiplier`, `beta`.
    """
    small = base.n_parameters < SMALL_BASE_PARAMETERS
    reasons: dict[str, str] = {}
    batch_size = _asked(requested, "batch_size", reasons)
    if batch_size is None:
        batch_size, reasons["batch_size"] = _batch_size(n_examples, small, method)
    n_epochs = _asked(requested, "n_epochs", reasons)
    if n_epochs is None:
        n_epochs, reasons["n_epochs"] = _n_epochs(n_examples, small, method)
    n_steps = math.ceil(n_examples / batch_size) * n_epochs
    rate, why = _small_base_rate(n_examples, method) if small else _rate(base, n_steps, method)
    multiplier = _asked(requested, "learning_rate_multiplier", reasons)
    reasons["learning_rate"] = f"{rate:.2g}: {why}"
    if multiplier is None:
        multiplier = 1.0
        reasons["learning_rate_multiplier"] = f"auto is 1.0 times the base rate of {rate:.2g}"
    else:
        reasons["learning_rate"] += (
            f"; times the multiplier {multiplier:g} as asked gives {multiplier * rate:.2g}"
        )
    beta = None
    if method == "dpo":
        beta = _asked(requested, "beta", reasons)
        if beta is None:
            beta, reasons["beta"] = _DPO_BETA, f"{_DPO_BETA} is the value of the DPO paper's experiments"
    return Resolved(
        n_epochs=int(n_epochs),
        batch_size=int(batch_size),
        learning_rate_multiplier=float(multiplier),
        learning_rate=float(multiplier) * rate,
        reasons=reasons,
        beta=beta,
    )


def rank(*, n_parameters: int, per_rank: int, n_targets: int) -> tuple[int, str]:
    """LoRA's rank, and why: for a base of `n_parameters` whose adapter has `per_rank` values per rank, and a
    file of `n_targets` tokens under the loss.

    A token teaches about one bit and a value of the adapter holds about two ("LoRA Without Regret"), so an
    adapter with as many values as there are tokens has room for the file. The strength alpha stays what it
    is: divided by the rank, it makes one learning rate right for all of them.
    """
    if n_parameters < SMALL_BASE_PARAMETERS:
        return _SMALL_BASE_RANK, f"{_SMALL_BASE_RANK} suits bases under 50M parameters"
    r = next((r for r in _RANKS if r * per_rank >= n_targets), _RANKS[-1])
    tokens = f"{n_targets:,} tokens under the loss"
    if r * per_rank < n_targets:
        return r, f"the largest; the {tokens} are more than its values"
    return r, f"the smallest of {', '.join(map(str, _RANKS))} with at least as many values as the {tokens}"


def _asked(requested: Mapping[str, Any], name: str, reasons: dict[str, str]) -> Any:
    value = requested.get(name, "auto")
    if value is None or value == "auto":
        return None
    reasons[name] = _AS_ASKED
    return value


def _batch_size(n_examples: int, small: bool, method: Method) -> tuple[int, str]:
    if small:
        size = 8 if method == "dpo" else 4
        return size, f"{size} suits {method} training of bases under 50M parameters"
    size = max(1, min(256, round(0.002 * n_examples)))
    return size, f"about 0.2 % of {n_examples:,} examples, at least 1 and at most 256"


def _n_epochs(n_examples: int, small: bool, method: Method) -> tuple[int, str]:
    if small and method == "dpo":
        return 2, "2 for preference training of bases under 50M parameters: a third one makes replies run on"
    if small:
        epochs = max(3, min(20, round(_SMALL_BASE_ROWS / max(1, n_examples))))
        return epochs, (
            f"{_SMALL_BASE_ROWS} / {n_examples:,} examples, at least 3 and at most 20: a base under 50M "
            "parameters needs about 140 steps of 4 to take on something new"
        )
    # OpenAI's cookbook, Chat_finetuning_data_prep: 3 epochs, kept between 100 and 25,000 examples in all
    if 3 * n_examples < 100:
        epochs = max(1, min(25, 100 // max(1, n_examples)))
        return epochs, f"so that {n_examples} examples are seen about 100 times in all, at most 25 epochs"
    if 3 * n_examples > 25_000:
        epochs = max(1, 25_000 // n_examples)
        return (
            epochs,
            f"so that {n_examples:,} examples are seen at most 25,000 times in all, at least 1 epoch",
        )
    return 3, f"3 is usual for {n_examples:,} examples"


def _small_base_rate(n_examples: int, method: Method) -> tuple[float, str]:
    if method == "dpo":
        return 1e-3, "measured for preference training of bases under 50M parameters"
    if n_examples <= 100:
        return 3e-3, "measured for up to 100 examples on bases under 50M parameters"
    if n_examples > 200:
        return 1.5e-3, "for more than 200 examples on bases under 50M parameters"
    rate = 3e-3 * 0.5 ** ((n_examples - 100) / 100)
    return (
        rate,
        f"interpolated for {n_examples} examples, geometrically between 3e-3 at 100 and 1.5e-3 at 200",
    )


def _rate(base: Base, n_steps: int, method: Method) -> tuple[float, str]:
    # Thinking Machines Lab, "LoRA Without Regret" (2025), and tinker-cookbook's hyperparam_utils:
    # 5e-5, times 10 for LoRA, scaled by width; short runs take half as much again
    family = next((name for name in _WIDTH_EXPONENTS if base.model_type.startswith(name)), None)
    exponent = _WIDTH_EXPONENTS[family] if family else _OTHER_EXPONENT
    rate = 5e-5 * 10 * (2000 / base.hidden_size) ** exponent
    why = f"5e-5 x 10 for LoRA, scaled to the width {base.hidden_size:,} of {base.model_type}"
    if n_steps < _SHORT_RUN_STEPS:
        rate *= 1.5
        why += f", x 1.5 for a run of {n_steps} steps"
    if method == "dpo":
        rate *= 0.1
        why += ", a tenth of it for preference training"
    return rate, why
