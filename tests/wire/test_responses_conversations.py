"""`/v1/conversations`, and responses that go on with one, through the real client."""

from __future__ import annotations

from typing import Any, cast

import openai
import pytest
from openai import OpenAI

GREEDY: dict[str, Any] = {"model": "gpt-4o-mini", "temperature": 0}


def texts(items: Any) -> list[str]:
    return [cast(Any, item).content[0].text for item in items]


def test_a_conversation_is_made_changed_and_deleted(client: OpenAI) -> None:
    made = client.conversations.create(
        items=[{"role": "user", "content": "Hello!"}], metadata={"topic": "greeting"}
    )
    assert made.id.startswith("conv_") and made.metadata == {"topic": "greeting"}
    assert client.conversations.retrieve(made.id) == made
    changed = client.conversations.update(made.id, metadata={"topic": "other"})
    assert changed.metadata == {"topic": "other"} and changed.created_at == made.created_at
    gone = client.conversations.delete(made.id)
    assert gone.deleted and gone.object == "conversation.deleted"
    for look in (
        lambda: client.conversations.retrieve(made.id),
        lambda: client.conversations.update(made.id, metadata={}),
        lambda: client.conversations.delete(made.id),
        lambda: client.conversations.items.list(made.id),
        lambda: client.conversations.items.create(made.id, items=[{"role": "user", "content": "x"}]),
        lambda: client.responses.create(input="Hi", conversation=made.id, **GREEDY),
    ):
        with pytest.raises(openai.NotFoundError, match=f"Conversation with id '{made.id}' not found."):
            look()


def test_items_are_added_listed_read_and_taken_out(client: OpenAI) -> None:
    conversation = client.conversations.create()
    added = client.conversations.items.create(
        conversation.id, items=[{"role": "user", "content": str(number)} for number in range(5)]
    )
    assert texts(added.data) == ["0", "1", "2", "3", "4"] and added.first_id == added.data[0].id
    assert texts(client.conversations.items.list(conversation.id, limit=2)) == ["4", "3", "2", "1", "0"]
    page = client.conversations.items.list(conversation.id, order="asc", after=added.first_id, limit=2)
    assert texts(page.data) == ["1", "2"] and page.has_more
    item_id = cast(Any, added.data[2]).id
    assert client.conversations.items.retrieve(item_id, conversation_id=conversation.id) == added.data[2]
    left = client.conversations.items.delete(item_id, conversation_id=conversation.id)
    assert left == conversation
    assert texts(client.conversations.items.list(conversation.id, order="asc")) == ["0", "1", "3", "4"]
    for use in (client.conversations.items.retrieve, client.conversations.items.delete):
        with pytest.raises(openai.NotFoundError):
            use(item_id, conversation_id=conversation.id)


def test_responses_read_a_conversation_and_add_to_it(client: OpenAI) -> None:
    conversation = client.conversations.create(items=[{"role": "system", "content": "Be brief."}])
    first = client.responses.create(input="Hello!", conversation=conversation.id, **GREEDY)
    assert first.conversation and first.conversation.id == conversation.id
    reference: Any = {"id": conversation.id}
    with client.responses.stream(
        input="Who are you?", conversation=reference, store=False, **GREEDY
    ) as stream:
        second = stream.get_final_response()
    messages: list[Any] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello!"},
        {"role": "assistant", "content": first.output_text},
        {"role": "user", "content": "Who are you?"},
    ]
    chat = client.chat.completions.create(messages=messages, **GREEDY)
    assert second.output_text == chat.choices[0].message.content
    assert second.usage and chat.usage and second.usage.input_tokens == chat.usage.prompt_tokens
    kept = texts(client.conversations.items.list(conversation.id, order="asc"))
    assert kept == [message["content"] for message in messages] + [second.output_text]
    counted = client.responses.input_tokens.count(model="nano", input="And?", conversation=conversation.id)
    assert counted.input_tokens > second.usage.input_tokens
    reference = {"type": "item_reference", "id": client.conversations.items.list(conversation.id).data[0].id}
    client.responses.create(input=[reference, {"role": "user", "content": "Hm?"}], **GREEDY)


def test_what_fails_leaves_the_conversation_as_it_was(client: OpenAI) -> None:
    conversation = client.conversations.create(items=[{"role": "user", "content": "Hello!"}])
    with pytest.raises(openai.BadRequestError):
        client.responses.create(input="word " * 9000, conversation=conversation.id, **GREEDY)
    assert texts(client.conversations.items.list(conversation.id)) == ["Hello!"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"items": "Hello"}, "items"),
        ({"items": [{"role": "user", "content": "x"}] * 21}, "items"),
        ({"items": [{"role": "user", "content": 3}]}, "items[0].content"),
        ({"items": [{"type": "web_search_call"}]}, "items[0]"),
        ({"items": [{"role": "user", "content": "x", "id": "msg_1"}] * 2}, "items"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"input": "x"}, "input"),
    ],
)
def test_what_cannot_be_is_refused_and_named(client: OpenAI, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.conversations.create(extra_body=fields)
    assert refusal.value.param == param
    with pytest.raises(openai.BadRequestError):
        client.conversations.items.create(client.conversations.create().id, items=[], extra_body=fields)


def test_an_item_stands_once_in_a_conversation(client: OpenAI) -> None:
    conversation = client.conversations.create(
        items=[{"type": "message", "id": "msg_same", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "x", "annotations": []}]}]
    )  # fmt: skip
    again: Any = {"type": "item_reference", "id": "msg_same"}
    with pytest.raises(openai.BadRequestError, match="Duplicate item found with id msg_same"):
        client.conversations.items.create(conversation.id, items=[again])
    with pytest.raises(openai.BadRequestError, match="Duplicate item found with id msg_same"):
        client.responses.create(input=[again], conversation=conversation.id, **GREEDY)
