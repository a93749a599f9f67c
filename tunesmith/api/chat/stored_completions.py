"""`/v1/chat/completions` after the fact: what `store: true` kept is listed, shown, given other metadata and
deleted."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from tunesmith.api.auth import Caller
from tunesmith.api.http.json_body import documented, json_body
from tunesmith.api.office import Office, OfficeDep
from tunesmith.api.pages import After
from tunesmith.errors import InvalidRequest
from tunesmith.store import stored_completions
from tunesmith.store.rows import Principal, StoredCompletionRow
from tunesmith.wire import limits
from tunesmith.wire.chat import ChatCompletion, ChatRequest, Message
from tunesmith.wire.stored_completions import (
    DeletedCompletion,
    StoredCompletion,
    StoredCompletionList,
    StoredMessageList,
    UpdateCompletionRequest,
)

router = APIRouter(prefix="/v1/chat/completions", tags=["chat"])

_METADATA_KEY = re.compile(r"metadata\[(.*)\]", re.DOTALL)
Order = Annotated[Literal["asc", "desc"], Query(description="By creation: oldest or newest first.")]
Limit = Annotated[int, Query(ge=1, le=limits.MAX_STORED_PER_PAGE, description="Objects on this page.")]


async def keep(
    office: Office, principal: Principal, request_id: str, asked: ChatRequest, completion: ChatCompletion
) -> None:
    """Stores an answer with its request, so that it is there as soon as the client has read it."""
    settings = {
        "request_id": request_id,
        "input_user": asked.user,
        "tools": [tool.raw for tool in asked.tools] if asked.tools else None,
        "tool_choice": asked.tool_choice,
        "response_format": asked.response_format.model_dump(by_alias=True, exclude_none=True)
        if asked.response_format
        else None,
        "seed": asked.seed,
        "temperature": 1.0 if asked.temperature is None else asked.temperature,
        "top_p": 1.0 if asked.top_p is None else asked.top_p,
        "presence_penalty": asked.presence_penalty or 0.0,
        "frequency_penalty": asked.frequency_penalty or 0.0,
    }
    row = StoredCompletionRow(
        id=completion.id,
        project_id=principal.project_id,
        model=completion.model,
        body=completion.model_dump(mode="json"),
        request=settings,
        messages=[_message(message) for message in asked.messages],
        metadata=asked.metadata,
        created_at=completion.created,
    )
    await run_in_threadpool(stored_completions.insert, office.db, row)


def _message(message: Message) -> dict[str, Any]:
    """A message as OpenAI shows it again: its text in `content`, its parts, if it had any, beside it."""
    sent = message.raw
    parts = sent.get("content") if isinstance(sent.get("content"), list) else None
    shown = {key: value for key, value in sent.items() if value is not None}
    return {**shown, "content": message.content, "content_parts": parts, "refusal": message.refusal}


@router.get("", response_model=StoredCompletionList)
def list_chat_completions(
    principal: Caller,
    office: OfficeDep,
    request: Request,
    model: Annotated[str | None, Query(max_length=512)] = None,
    metadata: Annotated[
        str | None, Query(description="`metadata[key]=value` keeps completions with that pair.")
    ] = None,
    after: After = None,
    limit: Limit = limits.DEFAULT_STORED_PER_PAGE,
    order: Order = "asc",
) -> Response:
    """The project's stored completions, oldest first."""
    if metadata not in (None, "null", ""):
        raise InvalidRequest("Filter with metadata[key]=value.", param="metadata")
    if model is not None and (resolved := office.catalog.resolve(model)) is not None:
        model = resolved.wire_name
    page = stored_completions.list_page(
        office.db,
        principal.project_id,
        model=model,
        metadata=_pairs(request.query_params.multi_items()),
        after=after,
        limit=limit,
        order=order,
    )
    data = [_object(row) for row in page.rows]
    first, last = (data[0].id, data[-1].id) if data else (None, None)
    return _json(StoredCompletionList(data=data, first_id=first, last_id=last, has_more=page.has_more))


@router.get("/{completion_id}", response_model=StoredCompletion)
def retrieve_chat_completion(principal: Caller, office: OfficeDep, completion_id: str) -> Response:
    """One stored completion."""
    return _json(_object(stored_completions.get(office.db, principal.project_id, completion_id)))


@router.post(
    "/{completion_id}", response_model=StoredCompletion, openapi_extra=documented(UpdateCompletionRequest)
)
async def update_chat_completion(
    principal: Caller,
    office: OfficeDep,
    completion_id: str,
    body: Annotated[UpdateCompletionRequest, Depends(json_body(UpdateCompletionRequest))],
) -> Response:
    """Replaces a stored completion's metadata."""
    row = await run_in_threadpool(
        stored_completions.set_metadata, office.db, principal.project_id, completion_id, body.metadata
    )
    return _json(_object(row))


@router.delete("/{completion_id}", response_model=DeletedCompletion)
def delete_chat_completion(principal: Caller, office: OfficeDep, completion_id: str) -> Response:
    """Forgets a stored completion."""
    stored_completions.delete(office.db, principal.project_id, completion_id)
    return _json(DeletedCompletion(id=completion_id))


@router.get("/{completion_id}/messages", response_model=StoredMessageList)
def list_chat_completion_messages(
    principal: Caller,
    office: OfficeDep,
    completion_id: str,
    after: After = None,
    limit: Limit = limits.DEFAULT_STORED_PER_PAGE,
    order: Order = "asc",
) -> Response:
    """The messages that a stored completion answers, in their order."""
    row = stored_completions.get(office.db, principal.project_id, completion_id)
    messages = [{"id": f"{row.id}-{number}", **message} for number, message in enumerate(row.messages)]
    if order == "desc":
        messages.reverse()
    start = 0
    if after is not None:
        places = [place for place, message in enumerate(messages, start=1) if message["id"] == after]
        if not places:
            raise InvalidRequest(
                f"after is {after!r}, which is no message of this completion; pass the id of the last "
                "message of a page.",
                param="after",
            )
        start = places[0]
    data = messages[start : start + limit]
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    has_more = start + limit < len(messages)
    return _json(StoredMessageList(data=data, first_id=first, last_id=last, has_more=has_more))


def _pairs(query: list[tuple[str, str]]) -> dict[str, str]:
    """The pairs of `metadata[key]=value`. Raises InvalidRequest."""
    pairs: dict[str, str] = {}
    for name, value in query:
        match = _METADATA_KEY.fullmatch(name)
        if match is not None and pairs.setdefault(match.group(1), value) != value:
            raise InvalidRequest(
                f"metadata[{match.group(1)[:80]}] is asked to be two values at once; a completion has one.",
                param="metadata",
            )
    if len(pairs) > limits.MAX_METADATA_PAIRS:
        raise InvalidRequest(
            f"At most {limits.MAX_METADATA_PAIRS} metadata pairs are allowed.", param="metadata"
        )
    return pairs


def _object(row: StoredCompletionRow) -> StoredCompletion:
    return StoredCompletion(**row.body, **row.request, metadata=row.metadata or {})


def _json(body: BaseModel) -> Response:
    return Response(body.model_dump_json(), media_type="application/json")
