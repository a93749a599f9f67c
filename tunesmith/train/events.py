"""What a training run says while it runs: values that a command prints, a worker stores, a test lists."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class TrainEvent:
    """Something that happened. Losses are means over target tokens, in nats; counts are tokens."""

    def as_dict(self) -> dict[str, Any]:
        """The event as JSON values, with its kind under `event`; folders are strings."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        plain = {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
        return {"event": type(self).__name__, **plain}


@dataclass(frozen=True, kw_only=True)
class Started(TrainEvent):
    """The files are read and the model is loaded; the first step comes next."""

    n_examples: int
    """Examples trained on per epoch."""
    n_valid_examples: int
    """Examples of the validation file; 0 without one."""
    steps_per_epoch: int
    """Optimizer steps per epoch."""
    total_steps: int
    """Optimizer steps of the whole run."""
    tokens_per_epoch: int
    """Rendered tokens after truncation: what one epoch adds to `trained_tokens`."""
    supervised_tokens_per_epoch: int
    """Tokens under the loss."""
    resumed_from_step: int | None
    """The snapshot's step; None for a run from the start."""
    device: str
    """Torch device, such as `cpu` or `cuda:0`."""
    notes: list[str] = field(default_factory=list)
    """Sentences about how this run computes."""


@dataclass(frozen=True, kw_only=True)
class Warned(TrainEvent):
    """Something that the user should know and that does not stop the run by itself."""

    code: str
    """A stable name, such as `truncated`."""
    message: str
    """The sentence to show."""
    data: dict[str, Any] = field(default_factory=dict)
    """The same in numbers."""


@dataclass(frozen=True, kw_only=True)
class StepMetrics(TrainEvent):
    """One optimizer step is done."""

    step: int
    """From 1."""
    total_steps: int
    """Optimizer steps of the whole run."""
    epoch: int
    """From 1: the epoch that the step belongs to."""
    train_loss: float
    """Loss on the step's batch, before the step."""
    train_mean_token_accuracy: float
    """Part of the batch's target tokens that were the model's first choice."""
    valid_loss: float | None = None
    """Loss on a few validation examples, taken in turns, after the step."""
    valid_mean_token_accuracy: float | None = None
    """Accuracy on the same examples."""
    full_valid_loss: float | None = None
    """Loss on the whole validation file; at the end of an epoch only."""
    full_valid_mean_token_accuracy: float | None = None
    """Accuracy on the whole validation file; at the end of an epoch only."""
    train_reward_margin: float | None = None
    """DPO: mean over the batch's pairs of the chosen reply's reward minus the other's, in nats times beta."""
    train_reward_accuracy: float | None = None
    """DPO: part of the batch's pairs in which the chosen reply has the higher reward."""
    valid_reward_margin: float | None = None
    """The margin on the few validation pairs."""
    valid_reward_accuracy: float | None = None
    """The reward accuracy on them."""
    full_valid_reward_margin: float | None = None
    """The margin on the whole validation file."""
    full_valid_reward_accuracy: float | None = None
    """The reward accuracy on it."""
    learning_rate: float
    """Learning rate of the step."""
    grad_norm: float
    """L2 norm of the adapter's gradient, before clipping."""
    trained_tokens: int
    """Rendered tokens trained on so far, as OpenAI bills them."""
    tokens_per_s: float
    """Rendered tokens per second, smoothed over the last steps."""
    seconds_left: float
    """Estimated seconds until Finished."""


@dataclass(frozen=True, kw_only=True)
class SnapshotSaved(TrainEvent):
    """The run can be resumed from `folder` with the step after this one."""

    step: int
    """Last step that the snapshot holds."""
    folder: Path
    """`out/snapshots/step-N`, whole."""
    trained_tokens: int
    """Tokens trained on up to the step."""


@dataclass(frozen=True, kw_only=True)
class CheckpointSaved(TrainEvent):
    """An epoch is over and its adapter can be served."""

    step: int
    """The epoch's last step."""
    epoch: int
    """From 1."""
    folder: Path
    """`out/checkpoints/step-N`, a whole PEFT folder."""
    metrics: dict[str, float]
    """OpenAI's checkpoint metrics: step, train_loss, train_mean_token_accuracy and, with a validation
    file, valid_* and full_valid_*; DPO's rewards beside them. Absent values are left out."""


@dataclass(frozen=True, kw_only=True)
class Finished(TrainEvent):
    """All epochs are done."""

    step: int
    """The last step."""
    folder: Path
    """The final adapter: the last checkpoint's folder."""
    trained_tokens: int
    """Rendered tokens trained on, over all epochs."""
    supervised_tokens: int
    """Tokens under the loss, over all epochs."""
    seconds: float
    """Seconds of training, those before a resume included, loading not."""
    metrics: dict[str, float]
    """The last checkpoint's metrics."""
