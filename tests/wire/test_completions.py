"""`/v1/completions` through the real client."""

from __future__ import annotations

import json

import openai
import pytest
from openai import OpenAI

from tunesmith.api.completions import _tokens_of
from tunesmith.data.chat_template import Renderer
from tunesmith.data.tokenizer import Tokenizer
from tunesmith.settings import NANO

TOKENIZER = Tokenizer.load(NANO)
ASKED = {"model": "davinci-002", "temperature": 0}


def test_a_text_is_continued_for_sixteen_tokens_unless_told_otherwise(client: OpenAI) -> None:
    completion = client.completions.create(
        prompt="Once upon a time", logit_bias={i: -100 for i in range(3)}, **ASKED
    )
    assert completion.object == "text_completion"
    assert completion.model == "davinci-002"
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == len(TOKENIZER.encode("Once upon a time"))
    assert completion.usage.completion_tokens == 16
    assert completion.choices[0].finish_reason == "length"


def test_all_forms_of_a_prompt_mean_the_same(client: OpenAI) -> None:
    token_ids = TOKENIZER.encode("The sky is")
    forms = ["The sky is", ["The sky is"], token_ids, [token_ids]]
    texts = {client.completions.create(prompt=form, max_tokens=6, **ASKED).choices[0].text for form in forms}
    assert len(texts) == 1


def test_prompts_and_choices_are_numbered_through(client: OpenAI) -> None:
    completion = client.completions.create(model="nano", prompt=["a", "b"], n=2, max_tokens=3, seed=1)
    assert [choice.index for choice in completion.choices] == [0, 1, 2, 3]
    assert completion.usage and completion.usage.prompt_tokens == len(
        TOKENIZER.encode("a") + TOKENIZER.encode("b")
    )


def test_a_stream_gives_the_same_text(client: OpenAI, server) -> None:
    whole = client.completions.create(prompt="The sky is", max_tokens=9, **ASKED).choices[0].text
    # OpenAI's own streams carry null as finish_reason until the end, against its published schema
    with OpenAI(base_url=server.base_url, api_key=server.api_key) as lenient:
        asked = {"prompt": "The sky is", "max_tokens": 9, "stream_options": {"include_usage": True}}
        chunks = list(lenient.completions.create(**asked, **ASKED, stream=True))
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == whole
    assert chunks[-1].usage and chunks[-1].usage.completion_tokens <= 9


def test_echo_gives_the_prompt_back_and_its_log_probabilities(client: OpenAI, http) -> None:
    body = http.post(
        "/v1/completions",
        json={"model": "nano", "prompt": "The sky is", "echo": True, "max_tokens": 0, "logprobs": 2},
    ).json()
    [choice] = body["choices"]
    assert choice["text"] == "The sky is"
    logprobs = choice["logprobs"]
    assert "".join(logprobs["tokens"]) == "The sky is"
    assert logprobs["token_logprobs"][0] is None and logprobs["top_logprobs"][0] is None
    assert all(value <= 0 for value in logprobs["token_logprobs"][1:])
    assert all(len(top) >= 2 for top in logprobs["top_logprobs"][1:])
    assert logprobs["text_offset"][0] == 0 and logprobs["text_offset"][-1] < len("The sky is")
    assert body["usage"]["completion_tokens"] == 0
    longer = client.completions.create(model="nano", prompt="The sky is", echo=True, max_tokens=4)
    assert longer.choices[0].text.startswith("The sky is")


def test_an_echoed_answer_counts_its_characters_from_the_start_of_the_prompt(client: OpenAI) -> None:
    asked: dict = {"prompt": "The sky is", "max_tokens": 5, "echo": True, "logprobs": 1, **ASKED}
    with pytest.raises(openai.APIResponseValidationError):  # a prompt's first token has no probability
        client.completions.create(**asked)
    [choice] = client.completions.with_raw_response.create(**asked).http_response.json()["choices"]
    logprobs = choice["logprobs"]
    assert "".join(logprobs["tokens"]) == choice["text"]
    for token, offset in zip(logprobs["tokens"], logprobs["text_offset"], strict=True):
        assert choice["text"][offset:].startswith(token)
    assert {len(values) for values in logprobs.values()} == {len(logprobs["tokens"])}


def test_a_stream_echoes_first_and_pads_what_it_sends(http) -> None:
    asked = {"prompt": ["The sky is", "Grass is"], "max_tokens": 4, "echo": True, "stream": True, **ASKED}
    lines = http.post("/v1/completions", json=asked).text.split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]
    texts = {0: "", 1: ""}
    for chunk in chunks:
        [choice] = chunk["choices"]
        texts[choice["index"]] += choice["text"]
        padded = json.dumps(choice["text"], ensure_ascii=False) + chunk["obfuscation"]
        assert len(padded.encode()) % 16 == 0
        assert "usage" not in chunk
    assert texts[0].startswith("The sky is") and texts[1].startswith("Grass is")
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert sorted(reason for reason in reasons if reason) == ["length", "length"]
    plain = http.post("/v1/completions", json={**asked, "stream_options": {"include_obfuscation": False}})
    assert "obfuscation" not in plain.text


def test_a_stop_string_ends_the_text_before_it_and_the_echo_is_no_part_of_the_search(client: OpenAI) -> None:
    asked: dict = {"prompt": "The sky is", "max_tokens": 12, **ASKED}
    whole = client.completions.create(**asked).choices[0].text
    stop = whole[len(whole) // 2 :][:3]
    choice = client.completions.create(**asked, stop=[stop, "sky"], echo=True).choices[0]
    assert choice.text == "The sky is" + whole[: min(whole.index(stop), (whole + "sky").index("sky"))]
    assert choice.finish_reason == "stop"


def test_usage_counts_each_prompt_once_and_every_sequence(client: OpenAI) -> None:
    ends = {str(token_id): -100 for token_id in TOKENIZER.eos_token_ids}
    usage = client.completions.create(
        model="nano", prompt=["a b c", "d"], n=2, best_of=3, max_tokens=4, logit_bias=ends
    ).usage
    assert usage and usage.prompt_tokens == len(TOKENIZER.encode("a b c") + TOKENIZER.encode("d"))
    assert usage.completion_tokens == 2 * 3 * 4
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.prompt_tokens_details and usage.prompt_tokens_details.cached_tokens is not None


def test_a_prompt_that_is_too_long_is_named_as_the_prompt(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.completions.create(model="nano", prompt="word " * 9000)
    assert (refusal.value.param, refusal.value.code) == ("prompt", "context_length_exceeded")
    assert "messages" not in refusal.value.message


@pytest.mark.parametrize("asked", ["The sky is", "user", "a", "über 日本", " x\n", ""])
def test_of_a_users_turn_the_text_alone_is_echoed(asked: str) -> None:
    turn = Renderer.load(NANO).prompt_text([{"role": "user", "content": asked}])
    token_ids = TOKENIZER.encode(turn)
    shown = token_ids[_tokens_of(asked, turn, token_ids, TOKENIZER)]
    assert asked.strip() in TOKENIZER.decode(shown, skip_special_tokens=False)
    assert "<|" not in TOKENIZER.decode(shown, skip_special_tokens=False)


def test_log_probabilities_add_up_to_the_text(client: OpenAI) -> None:
    choice = client.completions.create(prompt="The sky is", max_tokens=6, logprobs=3, **ASKED).choices[0]
    assert choice.logprobs and choice.logprobs.tokens and choice.logprobs.token_logprobs
    assert "".join(choice.logprobs.tokens) == choice.text
    assert choice.logprobs.text_offset and choice.logprobs.text_offset[0] == 0
    assert all(len(top) >= 3 for top in choice.logprobs.top_logprobs or [])


def test_the_best_of_several_is_the_likeliest(client: OpenAI) -> None:
    completion = client.completions.create(
        model="nano", prompt="The sky is", best_of=4, n=1, max_tokens=5, seed=5, temperature=1.5, logprobs=0
    )
    each = client.completions.create(
        model="nano", prompt="The sky is", n=4, max_tokens=5, seed=5, temperature=1.5, logprobs=0
    )
    means = {
        choice.text: sum(choice.logprobs.token_logprobs) / len(choice.logprobs.token_logprobs)
        for choice in each.choices
        if choice.logprobs and choice.logprobs.token_logprobs
    }
    assert completion.choices[0].text in means
    assert completion.usage and each.usage
    assert completion.usage.completion_tokens == each.usage.completion_tokens


def test_an_empty_prompt_is_a_beginning(client: OpenAI) -> None:
    empty = client.completions.create(prompt="", max_tokens=2, **ASKED)
    assert (
        empty.choices[0].text == client.completions.create(prompt=None, max_tokens=2, **ASKED).choices[0].text
    )


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"suffix": "end"}, "suffix"),
        ({"best_of": 2, "n": 3}, None),
        ({"best_of": 2, "stream": True}, None),
        ({"best_of": 21}, "best_of"),
        ({"logprobs": 6}, "logprobs"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", [1]]}, "prompt"),
        ({"prompt": [99999]}, "prompt"),
        ({"prompt": ["a"] * 129}, "prompt"),
        ({"prompt": ["a"] * 100, "n": 2}, None),
        ({"prompt": 3}, "prompt"),
        ({"messages": []}, "messages"),
    ],
)
def test_what_cannot_be_is_refused_and_named(client: OpenAI, fields: dict, param: str | None) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.completions.create(model="nano", prompt="x", extra_body=fields)
    assert refusal.value.param == param
