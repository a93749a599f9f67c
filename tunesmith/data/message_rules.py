"""What the messages of a training row must be: roles, contents, names, weights, and a reply to learn from.

Serves all kinds of rows that hold messages. Tool calls and answers to them are judged in `data.tool_rules`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from typing import Any

from tunesmith.data.report import Findings
from tunesmith.data.tool_rules import FUNCTION_NAME, Calls, quote

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_COMMON_KEYS = frozenset({"role", "content", "name"})
_KEYS = {
    "assistant": _COMMON_KEYS | {"weight", "tool_calls", "function_call"},
    "tool": _COMMON_KEYS | {"tool_call_id"},
}
#: Keys that OpenAI's own replies carry; they may stay when they hold nothing, so that stored replies fit.
_EMPTY_REPLY_KEYS = frozenset(
    {"refusal", "audio", "annotations", "tool_calls", "function_call", "name", "weight"}
)
_OTHER_ROLES = {"human": "user", "customer": "user"} | dict.fromkeys(
    ("gpt", "bot", "ai", "model", "chatbot"), "assistant"
)
_CHARACTERS_OF_NAME = 64


def check_messages(where: str, messages: Any, findings: Findings, *, learnt: bool) -> None:
    """Judge a list of messages that stands at the path `where`.

    `learnt`: whether the assistant must speak in it; otherwise it is the conversation before a reply.
    """
    if not isinstance(messages, list):
        findings.fault(where, f"is {quote(messages)}", "write a list of messages")
        return
    if not messages:
        findings.fault(where, "is empty", "give at least a user and an assistant message")
        return
    calls = Calls(findings)
    for i, message in enumerate(messages):
        _check_message(f"{where}[{i}]", message, findings, calls, learnt=learnt)
    roles = [message.get("role") if isinstance(message, dict) else None for message in messages]
    if learnt:
        _check_turns(where, messages, roles, findings)
    elif roles[-1] == "assistant":
        findings.warn(
            f"{where}[{len(roles) - 1}]",
            "is an assistant message",
            "the conversation should end with the user",
        )


def _check_turns(where: str, messages: list[Any], roles: list[Any], findings: Findings) -> None:
    speaking = [message for message, role in zip(messages, roles, strict=True) if role == "assistant"]
    if not speaking:
        if all(role in ROLES for role in roles):  # else the wrong role is the fault, and it is told already
            findings.fault(where, "has no assistant message", "add the reply that the model is to learn")
    elif all(message.get("weight") == 0 for message in speaking):
        findings.fault(where, "has weight 0 on every assistant message", "give at least one the weight 1")
    elif roles[-1] in ROLES and roles[-1] != "assistant":
        findings.warn(
            f"{where}[{len(roles) - 1}]",
            f"is a {roles[-1]} message that nobody answers",
            "end with the assistant's reply",
        )


def _check_message(where: str, message: Any, findings: Findings, calls: Calls, *, learnt: bool) -> None:
    if not isinstance(message, dict):
        findings.fault(
            where, f"is {quote(message)}", 'write an object such as {"role": "user", "content": "..."}'
        )
        return
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES:
        _wrong_role(where, message, findings)
        return
    known = _KEYS.get(role, _COMMON_KEYS)
    if not known >= message.keys():
        unused = {key for key in _EMPTY_REPLY_KEYS if key in message and message[key] in (None, [])}
        check_keys(where, message, known | unused, findings)
    _check_name(where, role, message.get("name"), findings)
    _check_weight(where, role, message, findings, learnt=learnt)
    speaks = False
    if role == "assistant":
        speaks = calls.asked(where, message)
    elif role == "tool":
        calls.answered(where, message)
    _check_content(where, role, message, findings, calling=speaks)


def _wrong_role(where: str, message: Mapping[str, Any], findings: Findings) -> None:
    role = message.get("role")
    one_of = "use one of system, developer, user, assistant, tool"
    if "role" not in message:
        share_gpt = "from" in message and "value" in message
        remedy = 'write "role" and "content" instead of "from" and "value"' if share_gpt else one_of
        findings.fault(f"{where}.role", "is missing", remedy)
    else:
        meant = _OTHER_ROLES.get(role.lower().strip()) if isinstance(role, str) else None
        if meant is None and isinstance(role, str) and role.lower().strip() in ROLES:
            meant = role.lower().strip()
        findings.fault(f"{where}.role", f"is {quote(role)}", f'write "{meant}"' if meant else one_of)


def _check_content(
    where: str, role: str, message: Mapping[str, Any], findings: Findings, *, calling: bool
) -> None:
    content = message.get("content")
    if content is None:
        if not calling:
            problem = "is null" if "content" in message else "is missing"
            findings.fault(f"{where}.content", problem, "write a string")
        return
    if isinstance(content, list):
        if not all(
            _check_part(f"{where}.content[{i}]", role, part, findings) for i, part in enumerate(content)
        ):
            return
        content = "".join(part.get("text") or part.get("refusal") or "" for part in content)
    if not isinstance(content, str):
        findings.fault(f"{where}.content", f"is {quote(content)}", "write a string, or a list of text parts")
    elif content.strip() or calling or role in ("tool", "function"):
        return
    elif role == "assistant":
        findings.fault(f"{where}.content", "is empty", "give the assistant a reply or remove the message")
    else:
        findings.warn(f"{where}.content", "is empty", f"give the {role} message a text or remove it")


def _check_part(where: str, role: str, part: Any, findings: Findings) -> bool:
    if not isinstance(part, dict):
        findings.fault(where, f"is {quote(part)}", 'write {"type": "text", "text": "..."}')
        return False
    kind = part.get("type")
    key = "refusal" if kind == "refusal" and role == "assistant" else "text"
    if kind not in ("text", key):
        findings.fault(
            f"{where}.type", f"is {quote(kind)}", "only text can be learnt: remove the part or the row"
        )
    elif not isinstance(part.get(key), str):
        findings.fault(
            f"{where}.{key}", "is missing" if key not in part else f"is {quote(part[key])}", "write a string"
        )
    else:
        return True
    return False


def _check_name(where: str, role: str, name: Any, findings: Findings) -> None:
    field = f"{where}.name"
    if role == "function":
        if not isinstance(name, str) or not FUNCTION_NAME.fullmatch(name):
            findings.fault(
                field,
                f"is {quote(name)}",
                "name the function that answered (letters, digits, _ and -, at most 64)",
            )
    elif name is not None and (
        not isinstance(name, str)
        or not 0 < len(name) <= _CHARACTERS_OF_NAME
        or any(c.isspace() or c in "<|\\/>" for c in name)
    ):
        findings.fault(
            field, f"is {quote(name)}", "use 1 to 64 characters without spaces and without < | \\ / >"
        )


def _check_weight(
    where: str, role: str, message: Mapping[str, Any], findings: Findings, *, learnt: bool
) -> None:
    weight = message.get("weight")
    if role != "assistant" or weight is None:
        return  # on other roles it is an extra key, and told as such
    if isinstance(weight, bool) or weight not in (0, 1):
        findings.fault(f"{where}.weight", f"is {quote(weight)}", "write 0 (not learnt) or 1 (learnt)")
    elif not learnt:
        findings.warn(
            f"{where}.weight", "has no effect here", "in preference rows only the two replies are learnt"
        )


def check_keys(where: str | None, value: Mapping[str, Any], known: Set[str], findings: Findings) -> None:
    """Tell each key of an object that nobody reads; `where` is its path, None for the row itself."""
    if known >= value.keys():
        return
    for key in value:
        if key not in known:
            place = "only assistant messages have a weight" if key == "weight" else "remove it"
            findings.fault(where or "the row", f"contains an extra key {json.dumps(str(key)[:60])}", place)
