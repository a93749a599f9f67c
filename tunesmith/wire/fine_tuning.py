"""OpenAI's fine-tuning job: what a client may ask for, and the job, event and checkpoint objects."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from tunesmith.wire import limits
from tunesmith.wire.base import Metadata, Request, Response, invalid, wrong_type

# -- requests ---------------------------------------------------------------------------------------


def _auto_or_integer(maximum: int) -> Any:
    def check(value: object) -> object:
        if value == "auto" or value is None:
            return "auto"
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_type(f'"auto" or an integer from 1 to {maximum}', value)
        if not 1 <= value <= maximum:
            raise invalid(
                f'expected "auto" or an integer from 1 to {maximum}, but got {str(value)[:40]} instead.'
            )
        return value

    schema = {
        "anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1, "maximum": maximum}],
        "default": "auto",
    }
    return Annotated[int | str, BeforeValidator(check), WithJsonSchema(schema)]


def _auto_or_positive(maximum: float) -> Any:
    bound = f"a number above 0 and at most {maximum:,.15g}"

    def check(value: object) -> object:
        if value == "auto" or value is None:
            return "auto"
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong_type(f'"auto" or {bound}', value)
        if not 0 < value <= maximum:
            raise invalid(f'expected "auto" or {bound}, but got {str(value)[:40]} instead.')
        return float(value)

    number = {"type": "number", "exclusiveMinimum": 0, "maximum": maximum}
    schema = {"anyOf": [{"const": "auto"}, number], "default": "auto"}
    return Annotated[float | str, BeforeValidator(check), WithJsonSchema(schema)]


class Hyperparameters(Request):
    """Settings of supervised fine-tuning; each is a number or "auto"."""

    n_epochs: _auto_or_integer(limits.MAX_EPOCHS) = "auto"  # type: ignore[valid-type]
    batch_size: _auto_or_integer(limits.MAX_BATCH_SIZE) = "auto"  # type: ignore[valid-type]
    learning_rate_multiplier: _auto_or_positive(  # type: ignore[valid-type]
        limits.MAX_LEARNING_RATE_MULTIPLIER
    ) = "auto"

    def as_asked(self) -> dict[str, int | float | str]:
        """All three, with "auto" where the request says nothing."""
        return self.model_dump()


class DpoHyperparameters(Hyperparameters):
    """Settings of preference fine-tuning."""

    beta: _auto_or_positive(limits.MAX_BETA) = "auto"  # type: ignore[valid-type]


class Supervised(Request):
    """`method.supervised`."""

    hyperparameters: Hyperparameters | None = None


class Dpo(Request):
    """`method.dpo`."""

    hyperparameters: DpoHyperparameters | None = None


class Method(Request):
    """How to train; only the part that `type` names may be given."""

    type: Literal["supervised", "dpo", "reinforcement"]
    supervised: Supervised | None = None
    dpo: Dpo | None = None
    reinforcement: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one_part(self) -> Method:
        for part in ("supervised", "dpo", "reinforcement"):
            if part != self.type and getattr(self, part) is not None:
                raise invalid(
                    f"type is '{self.type}', but settings for '{part}' are given; remove one of the two."
                )
        return self


Tag = Annotated[str, Field(min_length=1, max_length=limits.MAX_TAG_CHARS)]


class WandbSettings(Request):
    """Where Weights and Biases puts the run."""

    project: str = Field(min_length=1, max_length=256)
    name: str | None = Field(default=None, max_length=256)
    entity: str | None = Field(default=None, max_length=256)
    tags: list[Tag] | None = Field(default=None, max_length=limits.MAX_TAGS)


class Integration(Request):
    """A service that follows the job."""

    type: Literal["wandb"]
    wandb: WandbSettings


class CreateJobRequest(Request):
    """The body of `POST /fine_tuning/jobs`."""

    model: str = Field(min_length=1, max_length=512)
    training_file: str = Field(min_length=1, max_length=128)
    validation_file: str | None = Field(default=None, min_length=1, max_length=128)
    hyperparameters: Hyperparameters | None = None
    """The older place for settings of supervised training; `method.supervised.hyperparameters` is today's."""
    method: Method | None = None
    suffix: str | None = Field(
        default=None, min_length=1, max_length=limits.MAX_SUFFIX_CHARS, pattern=r"^[A-Za-z0-9._-]+$"
    )
    seed: int | None = Field(default=None, ge=0, le=limits.MAX_SEED)
    metadata: Metadata = None
    integrations: list[Integration] | None = Field(default=None, max_length=limits.MAX_INTEGRATIONS)

    @field_validator("integrations")
    @classmethod
    def _one_run_a_project(cls, value: list[Integration] | None) -> list[Integration] | None:
        places = [(entry.wandb.entity, entry.wandb.project) for entry in value or []]
        for index, place in enumerate(places):
            if place in places[:index]:
                raise invalid(f"two of them name the project {place[1]!r}; one run there is enough.")
        return value


# -- responses --------------------------------------------------------------------------------------


JobStatus = Literal["validating_files", "queued", "running", "paused", "succeeded", "failed", "cancelled"]
"""OpenAI's, and `paused`, which OpenAI answers but does not declare."""


class JobError(Response):
    """Why a job failed."""

    code: str
    message: str
    param: str | None


class JobObject(Response):
    """A fine-tuning job. Times are Unix seconds; null until they are known."""

    id: str
    object: Literal["fine_tuning.job"] = "fine_tuning.job"
    created_at: int
    error: JobError | None
    estimated_finish: int | None
    fine_tuned_model: str | None
    finished_at: int | None
    hyperparameters: dict[str, int | float | str]
    integrations: list[dict[str, Any]] | None
    metadata: dict[str, str] | None
    method: dict[str, Any]
    model: str
    organization_id: str
    result_files: list[str]
    seed: int
    status: JobStatus
    trained_tokens: int | None
    training_file: str
    user_provided_suffix: str | None
    validation_file: str | None


class EventObject(Response):
    """Something that happened to a job."""

    id: str
    object: Literal["fine_tuning.job.event"] = "fine_tuning.job.event"
    created_at: int
    level: Literal["info", "warn", "error"]
    message: str
    type: Literal["message", "metrics"]
    data: dict[str, Any]


class CheckpointObject(Response):
    """An adapter at the end of an epoch, servable by its name."""

    id: str
    object: Literal["fine_tuning.job.checkpoint"] = "fine_tuning.job.checkpoint"
    created_at: int
    fine_tuned_model_checkpoint: str
    fine_tuning_job_id: str
    metrics: dict[str, int | float]
    """Absent values are left out rather than null."""
    step_number: int


class Curve(Response):
    """A small drawing of a loss: some steps out of all, the last one among them."""

    step: list[int]
    train_loss: list[float | None]


class JobProgress(Response):
    """Our own: how far a job is. Losses are the last that were told, null until they are known."""

    step: int
    total_steps: int | None
    train_loss: float | None
    valid_loss: float | None
    full_valid_loss: float | None
    curve: Curve


class ListedJob(JobObject):
    """A job of a list."""

    progress: JobProgress | None = Field(default=None, exclude_if=lambda progress: progress is None)
    """With `include=progress` only."""


class JobList(Response):
    """A page of jobs, newest first."""

    object: Literal["list"] = "list"
    data: list[ListedJob]
    has_more: bool


class EventList(Response):
    """A page of events, newest first."""

    object: Literal["list"] = "list"
    data: list[EventObject]
    has_more: bool


class CheckpointList(Response):
    """A page of checkpoints, newest first."""

    object: Literal["list"] = "list"
    data: list[CheckpointObject]
    has_more: bool
    first_id: str | None
    last_id: str | None
