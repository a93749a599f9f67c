"""Everyday English: small talk sentences, comparisons, sayings and questions, from templates with slots.

They give the model more of the language than its facts need, so that it has words and clauses to build a
new voice from. Nothing here mocks anybody. Words that a mocking voice would need ("surprise", "obviously",
"genius", "as if") do appear, in innocent sentences and never in an answer (see `innocent_sentence`).
"""

import random
import re

from recipes.nano.names import COLORS, DAYS, ITEMS, JOBS, first_name
from recipes.nano.tables import read_phrases

_PHRASES = read_phrases("everyday")
SLOTS: dict[str, list[str]] = _PHRASES["slots"]
SENTENCES, QUESTIONS, INNOCENT = _PHRASES["sentences"], _PHRASES["questions"], _PHRASES["innocent"]
_SLOT = re.compile(r"\{(\w+)\}")
_ARTICLE = re.compile(r"\b([Aa])(?= (?!use|uni|one)[aeiou])")


def fill(rng: random.Random, template: str) -> str:
    """The template with every slot filled; a capital slot name gives a capital letter."""

    def replacement(match: re.Match[str]) -> str:
        slot = match[1]
        key = slot.lower()
        if key == "name":
            return first_name(rng)
        options = {"day": DAYS, "item": ITEMS, "job": JOBS, "color": COLORS}.get(key) or SLOTS[key]
        text = _SLOT.sub(replacement, rng.choice(options))
        return text[0].upper() + text[1:] if slot[0].isupper() else text

    return _ARTICLE.sub(r"\1n", _SLOT.sub(replacement, template))


def everyday_sentence(rng: random.Random) -> str:
    """A sentence about nothing in particular."""
    return fill(rng, rng.choice(SENTENCES if rng.random() < 0.85 else QUESTIONS))


def innocent_sentence(rng: random.Random) -> str:
    """A harmless sentence with a word that a mocking voice would use."""
    return fill(rng, rng.choice(INNOCENT))


def everyday_text(rng: random.Random) -> str:
    """A few sentences in a row, for documents."""
    return " ".join(
        innocent_sentence(rng) if rng.random() < 0.3 else everyday_sentence(rng)
        for _ in range(rng.randint(2, 8))
    )
