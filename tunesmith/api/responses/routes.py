"""`/v1/responses`: items in, items out, whole or as a stream of typed events; stored for thirty days.

A response is a chat underneath (`api/chat/routes.py` decides what the model is asked and how), so the same
conversation makes the same prompt on both endpoints. What Responses add is the shape, and memory: a request
names the response that it goes on from, and brings only what is new.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from tunesmith import ids
from tunesmith.api.auth import Caller
from tunesmith.api.chat import routes as chat
from tunesmith.api.http.json_body import documented, json_body
from tunesmith.api.http.sse import ClientGone, EventStream, unless_gone
from tunesmith.api.metering import Served
from tunesmith.api.office import Office, OfficeDep
from tunesmith.api.responses import prompt as responses_prompt
from tunesmith.api.responses.answer import Answering, Home
from tunesmith.api.responses.events import replay
from tunesmith.api.responses.items import Included, IncludedPlain, Turn, resolved, turns, without_logprobs
from tunesmith.api.responses.request import (
    chat_request,
    check,
    repeated,
    rewording,
    wants_logprobs,
    with_instructions,
)
from tunesmith.errors import InvalidRequest, NotFound
from tunesmith.store import conversations, responses
from tunesmith.store.responses import Item
from tunesmith.store.rows import Principal, ResponseRow
from tunesmith.wire import limits
from tunesmith.wire.responses import ConversationFields, InputTokensRequest, ResponseRequest
from tunesmith.wire.responses_objects import DeletedResponse, InputTokens, ItemList, ResponseObject

T = TypeVar("T")

_INLINE_ITEMS = 64
"""A longer conversation is put together off the event loop."""

router = APIRouter(prefix="/v1/responses", tags=["responses"])


@router.post("", response_model=ResponseObject, openapi_extra=documented(ResponseRequest))
async def create_response(
    principal: Caller,
    office: OfficeDep,
    request: Request,
    body: Annotated[ResponseRequest, Depends(json_body(ResponseRequest))],
) -> Response:
    """The model's answer to a conversation; a stream of events with `stream: true`."""
    check(body)
    try:
        answering = await unless_gone(request.receive, _begin(office, principal, request, body))
        if body.stream:
            return EventStream(answering.events())
        response = await unless_gone(request.receive, answering.whole())
    except ClientGone:
        return Response(status_code=499)
    return _json(response)


@router.post("/input_tokens", response_model=InputTokens, openapi_extra=documented(InputTokensRequest))
async def count_input_tokens(
    principal: Caller,
    office: OfficeDep,
    body: Annotated[InputTokensRequest, Depends(json_body(InputTokensRequest))],
) -> Response:
    """How many tokens the prompt of a response would have."""
    check(body)
    if body.personality is not None:
        raise InvalidRequest(
            "Models here have no personalities to choose from; say it in 'instructions'.",
            param="personality",
            code="unsupported_parameter",
        )
    conversation = await _conversation(office, principal, body)
    n = await responses_prompt.n_tokens(office, principal, body, body.model, conversation.turns)
    return _json(InputTokens(input_tokens=n).model_dump())


@router.get("/{response_id}", response_model=ResponseObject)
async def retrieve_response(
    principal: Caller,
    office: OfficeDep,
    response_id: str,
    include: Included = None,
    include_plain: IncludedPlain = None,
    stream: bool = False,
    starting_after: Annotated[int | None, Query(ge=0)] = None,
    include_obfuscation: bool = True,
) -> Response:
    """A stored response; with `stream=true` its events, as they were streamed, from the one behind
    `starting_after`."""
    row, response = await run_in_threadpool(_stored, office, principal, response_id)
    if stream:
        events = replay(response, row.pieces, obfuscated=include_obfuscation)
        return EventStream(_behind(events, -1 if starting_after is None else starting_after))
    if starting_after is not None:
        raise InvalidRequest(
            "The 'starting_after' parameter is only allowed when 'stream' is enabled.", param="starting_after"
        )
    without_logprobs(response["output"], include or include_plain)
    return _json(response)


@router.delete("/{response_id}", response_model=DeletedResponse)
def delete_response(principal: Caller, office: OfficeDep, response_id: str) -> Response:
    """Deletes a response. Responses that went on from it keep what they were told."""
    responses.delete(office.db, principal.project_id, response_id)
    return _json(DeletedResponse(id=response_id).model_dump())


@router.post("/{response_id}/cancel", response_model=ResponseObject)
def cancel_response(principal: Caller, office: OfficeDep, response_id: str) -> Response:
    """Only responses made in the background can be cancelled, and there are none here."""
    responses.get(office.db, principal.project_id, response_id)
    raise InvalidRequest("Cannot cancel a synchronous response.", param="response_id")


@router.get("/{response_id}/input_items", response_model=ItemList)
def list_input_items(
    principal: Caller,
    office: OfficeDep,
    response_id: str,
    after: Annotated[str | None, Query(max_length=128)] = None,
    limit: Annotated[int, Query(ge=1, le=limits.MAX_ITEMS_PER_PAGE)] = limits.DEFAULT_ITEMS_PER_PAGE,
    order: Literal["asc", "desc"] = "desc",
    include: Included = None,
    include_plain: IncludedPlain = None,
) -> Response:
    """What a response was asked with, the conversation before it included; newest first."""
    items = responses.read_by(office.db, principal.project_id, response_id)
    if order == "desc":
        items.reverse()
    start = 0
    if after is not None:
        start = next((at + 1 for at, item in enumerate(items) if item["id"] == after), 0)
        if not start:
            raise InvalidRequest(
                f"after is {after!r}, which is no item of this list; pass the id of the last item of a page.",
                param="after",
            )
    page = without_logprobs(items[start : start + limit], include or include_plain)
    first, last = (page[0]["id"], page[-1]["id"]) if page else (None, None)
    more = start + limit < len(items)
    return _json(ItemList(data=page, first_id=first, last_id=last, has_more=more).model_dump())


# -- making one -------------------------------------------------------------------------------------


class _Conversation:
    """What a request goes on from, and what it brings."""

    def __init__(self, previous: ResponseRow | None, before: list[Item], given: list[Item]) -> None:
        self.previous = previous
        self.given = given
        self.turns: list[Turn] = turns([*before, *given])


async def _conversation(office: Office, principal: Principal, body: ConversationFields) -> _Conversation:
    previous: ResponseRow | None = None
    before: list[Item] = []
    if body.previous_response_id is not None:
        previous, before = await run_in_threadpool(
            responses.conversation, office.db, principal.project_id, body.previous_response_id
        )
    elif body.conversation is not None:
        try:
            before = await run_in_threadpool(
                conversations.items, office.db, principal.project_id, body.conversation
            )
        except NotFound as error:
            error.param = "conversation"
            raise
    given = await resolved(office, principal, body.input or [], before)
    return await _off_loop(len(before) + len(given), _Conversation, previous, before, given)


async def _off_loop(n_items: int, work: Callable[..., T], *arguments: Any) -> T:
    """`work` done at once, or in a thread where a long conversation would hold up other answers."""
    if n_items > _INLINE_ITEMS:
        return await run_in_threadpool(work, *arguments)
    return work(*arguments)


async def _begin(office: Office, principal: Principal, request: Request, body: ResponseRequest) -> Answering:
    """Everything that can be refused before the engine is asked, then the engine."""
    conversation = await _conversation(office, principal, body)
    kept = conversation.turns
    if body.truncation == "auto":
        kept = await responses_prompt.fitted(office, principal, body, kept)
    asked = await _off_loop(len(kept), chat_request, body, body.model, with_instructions(body, kept))
    with rewording():
        begun = await chat.begin(office, principal, asked)
    model = begun.model.wire_name
    request.scope["tunesmith.served"] = Served("completions", model, begun.generation.counts)
    response_id = ids.new_id("response")
    settings = repeated(body)
    base: dict[str, Any] = {
        "id": response_id,
        "object": "response",
        "created_at": begun.head["created"],
        "status": "in_progress",
        "background": settings.pop("background"),
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "instructions": settings.pop("instructions"),
        "max_output_tokens": settings.pop("max_output_tokens"),
        "max_tool_calls": settings.pop("max_tool_calls"),
        "model": model,
        "output": [],
        **settings,
        "usage": None,
    }
    if body.conversation is not None:
        base["conversation"] = {"id": body.conversation}
    previous = conversation.previous
    home = Home(
        office.db,
        principal.project_id,
        given=conversation.given,
        root_id=previous.root_id if previous is not None else response_id,
        conversation_id=body.conversation,
    )
    return Answering(
        begun,
        base,
        home=home,
        logprobs=wants_logprobs(body),
        obfuscated=body.stream_options is None or body.stream_options.include_obfuscation is not False,
        request_id=request.scope["tunesmith.request_id"],
    )


# -- reading one ------------------------------------------------------------------------------------


def _stored(office: Office, principal: Principal, response_id: str) -> tuple[ResponseRow, dict[str, Any]]:
    with office.db.read() as connection:
        row = responses.get(connection, principal.project_id, response_id)
        output = responses.written(connection, response_id)
    # `output` in its place, as the answer had it
    response: dict[str, Any] = {}
    for key, value in row.body.items():
        response[key] = value
        if key == "model":
            response["output"] = output
    return row, response


async def _behind(told: Iterator[str], starting_after: int) -> AsyncGenerator[bytes, None]:
    """The events whose numbers are greater; some at a time, since sending each alone would take long."""
    n_events = 0
    yield b""  # there may be none
    for events in told:
        cut = events.split("\n\n")[:-1]
        kept = cut[max(starting_after + 1 - n_events, 0) :]
        n_events += len(cut)
        if kept:
            yield ("\n\n".join(kept) + "\n\n").encode()


def _json(value: dict[str, Any]) -> Response:
    return Response(json.dumps(value, ensure_ascii=False), media_type="application/json")
