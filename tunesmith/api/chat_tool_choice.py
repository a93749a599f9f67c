"""The functions that a request declares, and how free it leaves the model to call them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tunesmith.api.structured_check import schema_fault
from tunesmith.api.structured_schema import root_fault, strict_fault
from tunesmith.errors import InvalidRequest
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
                f"The function '{definition.name}' is defined twice; its name must be its own.", param="tools"
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
    if not isinstance(value, dict):
        known = "'none', 'auto', and 'required'" if param == "tool_choice" else "'none' and 'auto'"
        shown = f"'{value[:60]}'" if isinstance(value, str) else "this"
        raise InvalidRequest(
            f"Invalid value for '{param}': {shown}. Supported values are: {known}, or an object.",
            param=param,
            code="invalid_value",
        )
    if param == "function_call":
        return "named", frozenset({_name_in(value, "function_call.name", functions)})
    kind = value.get("type")
    if kind == "function":
        return "named", frozenset({_name_in(value.get("function"), "tool_choice.function.name", functions)})
    if kind == "allowed_tools":
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
        raise InvalidRequest(
            f"Missing required parameter: '{place}'.", param=place, code="missing_required_parameter"
        )
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


def _name_in(value: Any, place: str, functions: Mapping[str, Function]) -> str:
    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(name, str):
        raise InvalidRequest(
            f"Missing required parameter: '{place}'.", param=place, code="missing_required_parameter"
        )
    if name not in functions:
        param = place.partition(".")[0]
        where = "'tools'" if param == "tool_choice" else "'functions'"
        raise InvalidRequest(f"Tool choice '{name[:64]}' not found in {where} parameter.", param=param)
    return name
