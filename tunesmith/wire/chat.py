"""OpenAI's chat completions: the request with its limits, the messages in it, and the plain answer.

Fields of OpenAI that change nothing about the text (who asks, how it is billed, where it is cached) are
accepted. Fields that would change it and that this server cannot honour are refused by
`api/chat/asked.py`, never ignored.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    WithJsonSchema,
    model_validator,
)

from tunesmith.wire import limits
from tunesmith.wire.base import (
    LogitBias,
    Metadata,
    Request,
    Response,
    Stop,
    StreamOptions,
    invalid,
    wrong_type,
)

# -- messages ---------------------------------------------------------------------------------------


def _text(value: object) -> str | None:
    """Message content as one string; text parts are joined, as OpenAI joins them."""
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise wrong_type("one of a string or array of objects", value)
    texts = []
    for index, part in enumerate(value):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text" or kind == "refusal":
            text = part.get(kind)
            if not isinstance(text, str):
                raise invalid(f"part {index} of type '{kind}' needs a string in '{kind}'.")
            texts.append(text)
        elif kind in ("image_url", "input_audio", "file"):
            raise invalid(
                f"part {index} is of type '{kind}', but this model reads text only; send parts of "
                "type 'text'."
            )
        else:
            what = f"of type '{kind[:40]}'" if isinstance(kind, str) else "no object with a 'type'"
            raise invalid(f"part {index} is {what}; send parts of type 'text', such as {_PART_EXAMPLE}.")
    return "".join(texts)


_PART_EXAMPLE = '{"type": "text", "text": "Hello"}'
_TEXT_PART = {
    "type": "object",
    "required": ["type"],
    "properties": {
        "type": {"enum": ["text", "refusal"]},
        "text": {"type": "string"},
        "refusal": {"type": "string"},
        "prompt_cache_breakpoint": {"type": "object"},
    },
}
Content = Annotated[
    str | None,
    BeforeValidator(_text),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": _TEXT_PART}, {"type": "null"}]}),
]
"""A string, or text parts, which become one."""


class Verbatim(Request):
    """An object that a chat template prints: checked here, and rendered with its keys in the order
    they came in."""

    _raw: dict[str, Any] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _keep_raw(cls, value: Any, handler: ModelWrapValidatorHandler[Verbatim]) -> Verbatim:
        checked = handler(value)
        checked._raw = value
        return checked

    @property
    def raw(self) -> dict[str, Any]:
        """The object as the client sent it."""
        return self._raw


class FunctionCall(Request):
    """A function's name and its arguments, as the JSON text that the model wrote."""

    name: str = Field(min_length=1, max_length=256)
    arguments: str


class ToolCall(Verbatim):
    """A call that the assistant made earlier."""

    id: str
    type: Literal["function"] = "function"
    function: FunctionCall
    index: int | None = None
    """Left over where a client pieced the call together from a stream."""


class Message(Verbatim):
    """One turn. Which keys it needs depends on its role."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Content = None
    name: str | None = Field(default=None, max_length=256)
    tool_calls: list[ToolCall] | None = Field(default=None, max_length=limits.MAX_TOOLS)
    tool_call_id: str | None = None
    function_call: FunctionCall | None = None
    refusal: str | None = None
    annotations: list[Any] | None = None
    audio: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _fits_its_role(self) -> Message:
        if self.role == "assistant":
            if (
                self.content is None
                and not self.tool_calls
                and self.function_call is None
                and self.refusal is None
            ):
                raise invalid("an assistant message needs 'content' or 'tool_calls'.")
        elif self.content is None:
            raise invalid(
                f"a message with role '{self.role}' needs 'content', a string or an array of text parts."
            )
        if self.role == "tool" and self.tool_call_id is None:
            raise invalid(
                "a message with role 'tool' needs 'tool_call_id', the id of the call that it answers."
            )
        if self.role != "assistant" and (self.tool_calls or self.function_call):
            raise invalid(f"only an assistant message makes calls, but this one has role '{self.role}'.")
        return self

    def as_dict(self) -> dict[str, Any]:
        """The turn as training rows have it: legacy function calls as tool calls, a refusal as content."""
        turn: dict[str, Any] = {"role": "tool" if self.role == "function" else self.role}
        turn["content"] = self.content if self.content is not None else self.refusal
        if self.name is not None:
            turn["name"] = self.name
        if self.tool_call_id is not None:
            turn["tool_call_id"] = self.tool_call_id
        calls = [
            {key: value for key, value in call.raw.items() if key != "index"}
            for call in self.tool_calls or []
        ]
        if self.function_call is not None:
            calls.append({"id": "call_0", "type": "function", "function": self.function_call.model_dump()})
        if calls:
            turn["tool_calls"] = calls
        return turn


# -- tools ------------------------------------------------------------------------------------------


class FunctionDefinition(Verbatim):
    """A function that the model may call; `parameters` is a JSON schema."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(Verbatim):
    """A tool that the model may use; functions are the only kind."""

    type: Literal["function"]
    function: FunctionDefinition


# -- what an answer has to look like ----------------------------------------------------------------


class JsonSchemaFormat(Request):
    """A JSON schema that the answer fits."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")
    description: str | None = None
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")
    strict: bool | None = None


class ResponseFormat(Request):
    """Free text, any JSON object, or JSON that fits a schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchemaFormat | None = None


class Prediction(Request):
    """What the client expects to read; answers are not made faster by it here, nor different."""

    type: Literal["content"]
    content: Content


# -- request ----------------------------------------------------------------------------------------


class ChatRequest(Request):
    """The body of `POST /chat/completions`."""

    model: str = Field(min_length=1, max_length=512)
    messages: list[Message] = Field(min_length=1, max_length=limits.MAX_MESSAGES)

    max_completion_tokens: int | None = Field(default=None, ge=1, le=limits.MAX_COMPLETION_TOKENS)
    max_tokens: int | None = Field(default=None, ge=1, le=limits.MAX_COMPLETION_TOKENS)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    n: int | None = Field(default=None, ge=1, le=limits.MAX_CHOICES)
    stop: Stop = []
    seed: int | None = Field(default=None, ge=-(2**63), le=2**63 - 1)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    logit_bias: LogitBias = {}
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=limits.MAX_TOP_LOGPROBS)

    stream: bool | None = None
    stream_options: StreamOptions | None = None

    tools: list[Tool] | None = Field(default=None, max_length=limits.MAX_TOOLS)
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    functions: list[FunctionDefinition] | None = Field(default=None, max_length=limits.MAX_TOOLS)
    function_call: Any = None

    response_format: ResponseFormat | None = None
    continue_final_message: bool | None = None
    """Ours, by vLLM's name: the last message is the beginning of the answer, which goes on from it."""
    store: bool | None = None
    metadata: Metadata = None

    # What a model here cannot do: refused with a sentence when asked for (`api/chat/asked.py`).
    modalities: list[Literal["text", "audio"]] | None = None
    audio: dict[str, Any] | None = None
    web_search_options: dict[str, Any] | None = None
    moderation: dict[str, Any] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None

    # What changes nothing about the text: accepted.
    prediction: Prediction | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    prompt_cache_retention: str | None = None
    safety_identifier: str | None = Field(default=None, max_length=limits.MAX_SAFETY_IDENTIFIER_CHARS)
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = None
    user: str | None = None


# -- response ---------------------------------------------------------------------------------------


class PromptTokensDetails(Response):
    """Of the prompt's tokens, those that the engine had computed before; audio is not read here."""

    cached_tokens: int = 0
    audio_tokens: Literal[0] = 0


class CompletionTokensDetails(Response):
    """All generated tokens are the answer's text here."""

    reasoning_tokens: Literal[0] = 0
    audio_tokens: Literal[0] = 0
    accepted_prediction_tokens: Literal[0] = 0
    rejected_prediction_tokens: Literal[0] = 0


class Usage(Response):
    """Tokens of the prompt as rendered, and tokens generated, each choice's end token included."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails = PromptTokensDetails()
    completion_tokens_details: CompletionTokensDetails = CompletionTokensDetails()


class TopLogprob(Response):
    """One alternative at a position."""

    token: str
    logprob: float
    bytes: list[int] | None


class TokenLogprob(TopLogprob):
    """The token at a position, with the most likely alternatives."""

    top_logprobs: list[TopLogprob]


class ChoiceLogprobs(Response):
    """Log-probabilities of a choice's tokens."""

    content: list[TokenLogprob] | None
    refusal: list[TokenLogprob] | None = None


class CalledFunction(Response):
    """The function that the model called, and the arguments as JSON text."""

    name: str
    arguments: str


class MadeToolCall(Response):
    """A call that the model made."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class AssistantMessage(Response):
    """The answer. `tool_calls` and `function_call` are left out unless the model made a call."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None = None
    annotations: list[dict[str, Any]] = []
    tool_calls: list[MadeToolCall] | None = Field(default=None, exclude_if=lambda calls: calls is None)
    function_call: CalledFunction | None = Field(default=None, exclude_if=lambda call: call is None)


class Choice(Response):
    """One of `n` answers."""

    index: int
    message: AssistantMessage
    logprobs: ChoiceLogprobs | None
    finish_reason: Literal["stop", "length", "tool_calls", "function_call"]


class ChatCompletion(Response):
    """The plain answer to a chat request."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    service_tier: Literal["default"] = "default"
    system_fingerprint: str
