"""What each kind of row must be: OpenAI's rules for chat, prompt/completion and preference rows.

Works on parsed JSON. Lines, bytes and syntax are `data.jsonl`'s business; messages and tools have rules of
their own in `data.message_rules` and `data.tool_rules`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tunesmith.data.examples import CHAT_KEYS, COMPLETION_KEYS, PREFERENCE_KEYS, Format, row_format
from tunesmith.data.message_rules import check_keys, check_messages
from tunesmith.data.report import Findings
from tunesmith.data.tool_rules import check_functions, check_tools, quote

_FORMAT_NAMES: dict[Format, str] = {
    "chat": 'a chat row ("messages")',
    "completion": 'a prompt/completion row ("prompt", "completion")',
    "preference": 'a preference row ("input", "preferred_output", "non_preferred_output")',
}
_PLAIN_ROLES = frozenset({"system", "developer", "user", "assistant"})


def is_plain_chat(row: Mapping[str, Any]) -> bool:
    """Whether a row is of the simplest kind and sound, so that `check_row` would find nothing: for speed."""
    messages = row.get("messages")
    if len(row) != 1 or type(messages) is not list or not messages:
        return False
    role = None
    for message in messages:
        if type(message) is not dict or len(message) != 2:
            return False
        role, content = message.get("role"), message.get("content")
        if type(role) is not str or role not in _PLAIN_ROLES:
            return False
        if type(content) is not str or not content or content.isspace():
            return False
    return role == "assistant"


def check_row(row: Mapping[str, Any], findings: Findings) -> None:
    """Add to `findings` all that is wrong with one row."""
    kind = row_format(row)
    if kind is None:
        near = next(
            (
                key
                for key in row
                if str(key).lower() in {"message", "conversation", "conversations", "dialogue"}
            ),
            None,
        )
        hint = (
            f'rename {quote(near)} to "messages"'
            if near
            else 'write {"messages": [...]} or {"prompt": ..., "completion": ...}'
        )
        findings.fault(None, 'the row has neither "messages" nor "prompt" and "completion"', hint)
        return
    if findings.format is None:
        findings.format, findings.format_line = kind, findings.line
    elif findings.format != kind:
        first = f"line {findings.format_line}" if findings.format_line else "the training file"
        findings.fault(
            None,
            f"this is {_FORMAT_NAMES[kind]}, but {first} has {_FORMAT_NAMES[findings.format]}",
            "give all files of a job rows of one kind",
        )
        return
    _CHECKS[kind](row, findings)


def _check_chat(row: Mapping[str, Any], findings: Findings) -> None:
    check_keys(None, row, CHAT_KEYS, findings)
    _check_tools(None, row, findings)
    check_messages("messages", row["messages"], findings, learnt=True)


def _check_completion(row: Mapping[str, Any], findings: Findings) -> None:
    check_keys(None, row, COMPLETION_KEYS, findings)
    for key in ("prompt", "completion"):
        if key not in row:
            findings.fault(key, "is missing", "a row needs prompt and completion")
        elif not isinstance(row[key], str):
            findings.fault(key, f"is {quote(row[key])}", "write it as a string")
        elif key == "completion" and not row[key].strip():
            findings.fault(key, "is empty", "give the text to learn, or remove the row")


def _check_preference(row: Mapping[str, Any], findings: Findings) -> None:
    check_keys(None, row, PREFERENCE_KEYS, findings)
    given = row.get("input")
    if not isinstance(given, dict):
        problem = "is missing" if "input" not in row else f"is {quote(given)}"
        findings.fault("input", problem, 'write {"messages": [...]} with the conversation before the reply')
    else:
        check_keys("input", given, CHAT_KEYS, findings)
        _check_tools("input", given, findings)
        if "messages" not in given:
            findings.fault("input.messages", "is missing", "give the conversation before the reply")
        else:
            check_messages("input.messages", given["messages"], findings, learnt=False)
    replies = [_check_reply(row, kind, findings) for kind in ("preferred", "non_preferred")]
    if replies[0] is not None and replies[0] == replies[1]:
        findings.warn(
            "preferred_output", "is the same as non_preferred_output", "such a pair teaches nothing"
        )


def _check_reply(row: Mapping[str, Any], kind: str, findings: Findings) -> Any:
    field, old = f"{kind}_output", f"{kind}_completion"
    if field in row and old in row:
        findings.fault(old, f"is given besides {field}", "keep one of them")
    if field not in row and old in row:
        findings.warn(old, "is an old spelling", f"call it {field}")
        field = old
    if field not in row:
        findings.fault(field, "is missing", "give one assistant message in a list")
        return None
    reply = row[field]
    if not isinstance(reply, list) or len(reply) != 1:
        problem = f"has {len(reply)} messages" if isinstance(reply, list) else f"is {quote(reply)}"
        findings.fault(field, problem, "give a list of exactly one assistant message")
        return None
    if isinstance(reply[0], dict) and reply[0].get("role") not in (None, "assistant"):
        findings.fault(
            f"{field}[0].role", f"is {quote(reply[0]['role'])}", "the reply must be the assistant's"
        )
        return None
    check_messages(field, reply, findings, learnt=True)
    return reply


def _check_tools(where: str | None, row: Mapping[str, Any], findings: Findings) -> None:
    prefix = f"{where}." if where else ""
    tools, functions = row.get("tools"), row.get("functions")
    if tools is not None and tools != findings.sound_tools:  # the rows of a file tend to share their tools
        before = findings.n_faults
        _once(f"{prefix}tools", check_tools(f"{prefix}tools", tools, findings), findings)
        findings.sound_tools = tools if findings.n_faults == before else None
    if functions is not None:
        _once(f"{prefix}functions", check_functions(f"{prefix}functions", functions, findings), findings)
    parallel = row.get("parallel_tool_calls")
    if parallel is not None and not isinstance(parallel, bool):
        findings.fault(f"{prefix}parallel_tool_calls", f"is {quote(parallel)}", "write true or false")
    elif parallel is not None and row.get("tools") is None:
        findings.warn(f"{prefix}parallel_tool_calls", "has no effect without tools", "add tools or remove it")


def _once(where: str, names: list[str], findings: Findings) -> None:
    for name, n in Counter(names).items():
        if n > 1:
            findings.fault(where, f"has {quote(name)} {n} times", "give each tool a name of its own")


_CHECKS = {"chat": _check_chat, "completion": _check_completion, "preference": _check_preference}
