"""Claim: our way through a model changes the work and never the mathematics.

For tiny random models of many families: the fp32 gradients of all LoRA matrices by the trainer's own path
(whichever the probe chose, sharing prefixes where it may) against unpacked transformers + PEFT in fp64, one
example after another. Relative L2 over all matrices, for supervised training and for DPO. A few minutes.

    python -m benchmarks.gradient_check [--only llama gemma2 ...] [--no-write]
    python -m benchmarks.gradient_check --table docs/reference/families.md
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from benchmarks.families import FAMILIES, Family
from benchmarks.machine import cpu_name
from benchmarks.results_page import write_section
from tests.model.tiny_models import tiny_model
from tests.train.reference import lora_gradients, peft_model, plain_dpo_loss, plain_loss
from tests.train.test_exactness import ALIKE, difference, gradients, pairs
from tunesmith.model.adapter import write_adapter
from tunesmith.model.base import load_model, quiet_transformers
from tunesmith.model.lora import add_lora, is_linear_layer
from tunesmith.model.packed.probe import Finding, choose_forward, probe
from tunesmith.train.objectives import preferences, supervised, with_reference

if TYPE_CHECKING:
    from transformers import PreTrainedModel

SUPERVISED_TOLERANCE = 2.5e-6
DPO_TOLERANCE = 1e-5
BETA = 0.1
#: The probe's words as the table says them.
WAYS = {"shared": "shared prefixes", "packed": "packed", "single": "one at a time"}
PAGE = """# Families: how each is trained, and how exactly

<!-- written by `python -m benchmarks.gradient_check --table docs/reference/families.md` -->

Causal language models of transformers are trained in one of three ways. The probe finds out by numbers which
is right, on a small random model of the same class, when a job starts, and an event of the job says it. The
table says it for {n_shapes} shapes of {n_families} families; {n_packed} of them run packed.

- **shared prefixes**: the examples of a step go through the model as one row without padding, and what they
  begin with alike is computed once. **packed**: the same without the sharing. **one at a time**: the family
  would be wrong in a packed row, because state passes from one example into the next or its masks do not
  reach the attention function; each example goes alone through transformers' own classes.
- **probe**: the relative L2 difference of the probe's losses from those of transformers' eager attention.
- **supervised**, **DPO**: the relative L2 difference of the fp32 gradients of all LoRA matrices, by the
  trainer's own path, from those of unpacked transformers + PEFT in fp64. At most {supervised:g} and {dpo:g};
  one at a time it is as exact as the class itself: **stock fp32** is the difference of transformers + PEFT in
  fp32, supervised.
- **LoRA sits on**: where `target_modules="all-linear"` puts it. Experts of mixtures get it where a small
  model of the class proves it right, and stay as they are elsewhere.

The adapters of the check are written in PEFT's format, and PEFT {peft} put them on its models.

{table}

{facts}
"""


@dataclass(frozen=True)
class Check:
    """What came out for a family."""

    family: Family
    found: Finding
    """What the probe says about it."""
    sits_on: str
    """Where "all-linear" puts LoRA."""
    supervised: float
    """Relative L2 difference of the gradients."""
    dpo: float
    stock: float
    """Of supervised gradients by transformers + PEFT itself in fp32, unpacked: rounding and nothing else."""

    @property
    def packed(self) -> bool:
        """Whether many examples go through it as one row."""
        return self.found.way != "single"

    @property
    def faults(self) -> list[str]:
        """What is not as claimed."""
        faults = []
        if self.packed != self.family.packs:
            faults.append(f"{self.family.name}: {WAYS[self.found.way]}; {self.found.reason or 'packs'}")
        # one at a time it is the stock model's own arithmetic, which some families do in fp32 always
        least = 0.0 if self.packed else 2 * self.stock
        bounds = (("supervised", SUPERVISED_TOLERANCE), ("dpo", DPO_TOLERANCE))
        for method, tolerance in bounds:
            error = getattr(self, method)
            if not error <= max(tolerance, least):
                faults.append(f"{self.family.name}: {method} gradients differ by {error:.1e}")
        return faults


def look(family: Family, folder: Path) -> tuple[Finding, str]:
    """What the probe finds, and where LoRA sits; writes a model into `folder`."""
    base = tiny_model(folder, family.model_type, **family.config)
    model = load_model(base, dtype="float32", device="cpu")
    with quiet_transformers():
        return probe(model, longest=max(row.n_tokens for row in ALIKE)), sits_on(model)


def sits_on(model: PreTrainedModel) -> str:
    """Where "all-linear" puts LoRA in a model, which has it afterwards."""
    head = model.get_output_embeddings()
    linear = {
        path for path, module in model.named_modules() if is_linear_layer(module) and module is not head
    }
    experts = [path for path, weight in model.named_parameters() if weight.ndim == 3 and ".experts." in path]
    stack = add_lora(model, r=1, lora_alpha=1)
    left_out = sorted({path.rpartition(".")[2] for path in linear.difference(stack.layers)})
    where = f"linear layers but {', '.join(left_out)}" if left_out else "linear layers"
    if not experts:
        return where
    return f"{where}, experts" if stack.layers.keys() >= set(experts) else f"{where}, not the experts"


def check(family: Family, folder: Path) -> Check:
    """Compares both methods' gradients; writes models and adapters into `folder`."""
    found, where = look(family, folder / "base")
    base = folder / "base"
    model = load_model(base, dtype="float32", device="cpu")
    longest = max(row.n_tokens for row in ALIKE)
    forward, _ = choose_forward(model, tokens_per_forward=8192, longest=longest)
    stack = add_lora(model, r=4, lora_alpha=8)
    stack.initialize(seed=3)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():  # B is zero at the start, and A's gradient with it
        for layer in stack.layers.values():
            layer.lora_B.normal_(std=0.1, generator=generator)
    stack.refresh()

    def plain(name: str, dtype: str = "float64") -> Any:
        write_adapter(folder / name, stack.state(), fan_in_fan_out=stack.stored_in_out)
        return peft_model(base, folder / name, dtype)

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
    return Check(family, found, where, supervised_error, dpo_error, stock_error)


def table(checks: Sequence[Check]) -> str:
    """The results in Markdown."""
    lines = [
        "| family | shape | way | probe | supervised | DPO | stock fp32 | LoRA sits on |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in checks:
        probed = "" if one.found.difference is None else f"{one.found.difference:.0e}"
        errors = f"{one.supervised:.1e} | {one.dpo:.1e} | {one.stock:.1e}"
        way = WAYS[one.found.way]
        family = one.family
        lines.append(
            f"| {family.model_type} | {family.shape} | {way} | {probed} | {errors} | {one.sits_on} |"
        )
    return "\n".join(lines)


def page(checks: Sequence[Check], facts: str) -> str:
    """The reference page."""
    return PAGE.format(
        facts=facts,
        table=table(checks),
        n_shapes=len(checks),
        n_families=len({one.family.model_type for one in checks}),
        n_packed=sum(one.packed for one in checks),
        supervised=SUPERVISED_TOLERANCE,
        dpo=DPO_TOLERANCE,
        peft=version("peft"),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", metavar="FAMILY", help="model types")
    parser.add_argument(
        "--table", type=Path, metavar="PAGE", help="write the reference page, with all families"
    )
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
    facts = (
        f"{datetime.now(UTC):%Y-%m-%d} · {cpu_name()} · torch {version('torch')}, transformers "
        f"{version('transformers')}, peft {version('peft')}"
    )
    text = (
        f"{facts}\n\n"
        f"`python -m benchmarks.gradient_check` · fp32 LoRA gradients of tiny random models against unpacked "
        f"transformers + PEFT in fp64, relative L2 over all matrices; at most {SUPERVISED_TOLERANCE:g} "
        f"(supervised) and {DPO_TOLERANCE:g} (DPO). {sum(one.packed for one in checks)} of {len(checks)} run "
        f"packed; {time.perf_counter() - started:.0f} s.\n\n{table(checks)}"
    )
    print(text)
    faults = [fault for one in checks for fault in one.faults]
    if faults:
        raise SystemExit("Not as claimed:\n" + "\n".join(faults))
    if options.only is None and not options.no_write:
        write_section("gradient_check", "Exactness: `gradient_check.py`", text)
    if options.only is None and options.table is not None:
        options.table.parent.mkdir(parents=True, exist_ok=True)
        options.table.write_text(page(checks, facts), encoding="utf-8")


if __name__ == "__main__":
    main()
