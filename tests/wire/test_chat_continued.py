"""`continue_final_message`: an answer that was cut goes on from its end."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion

ASK: list[dict[str, Any]] = [{"role": "user", "content": "What is the capital of France?"}]
GO_ON = {"continue_final_message": True}


def ask(client: OpenAI, messages: list[dict[str, Any]], **more: Any) -> ChatCompletion:
    asked = {"model": "nano", "max_tokens": 24, "temperature": 0} | more
    return client.chat.completions.create(messages=messages, **asked)


@pytest.mark.parametrize("n_tokens", [1, 3, 7])
def test_a_part_and_what_follows_it_are_the_whole_answer(client: OpenAI, n_tokens: int) -> None:
    whole = ask(client, ASK)
    part = ask(client, ASK, max_tokens=n_tokens).choices[0].message.content
    begun = [*ASK, {"role": "assistant", "content": part}]
    rest = ask(client, begun, max_tokens=24 - n_tokens, extra_body=GO_ON)
    assert part and part + (rest.choices[0].message.content or "") == whole.choices[0].message.content
    assert whole.usage and rest.usage
    assert rest.usage.prompt_tokens == whole.usage.prompt_tokens + n_tokens


def test_without_it_an_assistants_last_message_is_a_finished_turn(client: OpenAI) -> None:
    begun = [*ASK, {"role": "assistant", "content": "The capital of"}]
    finished, going_on = ask(client, begun), ask(client, begun, extra_body=GO_ON)
    assert finished.usage and going_on.usage
    assert finished.usage.prompt_tokens > going_on.usage.prompt_tokens


@pytest.mark.parametrize(
    ("last", "more"),
    [
        ({"role": "user", "content": "And of Spain?"}, {}),
        ({"role": "assistant", "content": ""}, {}),
        (
            {"role": "assistant", "content": "It is", "refusal": None},
            {"response_format": {"type": "json_object"}},
        ),
    ],
)
def test_what_cannot_go_on_is_refused_with_the_reason(
    client: OpenAI, last: dict[str, Any], more: dict[str, Any]
) -> None:
    asked = [{"role": "user", "content": "Say it in JSON."}, last]
    with pytest.raises(openai.BadRequestError) as refusal:
        ask(client, asked, extra_body=GO_ON, **more)
    assert refusal.value.param == "continue_final_message"
    assert "continue_final_message" in refusal.value.message
