"""Why a line is no JSON, in words: torn at the end, Python instead of JSON, a comma too many, two objects."""

from __future__ import annotations

import json

_DUMPS = "write each row with json.dumps(row)"
_LITERALS = ("true", "false", "null")


def syntax_fault(text: str, error: Exception, *, last: bool) -> tuple[str, str]:
    """(problem, remedy) for a line that the decoder refused with `error`; `last`: no row follows it."""
    if isinstance(error, RecursionError):
        return "the line is nested too deeply", "flatten the row"
    if not isinstance(error, json.JSONDecodeError):
        return _number_fault(error)
    at = f"at character {error.pos + 1}"
    rest = text[error.pos :]
    if is_incomplete(text, error):
        if last:
            return (
                f"the last line is cut off after {len(text.rstrip())} characters",
                "the file was not copied whole: upload it again, or remove the line",
            )
        return (
            "the JSON object does not end on this line",
            "write each object on one line, without line breaks (jq -c . turns indented JSON into lines)",
        )
    if error.msg.startswith("Extra data"):
        return (
            f"the line holds more than one JSON value (the second {at})",
            "put each object on a line of its own",
        )
    if rest.startswith("'"):
        return f"the line uses single quotes ({at}), so it is Python and not JSON", _DUMPS
    if rest.startswith(("None", "True", "False")):
        return (
            f"the line has {rest.split(',')[0][:5].rstrip('}] ')} ({at}), which is Python and not JSON",
            _DUMPS,
        )
    if "control character" in error.msg:
        return f"the line has a raw control character in a string ({at})", "write it as an escape such as \\t"
    if "escape" in error.msg:
        return f"the line has an unknown escape ({at})", "write a backslash as \\\\"
    if "trailing comma" in error.msg or (rest[:1] in ("}", "]") and text[: error.pos].rstrip().endswith(",")):
        return f"the line has a comma before a closing bracket ({at})", "remove the comma"
    return f"the line is not valid JSON: {error.msg} {at}", f"mend it, or {_DUMPS}"


def is_incomplete(text: str, error: json.JSONDecodeError) -> bool:
    """Whether the text stopped in the middle of what began well."""
    rest = text[error.pos :].strip()
    return (
        not rest
        or error.msg.startswith("Unterminated string")
        or ("escape" in error.msg and len(rest) < 6)
        or (error.msg == "Expecting value" and any(literal.startswith(rest) for literal in _LITERALS))
    )


def _number_fault(error: Exception) -> tuple[str, str]:
    reason = str(error)
    if "digits" in reason:
        reason = "an integer has thousands of digits"
    return f"the line is no usable JSON: {reason}", "write an ordinary number, a string or null"
