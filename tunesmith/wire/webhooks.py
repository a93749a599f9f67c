"""OpenAI's webhook endpoints: what a client may ask for, the objects, and the types of events."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from tunesmith.wire import limits
from tunesmith.wire.base import Request, Response, invalid, wrong_type

SENT_EVENT_TYPES = (
    "batch.completed",
    "batch.failed",
    "batch.expired",
    "batch.cancelled",
    "fine_tuning.job.succeeded",
    "fine_tuning.job.failed",
    "fine_tuning.job.cancelled",
)
"""Events that happen here, and what `GET /webhook_event_types` lists."""

OTHER_EVENT_TYPES = (
    "response.completed",
    "response.failed",
    "response.cancelled",
    "response.incomplete",
    "eval.run.succeeded",
    "eval.run.failed",
    "eval.run.canceled",
    "realtime.call.incoming",
    "video.completed",
    "video.failed",
    "agent.environment.ready",
    "agent.environment.failed",
    "agent.environment.suspended",
    "agent.environment.expired",
    "agent.session.created",
    "agent.session.action_required",
    "agent.session.in_progress",
    "agent.session.idle",
    "agent.session.failed",
    "safety.alert.created",
)
"""Events of OpenAI's that never happen here; to wait for one is refused."""

SAMPLE_IDS = {"batch": "batch_sample", "fine_tuning": "ftjob-sample"}
"""The object that a test event of each kind tells of."""

# -- requests ---------------------------------------------------------------------------------------


def _event_type(value: object) -> object:
    if not isinstance(value, str):
        raise wrong_type("a string", value)
    if value in SENT_EVENT_TYPES:
        return value
    sent = ", ".join(f"'{name}'" for name in SENT_EVENT_TYPES)
    if value in OTHER_EVENT_TYPES:
        raise invalid(f"'{value}' never happens on this server; choose among {sent}.")
    raise invalid(f"'{value[:100]}' is not one of the event types that are sent: {sent}.")


def _once_each(value: list[str]) -> list[str]:
    return list(dict.fromkeys(value))


def _printable(value: str) -> str:
    if not value.isprintable():
        raise invalid("it holds a control character; remove it.")
    return value


EventType = Annotated[
    str,
    BeforeValidator(_event_type),
    WithJsonSchema({"type": "string", "enum": [*SENT_EVENT_TYPES, *OTHER_EVENT_TYPES]}),
]
EventTypes = Annotated[
    list[EventType],
    Field(min_length=1, max_length=len(SENT_EVENT_TYPES) + len(OTHER_EVENT_TYPES)),
    AfterValidator(_once_each),
]
Name = Annotated[
    str, Field(min_length=1, max_length=limits.MAX_WEBHOOK_NAME_CHARS), AfterValidator(_printable)
]
Url = Annotated[str, Field(min_length=1, max_length=limits.MAX_WEBHOOK_URL_CHARS)]


class CreateWebhookEndpointRequest(Request):
    """The body of `POST /webhook_endpoints`."""

    event_types: EventTypes
    name: Name
    url: Url


class UpdateWebhookEndpointRequest(Request):
    """The body of `POST /webhook_endpoints/{id}`: what is to change."""

    event_types: EventTypes | None = None
    name: Name | None = None
    url: Url | None = None


class RotateWebhookSecretRequest(Request):
    """The body of `POST /webhook_endpoints/{id}/rotate_secret`, which may be absent."""

    keep_old_secret_active_for_24_hours: bool | None = None


class SendTestEventRequest(Request):
    """The body of `POST /webhook_endpoints/{id}/test`."""

    event_type: EventType


# -- responses --------------------------------------------------------------------------------------


class WebhookEndpointObject(Response):
    """An endpoint, without its secret."""

    id: str
    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    created_at: int
    event_types: list[str]
    name: str
    signing_secret_hint: str | None
    updated_at: int
    url: str
    status: Literal["enabled", "disabled"]
    """Not in OpenAI's object: a disabled endpoint receives nothing until it is changed or tested."""
    status_details: str | None
    """Not in OpenAI's object: why it is disabled, or what the last attempt came to if it failed."""


class WebhookEndpointWithSecret(WebhookEndpointObject):
    """An endpoint with the secret that signs from now on: the only time that it is shown."""

    signing_secret: str


class WebhookEndpointList(Response):
    """A page of endpoints, newest first."""

    object: Literal["list"] = "list"
    data: list[WebhookEndpointObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class DeletedWebhookEndpoint(Response):
    """What is left of a deleted endpoint."""

    id: str
    object: Literal["webhook_endpoint.deleted"] = "webhook_endpoint.deleted"
    deleted: Literal[True] = True


class WebhookEndpointTest(Response):
    """What a receiver answered to a sample event."""

    object: Literal["webhook_endpoint.test"] = "webhook_endpoint.test"
    event_type: str
    status_code: int
    success: Literal[True] = True
    """An answer came, whatever its status."""
    webhook_endpoint_id: str


class WebhookEventTypeList(Response):
    """The types of events that are sent."""

    object: Literal["list"] = "list"
    data: list[str]
