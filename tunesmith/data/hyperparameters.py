"""What "auto" means: epochs, batch size, learning rate and rank from the size of the file and of the base.

Pure arithmetic; each value comes with the sentence that tells why, and with a code and the numbers of that
sentence, for whoever says it in another language. On the wire the learning rate is a
multiplier of a base rate that depends on base and method; "auto" is 1.0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from tunesmith.data.base import Base

Method = Literal["supervised", "dpo"]

#: Below this size a base takes ten times the usual rates and needs many steps (measured on the nano base).
SMALL_BASE_PARAMETERS = 50_000_000
_SMALL_BASE_ROWS = 800
#: Exponent of (2000 / hidden size) in the LoRA learning rate, by family; fitted by tinker-cookbook.
_WIDTH_EXPONENTS = {"llama": 0.781, "qwen": 0.0775}
_OTHER_EXPONENT = 0.43  # halfway between the two
_SHORT_RUN_STEPS = 100
_DPO_BETA = 0.1
_SMALL_BASE_RANK = 16
_RANKS = (8, 16, 32, 64, 128)


ReasonCode = Literal[
    "as_asked",
    "small_base_batch",
    "share_of_rows",
    "small_base_preferences",
    "small_base_rows",
    "few_rows",
    "many_rows",
    "usual",
    "rate_small_base_preferences",
    "rate_small_base_few_rows",
    "rate_small_base_many_rows",
    "rate_small_base_between",
    "rate_by_width",
    "times_base_rate",
    "paper",
]
REASON_CODES: tuple[str, ...] = get_args(ReasonCode)


@dataclass(frozen=True)
class Reason:
    """Why a value is what it is."""

    code: ReasonCode
    """For programs; the sentence may change."""
    text: str
    facts: dict[str, int | float | str] = field(default_factory=dict)
    """The numbers of the sentence."""


_AS_ASKED = Reason("as_asked", "as asked")


@dataclass(frozen=True)
class Resolved:
    """Numbers to train with, and why they are what they are."""

    n_epochs: int
    batch_size: int
    learning_rate_multiplier: float
    """What the wire shows."""
    learning_rate: float
    """Absolute peak rate: multiplier times the base rate."""
    why: dict[str, Reason]
    """The reason of each value, by its name."""
    beta: float | None = None
    """DPO's beta; None for supervised training."""

    @property
    def reasons(self) -> dict[str, str]:
        """A sentence for each value, by its name."""
        return {name: reason.text for name, reason in self.why.items()}


def resolve(
    requested: Mapping[str, Any], *, n_examples: int, base: Base, method: Method = "supervised"
) -> Resolved:
    """Replace "auto" (or what is absent) in `requested`; numbers stay as they are.

    `requested` has OpenAI's names: `n_epochs`, `batch_size`, `learning_rate_multiplier`, `beta`.
    """
    small = base.n_parameters < SMALL_BASE_PARAMETERS
    why: dict[str, Reason] = {}
    batch_size = _asked(requested, "batch_size", why)
    if batch_size is None:
        batch_size, why["batch_size"] = _batch_size(n_examples, small, method)
    n_epochs = _asked(requested, "n_epochs", why)
    if n_epochs is None:
        n_epochs, why["n_epochs"] = _n_epochs(n_examples, small, method)
    n_steps = math.ceil(n_examples / batch_size) * n_epochs
    rate, of_rate = _small_base_rate(n_examples, method) if small else _rate(base, n_steps, method)
    multiplier = _asked(requested, "learning_rate_multiplier", why)
    text, facts = f"{rate:.2g}: {of_rate.text}", {"rate": rate, **of_rate.facts}
    if multiplier is None:
        multiplier = 1.0
        why["learning_rate_multiplier"] = Reason(
            "times_base_rate", f"auto is 1.0 times the base rate of {rate:.2g}", {"rate": rate}
        )
    else:
        text += f"; times the multiplier {multiplier:g} as asked gives {multiplier * rate:.2g}"
        facts["multiplier"] = multiplier
    why["learning_rate"] = Reason(of_rate.code, text, facts)
    beta = None
    if method == "dpo":
        beta = _asked(requested, "beta", why)
        if beta is None:
            beta = _DPO_BETA
            why["beta"] = Reason("paper", f"{_DPO_BETA} is the value of the DPO paper's experiments")
    return Resolved(
        n_epochs=int(n_epochs),
        batch_size=int(batch_size),
        learning_rate_multiplier=float(multiplier),
        learning_rate=float(multiplier) * rate,
        why=why,
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


def _asked(requested: Mapping[str, Any], name: str, why: dict[str, Reason]) -> Any:
    value = requested.get(name, "auto")
    if value is None or value == "auto":
        return None
    why[name] = _AS_ASKED
    return value


def _batch_size(n_examples: int, small: bool, method: Method) -> tuple[int, Reason]:
    if small:
        size = 8 if method == "dpo" else 4
        text = f"{size} suits {method} training of bases under 50M parameters"
        return size, Reason("small_base_batch", text, {"method": method})
    size = max(1, min(256, round(0.002 * n_examples)))
    text = f"about 0.2 % of {n_examples:,} examples, at least 1 and at most 256"
    return size, Reason("share_of_rows", text, {"n_examples": n_examples})


def _n_epochs(n_examples: int, small: bool, method: Method) -> tuple[int, Reason]:
    facts: dict[str, int | float | str] = {"n_examples": n_examples}
    if small and method == "dpo":
        text = "2 for preference training of bases under 50M parameters: a third one makes replies run on"
        return 2, Reason("small_base_preferences", text)
    if small:
        epochs = max(3, min(20, round(_SMALL_BASE_ROWS / max(1, n_examples))))
        text = (
            f"{_SMALL_BASE_ROWS} / {n_examples:,} examples, at least 3 and at most 20: a base under 50M "
            "parameters needs about 200 steps of 4 to take on something new"
        )
        return epochs, Reason("small_base_rows", text, {**facts, "rows": _SMALL_BASE_ROWS})
    # OpenAI's cookbook, Chat_finetuning_data_prep: 3 epochs, kept between 100 and 25,000 examples in all
    if 3 * n_examples < 100:
        epochs = max(1, min(25, 100 // max(1, n_examples)))
        text = f"so that {n_examples} examples are seen about 100 times in all, at most 25 epochs"
        return epochs, Reason("few_rows", text, facts)
    if 3 * n_examples > 25_000:
        epochs = max(1, 25_000 // n_examples)
        text = f"so that {n_examples:,} examples are seen at most 25,000 times in all, at least 1 epoch"
        return epochs, Reason("many_rows", text, facts)
    return 3, Reason("usual", f"3 is usual for {n_examples:,} examples", facts)


def _small_base_rate(n_examples: int, method: Method) -> tuple[float, Reason]:
    if method == "dpo":
        text = "measured for preference training of bases under 50M parameters"
        return 1e-3, Reason("rate_small_base_preferences", text)
    if n_examples <= 100:
        text = "measured for up to 100 examples on bases under 50M parameters"
        return 6e-3, Reason("rate_small_base_few_rows", text)
    if n_examples > 200:
        text = "for more than 200 examples on bases under 50M parameters"
        return 1.5e-3, Reason("rate_small_base_many_rows", text)
    rate = 6e-3 * 0.25 ** ((n_examples - 100) / 100)
    text = f"interpolated for {n_examples} examples, geometrically between 6e-3 at 100 and 1.5e-3 at 200"
    return rate, Reason("rate_small_base_between", text, {"n_examples": n_examples})


def _rate(base: Base, n_steps: int, method: Method) -> tuple[float, Reason]:
    # Thinking Machines Lab, "LoRA Without Regret" (2025), and tinker-cookbook's hyperparam_utils:
    # 5e-5, times 10 for LoRA, scaled by width; short runs take half as much again
    family = next((name for name in _WIDTH_EXPONENTS if base.model_type.startswith(name)), None)
    exponent = _WIDTH_EXPONENTS[family] if family else _OTHER_EXPONENT
    rate = 5e-5 * 10 * (2000 / base.hidden_size) ** exponent
    why = f"5e-5 x 10 for LoRA, scaled to the width {base.hidden_size:,} of {base.model_type}"
    facts: dict[str, int | float | str] = {"hidden_size": base.hidden_size, "model_type": base.model_type}
    if n_steps < _SHORT_RUN_STEPS:
        rate *= 1.5
        why += f", x 1.5 for a run of {n_steps} steps"
        facts["n_steps"] = n_steps
    if method == "dpo":
        rate *= 0.1
        why += ", a tenth of it for preference training"
        facts["method"] = method
    return rate, Reason("rate_by_width", why, facts)
