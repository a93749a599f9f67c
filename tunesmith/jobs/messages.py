"""What a job's events say: OpenAI's sentences where it has one, ours in its manner where it has none.

Each function gives an event that is not stored yet. Its kind and step are its identity: told again, it is not
heard again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tunesmith.store.events import event
from tunesmith.store.rows import EventRow, JobRow

#: Names of the numbers in a metrics event and in a checkpoint: OpenAI's in its order, then DPO's rewards.
METRICS = (
    "train_loss",
    "train_mean_token_accuracy",
    "valid_loss",
    "valid_mean_token_accuracy",
    "full_valid_loss",
    "full_valid_mean_token_accuracy",
    "train_reward_margin",
    "train_reward_accuracy",
    "valid_reward_margin",
    "valid_reward_accuracy",
    "full_valid_reward_margin",
    "full_valid_reward_accuracy",
)
#: The kind of the event that keeps a job's forecast.
FORECAST = "forecast"
#: Further numbers of a step, which only metrics events have.
STEP_NUMBERS = ("epoch", "learning_rate", "grad_norm", "trained_tokens", "tokens_per_s")


def created(job_id: str) -> EventRow:
    """The first event of every job."""
    return event(job_id, "created", f"Created fine-tuning job: {job_id}")


def weights(
    job_id: str, *, asked: str, model: str, base_id: str, base_digest: str, parent: str | None
) -> EventRow:
    """Which weights really train and answer: an alias says so before anything else happens."""
    short = base_digest.removeprefix("sha256:")[:12]
    if parent is not None:
        text = f"{parent} goes on training; its base is {base_id} (sha256 {short})"
    elif model == base_id:
        text = f"The base model is {base_id} (sha256 {short})"
    else:
        name = model if asked == model else f"{asked} means {model}, which"
        text = (
            f"{name} is an alias on this server: the weights that train and answer are {base_id} "
            f"(sha256 {short})"
        )
    data = {"requested_model": asked, "model": model, "served_by": base_id, "base_sha256": base_digest}
    return event(job_id, "weights", text, data=data)


def forecast(job_id: str, found: Mapping[str, Any]) -> EventRow:
    """What the job was forecast to take when it was created."""
    seconds, steps, tokens = found["seconds"], found["steps"], found["tokens"]
    text = (
        f"Forecast: {seconds['low']:.3g} to {seconds['high']:.3g} s on the device, {steps:,} steps, "
        f"{tokens:,} tokens"
    )
    return event(job_id, FORECAST, text, data={"forecast": dict(found)})


def validating(job_id: str, training_file: str, validation_file: str | None) -> EventRow:
    """The files are about to be read."""
    text = f"Validating training file: {training_file}"
    if validation_file is not None:
        text += f" and validation file: {validation_file}"
    return event(job_id, "validating", text)


def not_followed(job_id: str, missing: str) -> EventRow:
    """Weights and Biases was asked for and cannot follow; told by whoever finds out first."""
    text = (
        f"Weights and Biases will not follow this job: {missing}. The metrics are in the events and in the "
        "result file"
    )
    return event(job_id, "integrations", text, level="warn", data={"integration": "wandb"})


def followed(job_id: str, nth: int, *, project: str, url: str | None) -> EventRow:
    """The `nth` Weights and Biases run of a job takes its metrics. `url`: None for one that is kept here."""
    text = f"Weights and Biases follows this job in the project {project}: {url}"
    if url is None:
        text = (
            f"Weights and Biases keeps the run {job_id} of the project {project} on the server; "
            "`wandb sync` in the folder wandb of its data sends it"
        )
    data = {"integration": "wandb", "project": project, "run_id": job_id, "url": url}
    return event(job_id, "wandb", text, step=nth, data=data)


def unfollowed(job_id: str, nth: int, *, project: str, why: str) -> EventRow:
    """The `nth` Weights and Biases run of a job takes nothing (any more); the training goes on."""
    text = (
        f"Weights and Biases does not follow this job in the project {project}: {why}. Training goes on; the "
        "metrics are in the events and in the result file"
    )
    data = {"integration": "wandb", "project": project, "run_id": job_id}
    return event(job_id, "wandb_failed", text, step=nth, level="warn", data=data)


def queued(job_id: str, position: int = 0) -> EventRow:
    """The files are what they should be. `position`: jobs that train or wait before this one."""
    text = "Files validated, moving job to queued state"
    return event(job_id, "queued", text, data={"queue_position": position})


def started(job_id: str) -> EventRow:
    """A device took the job for the first time."""
    return event(job_id, "started", "Fine-tuning job started")


def hyperparameters(job_id: str, resolved: Mapping[str, Mapping[str, Any]]) -> EventRow:
    """All resolved hyperparameters: name to {value, requested, reason}."""
    parts = [f"{name}={entry['value']:g} ({entry['reason']})" for name, entry in resolved.items()]
    data = {"resolved": {name: dict(entry) for name, entry in resolved.items()}}
    return event(job_id, "hyperparameters", "Hyperparameters: " + "; ".join(parts), data=data)


def metrics(job_id: str, *, step: int, total_steps: int, values: Mapping[str, float | None]) -> EventRow:
    """One optimizer step. Absent and non-finite numbers are left out: strict JSON has no NaN."""
    known = finite(values)
    words = {
        "train_loss": "training loss",
        "valid_loss": "validation loss",
        "full_valid_loss": "full validation loss",
    }
    losses = ", ".join(f"{word}={known[name]:.2f}" for name, word in words.items() if name in known)
    return event(
        job_id,
        "metrics",
        f"Step {step}/{total_steps}: {losses}",
        step=step,
        type="metrics",
        data={"step": step, "total_steps": total_steps, **known, **_finite(values, STEP_NUMBERS)},
    )


def _finite(values: Mapping[str, float | None], names: tuple[str, ...]) -> dict[str, float]:
    known = ((name, values.get(name)) for name in names)
    return {name: value for name, value in known if value is not None and math.isfinite(value)}


def finite(values: Mapping[str, float | None]) -> dict[str, float]:
    """The numbers among `METRICS` that are there and finite."""
    return {name: float(value) for name, value in _finite(values, METRICS).items()}


def checkpoint(job_id: str, step: int, name: str) -> EventRow:
    """A checkpoint can be asked."""
    return event(
        job_id, "checkpoint", f"Checkpoint created at step {step} with Snapshot ID: {name}", step=step
    )


def model_created(job_id: str, name: str) -> EventRow:
    """The tuned model can be asked."""
    return event(job_id, "model", f"New fine-tuned model created: {name}")


def succeeded(job_id: str) -> EventRow:
    """The last event of a job that went well."""
    return event(job_id, "end", "The job has successfully completed")


def failed(job_id: str, *, code: str, message: str, param: str | None) -> EventRow:
    """The last event of a job that did not."""
    return event(job_id, "end", message, level="error", data={"error_code": code, "error_param": param})


def cancelled(job_id: str) -> EventRow:
    """The last event of a job that a person ended."""
    return event(job_id, "end", "Fine-tuning job cancelled")


def interrupted(job: JobRow, why: str) -> EventRow:
    """A worker was lost or gave the job back; another one will go on."""
    point = f"step {job.snapshot['step']}" if job.snapshot else "the beginning"
    data = {"attempt": job.attempt, "resume_step": job.snapshot["step"] if job.snapshot else 0}
    text = f"Training was interrupted ({why}); it will go on from {point}"
    return event(job.id, "interrupted", text, step=job.attempt, level="warn", data=data)


def pausing(job: JobRow, nth: int) -> EventRow:
    """A person paused a job that has a worker. `nth`: of the job's pauses of this kind, from 1."""
    text = "Pausing fine-tuning job after the current step"
    return event(job.id, "pausing", text, step=nth, data={"attempt": job.attempt})


def paused(job: JobRow, nth: int, why: str | None = None) -> EventRow:
    """A paused job has no worker (any more). `why`: how its worker was lost, if it did not leave as asked."""
    step = job.snapshot["step"] if job.snapshot else 0
    text = f"Fine-tuning job paused {place(job)}"
    if why is not None:
        text += f" ({why})"
    if job.step > step:
        again = f"steps {step + 1} to {job.step}" if job.step > step + 1 else f"step {job.step}"
        text += f"; {again} will be trained again"
    data = {"attempt": job.attempt, "resume_step": step}
    return event(job.id, "paused", text, step=nth, level="info" if why is None else "warn", data=data)


def unpaused(job: JobRow, nth: int, position: int = 0) -> EventRow:
    """A person resumed a paused job. `position`: jobs that train or wait before it."""
    text = "Fine-tuning job resumed, moving job to queued state"
    data = {"attempt": job.attempt, "queue_position": position}
    return event(job.id, "unpaused", text, step=nth, data=data)


def place(job: JobRow) -> str:
    """Where a job stands that nobody trains: `at step 120`, from whose snapshot it will go on."""
    if job.snapshot:
        return f"at step {job.snapshot['step']}"
    return "at its beginning" if job.step else "before its first step"


def resumed(job: JobRow, step: int) -> EventRow:
    """A further attempt trains."""
    text = f"Training resumed from step {step}" if step else "Training restarted from the beginning"
    data = {"attempt": job.attempt, "resume_step": step, "resumed_from": step}
    return event(job.id, "resumed", text, step=job.attempt, data=data)


def note(
    job_id: str,
    kind: str,
    message: str,
    *,
    level: str = "info",
    step: int = 0,
    data: dict[str, Any] | None = None,
) -> EventRow:
    """Anything else worth knowing, once per kind and step."""
    return event(job_id, kind, message, level=level, step=step, data=data)
