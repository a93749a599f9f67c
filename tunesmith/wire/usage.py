"""OpenAI's usage and cost reports: pages of buckets of time, each with its results.

Which kinds of usage there are, and what each can be grouped by, stands here too.
"""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from tunesmith.wire.base import Response

Width = Literal["1m", "1h", "1d"]
WIDTH_S: dict[str, int] = {"1m": 60, "1h": 3600, "1d": 86400}
DEFAULT_BUCKETS: dict[str, int] = {"1m": 60, "1h": 24, "1d": 7}
MAX_BUCKETS: dict[str, int] = {"1m": 1440, "1h": 168, "1d": 31}
DEFAULT_COST_BUCKETS = 7
MAX_COST_BUCKETS = 180

_COMMON = ("project_id", "user_id", "api_key_id", "model")
GROUPS: dict[str, tuple[str, ...]] = {
    "completions": (*_COMMON, "batch", "service_tier", "api_source"),
    "embeddings": _COMMON,
    "moderations": _COMMON,
    "images": (*_COMMON, "size", "source"),
    "audio_speeches": _COMMON,
    "audio_transcriptions": _COMMON,
    "vector_stores": ("project_id",),
    "code_interpreter_sessions": ("project_id",),
    "file_search_calls": ("project_id", "user_id", "api_key_id", "vector_store_id"),
    "web_search_calls": (*_COMMON, "context_level", "api_source"),
    "decisions": (*_COMMON, "batch", "service_tier", "api_source"),
}
"""OpenAI's kinds of usage and what each can be grouped by. Only the first three come about here; the others
are always empty."""
EXTRA_FILTERS: dict[str, tuple[str, ...]] = {
    "images": ("sizes", "sources"),
    "file_search_calls": ("vector_store_ids",),
    "web_search_calls": ("context_levels",),
}
"""Filters that only one kind has."""
TRAINING_GROUPS = ("project_id", "model", "fine_tuning_job_id")
COST_GROUPS = ("project_id", "user_id", "line_item", "api_key_id", "api_source")


ApiSource = Literal["agents_api", "unlabeled"] | None
"""Always `unlabeled` where it was grouped by: there are no agents here."""


class Served(Response):
    """What was served of one kind; what was not grouped by is null."""

    num_model_requests: int
    input_tokens: int
    project_id: str | None
    user_id: str | None = None
    """Always null: keys belong to service accounts here."""
    api_key_id: str | None
    model: str | None


class CompletionsResult(Served):
    """Chat completions, legacy completions and responses."""

    object: Literal["organization.usage.completions.result"] = "organization.usage.completions.result"
    output_tokens: int
    input_cached_tokens: int
    input_uncached_tokens: int
    input_text_tokens: int
    output_text_tokens: int
    input_cached_text_tokens: int
    input_audio_tokens: int = 0
    input_cached_audio_tokens: int = 0
    output_audio_tokens: int = 0
    input_image_tokens: int = 0
    input_cached_image_tokens: int = 0
    output_image_tokens: int = 0
    batch: bool | None
    service_tier: str | None
    api_source: ApiSource


class EmbeddingsResult(Served):
    """Embeddings."""

    object: Literal["organization.usage.embeddings.result"] = "organization.usage.embeddings.result"


class ModerationsResult(Served):
    """Moderations."""

    object: Literal["organization.usage.moderations.result"] = "organization.usage.moderations.result"


class ImagesResult(Response):
    """Images: there are none here."""

    object: Literal["organization.usage.images.result"] = "organization.usage.images.result"
    images: int
    num_model_requests: int


class AudioSpeechesResult(Response):
    """Speech: there are none here."""

    object: Literal["organization.usage.audio_speeches.result"] = "organization.usage.audio_speeches.result"
    characters: int
    num_model_requests: int


class AudioTranscriptionsResult(Response):
    """Transcriptions: there are none here."""

    object: Literal["organization.usage.audio_transcriptions.result"] = (
        "organization.usage.audio_transcriptions.result"
    )
    seconds: int
    num_model_requests: int


class VectorStoresResult(Response):
    """Vector stores: there are none here."""

    object: Literal["organization.usage.vector_stores.result"] = "organization.usage.vector_stores.result"
    usage_bytes: int


class CodeInterpreterSessionsResult(Response):
    """Code interpreters: there are none here."""

    object: Literal["organization.usage.code_interpreter_sessions.result"] = (
        "organization.usage.code_interpreter_sessions.result"
    )
    num_sessions: int


class FileSearchesResult(Response):
    """File searches: there are none here."""

    object: Literal["organization.usage.file_searches.result"] = "organization.usage.file_searches.result"
    num_requests: int


class WebSearchesResult(Response):
    """Web searches: there are none here."""

    object: Literal["organization.usage.web_searches.result"] = "organization.usage.web_searches.result"
    num_requests: int
    num_model_requests: int


class DecisionsResult(Response):
    """Decisions: there are none here."""

    object: Literal["organization.usage.decisions.result"] = "organization.usage.decisions.result"
    input_tokens: int
    output_tokens: int
    num_model_requests: int


class FineTuningResult(Response):
    """Our own kind: what training took, by the day on which its jobs ended."""

    object: Literal["organization.usage.fine_tuning.result"] = "organization.usage.fine_tuning.result"
    num_jobs: int
    trained_tokens: int
    device_seconds: float
    project_id: str | None
    model: str | None
    """The base, as the job names it."""
    fine_tuning_job_id: str | None


class Amount(Response):
    """A sum of money."""

    value: float
    currency: str


class CostResult(Response):
    """What was spent; what was not grouped by is null."""

    object: Literal["organization.costs.result"] = "organization.costs.result"
    amount: Amount
    line_item: str | None
    quantity: float | None
    quantity_unit: Literal["tokens", "duration_seconds"] | None
    project_id: str | None
    organization_id: str
    api_key_id: str | None
    user_id: str | None = None
    api_source: ApiSource


R = TypeVar("R", bound=Response)


class Bucket(Response, Generic[R]):
    """A stretch of time; `end_time` is no longer in it."""

    object: Literal["bucket"] = "bucket"
    start_time: int
    end_time: int
    results: list[R]


class Page(Response, Generic[R]):
    """A page of buckets, oldest first."""

    object: Literal["page"] = "page"
    data: list[Bucket[R]]
    has_more: bool
    next_page: str | None


class CompletionsPage(Page[CompletionsResult]):
    """Usage of completions."""


class EmbeddingsPage(Page[EmbeddingsResult]):
    """Usage of embeddings."""


class ModerationsPage(Page[ModerationsResult]):
    """Usage of moderations."""


class FineTuningPage(Page[FineTuningResult]):
    """What training took."""


class CostsPage(Page[CostResult]):
    """What was spent."""


PAGES: dict[str, type[Response]] = {
    "completions": CompletionsPage,
    "embeddings": EmbeddingsPage,
    "moderations": ModerationsPage,
    "images": Page[ImagesResult],
    "audio_speeches": Page[AudioSpeechesResult],
    "audio_transcriptions": Page[AudioTranscriptionsResult],
    "vector_stores": Page[VectorStoresResult],
    "code_interpreter_sessions": Page[CodeInterpreterSessionsResult],
    "file_search_calls": Page[FileSearchesResult],
    "web_search_calls": Page[WebSearchesResult],
    "decisions": Page[DecisionsResult],
}
"""What each of OpenAI's kinds answers."""
