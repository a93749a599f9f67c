"""Private resume state: a run goes on from a snapshot as if it had never stopped.

A snapshot folder holds the adapter (PEFT's two files), `optimizer.safetensors` and `run.json`; nothing
in it is pickled. The order of the examples needs no state: it follows from seed and step
(`batches.py`).
"""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tunesmith.errors import InvalidRequest
from tunesmith.model.adapter import AdapterWeights, read_adapter, save_adapter_files
from tunesmith.model.whole_folder import whole_folder
from tunesmith.train.config import TrainConfig

_FORMAT = 2
_STATE_FILE = "optimizer.safetensors"
_RUN_FILE = "run.json"
_RNG_CPU, _RNG_CUDA = "rng.cpu", "rng.cuda"
_MOMENTS = "adamw."
_REFERENCE = "reference"

#: Fields that decide every later loss; a run that differs in one of them is another run.
_IDENTITY = (
    "method", "beta", "n_epochs", "batch_size", "learning_rate", "seed", "max_length", "dtype",
    "warmup_fraction", "adam_beta1", "adam_beta2", "adam_epsilon", "weight_decay", "max_grad_norm",
    "tokens_per_forward", "share_prefixes",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Counters:
    """Where a run stands, in numbers that go on counting after a resume."""

    step: int = 0
    """Optimizer steps done."""
    trained_tokens: int = 0
    """Rendered tokens trained on."""
    supervised_tokens: int = 0
    """Tokens under the loss."""
    seconds: float = 0.0
    """Seconds of training."""
    metrics: dict[str, float] | None = None
    """The last checkpoint's metrics; None before the first."""
    best: dict[str, float] | None = None
    """`step` and `full_valid_loss` of the checkpoint with the lowest one; None before the first."""
    rise_told: bool = False
    """Whether it was said that the validation loss has turned upward."""
    tokens_per_forward: int | None = None
    """What the device had room for, once it had none for more; None is as the run was told."""


@dataclass(frozen=True)
class Snapshot:
    """One snapshot as values."""

    counters: Counters
    adapter: AdapterWeights
    moments: dict[str, torch.Tensor]
    """AdamW's state."""
    reference: torch.Tensor | None
    """DPO's reference: fp64 [pairs trained on and pairs measured, 2]; None in supervised training."""
    identity: dict[str, Any]
    """What the run was told, as far as it decides the losses."""
    rng: dict[str, Any]
    """States of Python's and torch's generators."""

    def restore_rng(self) -> None:
        """Puts the process's generators where they were. Nothing random happens after a run's start; whatever
        comes to need it finds the same numbers after a resume."""
        version, internal, gauss = self.rng["python"]
        random.setstate((version, tuple(internal), gauss))
        torch.set_rng_state(self.rng["cpu"])
        if self.rng["cuda"] is not None and torch.cuda.is_available():
            torch.cuda.set_rng_state(self.rng["cuda"])


def identity(config: TrainConfig, *, n_examples: int, n_tokens: int) -> dict[str, Any]:
    """What must be equal in a run and in the snapshot that it resumes from."""
    values = {name: getattr(config, name) for name in _IDENTITY}
    return {**values, "n_examples": n_examples, "tokens_per_epoch": n_tokens}


def save_snapshot(
    folder: Path,
    *,
    counters: Counters,
    adapter: AdapterWeights,
    moments: dict[str, torch.Tensor],
    reference: torch.Tensor | None,
    identity: dict[str, Any],
) -> None:
    """Writes a snapshot as one whole folder."""
    tensors = {_MOMENTS + name: value.detach().cpu().contiguous() for name, value in moments.items()}
    if reference is not None:
        tensors[_REFERENCE] = reference
    tensors[_RNG_CPU] = torch.get_rng_state()
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        tensors[_RNG_CUDA] = torch.cuda.get_rng_state()
    run = {
        "format": _FORMAT,
        "counters": vars(counters),
        "identity": identity,
        "rng": {"python": random.getstate()},
    }
    with whole_folder(folder) as partial:
        save_adapter_files(partial, adapter)
        save_file(tensors, partial / _STATE_FILE)
        (partial / _RUN_FILE).write_text(json.dumps(run, allow_nan=False) + "\n", encoding="utf-8")


def read_snapshot(folder: Path) -> Snapshot:
    """The snapshot in `folder`. Raises InvalidRequest or InvalidAdapter when it is absent or broken."""
    try:
        run = json.loads((folder / _RUN_FILE).read_text(encoding="utf-8"))
        tensors = load_file(folder / _STATE_FILE)
        if run["format"] != _FORMAT:
            raise InvalidRequest(
                f"Snapshot {folder} has format {run['format']!r}, and this version reads {_FORMAT}; "
                "start the run anew",
                param="resume_from",
            )
        return Snapshot(
            counters=Counters(**run["counters"]),
            adapter=read_adapter(folder),
            moments={k.removeprefix(_MOMENTS): v for k, v in tensors.items() if k.startswith(_MOMENTS)},
            reference=tensors.get(_REFERENCE),
            identity=run["identity"],
            rng={
                "python": run["rng"]["python"],
                "cpu": tensors[_RNG_CPU],
                "cuda": tensors.get(_RNG_CUDA),
            },
        )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise InvalidRequest(
            f"Snapshot {folder} cannot be read ({type(error).__name__}: {error}); resume from an older one, "
            "or start the run anew",
            param="resume_from",
        ) from error


def check_same_run(snapshot: Snapshot, mine: dict[str, Any]) -> None:
    """Raises InvalidRequest naming the first value in which the run and the snapshot's differ."""
    for name, value in mine.items():
        theirs = snapshot.identity.get(name)
        if theirs != value:
            raise InvalidRequest(
                f"The snapshot was taken with {name} {theirs!r}, and this run has {value!r}; "
                "resume with the values that the run was started with",
                param="resume_from",
            )


def keep_newest(parent: Path, n: int) -> None:
    """Removes all but the newest `n` snapshots, by step, in the folder of a run's snapshots."""
    steps = {int(folder.name.removeprefix("step-")): folder for folder in parent.glob("step-*")}
    for step in sorted(steps)[:-n]:
        shutil.rmtree(steps[step], ignore_errors=True)
