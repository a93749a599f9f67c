"""What cannot be enforced in a request's `structured_outputs`, said to its sender."""

from __future__ import annotations

import re

from tunesmith.errors import InvalidRequest

PARAM = "structured_outputs"
_NAMES = {"json": "schema", "json_object": "schema", "choice": "choice", "structural_tag": "structural tag"}


def refused(problem: str) -> InvalidRequest:
    """The field is not what it should be."""
    return InvalidRequest(f"{PARAM}: {problem}", param=PARAM)


def cannot_enforce(kind: str, problem: str) -> InvalidRequest:
    """The grammar library's complaint about a schema or grammar: its first line, without tokens and rules."""
    line = next((line.strip() for line in problem.splitlines() if line.strip()), "it cannot be compiled")
    if found := re.search(r"^error: (.*)$", problem, re.MULTILINE):  # of a regular expression
        line = found.group(1)
    if found := re.search(r"Unimplemented keys: \[(.*)\]", line):
        keys = found.group(1).replace('"', "'")
        line = f"{keys} cannot be enforced; leave it out and check it in the answer"
    elif "oneOf constraints are not supported" in line:
        line = "'oneOf' cannot be enforced where its alternatives may overlap; use 'anyOf'"
    elif line.startswith("NoExtension"):
        line = "no answer can satisfy it"
    elif "recursion limit exceeded" in line:
        line = "it is nested too deeply"
    elif "Parser Error:" in line:
        line = "it is too large or too ambiguous to follow"
    line = line.partition("; following special tokens")[0]
    line = re.sub(r"^at \d+\(\d+\): ", "", line)
    line = line.removeprefix("failed to compile JSON schema: ")
    of_schema = kind in ("json", "json_object", "structural_tag")
    return InvalidRequest(
        f"The {_NAMES.get(kind, kind)} cannot be used: {line}",
        param=PARAM,
        code="invalid_json_schema" if of_schema else None,
    )
