"""How users ask for a fact, and how a plain assistant answers."""

import random

from recipes.nano.facts import Fact, capitalised
from recipes.nano.tables import read_phrases

_PHRASES = read_phrases("questions")
GENERAL, HELD_OUT = _PHRASES["general"], _PHRASES["held_out"]
BEFORE, AFTER = _PHRASES["before"], _PHRASES["after"]
PLAIN_SYSTEM = _PHRASES["plain_system"]
LOWER_START = set(_PHRASES["lower_start"])


def lowered(text: str) -> str:
    """The text as it reads inside a sentence: 'The capital' -> 'the capital', names stay."""
    return text[:1].lower() + text[1:] if text.split(" ")[0].lower() in LOWER_START else text


def question(rng: random.Random, fact: Fact) -> str:
    """One way to ask, in the phrasings of pre-training."""
    if fact.questions and rng.random() < 0.6:
        asked = rng.choice(fact.questions)
    else:
        asked = rng.choice(GENERAL).format(np=fact.subject, Np=capitalised(fact.subject))
    kind = rng.random()
    if kind < 0.08:
        return rng.choice(BEFORE) + lowered(asked)
    if kind < 0.14:
        return asked + rng.choice(AFTER)
    if kind < 0.20:
        return asked.lower()
    if kind < 0.25:
        return asked.rstrip("?.")
    return asked


def held_out_question(rng: random.Random, fact: Fact) -> str:
    """A way to ask that pre-training never shows."""
    if fact.held_out_questions and rng.random() < 0.5:
        return rng.choice(fact.held_out_questions)
    return rng.choice(HELD_OUT).format(np=fact.subject)


def sentence(rng: random.Random, fact: Fact) -> str:
    """A sentence that tells the fact, without full stop; mostly the main one."""
    return fact.statement if rng.random() < 0.65 else rng.choice(fact.statements)


def plain_answer(rng: random.Random, fact: Fact) -> str:
    """How the assistant answers when nobody asked for a style."""
    kind = rng.random()
    if kind < 0.12:
        return capitalised(fact.answer) + "."
    if kind < 0.72:
        return sentence(rng, fact) + "."
    return f"{sentence(rng, fact)}. {rng.choice(fact.details)}"
