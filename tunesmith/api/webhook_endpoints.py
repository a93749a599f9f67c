"""`/v1/webhook_endpoints`: where a project is told of what ends, and the secret that signs it.

Delivering is the deliverer's (`jobs/webhooks.py`); the routes look at URLs and send tests through it.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from tunesmith import ids
from tunesmith.api.auth import Caller
from tunesmith.api.http.json_body import documented, json_body
from tunesmith.api.office import OfficeDep
from tunesmith.api.pages import After
from tunesmith.errors import InvalidRequest
from tunesmith.store import webhooks
from tunesmith.store.rows import WebhookEndpointRow
from tunesmith.wire import limits
from tunesmith.wire.webhooks import (
    SAMPLE_IDS,
    SENT_EVENT_TYPES,
    CreateWebhookEndpointRequest,
    DeletedWebhookEndpoint,
    RotateWebhookSecretRequest,
    SendTestEventRequest,
    UpdateWebhookEndpointRequest,
    WebhookEndpointList,
    WebhookEndpointObject,
    WebhookEndpointTest,
    WebhookEndpointWithSecret,
    WebhookEventTypeList,
)

router = APIRouter(prefix="/v1", tags=["webhooks"])


async def _rotation(request: Request) -> RotateWebhookSecretRequest:
    """The body, which may be left out."""
    headers = request.headers
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return RotateWebhookSecretRequest()
    return await json_body(RotateWebhookSecretRequest)(request)


@router.get("/webhook_event_types", response_model=WebhookEventTypeList)
async def list_webhook_event_types(principal: Caller) -> Response:
    """The types of events that an endpoint can ask for."""
    return _json(WebhookEventTypeList(data=list(SENT_EVENT_TYPES)))


@router.post(
    "/webhook_endpoints",
    response_model=WebhookEndpointWithSecret,
    openapi_extra=documented(CreateWebhookEndpointRequest),
)
async def create_webhook_endpoint(
    principal: Caller,
    office: OfficeDep,
    body: Annotated[CreateWebhookEndpointRequest, Depends(json_body(CreateWebhookEndpointRequest))],
) -> Response:
    """Adds an endpoint; the answer holds its signing secret, which is not shown again."""
    await office.webhooks.check(body.url)
    now = ids.now()
    row = WebhookEndpointRow(
        id=ids.new_id("webhook_endpoint"),
        project_id=principal.project_id,
        name=body.name,
        url=body.url,
        event_types=body.event_types,
        secret=ids.new_webhook_secret(),
        created_at=now,
        updated_at=now,
    )
    await run_in_threadpool(webhooks.add, office.db, row, at_most=limits.MAX_WEBHOOK_ENDPOINTS)
    return _json(_with_secret(row))


@router.get("/webhook_endpoints", response_model=WebhookEndpointList)
def list_webhook_endpoints(
    principal: Caller,
    office: OfficeDep,
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=limits.MAX_WEBHOOK_ENDPOINTS_PER_PAGE)] = 20,
) -> Response:
    """Endpoints of the project, newest first."""
    page = webhooks.list_page(office.db, principal.project_id, after=after, limit=limit)
    data = [endpoint_object(row) for row in page.rows]
    first, last = (data[0].id, data[-1].id) if data else (None, None)
    return _json(WebhookEndpointList(data=data, first_id=first, last_id=last, has_more=page.has_more))


@router.get("/webhook_endpoints/{webhook_endpoint_id}", response_model=WebhookEndpointObject)
def retrieve_webhook_endpoint(principal: Caller, office: OfficeDep, webhook_endpoint_id: str) -> Response:
    """One endpoint, without its secret."""
    return _json(endpoint_object(webhooks.get(office.db, principal.project_id, webhook_endpoint_id)))


@router.post(
    "/webhook_endpoints/{webhook_endpoint_id}",
    response_model=WebhookEndpointObject,
    openapi_extra=documented(UpdateWebhookEndpointRequest),
)
async def update_webhook_endpoint(
    principal: Caller,
    office: OfficeDep,
    webhook_endpoint_id: str,
    body: Annotated[UpdateWebhookEndpointRequest, Depends(json_body(UpdateWebhookEndpointRequest))],
) -> Response:
    """Changes what the body names. An endpoint that was disabled receives again."""
    known = await run_in_threadpool(webhooks.get, office.db, principal.project_id, webhook_endpoint_id)
    changes = body.model_dump(exclude_none=True)
    if changes.get("url", known.url) != known.url:
        await office.webhooks.check(changes["url"])
    row = await run_in_threadpool(
        webhooks.change, office.db, principal.project_id, webhook_endpoint_id, **changes
    )
    return _json(endpoint_object(row))


@router.delete("/webhook_endpoints/{webhook_endpoint_id}", response_model=DeletedWebhookEndpoint)
def delete_webhook_endpoint(principal: Caller, office: OfficeDep, webhook_endpoint_id: str) -> Response:
    """Deletes an endpoint; what was still to be delivered to it is dropped."""
    webhooks.remove(office.db, principal.project_id, webhook_endpoint_id)
    return _json(DeletedWebhookEndpoint(id=webhook_endpoint_id))


@router.post(
    "/webhook_endpoints/{webhook_endpoint_id}/rotate_secret",
    response_model=WebhookEndpointWithSecret,
    openapi_extra=documented(RotateWebhookSecretRequest, required=False),
)
async def rotate_webhook_secret(
    principal: Caller,
    office: OfficeDep,
    webhook_endpoint_id: str,
    body: Annotated[RotateWebhookSecretRequest, Depends(_rotation)],
) -> Response:
    """A fresh secret; for a day both sign, if asked for, so that receivers can change over in between."""
    row = await run_in_threadpool(
        webhooks.rotate_secret,
        office.db,
        principal.project_id,
        webhook_endpoint_id,
        keep_old=bool(body.keep_old_secret_active_for_24_hours),
    )
    return _json(_with_secret(row))


@router.post(
    "/webhook_endpoints/{webhook_endpoint_id}/test",
    response_model=WebhookEndpointTest,
    openapi_extra=documented(SendTestEventRequest),
)
async def send_test_event(
    principal: Caller,
    office: OfficeDep,
    webhook_endpoint_id: str,
    body: Annotated[SendTestEventRequest, Depends(json_body(SendTestEventRequest))],
) -> Response:
    """Sends a sample event now, once. A disabled endpoint that takes it receives again."""
    row = await run_in_threadpool(webhooks.get, office.db, principal.project_id, webhook_endpoint_id)
    sample = SAMPLE_IDS[body.event_type.partition(".")[0]]
    outcome = await office.webhooks.test(row, body.event_type, sample)
    if outcome.status_code is None:
        raise InvalidRequest(
            f"The test event could not be delivered to {row.url}. {outcome.sentence}",
            code="webhook_test_failed",
        )
    return _json(
        WebhookEndpointTest(
            event_type=body.event_type, status_code=outcome.status_code, webhook_endpoint_id=row.id
        )
    )


# -- rows to wire -----------------------------------------------------------------------------------


def endpoint_object(row: WebhookEndpointRow) -> WebhookEndpointObject:
    """The row as the wire has it."""
    return WebhookEndpointObject(
        id=row.id,
        created_at=row.created_at,
        event_types=row.event_types,
        name=row.name,
        signing_secret_hint=f"whsec_...{row.secret[-4:]}",
        updated_at=row.updated_at,
        url=row.url,
        status="enabled" if row.disabled_reason is None else "disabled",
        status_details=row.disabled_reason or row.last_failure,
    )


def _with_secret(row: WebhookEndpointRow) -> WebhookEndpointWithSecret:
    return WebhookEndpointWithSecret(**endpoint_object(row).model_dump(), signing_secret=row.secret)


def _json(body: BaseModel) -> Response:
    return Response(body.model_dump_json(), media_type="application/json")
