"""The functions that a request declares, and how free it leaves the model to call them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tunesmith.api.chat.structured_check import schema_fault
from tunesmith.api.chat.structured_schema import root_fault, strict_fault
from tunesmith.errors import InvalidRequest
from tunesmith.wire.base import json_name
from tunesmith.wire.chat import FunctionDefinition

Choice = Literal["none", "auto", "required", "named"]


@dataclass(frozen=True)
class Function:
    """One function that may be called."""

    parameters: Mapping[str, Any]
    strict: bool
    param: str
    """Where in the request its parameters stand."""


def declared(definitions: Sequence[FunctionDefinition], place: str) -> dict[str, Function]:
    """The functions of a request by their names. Raises InvalidRequest."""
    functions: dict[str, Function] = {}
    for index, definition in enumerate(definitions):
        if definition.name in functions:
            raise InvalidRequest(
                f"The function '{definition.name}' is defined twice; its name must be its own.",
                param=place.partition("[")[0],
            )
        parameters = definition.parameters
        fault = None
        if parameters:
            fault = root_fault(parameters)
            if fault is None and definition.strict:
                fault = schema_fault(parameters) or strict_fault(parameters)
        if fault is not None:
            raise InvalidRequest(
                f"Invalid schema for function '{definition.name}': {fault}",
                param=place.format(index),
                code="invalid_function_parameters",
            )
        functions[definition.name] = Function(
            # a function without parameters takes an empty object
            parameters or {"type": "object", "properties": {}, "additionalProperties": False},
            strict=bool(definition.strict),
            param=place.format(index),
        )
    return functions


def chosen(value: Any, param: str, functions: Mapping[str, Function]) -> tuple[Choice, frozenset[str]]:
    """How free the model is to call, and what. Raises InvalidRequest."""
    every = frozenset(functions)
    if value is None:
        return "auto", every
    if value in ("none", "auto") or (value == "required" and param == "tool_choice"):
        return value, every
    if isinstance(value, str):
        known = "'none', 'auto', and 'required'" if param == "tool_choice" else "'none' and 'auto'"
        raise InvalidRequest(
            f"Invalid value for '{param}': '{value[:60]}'. Supported values are: {known}, or an object.",
            param=param,
            code="invalid_value",
        )
    if not isinstance(value, dict):
        raise InvalidRequest(
            f"Invalid type for '{param}': expected one of a string or an object, but got {json_name(value)} "
            "instead.",
            param=param,
            code="invalid_type",
        )
    if param == "function_call":
        _refuse_others(value, param, "name")
        return "named", frozenset({_name_in(value, "function_call.name", functions)})
    kind = value.get("type")
    if kind is None:
        raise _missing("tool_choice.type")
    if kind == "function":
        named = frozenset({_name_in(value.get("function"), "tool_choice.function.name", functions)})
        _refuse_others(value, param, "type", "function")
        return "named", named
    if kind == "allowed_tools":
        _refuse_others(value, param, "type", "allowed_tools")
        return _allowed(value.get("allowed_tools"), functions)
    raise InvalidRequest(
        f"Invalid value for 'tool_choice.type': {str(kind)[:60]!r}. Supported values are: 'function' and "
        "'allowed_tools'; models here call functions only.",
        param="tool_choice.type",
        code="invalid_value",
    )


def _allowed(value: Any, functions: Mapping[str, Function]) -> tuple[Choice, frozenset[str]]:
    place = "tool_choice.allowed_tools"
    if not isinstance(value, dict):
        raise _missing(place)
    _refuse_others(value, place, "mode", "tools")
    mode, tools = value.get("mode"), value.get("tools")
    if mode not in ("auto", "required"):
        raise InvalidRequest(
            f"Invalid value for '{place}.mode': {str(mode)[:60]!r}. Supported values are: 'auto' and "
            "'required'.",
            param=f"{place}.mode",
            code="invalid_value",
        )
    if not isinstance(tools, list) or not tools:
        raise InvalidRequest(
            f"Invalid '{place}.tools': expected an array with at least one tool.",
            param=f"{place}.tools",
            code="empty_array",
        )
    names = set()
    for index, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) else None
        names.add(_name_in(function, f"{place}.tools[{index}].function.name", functions))
    return mode, frozenset(names)


def _missing(place: str) -> InvalidRequest:
    return InvalidRequest(
        f"Missing required parameter: '{place}'.", param=place, code="missing_required_parameter"
    )


def _refuse_others(value: Mapping[str, Any], place: str, *known: str) -> None:
    """Raises InvalidRequest for a key that means nothing there."""
    for key in value:
        if key not in known:
            param = f"{place}.{key[:100]}"
            raise InvalidRequest(
                f"Unrecognized request argument supplied: {param}", param=param, code="unknown_parameter"
            )


def _name_in(value: Any, place: str, functions: Mapping[str, Function]) -> str:
    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(name, str):
        raise _missing(place)
    if name not in functions:
        param = place.partition(".")[0]
        where = "'tools'" if param == "tool_choice" else "'functions'"
        raise InvalidRequest(f"Tool choice '{name[:64]}' not found in {where} parameter.", param=param)
    return name
