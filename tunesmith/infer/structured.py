"""vLLM's `structured_outputs` as a grammar for llguidance: a JSON schema, any object, an expression, a
choice, a Lark grammar, or text with tags in it.

In a Lark grammar a special token is named without quotes, `<tool_call>`, or by its id, `<[4090]>`; quoted
texts and expressions never match one:

    start: <think> /(.|\\n)*/ </think> "yes"

In choices and structural tags they are written as text (`lark.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llguidance import grammar_from

from tunesmith.infer.complaints import cannot_enforce, refused
from tunesmith.infer.lark import LarkWriter, Vocabulary
from tunesmith.infer.schemas import grammar_of, parsed
from tunesmith.infer.structural_tag import structural_tag_grammar

KINDS = ("json", "json_object", "regex", "choice", "grammar", "structural_tag")
MAX_CHOICES = 4096


def kind_of(structured: Mapping[str, Any]) -> str:
    """The one kind that is asked for. Raises InvalidRequest."""
    for name in structured:
        if name not in KINDS:
            raise refused(f"{name} is not supported; supported are {', '.join(KINDS)}")
    given = [kind for kind, value in structured.items() if value is not None]
    if len(given) != 1:
        raise refused(f"give exactly one of {', '.join(KINDS)}")
    return given[0]


def grammar_text(structured: Mapping[str, Any], vocabulary: Vocabulary) -> str:
    """The grammar as llguidance reads it. Raises InvalidRequest."""
    kind = kind_of(structured)
    value = structured[kind]
    writer = LarkWriter(vocabulary)
    if kind == "json":
        return grammar_of(value)
    if kind == "json_object":
        if value is not True:
            raise refused("json_object must be true")
        return grammar_of({"type": "object"})
    if kind == "structural_tag":
        return structural_tag_grammar(parsed(value, "structural_tag"), writer)
    if kind == "choice":
        if not isinstance(value, list) or not value or not all(isinstance(text, str) for text in value):
            raise refused("choice must be a list of texts, one at least")
        if len(value) > MAX_CHOICES:
            raise refused(f"choice has {len(value)} texts; at most {MAX_CHOICES} are allowed")
        return writer.grammar(" | ".join(writer.literal(text) for text in value))
    if not isinstance(value, str) or not value:
        raise refused(f"{kind} must be a text that is not empty")
    if kind == "regex":
        return writer.grammar(writer.expression(value))
    try:
        return grammar_from("grammar", value)  # Lark, or llama.cpp's GBNF
    except ValueError as error:
        raise cannot_enforce(kind, str(error)) from error
