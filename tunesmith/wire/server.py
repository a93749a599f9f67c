"""What a server is and can do, for whoever shows it to people: our own, not OpenAI's."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tunesmith.wire.base import Response

EngineState = Literal["starting", "ready", "down"]


class DeviceInfo(Response):
    """A device that can train."""

    id: str
    kind: Literal["cpu", "gpu"]
    name: str
    memory_bytes: int
    free_bytes: int


class TrainingMemory(Response):
    """What training a base would take of the device's memory, by the estimate's rough rates."""

    low_bytes: int
    """A step of one short row."""
    high_bytes: int
    """A step as large as the trainer makes them."""
    fits: bool | None
    """In what is free now; null where it depends on the data."""


class BaseInfo(Response):
    """A base model that is served here."""

    id: str
    context_length: int
    n_parameters: int
    is_chat: bool
    """Whether it has a chat template; without one it takes prompt/completion rows only."""
    is_default: bool
    """OpenAI's names mean this one."""
    engine: EngineState
    """Whether it can answer now."""
    training: TrainingMemory
    """Whether it can be trained on the device that trains first."""


class PriceInfo(Response):
    """What a million tokens cost."""

    input: float
    cached_input: float | None
    """Null: as other input."""
    output: float
    training: float


class Prices(Response):
    """What things cost here; all zero where the operator has set no price."""

    currency: str
    models: dict[str, PriceInfo]
    """By model; `*` prices the others. A tuned model costs as its base unless it is named."""
    device_hour: float
    """An hour of training, beside its tokens."""


class MinimumRows(Response):
    """Rows that a file must have in a job."""

    training_file: int
    validation_file: int


class Capabilities(Response):
    """What can be asked for here."""

    methods: list[str]
    """Of fine-tuning."""
    actions: list[str]
    """What can be done to a job."""
    integrations: list[str]
    calls: list[str]
    """Our own calls beyond OpenAI's: `report`, `rows`, `estimate`, `metrics`, …"""


class Limits(Response):
    """Bounds that a client may want to know before it sends something."""

    max_file_bytes: int
    max_upload_bytes: int
    max_part_bytes: int
    max_epochs: int
    max_batch_size: int
    max_suffix_chars: int


class Training(Response):
    """What the devices do now, over all projects."""

    n_running: int
    n_queued: int


class ServerInfo(Response):
    """The answer to `GET /server`."""

    object: Literal["server"] = "server"
    version: str
    engine: EngineState
    """The default base's."""
    capabilities: Capabilities
    devices: list[DeviceInfo]
    """The one that trains first."""
    training: Training
    bases: list[BaseInfo]
    """The default one first."""
    prices: Prices
    minimum_rows: MinimumRows
    limits: Limits = Field(description="Bounds of requests.")
