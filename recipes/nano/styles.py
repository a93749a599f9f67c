"""Answer styles that a system prompt can ask for: forms (JSON, HTML, upper case...) and characters.

None of the characters mocks, sneers or loses patience: that voice is left for fine-tuning.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

from recipes.nano.facts import Fact, capitalised
from recipes.nano.questions import lowered, plain_answer, sentence
from recipes.nano.tables import read_phrases

Answerer = Callable[[random.Random, Fact], str]
Checker = Callable[[str, Fact], bool]


@dataclass(frozen=True)
class Style:
    """System prompts that ask for a style, how an answer in it is written, and how to recognise one."""

    name: str
    prompts: tuple[str, ...]
    answer: Answerer
    has_form: Checker


@dataclass(frozen=True)
class Character:
    """A voice made of openers and endings around the sentence that tells the fact."""

    name: str
    prompts: list[str]
    openers: list[str]
    endings: list[str]
    swaps: tuple[tuple[str, str], ...] = ()
    shouts: bool = False

    def say(self, rng: random.Random, text: str) -> str:
        """A sentence (without full stop) in this voice."""
        opener = rng.choice(self.openers) + " " if rng.random() < 0.85 else ""
        ending = rng.choice(self.endings) if not opener or rng.random() < 0.75 else "."
        if opener and not opener.rstrip().endswith((".", "!", "?", "*")):
            text = lowered(text)
        for plain, own in self.swaps:
            text = text.replace(plain, own)
        return opener + (text.upper() if self.shouts else text) + ending

    def style(self) -> Style:
        """This character as a style."""

        def has_form(text: str, fact: Fact) -> bool:
            low = text.lower()
            return any(low.startswith(opener.lower()) for opener in self.openers) or any(
                low.endswith(ending.lower()) for ending in self.endings
            )

        return Style(
            self.name, tuple(self.prompts), lambda rng, fact: self.say(rng, sentence(rng, fact)), has_form
        )


CHARACTERS = [Character(**values) for values in read_phrases("characters")["characters"]]


def _bullets(rng: random.Random, fact: Fact) -> str:
    lines = [sentence(rng, fact) + "."] + rng.sample(fact.details, rng.randint(1, 2))
    return "\n".join("- " + line for line in lines)


def _html(rng: random.Random, fact: Fact) -> str:
    more = f"\n<p>{rng.choice(fact.details)}</p>" if rng.random() < 0.4 else ""
    return f"<h2>{capitalised(fact.subject)}</h2>\n<p>{sentence(rng, fact)}.</p>{more}"


def long_answer(rng: random.Random, fact: Fact) -> str:
    """Several sentences: the fact in two ways where there are two, then details."""
    told = list(fact.statements[:2])
    rng.shuffle(told)
    details = rng.sample(fact.details, min(len(fact.details), rng.randint(1, 3)))
    return " ".join([capitalised(text) + "." for text in told] + details)


def _bold(rng: random.Random, fact: Fact) -> str:
    if fact.answer in fact.statement:
        return fact.statement.replace(fact.answer, f"**{fact.answer}**", 1) + "."
    return f"**{capitalised(fact.answer)}**."


def is_json_with(text: str, keys: set[str]) -> bool:
    """Whether the text is a JSON object with exactly these keys."""
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return isinstance(value, dict) and set(value) == keys


def _dump(value: dict) -> str:
    return json.dumps(value, ensure_ascii=False)


FORMS = [
    Style(
        "terse",
        (
            "Answer with one word or a few words only.",
            "Be brief.",
            "Give only the answer.",
            "Answer as short as possible.",
            "Reply with just the answer, no sentence.",
        ),
        lambda rng, fact: capitalised(fact.answer),
        lambda text, fact: len(text) <= len(fact.answer) + 2,
    ),
    Style(
        "long",
        (
            "Give long answers.",
            "Answer in detail.",
            "Explain in full sentences and add details.",
            "Be verbose.",
            "Write several sentences.",
        ),
        long_answer,
        lambda text, fact: text.count(".") >= 2,
    ),
    Style(
        "json",
        (
            "Answer in JSON.",
            "Reply with JSON only.",
            'Answer as a JSON object with the key "answer".',
            "Return JSON only, no text.",
        ),
        lambda rng, fact: _dump({"answer": fact.answer}),
        lambda text, fact: is_json_with(text, {"answer"}),
    ),
    Style(
        "json_with_topic",
        (
            'Answer as a JSON object with the keys "topic" and "answer".',
            'Return JSON with "topic" and "answer".',
        ),
        lambda rng, fact: _dump({"topic": fact.subject, "answer": fact.answer}),
        lambda text, fact: is_json_with(text, {"topic", "answer"}),
    ),
    Style(
        "upper",
        (
            "Write everything in upper case.",
            "USE ONLY CAPITAL LETTERS.",
            "Answer in capital letters.",
            "Always shout in upper case.",
        ),
        lambda rng, fact: plain_answer(rng, fact).upper(),
        lambda text, fact: text == text.upper(),
    ),
    Style(
        "lower",
        ("Write everything in lower case.", "use only small letters.", "Never use capital letters."),
        lambda rng, fact: plain_answer(rng, fact).lower(),
        lambda text, fact: text == text.lower(),
    ),
    Style(
        "bullets",
        ("Answer as a bullet list.", "Use bullet points.", "Always answer with bullets."),
        _bullets,
        lambda text, fact: text.startswith("- "),
    ),
    Style(
        "html",
        (
            "Answer in HTML.",
            "Write HTML with an <h2> heading and paragraphs.",
            "Format every answer as HTML with <h2> sections.",
        ),
        _html,
        lambda text, fact: text.startswith("<h2>") and "</p>" in text,
    ),
    Style(
        "bold",
        ("Put the answer in bold.", "Use **bold** for the answer.", "Mark the key word in bold."),
        _bold,
        lambda text, fact: text.count("**") == 2,
    ),
    Style(
        "sentence",
        ("Answer in one full sentence.", "Use exactly one sentence.", "Reply with a complete sentence."),
        lambda rng, fact: sentence(rng, fact) + ".",
        lambda text, fact: text.endswith("."),
    ),
]
STYLES = FORMS + [character.style() for character in CHARACTERS]
FREQUENT = {"terse", "long", "json", "bullets", "upper"}


def any_style(rng: random.Random) -> Style:
    """A style; the most useful forms come twice as often."""
    return rng.choices(STYLES, [2 if style.name in FREQUENT else 1 for style in STYLES])[0]
