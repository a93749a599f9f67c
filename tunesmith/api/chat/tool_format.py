"""How a base writes tool calls, learnt from its own chat template.

A template is shown a conversation with a call in it, and what it prints around the name and the arguments is
the format: `<tool_call>` tags (Hermes, Qwen), Llama's bare JSON, Mistral's `[TOOL_CALLS]` and whatever comes
next. `api/chat/tool_calls.py` reads calls by it, `api/chat/structured.py` makes grammars of it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.data.chat_template import Renderer
from tunesmith.data.tokenizer import Tokenizer
from tunesmith.errors import InvalidRequest

CALL_ID = "\ufdd0"
"""Stands in a format's texts where a template prints the call's id."""
_MARKER = re.compile(r"<[^<>\s]+>|\[[A-Z_]+\]")
_TOOL_NAMES = ("probe_first_tool", "probe_second_tool")
_CALL_IDS = ("call00001", "call00002")  # nine letters and digits: what Mistral's templates ask for


@dataclass(frozen=True)
class CallFormat:
    """The texts around the names and arguments of an assistant's calls; arguments are JSON.

    One call is `opening name middle arguments closing`; between the arguments of a call and the name of the
    next stands `between`.
    """

    opening: str
    middle: str
    between: str | None
    """None: the template takes one call a turn."""
    closing: str

    @property
    def marker(self) -> str:
        """What tells a call from text: the opening without what follows its first white space."""
        return self.opening.split(maxsplit=1)[0]

    @property
    def is_marked(self) -> bool:
        """Whether a call may follow text. Bare JSON is a call only where the answer begins with it."""
        return not self.opening.lstrip().startswith(("{", "[{"))

    @property
    def end_marker(self) -> str:
        """The tag that ends a call, `</tool_call>`; empty where JSON's own brackets do."""
        rest = self.closing.lstrip("}] \n\t\r")
        return rest.strip() if CALL_ID not in rest and '"' not in rest else ""


HERMES = CallFormat(
    opening='<tool_call>\n{"name": "',
    middle='", "arguments": ',
    between='}\n</tool_call>\n<tool_call>\n{"name": "',
    closing="}\n</tool_call>",
)
"""The commonest one: what is read where a template shows no calls."""
PLAIN = CallFormat(opening='{"name": "', middle='", "arguments": ', between='}\n{"name": "', closing="}")
"""What a model without a format of its own writes when a call is forced."""


def call_format(renderer: Renderer) -> CallFormat | None:
    """The format of the renderer's template; None where it shows no calls that can be read back."""
    return _learnt(renderer)


@functools.lru_cache(maxsize=16)
def _learnt(renderer: Renderer) -> CallFormat | None:
    tools = [_tool(name) for name in _TOOL_NAMES]
    single = _written(renderer, tools, 1)
    if single is None or (found := _around(single, 1)) is None:
        return None
    opening, [middle], [], closing = found
    if not opening.strip():
        return None
    double = _written(renderer, tools, 2)
    between = None
    if double is not None and (found := _around(double, 2)) is not None:
        same = (found[0], found[1], found[3]) == (opening, [middle, middle], closing)
        between = found[2][0] if same else None
    return CallFormat(opening, middle, between, closing)


def markers(text: str, tokenizer: Tokenizer) -> list[tuple[str, int | None]]:
    """`text` in pieces, each with the id of the one token that it must be: tags are tokens of their own in
    most vocabularies. The others have None."""
    pieces: list[tuple[str, int | None]] = []
    start = 0
    special = sorted(tokenizer.special_texts, key=len, reverse=True)
    pattern = re.compile("|".join([*map(re.escape, special), _MARKER.pattern]))
    for match in pattern.finditer(text):
        token_id = tokenizer.token_id(match.group())
        if token_id is None:
            continue
        if match.start() > start:
            pieces.append((text[start : match.start()], None))
        pieces.append((match.group(), token_id))
        start = match.end()
    if start < len(text):
        pieces.append((text[start:], None))
    return pieces


def shown_tokens(form: CallFormat, tokenizer: Tokenizer) -> frozenset[int]:
    """Special tokens that belong to a call, so that they have to be seen where text is read."""
    texts = (form.opening, form.middle, form.between or "", form.closing)
    found = {token_id for text in texts for _, token_id in markers(text, tokenizer) if token_id is not None}
    return frozenset(token_id for token_id in found if tokenizer.is_special(token_id))


# -- asking the template ----------------------------------------------------------------------------


def _tool(name: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"probe_key": {"type": "integer"}}}
    function = {"name": name, "description": "A function.", "parameters": parameters}
    return {"type": "function", "function": function}


def _written(renderer: Renderer, tools: Sequence[dict[str, Any]], n: int) -> str | None:
    """What the template prints for an assistant's `n` calls, up to the end of its turn."""
    user = {"role": "user", "content": "What now?"}
    pairs = list(zip(_CALL_IDS[:n], _TOOL_NAMES[:n], strict=True))
    calls = [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": f'{{"probe_key": {i}}}'}}
        for i, (call_id, name) in enumerate(pairs)
    ]
    results = [
        {"role": "tool", "tool_call_id": call_id, "name": name, "content": "done"} for call_id, name in pairs
    ]
    try:
        before = renderer.prompt_text([user], tools)
        whole = renderer.prompt_text([user, {"role": "assistant", "tool_calls": calls}, *results], tools)
    except InvalidRequest:  # the template refuses such messages
        return None
    if not whole.startswith(before):
        return None
    tokenizer = renderer.tokenizer
    ends = [tokenizer.token_bytes(token_id).decode(errors="ignore") for token_id in tokenizer.eos_token_ids]
    written = whole[len(before) :]
    cuts = [written.find(end) for end in ends if end and end in written]
    return written[: min(cuts)] if cuts else None


def _around(written: str, n: int) -> tuple[str, list[str], list[str], str] | None:
    """What stands before the first name, after each name, between calls, and after the last arguments."""
    for call_id in _CALL_IDS:
        written = written.replace(call_id, CALL_ID)
    middles: list[str] = []
    betweens: list[str] = []
    position = 0
    for i, name in enumerate(_TOOL_NAMES[:n]):
        start = written.find(name, position)
        arguments = re.compile(rf'\{{\s*"probe_key"\s*:\s*{i}\s*\}}').search(written, max(start, 0))
        if start < 0 or arguments is None:
            return None
        betweens.append(written[position:start])
        middles.append(written[start + len(name) : arguments.start()])
        position = arguments.end()
    return betweens[0], middles, betweens[1:], written[position:].rstrip()
