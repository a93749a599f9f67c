"""`/v1/chat/completions` through the real client, on the nano base and a tuned model."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

import httpx2
import openai
import psutil
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionChunk

from tunesmith.data.chat_template import Renderer
from tunesmith.settings import NANO

HELLO = [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": "Hello!"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def text_of(chunks: Iterable[ChatCompletionChunk], index: int = 0) -> str:
    return "".join(
        choice.delta.content or "" for chunk in chunks for choice in chunk.choices if choice.index == index
    )


def test_a_question_gets_an_answer_with_all_of_openais_keys(client: OpenAI, http: httpx2.Client) -> None:
    completion = client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, seed=1)
    [choice] = completion.choices
    assert completion.model == "gpt-4o-mini-2024-07-18"
    assert completion.id.startswith("chatcmpl-")
    assert completion.system_fingerprint and completion.system_fingerprint.startswith("fp_")
    assert choice.message.role == "assistant" and choice.message.content
    assert choice.finish_reason in ("stop", "length")
    asked = {"model": "nano", "messages": HELLO, "max_tokens": 1}
    body = http.post("/v1/chat/completions", json=asked).json()
    assert body["choices"][0]["logprobs"] is None
    assert body["choices"][0]["message"]["refusal"] is None
    assert body["choices"][0]["message"]["annotations"] == []
    assert "tool_calls" not in body["choices"][0]["message"]


def test_usage_counts_the_rendered_prompt_and_every_generated_token(client: OpenAI) -> None:
    completion = client.chat.completions.create(
        model="nano", messages=HELLO, max_tokens=5, logit_bias={2: -100}
    )
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == len(Renderer.load(NANO).prompt(HELLO))
    assert (
        completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens
    )
    assert completion.choices[0].finish_reason == "length"
    assert completion.usage.completion_tokens == 5


def test_the_same_seed_gives_the_same_answer_and_a_stream_the_same_text(client: OpenAI) -> None:
    asked = {"model": "nano", "messages": HELLO, "seed": 11, "max_tokens": 24, "temperature": 1.3}
    first = client.chat.completions.create(**asked)
    again = client.chat.completions.create(**asked)
    chunks = list(client.chat.completions.create(**asked, stream=True))
    assert first.choices[0].message.content == again.choices[0].message.content == text_of(chunks)


def test_a_stream_is_made_of_openais_chunks(client: OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="gpt-4o-mini",
            messages=HELLO,
            max_tokens=8,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert len({(chunk.id, chunk.created, chunk.model, chunk.system_fingerprint) for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].choices == []
    assert chunks[-1].usage and 1 <= chunks[-1].usage.completion_tokens <= 8
    reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices]
    assert reasons[-1] in ("stop", "length") and not any(reasons[:-1])


def test_the_bytes_of_a_stream_are_server_sent_events(http: httpx2.Client) -> None:
    asked = {"model": "nano", "messages": HELLO, "max_tokens": 4, "stream": True}
    with http.stream("POST", "/v1/chat/completions", json=asked) as answer:
        body = answer.read().decode()
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-request-id"]
    events = body.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    for event in events[:-2]:
        assert "usage" not in json.loads(event.removeprefix("data: "))


def test_several_choices_differ_and_each_ends(client: OpenAI) -> None:
    asked = {"model": "nano", "messages": HELLO, "n": 3, "max_tokens": 12, "temperature": 2, "seed": 3}
    completion = client.chat.completions.create(**asked)
    texts = [choice.message.content for choice in completion.choices]
    assert [choice.index for choice in completion.choices] == [0, 1, 2]
    assert len(set(texts)) > 1
    chunks = list(client.chat.completions.create(**asked, stream=True))
    assert [text_of(chunks, index) for index in range(3)] == texts
    ended = [choice.index for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert sorted(ended) == [0, 1, 2]


def test_a_stop_string_ends_the_answer_before_it(client: OpenAI) -> None:
    asked = {"model": "nano", "messages": HELLO, "temperature": 0, "max_tokens": 40}
    whole = client.chat.completions.create(**asked).choices[0].message.content
    assert whole and len(whole) > 4
    stop = whole[3:5]
    cut = client.chat.completions.create(**asked, stop=stop).choices[0]
    assert (cut.message.content, cut.finish_reason) == (whole[: whole.find(stop)], "stop")
    chunks = list(client.chat.completions.create(**asked, stop=["never this", stop], stream=True))
    assert text_of(chunks) == whole[: whole.find(stop)]


def test_log_probabilities_belong_to_the_text(client: OpenAI) -> None:
    asked = {"model": "nano", "messages": HELLO, "temperature": 0, "max_tokens": 12}
    choice = client.chat.completions.create(**asked, logprobs=True, top_logprobs=3).choices[0]
    assert choice.logprobs and choice.logprobs.content
    spelt = b"".join(bytes(entry.bytes or []) for entry in choice.logprobs.content)
    assert spelt.decode() == choice.message.content
    for entry in choice.logprobs.content:
        assert entry.logprob <= 0 and len(entry.top_logprobs) == 3
        assert entry.top_logprobs[0].token == entry.token  # greedy takes the likeliest
    streamed = [
        entry
        for chunk in client.chat.completions.create(**asked, logprobs=True, top_logprobs=3, stream=True)
        for part in chunk.choices
        if part.logprobs and part.logprobs.content
        for entry in part.logprobs.content
    ]
    assert [entry.token for entry in streamed] == [entry.token for entry in choice.logprobs.content]


def test_logit_bias_can_forbid_and_force(client: OpenAI) -> None:
    token = Renderer.load(NANO).tokenizer.encode("x")[0]
    forced = client.chat.completions.create(
        model="nano", messages=HELLO, max_tokens=3, logit_bias={token: 100}, temperature=0
    )
    assert forced.choices[0].message.content == "xxx"


def test_a_top_p_of_zero_leaves_the_likeliest_token(client: OpenAI) -> None:
    likeliest = client.chat.completions.create(model="nano", messages=HELLO, temperature=0, max_tokens=8)
    for seed in range(3):
        narrow = client.chat.completions.create(
            model="nano", messages=HELLO, temperature=2, top_p=0, seed=seed, max_tokens=8
        )
        assert narrow.choices[0].message.content == likeliest.choices[0].message.content


def test_a_bound_is_told_to_the_last_digit(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="Expected a value <= 9223372036854775807,"):
        client.chat.completions.create(model="nano", messages=HELLO, seed=2**63)


def test_text_parts_and_the_developer_role_are_what_a_string_and_system_are(client: OpenAI) -> None:
    asked = {"model": "nano", "temperature": 0, "max_tokens": 8}
    plain = client.chat.completions.create(messages=HELLO, **asked)
    parts = client.chat.completions.create(
        messages=[
            {"role": "developer", "content": "You are a helpful assistant."},
            {"role": "user", "content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo!"}]},
        ],
        **asked,
    )
    assert parts.usage and plain.usage and parts.usage.prompt_tokens == plain.usage.prompt_tokens
    assert parts.choices[0].message.content == plain.choices[0].message.content


def test_usage_has_openais_details_whole_and_streamed(client: OpenAI) -> None:
    asked: dict[str, Any] = {"model": "nano", "messages": HELLO, "max_tokens": 3, "seed": 1}
    whole = client.chat.completions.create(**asked).usage
    *_, last = client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    for usage in (whole, last.usage):
        assert usage and usage.prompt_tokens_details and usage.completion_tokens_details
        assert 0 <= (usage.prompt_tokens_details.cached_tokens or 0) <= usage.prompt_tokens
        assert usage.prompt_tokens_details.audio_tokens == 0
        assert usage.completion_tokens_details.reasoning_tokens == 0
        assert usage.completion_tokens_details.rejected_prediction_tokens == 0
    assert last.usage and whole and last.usage.completion_tokens == whole.completion_tokens


def test_padding_of_chunks_can_be_left_out(http: httpx2.Client) -> None:
    asked: dict[str, Any] = {"model": "nano", "messages": HELLO, "max_tokens": 2, "stream": True}
    padded = http.post("/v1/chat/completions", json=asked).text
    plain = http.post(
        "/v1/chat/completions", json={**asked, "stream_options": {"include_obfuscation": False}}
    ).text
    assert padded.count('"obfuscation"') == padded.count("data: {") and "obfuscation" not in plain


def test_a_conversation_goes_on_with_the_clients_own_objects(client: OpenAI) -> None:
    first = client.chat.completions.create(model="nano", messages=HELLO, max_tokens=8)
    answer = first.choices[0].message
    again = client.chat.completions.create(
        model="nano", messages=[*HELLO, answer, {"role": "user", "content": "And now?"}], max_tokens=4
    )
    assert again.choices[0].message.content is not None


def test_a_tool_call_comes_back_as_a_call(client: OpenAI) -> None:
    asked = {
        "model": "nano",
        "messages": [{"role": "user", "content": "What is the weather in Paris?"}],
        "tools": [WEATHER],
        "temperature": 0,
        "max_tokens": 80,
    }
    choice = client.chat.completions.create(**asked).choices[0]
    chunks = list(client.chat.completions.create(**asked, stream=True))
    streamed = [call for chunk in chunks for part in chunk.choices for call in part.delta.tool_calls or []]
    assert choice.message.tool_calls, f"the base model answered in words: {choice.message.content}"
    [call] = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls"
    assert call.id.startswith("call_") and call.function.name == "get_weather"
    assert "city" in json.loads(call.function.arguments)
    first, *rest = streamed
    assert first.id and first.type == "function" and first.function
    assert (first.index, first.function.name, first.function.arguments) == (0, "get_weather", "")
    assert all(part.id is None and part.function and part.function.name is None for part in rest)
    assert len(rest) > 1
    assert "".join(part.function.arguments or "" for part in rest if part.function) == call.function.arguments
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    turn = {"role": "tool", "tool_call_id": call.id, "content": '{"temperature": 21}'}
    after = client.chat.completions.create(
        **asked | {"messages": [*asked["messages"], choice.message, turn], "max_tokens": 8}
    )
    assert after.choices[0].finish_reason in ("stop", "length", "tool_calls")
    words = client.chat.completions.create(**asked, tool_choice="none").choices[0]
    assert words.message.tool_calls is None


def test_legacy_functions_are_answered_in_their_own_shape(client: OpenAI) -> None:
    choice = client.chat.completions.create(
        model="nano",
        messages=[{"role": "user", "content": "What is the weather in Paris?"}],
        functions=[WEATHER["function"]],
        temperature=0,
        max_tokens=80,
    ).choices[0]
    assert choice.message.function_call, f"the base model answered in words: {choice.message.content}"
    assert choice.finish_reason == "function_call"
    assert choice.message.function_call.name == "get_weather"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"parallel_tool_calls": True}, "parallel_tool_calls"),
        ({"metadata": {"a": "b"}}, "metadata"),
        ({"reasoning_effort": "high"}, "reasoning_effort"),
        ({"verbosity": "low"}, "verbosity"),
        ({"service_tier": "gold"}, "service_tier"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"moderation": {"model": "omni-moderation-latest"}}, "moderation"),
        ({"modalities": ["audio"]}, "modalities"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logit_bias": {"99999": 1}}, "logit_bias"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_what_is_not_honoured_is_refused_never_ignored(client: OpenAI, fields: dict, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(model="nano", messages=HELLO, extra_body=fields)
    assert refusal.value.param == param


def test_fields_that_change_nothing_are_accepted(client: OpenAI) -> None:
    client.chat.completions.create(
        model="nano",
        messages=HELLO,
        max_completion_tokens=1,
        user="someone",
        store=False,
        service_tier="auto",
        prediction={"type": "content", "content": "Hello"},
        safety_identifier="s",
        prompt_cache_key="k",
        reasoning_effort="none",
        verbosity="medium",
        extra_body={"prompt_cache_retention": "24h", "prompt_cache_options": {"mode": "implicit"}},
        response_format={"type": "text"},
        modalities=["text"],
    )


def test_a_prompt_over_the_context_is_refused_with_both_counts(client: OpenAI, server) -> None:
    def cpu_s() -> float:
        spent = psutil.Process(server.pid).cpu_times()
        return spent.user + spent.system

    for words in (3000, 1_000_000):
        before = cpu_s()
        with pytest.raises(openai.BadRequestError) as refusal:
            client.chat.completions.create(
                model="nano", messages=[{"role": "user", "content": "word " * words}]
            )
        assert cpu_s() - before < 5
        assert refusal.value.code == "context_length_exceeded"
        message = refusal.value.body["message"]  # type: ignore[index]
        assert "maximum context length is 2048 tokens" in message
        assert "resulted in" in message


def test_an_unknown_model_is_a_404_with_the_nearest_names(client: OpenAI, tuned_model: str) -> None:
    with pytest.raises(openai.NotFoundError) as refusal:
        client.chat.completions.create(model="ft:gpt-3.5-turbo:org_id", messages=HELLO)
    assert refusal.value.code == "model_not_found"
    message = refusal.value.body["message"]  # type: ignore[index]
    assert message.startswith(
        "The model `ft:gpt-3.5-turbo:org_id` does not exist or you do not have access to it."
    )
    assert "Did you mean" in message


def test_a_tuned_model_and_its_checkpoints_answer_under_their_names(
    client: OpenAI, tuned_job: openai.types.fine_tuning.FineTuningJob, tuned_model: str
) -> None:
    completion = client.chat.completions.create(model=tuned_model, messages=HELLO, max_tokens=4)
    assert completion.model == tuned_model
    for checkpoint in client.fine_tuning.jobs.checkpoints.list(tuned_job.id):
        name = checkpoint.fine_tuned_model_checkpoint
        assert client.chat.completions.create(model=name, messages=HELLO, max_tokens=4).model == name


def test_a_client_that_leaves_frees_the_engine(client: OpenAI, http: httpx2.Client) -> None:
    for _ in range(20):
        with client.chat.completions.create(
            model="nano", messages=HELLO, stream=True, n=2, temperature=2, logit_bias={2: -100}
        ) as stream:
            next(iter(stream))
    started = time.perf_counter()
    client.chat.completions.create(model="nano", messages=HELLO, max_tokens=1)
    assert time.perf_counter() - started < 20  # all the answers that nobody reads would take a minute
