"""One training example, and its text in the model's chat form.

The form is ChatML with Hermes tool calls. `render` writes the same text as the chat template does
(a test compares them), but in pieces that know whether the model is to learn them.
"""

import json
from dataclasses import dataclass, field

END_OF_TEXT = "<|endoftext|>"
TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"
TOOLS_HEAD = "# Tools\n\nYou may call one or more functions.\n<tools>\n"
TOOLS_TAIL = (
    "\n</tools>\nFor each call return JSON inside <tool_call></tool_call> tags:\n<tool_call>\n"
    '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
)


@dataclass
class ToolCall:
    """A function that the assistant wants called."""

    name: str
    arguments: dict

    def text(self) -> str:
        """The call as the model writes it."""
        call = json.dumps({"name": self.name, "arguments": self.arguments}, ensure_ascii=False)
        return f"<tool_call>\n{call}\n</tool_call>"


@dataclass
class Message:
    """One turn: role is system, user, assistant or tool."""

    role: str
    content: str
    tool_calls: list[ToolCall] = field(default_factory=list)

    def as_openai(self) -> dict:
        """The turn as a chat row holds it."""
        if not self.tool_calls:
            return {"role": self.role, "content": self.content}
        calls = [
            {
                "id": f"call_{index}",
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)},
            }
            for index, call in enumerate(self.tool_calls)
        ]
        return {"role": self.role, "content": self.content or None, "tool_calls": calls}

    def assistant_text(self) -> str:
        """What the model has to write in this turn."""
        return "\n".join(([self.content] if self.content else []) + [call.text() for call in self.tool_calls])


@dataclass
class Example:
    """A chat, or (with `document`) a plain text."""

    messages: list[Message] = field(default_factory=list)
    tools: list[dict] = field(default_factory=list)
    document: str = ""
    kind: str = ""

    def as_openai(self) -> dict:
        """The chat as a fine-tuning row."""
        row: dict = {"messages": [message.as_openai() for message in self.messages]}
        return row | {"tools": self.tools} if self.tools else row


Turns = list[tuple[str, str]]


def chat(system: str | None, turns: Turns, kind: str = "") -> Example:
    """An example from (user, assistant) pairs."""
    messages = [Message("system", system)] if system else []
    for user, assistant in turns:
        messages += [Message("user", user), Message("assistant", assistant)]
    return Example(messages, kind=kind)


def render(example: Example) -> list[tuple[str, bool]]:
    """The example's text as (piece, is learned); pieces meet only at turn marks."""
    if example.document:
        return [(example.document, True), (END_OF_TEXT, True)]
    messages, context = example.messages, ""
    if example.tools:
        own = messages[0].content + "\n\n" if messages[0].role == "system" else ""
        messages = messages[1:] if own else messages
        listed = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in example.tools)
        context = f"{TURN_START}system\n{own}{TOOLS_HEAD}{listed}{TOOLS_TAIL}{TURN_END}\n"
    pieces: list[tuple[str, bool]] = []
    for index, message in enumerate(messages):
        if message.role == "assistant":
            pieces.append((context + f"{TURN_START}assistant\n", False))
            pieces.append((message.assistant_text() + TURN_END, True))
            context = "\n"
        elif message.role == "tool":  # neighbouring results share one user turn
            first = index == 0 or messages[index - 1].role != "tool"
            last = index == len(messages) - 1 or messages[index + 1].role != "tool"
            context += f"{TURN_START}user" * first + f"\n<tool_response>\n{message.content}\n</tool_response>"
            context += f"{TURN_END}\n" * last
        else:
            context += f"{TURN_START}{message.role}\n{message.content}{TURN_END}\n"
    return pieces


def text_of(example: Example) -> str:
    """The whole text of an example."""
    return "".join(piece for piece, _ in render(example))
