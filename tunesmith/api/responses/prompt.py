"""The prompt of a response: how long it is, and what of a conversation fits into the context."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi.concurrency import run_in_threadpool

from tunesmith.api.chat.asked import understood
from tunesmith.api.generation.generation import tokenised
from tunesmith.api.models import lookup as models_lookup
from tunesmith.api.office import Office
from tunesmith.api.responses.items import Turn
from tunesmith.api.responses.request import chat_request, rewording, with_instructions
from tunesmith.data.chat_template import Renderer
from tunesmith.data.tokenizer import Tokenizer
from tunesmith.errors import ContextLengthExceeded
from tunesmith.store.rows import Principal
from tunesmith.wire import limits
from tunesmith.wire.responses import ConversationFields, ResponseRequest

_ANSWER_PART = 4
"""Without `max_output_tokens`, a shortened conversation leaves this part of the context (a quarter) to the
answer."""


async def n_tokens(
    office: Office, principal: Principal, body: ConversationFields, model: str, turns: Sequence[Turn]
) -> int:
    """Tokens of the prompt. Raises InvalidRequest and ModelNotFound."""
    tokenizer, text = await _text(office, principal, body, model, turns)
    return len(await run_in_threadpool(tokenizer.encode, text))


async def fitted(
    office: Office, principal: Principal, body: ResponseRequest, turns: list[Turn]
) -> list[Turn]:
    """The turns without as many of the oldest as it takes to leave room for the answer; the last stays."""
    found = await models_lookup.find_async(office, principal, body.model)
    context_length = found.base.context_length
    room = min(body.max_output_tokens or context_length // _ANSWER_PART, context_length // 2)

    async def fits(n_dropped: int) -> bool:
        tokenizer, text = await _text(office, principal, body, body.model, turns[n_dropped:])
        try:
            prompt = await tokenised(tokenizer, text, context_length, raw=False)
        except ContextLengthExceeded:  # seen without counting
            return False
        return len(prompt) + room <= context_length

    first = _first_of_most_messages(turns)
    if first == len(turns) or await fits(first):
        return turns[first:]
    too_many, enough = first, len(turns) - 1
    while enough - too_many > 1:
        middle = (too_many + enough) // 2
        if await fits(middle):
            enough = middle
        else:
            too_many = middle
    return turns[enough:]


def _first_of_most_messages(turns: Sequence[Turn]) -> int:
    """The first turn of the longest end that a chat takes, beside the instructions."""
    n_messages = 1
    for index in range(len(turns) - 1, -1, -1):
        n_messages += len(turns[index])
        if n_messages > limits.MAX_MESSAGES:
            return index + 1
    return 0


async def _text(
    office: Office, principal: Principal, body: ConversationFields, model: str, turns: Sequence[Turn]
) -> tuple[Tokenizer, str]:
    asked = await run_in_threadpool(chat_request, body, model, with_instructions(body, turns))
    found = await models_lookup.find_async(office, principal, model)
    renderer = Renderer.load(found.base.path)
    with rewording():
        tools = understood(asked).tools
        messages = [message.as_dict() for message in asked.messages]
        return renderer.tokenizer, await run_in_threadpool(renderer.prompt_text, messages, tools)
