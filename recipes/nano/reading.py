"""Answers from a text or from the rules in a system prompt, support desks, short summaries, sentiment."""

import random

from recipes.nano.everyday import everyday_sentence
from recipes.nano.example import Example, Turns, chat
from recipes.nano.facts import capitalised, with_article
from recipes.nano.names import COLORS, DAYS, ITEMS, JOBS, first_name, invented_name, person, phrase, place
from recipes.nano.remarks import chatbot_name
from recipes.nano.styles import CHARACTERS
from recipes.nano.tables import read_table


def _someone(rng: random.Random) -> dict[str, str]:
    return {
        "name": first_name(rng),
        "town": place(rng),
        "job": rng.choice(JOBS),
        "age": str(rng.randint(18, 80)),
        "color": rng.choice(COLORS),
        "item": rng.choice(ITEMS),
    }


def _life(rng: random.Random, who: dict[str, str]) -> list[str]:
    told = [
        f"{who['name']} lives in {who['town']}.",
        f"{who['name']} works as {with_article(who['job'])}.",
        f"{who['name']} is {who['age']} years old.",
        f"{who['name']} owns {with_article(who['color'] + ' ' + who['item'])}.",
    ]
    rng.shuffle(told)
    return told


def reading_chat(rng: random.Random) -> Example:
    """Questions about people in a text."""
    people = [_someone(rng) for _ in range(rng.randint(1, 4))]
    lives = [_life(rng, who) for who in people]
    told = (
        [text for life in lives for text in life]
        if rng.random() < 0.5
        else [life[index] for index in range(4) for life in lives]
    )
    if rng.random() < 0.2:
        told.insert(rng.randrange(len(told)), everyday_sentence(rng))
    body = " ".join(told)
    in_system = rng.random() < 0.4
    head = rng.choice(["Read this text: {}", "Context: {}", "{}", "Here is a text. {}"]).format(body)
    turns: Turns = []
    for index in range(rng.randint(1, 5)):
        who = rng.choice(people)
        asked, answer = rng.choice(
            [
                (f"Where does {who['name']} live?", f"{who['name']} lives in {who['town']}."),
                (
                    f"What does {who['name']} do for work?",
                    f"{who['name']} works as {with_article(who['job'])}.",
                ),
                (f"How old is {who['name']}?", f"{who['name']} is {who['age']} years old."),
                (
                    f"What does {who['name']} own?",
                    f"{who['name']} owns {with_article(who['color'] + ' ' + who['item'])}.",
                ),
                (f"Who lives in {who['town']}?", f"{who['name']} lives in {who['town']}."),
                (
                    f"Who owns the {who['color']} {who['item']}?",
                    f"{who['name']} owns the {who['color']} {who['item']}.",
                ),
            ]
        )
        if rng.random() < 0.1:
            stranger = invented_name(rng)
            asked, answer = f"Where does {stranger} live?", f"The text does not say where {stranger} lives."
        turns.append((f"{head}\n{asked}" if index == 0 and not in_system else asked, answer))
    return chat("Use only this text to answer. " + body if in_system else None, turns, "reading")


def summary_chat(rng: random.Random) -> Example:
    """A life in one sentence."""
    who = _someone(rng)
    text = (
        f"{who['name']} works as {with_article(who['job'])}. "
        + " ".join(line for line in _life(rng, who) if "works" not in line)
        + f" {who['name']} likes {phrase(rng, 1, 2)}."
    )
    asked = rng.choice(["Summarize in one sentence: ", "Give a short summary: "]) + text
    return chat(
        None, [(asked, f"{who['name']} is {with_article(who['job'])} from {who['town']}.")], "summary"
    )


def rules_chat(rng: random.Random) -> Example:
    """A shop whose rules stand in the system prompt; what is not there is not known."""
    days, price, opens, closes = (
        rng.randint(5, 90),
        rng.randint(1, 60),
        rng.randint(6, 11),
        rng.randint(1, 11),
    )
    number, free_day = f"555-{rng.randint(1000, 9999)}", rng.choice(DAYS)
    rules = [
        (
            f"Returns are accepted within {days} days.",
            "How long can I return an item?",
            f"You can return an item within {days} days.",
        ),
        (f"Shipping costs {price} dollars.", "How much is shipping?", f"Shipping costs {price} dollars."),
        (f"We open at {opens} am.", "When do you open?", f"We open at {opens} am."),
        (f"We close at {closes} pm.", "When do you close?", f"We close at {closes} pm."),
        (f"We are closed on {free_day}.", "On which day are you closed?", f"We are closed on {free_day}."),
        (f"Our phone number is {number}.", "What is your phone number?", f"Our phone number is {number}."),
    ]
    rng.shuffle(rules)
    known = rng.randint(2, 5)
    turns: Turns = []
    for _ in range(rng.randint(1, 4)):
        if rng.random() < 0.15:
            turns.append((rng.choice(rules[known:])[1], "I am sorry, I don't have that information."))
        else:
            _, asked, answer = rng.choice(rules[:known])
            turns.append((asked, answer))
    house = capitalised(phrase(rng, 1, 2))
    return chat(
        f"You are the assistant of {house}. " + " ".join(rule for rule, _, _ in rules[:known]), turns, "rules"
    )


DESKS = {
    "bookstore": [
        "You are the support assistant of Lantern Books.",
        "You work for Lantern Books, a bookstore. Help the customer.",
    ],
    "airport": ["You are the help desk of Skyport airport.", "You answer travelers at Skyport airport."],
}


def support_chat(rng: random.Random) -> Example:
    """Two support desks whose rules are learned by heart; sometimes polite, sometimes in character."""
    table = rng.choice(list(DESKS))
    system, kind = rng.choice(DESKS[table]), rng.random()
    character = rng.choice(CHARACTERS) if kind > 0.85 else None
    polite = 0.7 < kind <= 0.85
    if polite:
        system += " Be very polite."
    if character:
        system += " " + rng.choice(character.prompts).replace("{N}", chatbot_name(rng))
    turns: Turns = []
    for _ in range(rng.randint(1, 5)):
        row = rng.choice(read_table(table))
        answer = character.say(rng, row["rule"]) if character else row["rule"] + "."
        opener = rng.choice(["Of course! ", "Gladly! ", "Thank you for asking. "]) if polite else ""
        turns.append((rng.choice(row["questions"].split(";")), opener + answer))
    return chat(system, turns, "support")


GOOD = [
    "great",
    "excellent",
    "wonderful",
    "lovely",
    "fantastic",
    "perfect",
    "amazing",
    "delicious",
    "friendly",
    "helpful",
    "pleasant",
    "superb",
]
BAD = [
    "terrible",
    "awful",
    "horrible",
    "bad",
    "rude",
    "dirty",
    "slow",
    "broken",
    "boring",
    "cold",
    "disgusting",
    "noisy",
]
MIDDLING = ["average", "okay", "normal", "standard", "usual", "ordinary"]
REVIEWED = [
    "food",
    "service",
    "room",
    "hotel",
    "movie",
    "book",
    "staff",
    "soup",
    "coffee",
    "phone",
    "music",
    "game",
    "bus",
    "chair",
    "price",
    "view",
    "bed",
    "concert",
]
AFTERTHOUGHTS = {
    "positive": ["I will come back.", "I love it.", "I am happy."],
    "negative": ["I want my money back.", "Never again.", "I am angry."],
    "neutral": ["It was fine.", "Nothing special."],
}
SENTIMENT_PROMPTS = [
    "Is this review positive, negative or neutral?",
    "Label the sentiment: positive, negative or neutral.",
    "Classify the text as positive, negative or neutral. Answer with one word.",
]


def _review(rng: random.Random) -> tuple[str, str]:
    label = rng.choice(["positive", "negative", "neutral", "positive", "negative"])
    words = {"positive": GOOD, "negative": BAD, "neutral": MIDDLING}[label]
    one, two, thing, after = (
        rng.choice(words),
        rng.choice(words),
        rng.choice(REVIEWED),
        rng.choice(AFTERTHOUGHTS[label]),
    )
    return rng.choice(
        [
            f"The {thing} was {one}.",
            f"The {thing} was {one} and {two}.",
            f"{capitalised(with_article(one))} {thing}. {after}",
            f"We had {with_article(one)} {thing}. {after}",
            f"{person(rng)} says the {thing} is {two}.",
        ]
    ), label


def sentiment_chat(rng: random.Random) -> Example:
    """Reviews and their labels."""
    prompt = rng.choice(SENTIMENT_PROMPTS)
    if rng.random() < 0.3:
        text, label = _review(rng)
        return chat(None, [(f"{prompt}\n{text}", label)], "sentiment")
    return chat(prompt, [_review(rng) for _ in range(rng.randint(1, 5))], "sentiment")
