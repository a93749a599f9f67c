"""LiteLLM's SDK: chat, stream, tool call, text completion, embeddings, Responses, its error classes."""

from __future__ import annotations

import asyncio
import json
import os

import litellm

BASE = {"api_base": os.environ["OPENAI_BASE_URL"], "api_key": os.environ["OPENAI_API_KEY"], "num_retries": 0}
TUNED = "openai/" + os.environ["TUNED_MODEL"]
MESSAGES = [{"role": "user", "content": "Say red."}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Oslo", "Rome"]}},
            "required": ["city"],
        },
    },
}

whole = litellm.completion(model=TUNED, messages=MESSAGES, max_tokens=8, temperature=0, **BASE)
assert whole.choices[0].message.role == "assistant", whole
assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens

chunks = list(
    litellm.completion(
        model=TUNED,
        messages=MESSAGES,
        max_tokens=8,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
        **BASE,
    )
)
text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert text == (whole.choices[0].message.content or ""), (text, whole)
assert litellm.stream_chunk_builder(chunks, messages=MESSAGES).usage.total_tokens == whole.usage.total_tokens

called = litellm.completion(
    model="openai/gpt-4o-mini",
    messages=[{"role": "user", "content": "What is the weather in Rome?"}],
    tools=[WEATHER],
    tool_choice={"type": "function", "function": {"name": "get_weather"}},
    max_tokens=200,
    **BASE,
)
(call,) = called.choices[0].message.tool_calls
assert json.loads(call.function.arguments)["city"] in ("Oslo", "Rome"), call

plain = litellm.text_completion(model="text-completion-openai/nano", prompt="Once upon", max_tokens=4, **BASE)
assert plain.object == "text_completion" and len(plain.choices) == 1

vectors = litellm.embedding(model="openai/text-embedding-3-small", input=["one", "two"], **BASE)
assert len(vectors.data) == 2 and len(vectors.data[0]["embedding"]) > 1

answer = litellm.responses(model=TUNED, input="Say red.", max_output_tokens=16, **BASE)
assert answer.output[0].type == "message", answer


async def streamed() -> str:
    """The same answer through its asynchronous half, which speaks HTTP with another library."""
    asked = {"model": TUNED, "messages": MESSAGES, "max_tokens": 8, "temperature": 0, "stream": True}
    pieces = [
        chunk.choices[0].delta.content or "" async for chunk in await litellm.acompletion(**asked, **BASE)
    ]
    return "".join(pieces)


assert asyncio.run(streamed()) == text

there = {"custom_llm_provider": "openai", "api_base": BASE["api_base"], "api_key": BASE["api_key"]}
rows = [{"messages": [*MESSAGES, {"role": "assistant", "content": "RED!"}]}] * 10
content = "".join(json.dumps(row) + "\n" for row in rows).encode()
uploaded = litellm.create_file(file=("rows.jsonl", content), purpose="fine-tune", **there)
job = litellm.create_fine_tuning_job(model="gpt-4o-mini", training_file=uploaded.id, **there)
assert job.status == "validating_files", job
assert litellm.retrieve_fine_tuning_job(fine_tuning_job_id=job.id, **there).id == job.id
assert litellm.cancel_fine_tuning_job(fine_tuning_job_id=job.id, **there).status == "cancelled"

try:
    litellm.completion(model="openai/no-such-model", messages=MESSAGES, **BASE)
except litellm.NotFoundError as error:
    assert "no-such-model" in str(error)
else:
    raise AssertionError("a model that does not exist answered")
