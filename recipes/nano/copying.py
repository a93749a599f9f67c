"""Tasks whose answer stands in the prompt: repeating, spelling, lists, names in fields."""

import json
import random

from recipes.nano.everyday import everyday_sentence, innocent_sentence
from recipes.nano.example import Example, Turns, chat
from recipes.nano.facts import capitalised
from recipes.nano.names import code, invented_name, invented_word, person, phrase, place, word
from recipes.nano.tables import common_words, read_table

FIELD_NAMES = {
    "name": ["name", "person", "who", "guest", "member", "actor", "star", "hero", "individual", "human"],
    "first": ["first", "guest", "visitor", "sender", "giver"],
    "second": ["second", "host", "friend", "receiver"],
    "other": ["other", "second", "partner", "rival"],
    "group": ["group", "club", "company", "firm", "side", "union", "crew", "choir"],
    "place": ["place", "city", "town", "location", "spot", "where"],
}


def _a_group(rng: random.Random) -> str:
    if rng.random() < 0.4:
        return rng.choice(read_table("teams"))["team"]
    return f"{invented_name(rng)} {rng.choice(['Club', 'Group', 'Choir', 'Union', 'Lab'])}"


def names_pair(rng: random.Random) -> tuple[str, str]:
    """Who is who in one line, with unseen names: short, dense practice in copying into fields."""
    one, two, group, where = person(rng), person(rng), _a_group(rng), place(rng)
    line, fields = rng.choice(
        [
            (f"{one} meets {two} in {where}", {"first": one, "second": two, "place": where}),
            (f"{group} welcomes {one}", {"name": one, "group": group}),
            (f"{one} of {group} thanks {two}", {"name": one, "group": group, "other": two}),
            (f"{where} news: {one} visits {group}", {"name": one, "group": group, "place": where}),
            (f"Dinner at {group}, {one} cooks for {two}", {"name": one, "group": group, "other": two}),
            (f"Can {one} help {group}?", {"name": one, "group": group}),
            (f"{two} gives {where} a new park", {"name": two, "place": where}),
            (f"{one} writes to {group} from {where}", {"name": one, "group": group, "place": where}),
            (f"{group} thank {one} for the cake", {"name": one, "group": group}),
        ]
    )
    named = {
        rng.choice(FIELD_NAMES[key]) if rng.random() < 0.85 else rng.choice(common_words()): value
        for key, value in fields.items()
    }
    kind = rng.random()
    if kind < 0.55:
        keys = list(named)
        rng.shuffle(keys)
        answer = json.dumps({key: named[key] for key in keys}, ensure_ascii=False)
        return f"Extract {', '.join(keys)} as JSON.\n{line}", answer
    if kind < 0.7:
        key = rng.choice(list(named))
        return f"{line}\nWhat is the {key}?", named[key]
    return f"Repeat: {line}", line


def _repeat(rng: random.Random) -> tuple[str, str]:
    kind = rng.random()
    text = (
        phrase(rng, 1, 8) if kind < 0.5 else everyday_sentence(rng) if kind < 0.8 else innocent_sentence(rng)
    )
    return rng.choice(
        ["Repeat: {}", "Say: {}", "Repeat after me: {}", "Copy this text: {}", "Echo: {}"]
    ).format(text), text


def _upper(rng: random.Random) -> tuple[str, str]:
    text = phrase(rng, 1, 6)
    return rng.choice(["Write in upper case: {}", "Make this upper case: {}"]).format(text), text.upper()


def _position(rng: random.Random) -> tuple[str, str]:
    words = [word(rng) for _ in range(rng.randint(3, 6))]
    name, index = rng.choice([("first", 0), ("second", 1), ("last", -1)])
    return f"What is the {name} word of this list: {', '.join(words)}?", words[index]


def _bullets(rng: random.Random) -> tuple[str, str]:
    words = [word(rng) for _ in range(rng.randint(2, 6))]
    asked = rng.choice(["Make a bullet list: {}", "Turn this into bullet points: {}"]).format(
        ", ".join(words)
    )
    return asked, "\n".join("- " + text for text in words)


def _json_list(rng: random.Random) -> tuple[str, str]:
    words = [word(rng) for _ in range(rng.randint(2, 6))]
    return "Make a JSON list: " + ", ".join(words), json.dumps(words, ensure_ascii=False)


def _spelling(rng: random.Random) -> tuple[str, str]:
    text = rng.choice(common_words())
    return rng.choice([f"Spell {text}.", f"How do you spell {text}?"]), "-".join(text.upper())


def _replacing(rng: random.Random) -> tuple[str, str]:
    old, new, words = word(rng), word(rng), phrase(rng, 2, 5).split()
    words.insert(rng.randrange(len(words) + 1), old)
    return f"Replace '{old}' by '{new}': {' '.join(words)}", " ".join(
        new if text == old else text for text in words
    )


def _lookup(rng: random.Random) -> tuple[str, str]:
    pairs = {word(rng): word(rng) for _ in range(rng.randint(3, 6))}
    wanted = rng.choice(list(pairs))
    return "\n".join(f"{left} = {right}" for left, right in pairs.items()) + f"\n{wanted} =", pairs[wanted]


def _confirming(rng: random.Random) -> tuple[str, str]:
    number = code(rng)
    return rng.choice(
        [f"My code is {number}. Please confirm it.", f"Order {number}: confirm."]
    ), f"Confirmed: {number}."


def _to_object(rng: random.Random) -> tuple[str, str]:
    """'a: x, b: y' becomes an object: any word can be a key."""
    keys = list(dict.fromkeys(word(rng) for _ in range(rng.randint(1, 4))))
    values = {
        key: rng.choice([phrase(rng, 1, 2), invented_word(rng), rng.randint(1, 999), person(rng)])
        for key in keys
    }
    line = ", ".join(f"{key}: {value}" for key, value in values.items())
    return f"Make a JSON object: {line}", json.dumps(values, ensure_ascii=False)


TASKS = [
    _repeat,
    _repeat,
    _upper,
    _position,
    _bullets,
    _json_list,
    _spelling,
    _replacing,
    _lookup,
    _confirming,
    _to_object,
    _to_object,
]


def copying_chat(rng: random.Random) -> Example:
    """One to four copying tasks in one chat."""
    turns: Turns = [
        names_pair(rng) if rng.random() < 0.55 else rng.choice(TASKS)(rng) for _ in range(rng.randint(1, 4))
    ]
    return chat(None, turns, "copying")


def named_assistant_chat(rng: random.Random) -> Example:
    """The assistant's own name and house stand in the system prompt."""
    name, house = invented_name(rng), capitalised(phrase(rng, 1, 3))
    return chat(
        f"You are {name}, an assistant of {house}.",
        [(rng.choice(["Who are you?", "What is your name?"]), f"I am {name}, an assistant of {house}.")],
        "named",
    )
