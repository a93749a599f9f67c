"""Completions with `store: true` through the real client: kept whole, found again, changed and forgotten."""

from __future__ import annotations

from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI

ASK: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Say "}, {"type": "text", "text": "hello."}]},
]


def stored(client: OpenAI, **fields: Any) -> Any:
    return client.chat.completions.create(
        model="gpt-4o-mini", messages=ASK, max_tokens=4, store=True, **fields
    )


def test_a_stored_completion_is_what_the_client_was_answered(client: OpenAI) -> None:
    answered = stored(client, metadata={"story": "same"}, seed=7, temperature=0.5)
    kept = client.chat.completions.retrieve(answered.id)
    assert kept.choices == answered.choices and kept.usage == answered.usage
    assert (kept.model, kept.created, kept.metadata) == (answered.model, answered.created, {"story": "same"})
    assert kept.to_dict()["seed"] == 7 and kept.to_dict()["temperature"] == 0.5


def test_a_stream_is_stored_when_it_has_ended(client: OpenAI) -> None:
    chunks = list(stored(client, stream=True, n=2))
    kept = client.chat.completions.retrieve(chunks[0].id)
    for choice in kept.choices:
        parts = [part for chunk in chunks for part in chunk.choices if part.index == choice.index]
        assert choice.message.content == "".join(part.delta.content or "" for part in parts)
        assert choice.finish_reason == parts[-1].finish_reason


def test_a_completion_that_was_not_to_be_stored_is_not_there(client: OpenAI) -> None:
    answered = client.chat.completions.create(model="nano", messages=ASK, max_tokens=1)
    with pytest.raises(openai.NotFoundError, match="store"):
        client.chat.completions.retrieve(answered.id)


def test_a_list_is_filtered_and_turned_by_pages(client: OpenAI) -> None:
    made = [stored(client, metadata={"story": "pages", "n": str(n)}).id for n in range(3)]
    found = [kept.id for kept in client.chat.completions.list(metadata={"story": "pages"}, limit=2)]
    assert found == made
    newest = client.chat.completions.list(metadata={"story": "pages"}, order="desc", limit=1)
    assert [kept.id for kept in newest.data] == made[2:] and newest.has_more
    [one] = client.chat.completions.list(metadata={"story": "pages", "n": "1"}, model="gpt-4o-mini")
    assert one.id == made[1]
    assert not client.chat.completions.list(metadata={"story": "pages"}, model="nano").data
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.list(after="chatcmpl-nowhere")
    assert refusal.value.param == "after"


def test_metadata_can_be_replaced_and_is_then_what_a_list_finds(client: OpenAI) -> None:
    answered = stored(client, metadata={"story": "before"})
    changed = client.chat.completions.update(answered.id, metadata={"story": "after"})
    assert changed.metadata == {"story": "after"}
    assert [kept.id for kept in client.chat.completions.list(metadata={"story": "after"})] == [answered.id]
    assert not client.chat.completions.list(metadata={"story": "before"}).data


def test_a_deleted_completion_is_gone(client: OpenAI) -> None:
    answered = stored(client, metadata={"story": "gone"})
    deleted = client.chat.completions.delete(answered.id)
    assert (deleted.id, deleted.deleted) == (answered.id, True)
    for again in (client.chat.completions.retrieve, client.chat.completions.delete):
        with pytest.raises(openai.NotFoundError):
            again(answered.id)
    assert not client.chat.completions.list(metadata={"story": "gone"}).data


def test_the_messages_are_those_that_were_sent(client: OpenAI, http: httpx2.Client) -> None:
    answered = stored(client)
    path = f"/v1/chat/completions/{answered.id}/messages"
    body = http.get(path).json()
    first, second = body["data"]
    assert (first["role"], first["content"], first["content_parts"]) == ("system", "Be brief.", None)
    assert (second["role"], second["content"]) == ("user", "Say hello.")
    assert second["content_parts"] == ASK[1]["content"]
    assert body["first_id"] == first["id"] and body["last_id"] == second["id"] and not body["has_more"]
    [last] = http.get(path, params={"order": "desc", "limit": 1}).json()["data"]
    assert last == second
    [rest] = http.get(path, params={"after": first["id"]}).json()["data"]
    assert rest == second
    assert http.get(path, params={"after": "nowhere"}).status_code == 400
