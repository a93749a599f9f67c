"""How much of each kind of example the model sees."""

import random
from collections.abc import Callable

from recipes.nano.chats import fact_chat, greeted_chat, small_talk_chat, unknown_chat
from recipes.nano.copying import copying_chat, named_assistant_chat
from recipes.nano.documents import article_chat, document
from recipes.nano.example import Example
from recipes.nano.extraction import extraction_chat, renamed_extraction_chat
from recipes.nano.reading import reading_chat, rules_chat, sentiment_chat, summary_chat, support_chat
from recipes.nano.tool_calls import tool_chat

MIX: list[tuple[Callable[[random.Random], Example], float]] = [
    (fact_chat, 52),
    (document, 7),
    (copying_chat, 12),
    (extraction_chat, 12),
    (renamed_extraction_chat, 14),
    (tool_chat, 9),
    (reading_chat, 6),
    (rules_chat, 3),
    (support_chat, 2.5),
    (unknown_chat, 2.5),
    (small_talk_chat, 2),
    (article_chat, 2),
    (greeted_chat, 1),
    (named_assistant_chat, 0.5),
    (summary_chat, 1),
    (sentiment_chat, 1),
]


def any_example(rng: random.Random) -> Example:
    """One example of the pre-training text."""
    return rng.choices([make for make, _ in MIX], [share for _, share in MIX])[0](rng)
