"""Functions as Responses declare them: strict unless the request says otherwise.

A function without `strict` gets the schema that strict asks for where that only takes closing its objects and
requiring their properties; else it stays as it is and is called to the best of the model's ability. The model
reads the declaration as the client wrote it: what is made of it here only bounds what may be written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.api.chat.structured_check import schema_fault
from tunesmith.api.chat.structured_schema import strict_fault
from tunesmith.wire.chat import FunctionDefinition
from tunesmith.wire.responses import FunctionTool

_NESTED = ("properties", "$defs", "definitions")
_BRANCHES = ("anyOf", "prefixItems")


def parameters_of(tool: FunctionTool) -> tuple[dict[str, Any] | None, bool]:
    """The parameters that a call of the function has to fit, and whether strictly."""
    if tool.strict is not None:
        return tool.parameters, tool.strict
    if tool.parameters is None:
        return None, True
    closed = _closed(tool.parameters)
    fits = closed.get("type") == "object" and not (schema_fault(closed) or strict_fault(closed))
    return (closed, True) if fits else (tool.parameters, False)


def enforce(definitions: Sequence[FunctionDefinition], tools: Sequence[FunctionTool]) -> None:
    """Makes the chat hold its calls to what `parameters_of` says; the prompt shows what the client wrote."""
    for definition, tool in zip(definitions, tools, strict=True):
        definition.parameters, definition.strict = parameters_of(tool)


def repeated_tool(tool: FunctionTool) -> dict[str, Any]:
    """The function as the response object shows it."""
    parameters, strict = parameters_of(tool)
    return {
        "type": "function",
        "description": tool.description,
        "name": tool.name,
        "parameters": parameters,
        "strict": strict,
    }


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with each of its objects closed and all properties required. An object that says nothing of
    its properties stays open."""
    closed = dict(schema)
    for keyword in _NESTED:
        if isinstance(children := schema.get(keyword), dict):
            closed[keyword] = {
                name: _closed(child) if isinstance(child, dict) else child for name, child in children.items()
            }
    if isinstance(items := schema.get("items"), dict):
        closed["items"] = _closed(items)
    for keyword in _BRANCHES:
        if isinstance(branches := schema.get(keyword), list):
            closed[keyword] = [_closed(child) if isinstance(child, dict) else child for child in branches]
    if isinstance(properties := schema.get("properties"), dict):
        closed.setdefault("additionalProperties", False)
        closed["required"] = list(properties)
    return closed
