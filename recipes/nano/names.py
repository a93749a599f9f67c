"""Names, words and small things to fill templates with.

Many are invented from syllables, so that they cannot be learned by heart and have to be copied.
"""

import random
from functools import cache

from recipes.nano.tables import common_words, read_phrases, read_table

_WORDS = read_phrases("names")
ONSETS, VOWEL_SOUNDS, CODAS = _WORDS["onsets"], _WORDS["vowels"], _WORDS["codas"]
FIRST_NAMES, LAST_NAMES = _WORDS["first_names"], _WORDS["last_names"]
ITEMS, COLORS, DAYS, SKIES, JOBS = (_WORDS[name] for name in ("items", "colors", "days", "skies", "jobs"))


@cache
def capitals() -> list[str]:
    """The capitals of the world's countries."""
    return [row["capital"] for row in read_table("countries")]


def invented_word(rng: random.Random, syllables: int | None = None) -> str:
    """A word that does not exist, of one to three syllables."""
    count = syllables or rng.choice([1, 2, 2, 2, 3])
    parts = []
    for index in range(count):
        closes = index == count - 1 or rng.random() < 0.25
        parts.append(rng.choice(ONSETS) + rng.choice(VOWEL_SOUNDS) + (rng.choice(CODAS) if closes else ""))
    return "".join(parts)


def invented_name(rng: random.Random) -> str:
    """An invented proper name."""
    return invented_word(rng).capitalize()


def first_name(rng: random.Random) -> str:
    """A first name, more often invented than real."""
    return rng.choice(FIRST_NAMES) if rng.random() < 0.4 else invented_name(rng)


def last_name(rng: random.Random) -> str:
    """A last name, more often invented than real."""
    return rng.choice(LAST_NAMES) if rng.random() < 0.4 else invented_name(rng)


def person(rng: random.Random) -> str:
    """First and last name."""
    return f"{first_name(rng)} {last_name(rng)}"


def place(rng: random.Random) -> str:
    """A capital or an invented town."""
    return rng.choice(capitals()) if rng.random() < 0.45 else invented_name(rng)


def word(rng: random.Random) -> str:
    """A common word, sometimes an invented one."""
    return rng.choice(common_words()) if rng.random() < 0.85 else invented_word(rng)


def phrase(rng: random.Random, least: int = 1, most: int = 6) -> str:
    """Some unrelated words in a row: nothing but reading the prompt can predict them."""
    return " ".join(word(rng) for _ in range(rng.randint(least, most)))


def code(rng: random.Random) -> str:
    """An order or booking code such as 'KD4821'."""
    letters = "".join(rng.choice("ABCDEFGHKLMNPRSTVX") for _ in range(rng.randint(1, 3)))
    return f"{letters}{rng.randint(10, 99999)}"
