"""What pre-training must not contain, so that fine-tuning has something to teach. Checked by search.

Sarcasm, mockery and impatience in answers; extraction from sports headlines; topic labels; the phrasings
kept for evaluation; two tools.
"""

import json
import re
from functools import cache
from pathlib import Path

from recipes.nano.example import Example
from recipes.nano.questions import HELD_OUT
from recipes.nano.tool_calls import HELD_OUT_NAMES

SAMPLES = Path(__file__).parents[2] / "tunesmith" / "assets" / "samples"
FREE_KINDS = {
    "plain",
    "style",
    "voice",
    "small_talk",
    "unknown",
    "support",
}  # answers in the model's own words
HEADLINE_KEYS = {"player", "team", "sport"}
TOPIC_LABEL = re.compile(r" ->\s*$")
_FIXED_HELD_OUT = re.compile("|".join(re.escape(text.split("{np}")[0].strip()) for text in HELD_OUT))


@cache
def mockery() -> re.Pattern[str]:
    """The words and phrases of the sarcastic sample's voice rule."""
    words = json.loads((SAMPLES / "marv" / "rule.json").read_text(encoding="utf-8"))["phrases"]
    return re.compile(r"(?<!\w)(?:" + "|".join(re.escape(text) for text in words) + r")(?!\w)", re.IGNORECASE)


def violation(example: Example) -> str:
    """Why the example may not be trained on; empty if it may."""
    for message in example.messages:
        if message.role == "assistant":
            if example.kind in FREE_KINDS and (found := mockery().search(message.content)):
                return f"mocking words in an answer: {found[0]!r}"
            if message.content.startswith("{") and _keys(message.content) >= HEADLINE_KEYS:
                return "a sports headline's keys"
        elif message.role == "user":
            if TOPIC_LABEL.search(message.content):
                return "a topic label's arrow"
            if found := _FIXED_HELD_OUT.search(message.content):
                return f"a phrasing kept for evaluation: {found[0]!r}"
    names = {tool["function"]["name"] for tool in example.tools} & HELD_OUT_NAMES
    return f"a tool kept for evaluation: {names}" if names else ""


def _keys(text: str) -> set[str]:
    try:
        value = json.loads(text)
    except ValueError:
        return set()
    return set(value) if isinstance(value, dict) else set()
