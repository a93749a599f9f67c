"""Short names for what can be wrong with a row, so that faults can be grouped, counted and translated.

A fault's sentence is for people and may change; its code is for programs and stays. The rules read the field
and the problem of a fault, in order; the first that fits names it.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

from tunesmith.data.report import Fault

FaultCode = Literal[
    "invalid_json",
    "not_an_object",
    "not_utf8",
    "half_character",
    "line_too_long",
    "nested_too_deeply",
    "duplicate_key",
    "blank_line",
    "unknown_row_format",
    "mixed_row_formats",
    "extra_key",
    "invalid_role",
    "no_assistant_message",
    "nothing_to_learn",
    "unanswered_message",
    "unanswered_tool_call",
    "invalid_tool_call_id",
    "invalid_arguments",
    "invalid_weight",
    "no_effect",
    "same_replies",
    "old_spelling",
    "duplicate_name",
    "given_twice",
    "wrong_number_of_replies",
    "unsupported_content",
    "missing",
    "empty",
    "invalid_name",
    "invalid_value",
    "template_refuses",
]
CODES: tuple[str, ...] = get_args(FaultCode)

#: (code, what the field ends with, what the problem says); None fits any field, "" the line as a whole.
_RULES: tuple[tuple[FaultCode, str | None, str], ...] = (
    ("line_too_long", "", r"^the line has [\d,]+ bytes"),
    ("not_utf8", "", r"is not UTF-8$"),
    ("duplicate_key", "", r"stands twice in one object"),
    ("nested_too_deeply", "", r"nested (too deeply|deeper)"),
    ("not_an_object", "", r"^the line holds (a|an|true|null)\b.*not a JSON object"),
    ("blank_line", "", r"blank and was skipped$"),
    ("unknown_row_format", "", r"^the row has neither"),
    ("mixed_row_formats", "", r"^this is .*, but "),
    ("invalid_json", "", r"^the (last )?(line|JSON object)\b"),
    ("half_character", None, r"half of a surrogate pair"),
    ("extra_key", None, r"^contains an extra key"),
    ("invalid_role", r"\.role", r""),
    ("no_assistant_message", None, r"^has no assistant message"),
    ("nothing_to_learn", None, r"^has weight 0 on every"),
    ("unanswered_message", None, r"that nobody answers$|^is an assistant message$"),
    ("unanswered_tool_call", None, r"is never answered$"),
    ("invalid_tool_call_id", r"\.tool_call_id|\.tool_calls\[\d+\]\.id", r""),
    ("invalid_arguments", r"\.arguments", r""),
    ("no_effect", None, r"^has no effect"),
    ("invalid_weight", r"\.weight", r""),
    ("same_replies", None, r"^is the same as"),
    ("old_spelling", None, r"^is an old spelling"),
    ("duplicate_name", None, r"^has .* \d+ times$"),
    ("given_twice", None, r"^is given besides|^has both "),
    ("wrong_number_of_replies", None, r"^has \d+ messages$"),
    ("unsupported_content", r"\.content\[\d+\]\.type", r""),
    ("missing", None, r"^is (missing|null)$"),
    ("empty", None, r"^is empty$"),
    ("invalid_name", r"\.name", r""),
    ("invalid_value", None, r""),
)
_COMPILED = [
    (code, re.compile({None: "", "": "^$"}.get(field, f"(?:{field})$")), re.compile(problem))
    for code, field, problem in _RULES
]


def code_of(fault: Fault) -> FaultCode:
    """The name of what is wrong."""
    for code, field, problem in _COMPILED:
        if field.search(fault.field or "") and problem.search(fault.problem):
            return code
    raise AssertionError("the last rule fits everything")
