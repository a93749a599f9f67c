"""One settings object: flags win over environment (`TUNESMITH_…`), environment over defaults."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

#: The base model that ships with the package.
NANO = Path(__file__).parent / "assets" / "nano"
SAMPLES = Path(__file__).parent / "assets" / "samples"


class Price(BaseModel):
    """What a model's tokens cost, per million."""

    model_config = ConfigDict(extra="forbid")

    input: float = Field(default=0.0, ge=0)
    cached_input: float | None = Field(default=None, ge=0)
    """Of the input, what was read from a cache; None: as the rest of it."""
    output: float = Field(default=0.0, ge=0)
    training: float = Field(default=0.0, ge=0)


class Settings(BaseSettings):
    """What one server needs to know. Every field has an environment variable `TUNESMITH_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="TUNESMITH_", extra="ignore")

    host: str = "127.0.0.1"
    """Address to listen on; beyond loopback the server prints a warning."""
    port: int = 8000
    """TCP port; 0 takes a free one."""
    data: Path = Path("tunesmith-data")
    """Folder of the database, the objects, the adapters and the logs. A job's logs go 30 days after its
    end."""
    base_model: list[str] = Field(default_factory=list)
    """Base models by folder or hub id; the first is the default base. Empty: the nano model that ships."""
    alias: dict[str, str] = Field(default_factory=dict)
    """Model names mapped to a base's id, folder or hub id; they win over the built-in OpenAI names."""
    embedding_model: str | None = None
    """Base model, by folder or hub id, that OpenAI's embedding models stand for. None: the default base."""
    moderation_model: str | None = None
    """Model that `/v1/moderations` asks, for all projects: a base that is served, or a tuned model or
    checkpoint of any project, by name. None: moderations are refused."""
    api_key: str | None = None
    """A key that the first start adds, instead of a random one that it prints."""
    engine_threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    """CPU threads of an inference engine at most; a base too small to gain by more uses one."""
    trainer_threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    """CPU threads of a training process at most; a base too small to gain by more uses one."""
    trainer_niceness: int = Field(default=5, ge=0, le=19)
    """How much later than chats a training process gets the CPU."""
    engine_start_timeout_s: float = 60.0
    """Seconds that a chat waits for an engine that is still starting, before it gets 503."""
    engine_hang_timeout_s: float = Field(default=30.0, gt=0)
    """Seconds without a sign of life after which an inference engine is killed and started again; a single
    step may take ten times as long."""
    batch_concurrency: int = Field(default=8, ge=1, le=256)
    """Lines of all batches together that are being answered at one time; fewer leave more to chats."""
    lease_s: float = 15.0
    """Seconds without a heartbeat after which a job's worker counts as dead."""
    max_attempts: int = 5
    """Starts of one job's worker in a row without a new snapshot, before the job fails."""
    snapshot_every_s: float = Field(default=20.0, ge=0)
    """Seconds of training between two snapshots; a lost worker costs at most this much."""

    webhook_allow_private: bool = False
    """Whether webhooks may go to private and loopback addresses and over plain http: for an intranet."""

    requests_per_minute: int = Field(default=100_000, ge=0)
    """Requests that a project may make to one model in a minute, unless it has a limit of its own. The
    default is more than one server can answer."""
    tokens_per_minute: int = Field(default=150_000_000, ge=0)
    """Tokens, read and written, that a project may use of one model in a minute, likewise."""
    monthly_tokens: int | None = Field(default=None, ge=0)
    """Tokens, read and written, that a project may use in a calendar month (UTC), likewise; None: any
    number."""
    prices: dict[str, Price] = Field(default_factory=dict)
    """What tokens cost, by model; a tuned model costs as its base unless it is named, `*` prices the others.
    For `/v1/organization/costs` only."""
    device_hour_price: float = Field(default=0.0, ge=0)
    """What an hour of training costs beside its tokens."""
    currency: str = Field(default="usd", pattern=r"^[a-z]{3}$")
    """The currency of all prices, as ISO 4217 has it, in small letters."""

    @field_validator("data")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the office's database."""
        return f"sqlite:///{self.data / 'tunesmith.db'}"

    @property
    def objects_url(self) -> str:
        """obstore URL of the object store."""
        return (self.data / "objects").as_uri()

    @property
    def adapters_folder(self) -> Path:
        """Where published adapters lie as whole folders `<model id>/` for the engine to read."""
        return self.data / "adapters"
