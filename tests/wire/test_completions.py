"""`/v1/completions` through the real client."""

from __future__ import annotations

import openai
import pytest
from openai import OpenAI

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
    assert client.completions.create(model="nano", prompt="", max_tokens=2).usage is not None


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
