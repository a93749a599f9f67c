"""LangChain's ChatOpenAI: chat, stream, tools, structured output; Responses; OpenAIEmbeddings."""

from __future__ import annotations

import os
from typing import Literal

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

TUNED = os.environ["TUNED_MODEL"]


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"It is sunny in {city}."


class Colour(BaseModel):
    """A colour."""

    name: Literal["green", "red"]  # a small model finds no end in a string of its own


# with a base_url of its own it asks for usage only when told to
tuned = ChatOpenAI(model=TUNED, temperature=0, max_tokens=8, max_retries=0, stream_usage=True)
whole = tuned.invoke("Say red.")
assert whole.response_metadata["model_name"] == TUNED, whole
assert whole.usage_metadata is not None and whole.usage_metadata["total_tokens"] > 0
streamed = list(tuned.stream("Say red."))
assert "".join(str(chunk.content) for chunk in streamed) == whole.content
assert any(chunk.usage_metadata for chunk in streamed), streamed
assert [answer.content for answer in tuned.batch(["Say red."] * 3)] == [whole.content] * 3

chat = ChatOpenAI(model="gpt-4o-mini", max_tokens=200, max_retries=0)
question = HumanMessage("What is the weather in Rome?")
asking = chat.bind_tools([get_weather], tool_choice="get_weather")
called = asking.invoke([question])
(call,) = called.tool_calls
assert call["name"] == "get_weather" and set(call["args"]) == {"city"}, called
result = ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])
assert chat.bind_tools([get_weather]).invoke([question, called, result]).type == "ai"
pieces = list(asking.stream([question]))
joined = pieces[0]
for piece in pieces[1:]:
    joined += piece
assert joined.tool_calls[0]["name"] == "get_weather", joined

for method in ("json_schema", "function_calling"):
    colour = chat.with_structured_output(Colour, method=method).invoke("Which colour has grass?")
    assert isinstance(colour, Colour), (method, colour)

responding = ChatOpenAI(model=TUNED, use_responses_api=True, max_tokens=16, max_retries=0)
assert responding.invoke("Say red.").response_metadata["model_name"] == TUNED
assert "".join(str(chunk.text) for chunk in responding.stream("Say red.")) is not None

# with the length check on, it sends token ids of OpenAI's own tokenizer, which it downloads
embeddings = OpenAIEmbeddings(model="text-embedding-3-small", check_embedding_ctx_length=False)
assert len(embeddings.embed_documents(["one", "two"])) == 2
