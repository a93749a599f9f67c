"""The rules for tools in training rows: definitions, calls to them, and that each answer answers a call."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tunesmith.data.report import Findings

#: OpenAI's rule for names of functions.
FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME_RULE = "use 1 to 64 letters, digits, _ and -"
#: Levels of nesting in a row; templates print tools and arguments by recursive functions.
MAX_DEPTH = 100


def quote(value: Any) -> str:
    """A JSON value for a sentence, at most about forty characters of it."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, str) and len(value) > 40:
        value = value[:37] + "..."
    return json.dumps(value, ensure_ascii=True)[:60]


def check_tools(where: str, tools: Any, findings: Findings) -> list[str]:
    """Judge `tools`; gives the names that they define."""
    if not isinstance(tools, list):
        findings.fault(where, f"is {quote(tools)}", "write a list of tools")
        return []
    names: list[str] = []
    for i, tool in enumerate(tools):
        field = f"{where}[{i}]"
        if not isinstance(tool, dict):
            findings.fault(field, f"is {quote(tool)}", 'write {"type": "function", "function": {...}}')
        elif tool.get("type") != "function":
            problem = "is missing" if "type" not in tool else f"is {quote(tool['type'])}"
            findings.fault(f"{field}.type", problem, 'write "function"')
        elif not isinstance(tool.get("function"), dict):
            problem = "is missing" if "function" not in tool else f"is {quote(tool['function'])}"
            findings.fault(f"{field}.function", problem, "write an object with name and parameters")
        else:
            names += _check_function(f"{field}.function", tool["function"], findings)
    return names


def check_functions(where: str, functions: Any, findings: Findings) -> list[str]:
    """Judge the legacy `functions`; gives the names that they define."""
    if not isinstance(functions, list):
        findings.fault(where, f"is {quote(functions)}", "write a list of functions")
        return []
    names: list[str] = []
    for i, function in enumerate(functions):
        if isinstance(function, dict):
            names += _check_function(f"{where}[{i}]", function, findings)
        else:
            findings.fault(
                f"{where}[{i}]", f"is {quote(function)}", "write an object with name and parameters"
            )
    return names


def _check_function(where: str, function: Mapping[str, Any], findings: Findings) -> list[str]:
    name, description, parameters = (
        function.get("name"),
        function.get("description"),
        function.get("parameters"),
    )
    if description is not None and not isinstance(description, str):
        findings.fault(f"{where}.description", f"is {quote(description)}", "write a string")
    if parameters is not None and not isinstance(parameters, dict):
        findings.fault(
            f"{where}.parameters", f"is {quote(parameters)}", "write a JSON schema, which is an object"
        )
    if isinstance(name, str) and FUNCTION_NAME.fullmatch(name):
        return [name]
    findings.fault(f"{where}.name", "is missing" if name is None else f"is {quote(name)}", _NAME_RULE)
    return []


def depth_of(value: Any) -> int:
    """Levels of lists and objects in a JSON value, 0 for a plain one."""
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]
    return depth


class Calls:
    """The tool calls of one conversation, as it goes on."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._known: set[str] = set()
        self._open: dict[str, str] = {}
        self._some_id_unknown = False  # after a broken call, an answer to it is no second fault

    def asked(self, where: str, message: Mapping[str, Any]) -> bool:
        """Judge an assistant message's calls; says whether there are any."""
        calls, legacy = message.get("tool_calls"), message.get("function_call")
        if calls is not None and calls != [] and legacy is not None:
            self._findings.fault(where, "has both tool_calls and function_call", "keep tool_calls")
        self._unanswered()
        if legacy is not None:
            self._check_call(f"{where}.function_call", legacy)
        if calls is None or calls == []:
            return legacy is not None
        if not isinstance(calls, list):
            self._findings.fault(f"{where}.tool_calls", f"is {quote(calls)}", "write a list of calls")
            self._some_id_unknown = True
            return True
        for i, call in enumerate(calls):
            self._check_tool_call(f"{where}.tool_calls[{i}]", call)
        return True

    def answered(self, where: str, message: Mapping[str, Any]) -> None:
        """Judge a tool message's `tool_call_id`."""
        id = message.get("tool_call_id")
        if not isinstance(id, str) or not id:
            problem = "is missing" if id is None else f"is {quote(id)}"
            self._findings.fault(
                f"{where}.tool_call_id", problem, "give the id of the call that this answers"
            )
        elif id not in self._known and not self._some_id_unknown:
            self._findings.fault(
                f"{where}.tool_call_id",
                f"is {quote(id)}, which no assistant message before it has called",
                "use a call's id",
            )
        self._open.pop(id if isinstance(id, str) else "", None)

    def _unanswered(self) -> None:
        for id, field in self._open.items():
            self._findings.warn(
                field, f"({quote(id)}) is never answered", "add the tool message that answers it"
            )
        self._open.clear()

    def _check_tool_call(self, where: str, call: Any) -> None:
        if not isinstance(call, dict):
            self._findings.fault(where, f"is {quote(call)}", "write an object with id, type and function")
            self._some_id_unknown = True
            return
        id = call.get("id")
        if not isinstance(id, str) or not id:
            problem = "is missing" if id is None else f"is {quote(id)}"
            self._findings.fault(f"{where}.id", problem, "give each call an id that its answer can name")
            self._some_id_unknown = True
        elif id in self._open:
            self._findings.fault(
                f"{where}.id", f"is {quote(id)} a second time", "give each call an id of its own"
            )
        else:
            self._known.add(id)
            self._open[id] = where
        if call.get("type") != "function":
            problem = "is missing" if "type" not in call else f"is {quote(call['type'])}"
            self._findings.fault(f"{where}.type", problem, 'write "function"')
        self._check_call(f"{where}.function", call.get("function"))

    def _check_call(self, where: str, function: Any) -> None:
        if not isinstance(function, dict):
            problem = "is missing" if function is None else f"is {quote(function)}"
            self._findings.fault(where, problem, "write an object with name and arguments")
            return
        name, arguments = function.get("name"), function.get("arguments")
        if not isinstance(name, str) or not FUNCTION_NAME.fullmatch(name):
            self._findings.fault(
                f"{where}.name", "is missing" if name is None else f"is {quote(name)}", _NAME_RULE
            )
        if not isinstance(arguments, str):
            problem = "is missing" if arguments is None else f"is {quote(arguments)}"
            self._findings.fault(
                f"{where}.arguments",
                problem,
                'write the JSON object as a string, such as "{\\"city\\": \\"Paris\\"}"',
            )
            return
        try:
            parsed = json.loads(arguments)
        except (ValueError, RecursionError):
            self._findings.fault(
                f"{where}.arguments",
                f"is {quote(arguments)}, which is not JSON",
                'write an object, at least "{}"',
            )
            return
        deep = arguments.count("{") + arguments.count("[") > MAX_DEPTH and depth_of(parsed) > MAX_DEPTH
        if not isinstance(parsed, dict) or deep:
            self._findings.fault(
                f"{where}.arguments", f"is {quote(arguments)}, which is no sound JSON object", 'write "{...}"'
            )
