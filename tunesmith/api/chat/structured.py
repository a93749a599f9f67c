"""What an answer must look like, said to the engine as a grammar and checked again when it is there.

Calls are forced in the format that the base itself writes (`api/chat/tool_format.py`), so a model that has
learnt to call is never made to write anything strange to it; the prompt stays as in training. The grammars
are llguidance's, which vLLM takes too.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunesmith.api.chat.asked import Asked, JsonAnswer
from tunesmith.api.chat.structured_check import unmet
from tunesmith.api.chat.structured_schema import tightened
from tunesmith.api.chat.tool_choice import Function
from tunesmith.api.chat.tool_format import CALL_ID, HERMES, PLAIN, CallFormat, markers
from tunesmith.data.tokenizer import Tokenizer
from tunesmith.errors import InvalidRequest
from tunesmith.wire import limits

log = logging.getLogger("tunesmith.structured")

_ON_ONE_LINE = {"whitespace_flexible": False, "item_separator": ", ?", "key_separator": ": ?"}
"""JSON's white space. Where more is free, a small model goes on with blanks until its tokens are spent."""


@dataclass(frozen=True)
class Wanted:
    """What one request wants of one base's answer."""

    asked: Asked
    form: CallFormat
    """How the base writes calls."""
    structured: Mapping[str, Any] | None
    """For `GenerateRequest.structured`; None: the model writes as it likes."""

    @property
    def callable_names(self) -> frozenset[str]:
        """The functions whose calls are told from text."""
        return frozenset(self.asked.functions)

    @property
    def legacy(self) -> bool:
        """Whether a call is answered as `function_call`."""
        return self.asked.legacy

    @property
    def one_call(self) -> bool:
        """Whether at most one call is wanted."""
        return bool(self.asked.functions) and not self.asked.parallel

    @property
    def ends_after_call(self) -> bool:
        """Whether the generation is to be ended after the first call, because no grammar ends it."""
        return self.one_call and self.structured is None

    @property
    def finish_reason(self) -> str:
        """Of an answer that calls. OpenAI says `stop` where the request named the function."""
        if self.asked.choice == "named":
            return "stop"
        return "function_call" if self.asked.legacy else "tool_calls"

    @property
    def is_checked(self) -> bool:
        """Whether the answer has to fit a schema: only with `strict` is that promised."""
        asked = self.asked
        strict = asked.answer is not None and asked.answer.strict
        return strict or any(function.strict for function in asked.functions.values())

    def unmet(self, text: str, calls: list[tuple[str, str]]) -> str | None:
        """Why a finished answer is not what was asked for, as a sentence for the client; None if it is.

        The grammar lets nothing else through, so this is a fault of ours or of the engine: it is logged.
        """
        problem = None
        if not calls and self.asked.answer is not None and self.asked.answer.strict:
            problem = unmet(self.asked.answer.schema, text)
        for name, arguments in calls:
            function = self.asked.functions[name]
            if problem is None and function.strict:
                fault = unmet(function.parameters, arguments)
                problem = None if fault is None else f"the arguments of {name}: {fault}"
        if problem is None:
            return None
        log.warning("an answer does not fit its schema", extra={"problem": problem})
        return f"The model's answer does not fit the schema that was asked for: {problem}."

    def refusal_of(self, error: InvalidRequest) -> InvalidRequest:
        """The engine's refusal of a grammar as one of the schema that the client sent."""
        if not (error.param or "").startswith("structured_outputs"):
            return error
        problem = error.message.removeprefix("The grammar cannot be used: ")
        answer = self.asked.answer
        if answer is not None and answer.name is not None:
            return InvalidRequest(
                f"Invalid schema for response_format '{answer.name}': {problem}", param="response_format"
            )
        named = [(name, function) for name, function in self.asked.functions.items() if function.strict]
        if len(named or self.asked.functions) == 1:
            [(name, function)] = named or self.asked.functions.items()
            return InvalidRequest(
                f"Invalid schema for function '{name}': {problem}",
                param=function.param,
                code="invalid_function_parameters",
            )
        return InvalidRequest(
            f"Invalid schema for one of the functions: {problem}",
            param="functions" if self.asked.legacy else "tools",
            code="invalid_function_parameters",
        )


def wanted(asked: Asked, form: CallFormat | None, tokenizer: Tokenizer) -> Wanted:
    """What is asked for, for a base that writes calls in the format `form` (None: in none that is known)."""
    forced = asked.choice in ("required", "named")
    known = form or (PLAIN if forced or asked.answer is not None else HERMES)
    if not asked.functions:
        return Wanted(asked, known, None if asked.answer is None else _answer_alone(asked.answer))
    strict = any(function.strict for function in asked.functions.values())
    if not (forced or strict or asked.restricted or asked.answer is not None):
        return Wanted(asked, known, None)
    return Wanted(asked, known, {"grammar": _Grammar(asked, known, tokenizer).text(forced)})


def _answer_alone(answer: JsonAnswer) -> dict[str, Any]:
    return {"grammar": f"%llguidance {{}}\nstart: {_json(answer.schema, strict=answer.strict)}\n"}


def _json(schema: Mapping[str, Any], *, strict: bool) -> str:
    """A schema as an item of a rule.

    Where the client does not insist, keywords that no grammar can express are left to the check afterwards.
    """
    options = {**_ON_ONE_LINE, "lenient": not strict}
    return f"%json {json.dumps({**tightened(schema), 'x-guidance': options})}"


class _Grammar:
    """The grammar of an answer that may or must call functions."""

    def __init__(self, asked: Asked, form: CallFormat, tokenizer: Tokenizer) -> None:
        self._asked = asked
        self._form = form
        self._tokenizer = tokenizer

    def text(self, forced: bool) -> str:
        """The whole grammar in llguidance's dialect of Lark."""
        form = self._form
        rules = ["%llguidance {}"]
        n_more = limits.MAX_CALLS_PER_ANSWER - 1
        more = ""
        if self._asked.parallel and form.between is not None:
            more = f"({self._literal(form.between)} call){{0,{n_more}}} "
        calls = f"{self._literal(form.opening)} call {more}{self._literal(form.closing)}"
        if forced:
            rules.append(f"start: {calls}")
        elif self._asked.answer is not None:
            answer = self._asked.answer
            if not form.is_marked:
                return self._call_or_answer(answer)
            rules.append(f"start: {calls} | answer")
            rules.append(f"answer: {_json(answer.schema, strict=answer.strict)}")
        elif form.is_marked:
            rules += self._after_text()
        else:
            rules.append(f"start: {calls} | TEXT?")
            rules.append(r"TEXT: /[^{\[\s](.|\n)*/")
        names = list(self._asked.functions)
        rules.append("call: " + " | ".join(f"call_{i}" for i in range(len(names))))
        for i, name in enumerate(names):
            rules += self._call(i, name, self._asked.functions[name])
        if CALL_ID in form.opening + form.middle + (form.between or "") + form.closing:
            rules.append("CALL_ID: /[A-Za-z0-9]{9}/")
        return "\n".join(rules) + "\n"

    def _call_or_answer(self, answer: JsonAnswer) -> str:
        """Where calls are bare JSON too, one schema says both: two grammars cannot share a first brace."""
        key = "parameters" if '"parameters"' in self._form.middle else "arguments"
        functions = self._asked.functions
        parts = {"answer": answer.schema} | {
            f"arguments_{i}": function.parameters for i, function in enumerate(functions.values())
        }
        calls = [
            {
                "type": "object",
                "properties": {"name": {"const": name}, key: {"$ref": f"#/$defs/arguments_{i}"}},
                "required": ["name", key],
                "additionalProperties": False,
            }
            for i, name in enumerate(functions)
        ]
        schema = {
            "anyOf": [{"$ref": "#/$defs/answer"}, *calls],
            "$defs": {name: _moved(part, f"#/$defs/{name}") for name, part in parts.items()},
        }
        strict = answer.strict and all(function.strict for function in functions.values())
        return f"%llguidance {{}}\nstart: {_json(schema, strict=strict)}\n"

    def _after_text(self) -> list[str]:
        """Free text, in which the format's marker begins a call."""
        form = self._form
        marker = form.marker
        opening = form.opening.lstrip()[len(marker) :]
        times = "*" if self._asked.parallel else "?"
        [(_, token_id), *_] = markers(marker, self._tokenizer)
        rules = [f"start: tool{times} TEXT", r"TEXT: /(.|\n)*/"]
        if token_id is not None:
            head = f"TEXT {self._literal(marker)}"
        else:
            head = "head"
            rules.append(f"head[lazy]: TEXT {json.dumps(marker)}")
        more = ""
        if form.between is not None and self._asked.parallel and not form.end_marker:
            more = f"({self._literal(form.between)} call)* "
        rules.append(f"tool: {head} {self._literal(opening)} call {more}{self._literal(form.closing)}")
        return rules

    def _call(self, i: int, name: str, function: Function) -> list[str]:
        return [
            f"call_{i}: {self._literal(name + self._form.middle)} arguments_{i}",
            f"arguments_{i}: {_json(function.parameters, strict=function.strict)}",
        ]

    def _literal(self, text: str) -> str:
        """A format's text: tags as the one token that they are, a call's id as any id, the rest as it is."""
        parts = []
        for piece, token_id in markers(text, self._tokenizer):
            if token_id is not None:
                parts.append(f"<[{token_id}]>")
                continue
            for number, literal in enumerate(piece.split(CALL_ID)):
                if number:
                    parts.append("CALL_ID")
                if literal:
                    parts.append(json.dumps(literal))
        return " ".join(parts)


def _moved(schema: Any, place: str) -> Any:
    """A schema whose references to itself hold when it stands at `place` in another."""
    if isinstance(schema, Mapping):
        return {
            key: place + value[1:]
            if key == "$ref" and isinstance(value, str) and value.startswith("#")
            else _moved(value, place)
            for key, value in schema.items()
        }
    return [_moved(part, place) for part in schema] if isinstance(schema, list) else schema
