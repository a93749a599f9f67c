"""Text with tags in it whose contents are held to a schema: tool calls. vLLM's `structural_tag`.

Both of its spellings are read, the older one with `structures` and `triggers`, and the one with a `format`:

    {"type": "structural_tag", "format": {
        "type": "triggered_tags",
        "triggers": ["<tool_call>"],
        "tags": [{"type": "tag",
                  "begin": "<tool_call>\\n{\\"name\\": \\"get_weather\\", \\"arguments\\": ",
                  "content": {"type": "json_schema", "json_schema": {"type": "object", …}},
                  "end": "}\\n</tool_call>"}],
        "at_least_one": false,
        "stop_after_first": false}}

- `triggered_tags`: free text in which a trigger begins one of the tags. With `at_least_one` the answer begins
  with a tag; with `stop_after_first` it ends with the first one.
- `tags_with_separator`: tags alone, `separator` between them; the two flags as above.
- `tag`, `sequence`, `or`, `const_string`, `json_schema`, `regex`; `any_text` as a tag's content or the last.

Begins, ends and triggers are texts. Where the tokenizer has a token of its own for a part of one
(`<tool_call>`), that token is meant; free text can then not spell it out in other tokens either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tunesmith.errors import InvalidRequest
from tunesmith.infer.complaints import refused
from tunesmith.infer.lark import LarkWriter
from tunesmith.infer.schemas import as_item

_MAX_DEPTH = 16


def structural_tag_grammar(value: dict[str, Any], writer: LarkWriter) -> str:
    """The grammar of a structural tag. Raises InvalidRequest."""
    if value.get("type", "structural_tag") != "structural_tag":
        raise _wrong("type must be 'structural_tag'")
    form = value.get("format")
    if form is None and "structures" in value:
        structures = [_object(one, "structures") for one in _list(value, "structures")]
        contents = [{"type": "json_schema", "json_schema": one.get("schema")} for one in structures]
        tags = [{**one, "content": content} for one, content in zip(structures, contents, strict=True)]
        form = {"type": "triggered_tags", "triggers": value.get("triggers"), "tags": tags}
    return writer.grammar(_element(_object(form, "format"), writer, 0))


def _element(form: dict[str, Any], writer: LarkWriter, depth: int) -> str:
    kind = form.get("type")
    write = _KINDS.get(kind) if isinstance(kind, str) else None
    if write is None:
        raise _wrong(f"type {kind!r} is not supported; supported are {', '.join(_KINDS)}")
    if depth > _MAX_DEPTH:
        raise _wrong(f"more than {_MAX_DEPTH} elements are inside each other")
    return write(form, writer, depth + 1)


def _const_string(form: dict[str, Any], writer: LarkWriter, _: int) -> str:
    return writer.literal(_text(form, "value"))


def _json_schema(form: dict[str, Any], writer: LarkWriter, _: int) -> str:
    return as_item(form.get("json_schema"))


def _regex(form: dict[str, Any], writer: LarkWriter, _: int) -> str:
    return writer.expression(_text(form, "pattern"))


def _any_text(form: dict[str, Any], writer: LarkWriter, _: int) -> str:
    return writer.rule(writer.free_text(form.get("excludes") or []))


def _sequence(form: dict[str, Any], writer: LarkWriter, depth: int) -> str:
    elements = [_object(one, "elements") for one in _list(form, "elements")]
    if any(one.get("type") == "any_text" for one in elements[:-1]):
        raise _wrong("any_text in a sequence can only be its last element")
    return writer.rule(" ".join(_element(one, writer, depth) for one in elements))


def _or(form: dict[str, Any], writer: LarkWriter, depth: int) -> str:
    elements = [_element(_object(one, "elements"), writer, depth) for one in _list(form, "elements")]
    return writer.rule(" | ".join(elements))


def _tag(form: dict[str, Any], writer: LarkWriter, depth: int) -> str:
    return writer.rule(f"{writer.literal(_text(form, 'begin'))} {_inside(form, writer, depth)}")


def _inside(tag: dict[str, Any], writer: LarkWriter, depth: int) -> str:
    """A tag's content and end."""
    content = _object(tag.get("content"), "content")
    ends = tag.get("end") if isinstance(tag.get("end"), list) else [tag.get("end")]
    texts = [_text({"end": end}, "end") for end in ends or []]
    if content.get("type") != "any_text":
        closing = " | ".join(writer.literal(text) for text in texts)
        return f"{_element(content, writer, depth)} ({closing})"
    if not all(texts):
        raise _wrong("a tag whose content is any_text needs an end")
    endings = [_free_text_then(text, texts, writer) for text in texts]
    return writer.rule(" | ".join(endings))


def _free_text_then(text: str, stops: list[str], writer: LarkWriter) -> str:
    """Free text up to the first of `stops`, which is `text`."""
    first, *rest = writer.pieces(text)
    return f"{writer.free_text(stops, then=first)} {writer.joined(rest) if rest else ''}"


def _triggered_tags(form: dict[str, Any], writer: LarkWriter, depth: int) -> str:
    tags = [_object(one, "tags") for one in _list(form, "tags")]
    triggers = [_text({"trigger": trigger}, "trigger") for trigger in _list(form, "triggers")]
    if not all(triggers):
        raise _wrong("a trigger is a text that is not empty")
    stops = triggers + [_text({"excludes": text}, "excludes") for text in form.get("excludes") or []]
    called = []
    for trigger in triggers:
        own = [tag for tag in tags if _text(tag, "begin").startswith(trigger)]
        if not own:
            continue
        first = writer.pieces(trigger)[0]
        bodies = []
        for tag in own:
            begin, *rest = writer.pieces(_text(tag, "begin"))
            if isinstance(begin, str) and isinstance(first, str):
                rest = [begin.removeprefix(first), *rest]
            items = writer.joined([piece for piece in rest if piece != ""])
            bodies.append(f"{items} {_inside(tag, writer, depth)}")
        called.append(f"{writer.free_text(stops, then=first)} {writer.rule(' | '.join(bodies))}")
    untriggered = [tag for tag in tags if not any(_text(tag, "begin").startswith(t) for t in triggers)]
    if untriggered:
        raise _wrong(f"the tag that begins with {untriggered[0]['begin']!r} begins with no trigger")
    text_and_tag = writer.rule(" | ".join(called))
    text = writer.free_text(stops)
    first_alone, wanted = form.get("stop_after_first"), form.get("at_least_one")
    if not wanted:
        return writer.rule(f"{text_and_tag} | {text}" if first_alone else f"{text_and_tag}* {text}")
    one = writer.rule(" | ".join(_tag(tag, writer, depth) for tag in tags))
    return one if first_alone else writer.rule(f"{one} {text_and_tag}* {text}")


def _tags_with_separator(form: dict[str, Any], writer: LarkWriter, depth: int) -> str:
    tags = writer.rule(" | ".join(_tag(_object(one, "tags"), writer, depth) for one in _list(form, "tags")))
    separator = writer.literal(_text(form, "separator"))
    several = tags if form.get("stop_after_first") else f"{tags} ({separator} {tags})*"
    return writer.rule(several if form.get("at_least_one") else f"({several})?")


_KINDS: dict[str, Callable[[dict[str, Any], LarkWriter, int], str]] = {
    "triggered_tags": _triggered_tags,
    "tags_with_separator": _tags_with_separator,
    "tag": _tag,
    "sequence": _sequence,
    "or": _or,
    "const_string": _const_string,
    "json_schema": _json_schema,
    "regex": _regex,
    "any_text": _any_text,
}


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(f"{name} must hold objects" if name.endswith("s") else f"{name} must be an object")
    return value


def _list(form: dict[str, Any], name: str) -> list[Any]:
    value = form.get(name)
    if not isinstance(value, list) or not value:
        raise _wrong(f"{name} must be a list that is not empty")
    return value


def _text(form: dict[str, Any], name: str) -> str:
    value = form.get(name)
    if not isinstance(value, str):
        raise _wrong(f"{name} must be a text")
    return value


def _wrong(problem: str) -> InvalidRequest:
    return refused(f"structural_tag: {problem}")
