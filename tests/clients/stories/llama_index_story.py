"""LlamaIndex's OpenAI model: completion, chat, stream, a tool call; it knows a base by the tuned name."""

from __future__ import annotations

import os

from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAI, OpenAIResponses

TUNED = os.environ["TUNED_MODEL"]
BASE = {"api_base": os.environ["OPENAI_BASE_URL"], "api_key": os.environ["OPENAI_API_KEY"], "max_retries": 0}
MESSAGES = [ChatMessage(role="user", content="Say red.")]


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"It is sunny in {city}."


tuned = OpenAI(model=TUNED, temperature=0.0, max_tokens=8, **BASE)
assert tuned.metadata.context_window > 0
whole = tuned.chat(MESSAGES)
assert whole.message.role == "assistant"
streamed = "".join(piece.delta or "" for piece in tuned.stream_chat(MESSAGES))
assert streamed == (whole.message.content or ""), (streamed, whole)
assert isinstance(tuned.complete("Say red.").text, str)

chat = OpenAI(model="gpt-4o-mini", max_tokens=200, **BASE)
tool = FunctionTool.from_defaults(get_weather)
called = chat.chat_with_tools(
    [tool],
    user_msg="What is the weather in Rome?",
    tool_choice="get_weather",
    allow_parallel_tool_calls=False,
)
(call,) = chat.get_tool_calls_from_response(called)
assert call.tool_name == "get_weather" and set(call.tool_kwargs) == {"city"}, call

responding = OpenAIResponses(model=TUNED, max_output_tokens=16, **BASE)
assert responding.chat(MESSAGES).message.role == "assistant"
