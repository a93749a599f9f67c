"""OpenAI's Agents SDK: a function tool through Responses and through chat, whole and streamed."""

from __future__ import annotations

import asyncio
import os

from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI

set_tracing_disabled(True)  # traces go to OpenAI
called: list[str] = []


@function_tool
def get_weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: Its name.
    """
    called.append(city)
    return f"It is sunny in {city}."


async def main() -> None:
    client = AsyncOpenAI(max_retries=0)
    for make in (OpenAIResponsesModel, OpenAIChatCompletionsModel):
        agent = Agent(
            name="weather",
            instructions="Answer with the tool.",
            model=make("gpt-4o-mini", client),
            tools=[get_weather],
            model_settings=ModelSettings(tool_choice="get_weather", max_tokens=200, temperature=0),
            tool_use_behavior="stop_on_first_tool",
        )
        called.clear()
        result = await Runner.run(agent, "What is the weather in Rome?", max_turns=3)
        assert len(called) == 1 and result.final_output.startswith("It is sunny in "), result
        called.clear()
        streamed = Runner.run_streamed(agent, "What is the weather in Rome?", max_turns=3)
        kinds = [event.type async for event in streamed.stream_events()]
        assert len(called) == 1 and "raw_response_event" in kinds, kinds

        # the tool's result goes back to the model, which answers in words
        plain = Agent(name="tuned", model=make(os.environ["TUNED_MODEL"], client),
                      model_settings=ModelSettings(max_tokens=24))  # fmt: skip
        history = [*result.to_input_list(), {"role": "user", "content": "Say red."}]
        assert isinstance((await Runner.run(plain, history)).final_output, str)


asyncio.run(main())
